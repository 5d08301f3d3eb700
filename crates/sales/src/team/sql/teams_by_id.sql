SELECT t.id, row_to_json(t)::text AS found
FROM team_history t
WHERE t.tenant_id = $1 AND AS_OF(t) AND t.id = ANY ($4)
ORDER BY t.id
LIMIT 1000
