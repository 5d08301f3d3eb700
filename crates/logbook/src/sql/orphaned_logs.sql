SELECT DISTINCT b.tenant_id FROM log_batch b
WHERE NOT EXISTS (SELECT FROM tenant t WHERE t.tenant_id = b.tenant_id)
ORDER BY b.tenant_id
LIMIT 100
