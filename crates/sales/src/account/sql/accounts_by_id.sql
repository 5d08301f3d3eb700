SELECT a.id, row_to_json(a)::text AS found
FROM account_history a
WHERE a.tenant_id = $1 AND AS_OF(a) AND a.id = ANY ($4)
ORDER BY a.id
LIMIT 1000
