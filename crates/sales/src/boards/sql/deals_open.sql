SELECT d.id, d.status, d.owner_id, d.amount_minor, d.currency, d.close_on, d.closed_on, d.opened_on, d.pipeline_id,
       d.stage_id, d.category, d.probability_bps, d.valid_from
FROM deal_history d
WHERE d.tenant_id = $1 AND AS_OF(d) AND d.status = 'open'
  AND ($6::date IS NULL OR d.close_on >= $6) AND ($7::date IS NULL OR d.close_on < $7)
  AND ($4::uuid[] IS NULL OR d.owner_id = ANY ($4)) AND ($5::uuid[] IS NULL OR d.pipeline_id = ANY ($5))
ORDER BY d.id
LIMIT 1000000
