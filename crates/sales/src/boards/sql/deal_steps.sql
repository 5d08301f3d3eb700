SELECT step.id, step.valid_from, step.pipeline_id, step.stage_id, step.status
FROM (
    SELECT d.id, d.valid_from, d.pipeline_id, d.stage_id, d.status, lag(d.stage_id) OVER deal AS stage_before,
           lag(d.status) OVER deal AS status_before
    FROM deal_history d
    WHERE d.tenant_id = $1 AND UP_TO(d)
      AND d.id IN (SELECT e.id FROM deal_history e
                   WHERE e.tenant_id = $1 AND AS_OF(e) AND e.status <> 'merged'
                     AND ($4::uuid[] IS NULL OR e.owner_id = ANY ($4))
                     AND ($5::uuid[] IS NULL OR e.pipeline_id = ANY ($5)))
      AND d.id IN (SELECT o.id FROM deal_history o
                   WHERE o.tenant_id = $1 AND UP_TO(o) AND o.status = 'open' AND o.valid_from < $7::timestamptz
                     AND (o.valid_to >= $6::timestamptz OR $3 < o.closed_at))
    WINDOW deal AS (PARTITION BY d.id ORDER BY d.valid_from)
) step
WHERE step.stage_before IS DISTINCT FROM step.stage_id OR step.status_before IS DISTINCT FROM step.status
ORDER BY step.id, step.valid_from
LIMIT 1000000
