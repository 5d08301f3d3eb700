SELECT d.id, d.status, d.owner_id, d.amount_minor, d.currency, d.close_on, d.closed_on, d.opened_on, d.pipeline_id,
       d.stage_id, d.category, d.probability_bps, d.valid_from
FROM deal_history d
WHERE d.tenant_id = $1 AND AS_OF(d) AND d.status = 'open' AND d.close_on >= $4::date AND d.close_on < $5::date
  AND ($6::uuid[] IS NULL OR d.owner_id = ANY ($6))
ORDER BY d.id
LIMIT 1000000
