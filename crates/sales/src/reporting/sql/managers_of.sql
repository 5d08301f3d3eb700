SELECT r.id, r.manager_id
FROM reporting_history r
WHERE r.tenant_id = $1 AND AS_OF(r) AND r.id = ANY ($4)
ORDER BY r.id
LIMIT 1000
