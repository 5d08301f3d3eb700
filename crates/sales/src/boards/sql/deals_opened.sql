SELECT d.id, d.status, d.owner_id, d.amount_minor, d.currency, d.close_on, d.closed_on, d.opened_on, d.pipeline_id,
       d.stage_id, d.category, d.probability_bps, d.valid_from, d.cycle_days
FROM deal_history d
WHERE d.tenant_id = $1 AND AS_OF(d) AND d.status <> 'merged' AND d.opened_on >= $6::date AND d.opened_on < $7::date
  AND ($4::uuid[] IS NULL OR d.owner_id = ANY ($4)) AND ($5::uuid[] IS NULL OR d.pipeline_id = ANY ($5))
ORDER BY d.id
LIMIT 1000000
