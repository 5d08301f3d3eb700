SELECT d.id, d.status, d.owner_id, d.amount_minor, d.currency, d.close_on, d.closed_on, d.opened_on, d.pipeline_id,
       d.stage_id, d.category, d.probability_bps, d.valid_from
FROM deal_history d
WHERE d.tenant_id = $1 AND AS_OF(d) AND d.id = ANY ($4::uuid[])
ORDER BY d.id
LIMIT 1000000
