SELECT s.id, row_to_json(s)::text AS found
FROM stage_history s
WHERE s.tenant_id = $1 AND AS_OF(s) AND s.pipeline_id = ANY ($4)
ORDER BY s.pipeline_id, s.stage_order, s.id
LIMIT 10000
