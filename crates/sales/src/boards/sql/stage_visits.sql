SELECT visit.stage_id, count(*) AS entries, count(DISTINCT visit.id) AS deals,
       count(*) FILTER (WHERE visit.left_at IS NULL) AS staying,
       count(visit.days) AS n, sum(visit.days)::bigint AS days,
       percentile_cont(ARRAY[0.5, 0.75, 0.9]) WITHIN GROUP (ORDER BY visit.days::float8) AS percentiles
FROM (
    SELECT island.id, island.stage_id, island.left_at,
           (island.left_at AT TIME ZONE $22::text)::date - (island.entered_at AT TIME ZONE $22)::date AS days
    FROM (
    SELECT part.id, part.stage_id, min(part.valid_from) AS entered_at,
           CASE WHEN NOT bool_or(part.stays) THEN max(part.left_at) END AS left_at
    FROM (
        SELECT step.id, step.stage_id, step.valid_from, step.last_row AND step.status = 'open' AS stays,
               CASE step.status WHEN 'open' THEN step.next_from ELSE step.valid_from END AS left_at,
               count(*) FILTER (WHERE step.begins) OVER (PARTITION BY step.id ORDER BY step.valid_from) AS visit_number
        FROM (
            SELECT d.id, d.stage_id, d.status, d.valid_from,
                   lead(d.valid_from) OVER deal IS NULL AS last_row,
                   lead(d.valid_from) OVER deal AS next_from,
                   lag(d.stage_id) OVER deal IS DISTINCT FROM d.stage_id AS begins
            FROM deal_history d
            WHERE d.tenant_id = $1 AND UP_TO(d) AND d.status <> 'merged'
              AND d.id IN (SELECT d.id FROM deal_history d
                           WHERE d.tenant_id = $1 AND AS_OF(d) AND d.status <> 'merged'
                             AND ($4::text[] IS NULL OR d.status = ANY ($4))
                             AND ($5::uuid[] IS NULL OR d.stage_id = ANY ($5))
                             AND ($6::uuid[] IS NULL OR d.owner_id = ANY ($6))
                             AND ($7::uuid[] IS NULL OR d.account_id = ANY ($7))
                             AND ($8::uuid[] IS NULL OR d.product_id = ANY ($8))
                             AND ($9::uuid[] IS NULL OR d.pipeline_id = ANY ($9))
                             AND ($10::text IS NULL OR (d.name_folded ~>=~ $10 AND d.name_folded ~<~ $11))
                             AND ($12::bigint IS NULL OR d.amount_minor >= $12)
                             AND ($13::bigint IS NULL OR d.amount_minor < $13)
                             AND ($14::text IS NULL OR d.currency = $14)
                             AND ($15::date IS NULL OR d.opened_on >= $15)
                             AND ($16::date IS NULL OR d.opened_on < $16)
                             AND ($17::date IS NULL OR coalesce(d.closed_on, d.close_on) >= $17)
                             AND ($18::date IS NULL OR coalesce(d.closed_on, d.close_on) < $18)
                             AND ($19::text[] IS NULL OR d.external_id = ANY ($19))
                             AND ($20::boolean IS NULL OR d.dates_conflict = $20)
                             AND ($21::boolean IS NULL OR (cardinality(d.assumed) > 0) = $21)
                          )
            WINDOW deal AS (PARTITION BY d.id ORDER BY d.valid_from)
        ) step
    ) part
    GROUP BY part.id, part.stage_id, part.visit_number
    ) island
) visit
GROUP BY visit.stage_id
ORDER BY visit.stage_id
LIMIT 10000
