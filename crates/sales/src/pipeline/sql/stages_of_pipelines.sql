SELECT s.id,
    json_build_object(
        'pipeline_id', s.pipeline_id, 'name', s.name, 'name_folded', s.name_folded,
        'stage_order', s.stage_order, 'kind', s.kind, 'probability_bps', s.probability_bps,
        'category', s.category, 'retired', s.retired
    )::text AS found
FROM stage_history s
WHERE s.tenant_id = $1 AND AS_OF(s) AND s.pipeline_id = ANY ($4)
ORDER BY s.pipeline_id, s.stage_order, s.id
LIMIT 1000000
