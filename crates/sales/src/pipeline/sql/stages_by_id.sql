SELECT s.id, row_to_json(s)::text AS found
FROM stage_history s
WHERE s.tenant_id = $1 AND AS_OF(s) AND s.id = ANY ($4)
ORDER BY s.id
LIMIT 1000
