SELECT d.id, d.status, d.owner_id, d.amount_minor, d.currency, d.close_on, d.closed_on, d.opened_on, d.pipeline_id,
       d.stage_id, d.category, d.probability_bps, d.valid_from, d.recorded_from
FROM deal_history d
WHERE d.tenant_id = $1 AND UP_TO(d) AND (d.valid_to > $4::timestamptz OR $3 < d.closed_at)
  AND d.id IN (SELECT o.id FROM deal_history o
               WHERE o.tenant_id = $1 AND UP_TO(o) AND (o.valid_to > $4 OR $3 < o.closed_at)
                 AND o.status = 'open' AND o.close_on >= $5::date AND o.close_on < $6::date
                 AND ($7::uuid[] IS NULL OR o.owner_id = ANY ($7))
               UNION
               SELECT c.id FROM deal_history c
               WHERE c.tenant_id = $1 AND UP_TO(c) AND c.valid_from > $4
                 AND c.status IN ('won', 'lost', 'no_decision') AND c.closed_on >= $5 AND c.closed_on < $6
                 AND ($7 IS NULL OR c.owner_id = ANY ($7)))
ORDER BY d.id, d.valid_from
LIMIT 1000000
