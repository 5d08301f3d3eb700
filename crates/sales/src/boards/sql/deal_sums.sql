SELECT kept.first_key, kept.second_key, kept.status, kept.currency, count(*) AS deals, count(kept.amount_minor) AS priced,
       coalesce(sum(kept.amount_minor), 0)::text AS amount_minor
FROM (
    SELECT CASE $22::text
               WHEN 'STAGE' THEN d.stage_id::text
               WHEN 'STATUS' THEN d.status
               WHEN 'OWNER' THEN d.owner_id::text
               WHEN 'TEAM' THEN grouped.team_id::text
               WHEN 'REGION' THEN grouped.region_id::text
               WHEN 'ACCOUNT' THEN d.account_id::text
               WHEN 'PRODUCT' THEN d.product_id::text
               WHEN 'CLOSE_MONTH' THEN to_char(coalesce(d.closed_on, d.close_on), 'YYYY-MM')
               WHEN 'CLOSE_QUARTER' THEN to_char(coalesce(d.closed_on, d.close_on), 'YYYY-"Q"Q')
               WHEN 'OPEN_MONTH' THEN to_char(d.opened_on, 'YYYY-MM')
           END AS first_key,
           CASE $23::text
               WHEN 'STAGE' THEN d.stage_id::text
               WHEN 'STATUS' THEN d.status
               WHEN 'OWNER' THEN d.owner_id::text
               WHEN 'TEAM' THEN grouped.team_id::text
               WHEN 'REGION' THEN grouped.region_id::text
               WHEN 'ACCOUNT' THEN d.account_id::text
               WHEN 'PRODUCT' THEN d.product_id::text
               WHEN 'CLOSE_MONTH' THEN to_char(coalesce(d.closed_on, d.close_on), 'YYYY-MM')
               WHEN 'CLOSE_QUARTER' THEN to_char(coalesce(d.closed_on, d.close_on), 'YYYY-"Q"Q')
               WHEN 'OPEN_MONTH' THEN to_char(d.opened_on, 'YYYY-MM')
           END AS second_key,
           d.status, d.currency, d.amount_minor
    FROM deal_history d
    LEFT JOIN unnest($24::uuid[], $25::uuid[], $26::uuid[]) AS grouped (person_id, team_id, region_id)
           ON grouped.person_id = d.owner_id
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
) kept
GROUP BY kept.first_key, kept.second_key, kept.status, kept.currency
ORDER BY kept.first_key, kept.second_key, kept.status, kept.currency
LIMIT 100000
