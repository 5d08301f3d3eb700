-- The history of deals: one row per version, on two clocks. Rows are written by the append transaction alone.
CREATE TABLE deal_history (
    tenant_id        uuid        NOT NULL,
    id               uuid        NOT NULL,
    valid_from       timestamptz NOT NULL,
    valid_to         timestamptz NOT NULL,
    recorded_from    bigint      NOT NULL,
    closed_at        bigint      NOT NULL,
    recorded_to      bigint      NOT NULL,
    status           text        NOT NULL,
    name             text        NOT NULL,
    name_folded      text        NOT NULL,
    pipeline_id      uuid        NOT NULL,
    stage_id         uuid        NOT NULL,
    owner_id         uuid        NOT NULL,
    account_id       uuid,
    product_id       uuid,
    amount_minor     bigint,
    currency         text,
    close_on         date,
    category         text,
    probability_bps  integer,
    next_step        text,
    next_step_due_on date,
    opened_on        date        NOT NULL,
    closed_on        date,
    cycle_days       integer,
    closed_reason    text,
    competitor       text,
    merged_into      uuid,
    external_id      text,
    assumed          text[]      NOT NULL,
    dates_conflict   boolean     NOT NULL,
    PRIMARY KEY (tenant_id, id, valid_from, recorded_from),
    CHECK (valid_from < valid_to),
    CHECK (recorded_from < recorded_to)
);
-- One version stands at an instant; the append finds the row to close or to end by this key.
CREATE UNIQUE INDEX deal_history_standing ON deal_history (tenant_id, id, valid_from)
    WHERE recorded_to = 9223372036854775807;
-- Figures as of an instant with current knowledge, from either side of the history.
CREATE INDEX deal_history_from ON deal_history (tenant_id, valid_from, valid_to)
    INCLUDE (status, stage_id, owner_id, account_id, product_id, amount_minor, currency, close_on, opened_on, closed_on,
             cycle_days)
    WHERE recorded_to = 9223372036854775807;
CREATE INDEX deal_history_to ON deal_history (tenant_id, valid_to, valid_from)
    INCLUDE (status, stage_id, owner_id, account_id, product_id, amount_minor, currency, close_on, opened_on, closed_on,
             cycle_days)
    WHERE recorded_to = 9223372036854775807;
-- Figures with past knowledge.
CREATE INDEX deal_history_known ON deal_history (tenant_id, valid_from, valid_to)
    INCLUDE (recorded_from, closed_at, recorded_to, status, stage_id, owner_id, account_id, product_id, amount_minor,
             currency, close_on, opened_on, closed_on, cycle_days);
-- Pages in the order of their name, and names by prefix.
CREATE INDEX deal_history_name ON deal_history (tenant_id, name_folded text_pattern_ops, id)
    WHERE recorded_to = 9223372036854775807;

ALTER TABLE deal_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE deal_history FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON deal_history TO quarterdeck_app
    USING (tenant_id = (SELECT nullif(current_setting('quarterdeck.tenant', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON deal_history TO quarterdeck_app;
ALTER TABLE deal_history SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02, fillfactor = 90);
