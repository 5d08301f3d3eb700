-- What is expected to close in a period, and what closed in one, at any instant and by any knowledge: the two ends of a
-- waterfall, and the ways between them. Both are covering, so that figures scan them alone.
CREATE INDEX deal_history_due ON deal_history (tenant_id, close_on, valid_from, valid_to)
    INCLUDE (id, recorded_from, closed_at, recorded_to, owner_id, amount_minor, currency, closed_on, opened_on,
             pipeline_id, stage_id, category, probability_bps, status)
    WHERE status = 'open';
CREATE INDEX deal_history_closed ON deal_history (tenant_id, closed_on, valid_from, valid_to)
    INCLUDE (id, recorded_from, closed_at, recorded_to, owner_id, amount_minor, currency, opened_on, close_on, pipeline_id,
             stage_id, account_id, product_id, cycle_days, status)
    WHERE status IN ('won', 'lost', 'no_decision');
