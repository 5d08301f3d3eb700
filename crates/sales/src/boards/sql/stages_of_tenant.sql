SELECT s.id, s.pipeline_id, s.stage_order, s.kind, s.probability_bps, s.category
FROM stage_history s
WHERE s.tenant_id = $1 AND AS_OF(s)
ORDER BY s.id
LIMIT 100000
