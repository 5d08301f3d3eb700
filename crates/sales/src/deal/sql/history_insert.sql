INSERT INTO deal_history (tenant_id, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, status, name,
    name_folded, pipeline_id, stage_id, owner_id, account_id, product_id, amount_minor, currency, close_on, category,
    probability_bps, next_step, next_step_due_on, opened_on, closed_on, cycle_days, closed_reason, competitor, merged_into,
    external_id, assumed, dates_conflict)
SELECT $1, id, valid_from, valid_to, recorded_from, closed_at, recorded_to, status, name, name_folded, pipeline_id,
    stage_id, owner_id, account_id, product_id, amount_minor, currency, close_on, category, probability_bps, next_step,
    next_step_due_on, opened_on, closed_on, cycle_days, closed_reason, competitor, merged_into, external_id, assumed,
    dates_conflict
FROM json_to_recordset($2::text::json) AS new (id uuid, valid_from timestamptz, valid_to timestamptz,
    recorded_from bigint, closed_at bigint, recorded_to bigint, status text, name text, name_folded text,
    pipeline_id uuid, stage_id uuid, owner_id uuid, account_id uuid, product_id uuid, amount_minor bigint, currency text,
    close_on date, category text, probability_bps integer, next_step text, next_step_due_on date, opened_on date,
    closed_on date, cycle_days integer, closed_reason text, competitor text, merged_into uuid, external_id text,
    assumed text[], dates_conflict boolean)
