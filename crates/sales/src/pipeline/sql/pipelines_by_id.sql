SELECT p.id, row_to_json(p)::text AS found
FROM pipeline_history p
WHERE p.tenant_id = $1 AND AS_OF(p) AND p.id = ANY ($4)
ORDER BY p.id
LIMIT 1000
