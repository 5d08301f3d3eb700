SELECT page.id, page.status, page.name, page.pipeline_id, page.stage_id, page.owner_id, page.account_id, page.product_id,
       page.amount_minor, page.currency, page.close_on, page.category, page.probability_bps, page.next_step,
       page.next_step_due_on, page.opened_on, page.closed_on, page.cycle_days, page.closed_reason, page.competitor,
       page.merged_into, page.external_id, page.assumed, page.dates_conflict, page.number_key, page.text_key
FROM (
    SELECT d.id, d.status, d.name, d.pipeline_id, d.stage_id, d.owner_id, d.account_id, d.product_id, d.amount_minor,
           d.currency, d.close_on, d.category, d.probability_bps, d.next_step, d.next_step_due_on, d.opened_on,
           d.closed_on, d.cycle_days, d.closed_reason, d.competitor, d.merged_into, d.external_id, d.assumed,
           d.dates_conflict,
           CASE $22::text
               WHEN 'AMOUNT' THEN coalesce(d.amount_minor, $23::bigint)
               WHEN 'OPENED_ON' THEN d.opened_on - date '2000-01-01'
               WHEN 'CLOSE_DATE' THEN coalesce(coalesce(d.closed_on, d.close_on) - date '2000-01-01', $23)
               ELSE 0
           END AS number_key,
           CASE $22 WHEN 'NAME' THEN d.name_folded ELSE '' END AS text_key
    FROM deal_history d
    WHERE d.tenant_id = $1 AND AS_OF(d)
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
) page
WHERE $24::bigint IS NULL
   OR (page.number_key, page.text_key COLLATE "C", page.id) < ($24::bigint, $25::text COLLATE "C", $26::uuid)
ORDER BY page.number_key DESC, page.text_key COLLATE "C" DESC, page.id DESC
LIMIT $27
