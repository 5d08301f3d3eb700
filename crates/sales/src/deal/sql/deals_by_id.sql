SELECT d.id, d.status, d.name, d.pipeline_id, d.stage_id, d.owner_id, d.account_id, d.product_id, d.amount_minor,
       d.currency, d.close_on, d.category, d.probability_bps, d.next_step, d.next_step_due_on, d.opened_on, d.closed_on,
       d.cycle_days, d.closed_reason, d.competitor, d.merged_into, d.external_id, d.assumed, d.dates_conflict
FROM deal_history d
WHERE d.tenant_id = $1 AND AS_OF(d) AND d.id = ANY ($4)
ORDER BY d.id
LIMIT 1000
