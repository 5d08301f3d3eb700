-- The history of people: their names, roles and teams. Rows are written by the append transaction alone.
CREATE TABLE person_history (
    tenant_id     uuid NOT NULL,
    id            uuid NOT NULL,
    valid_from    timestamptz NOT NULL,
    valid_to      timestamptz NOT NULL,
    recorded_from bigint NOT NULL,
    closed_at     bigint NOT NULL,
    recorded_to   bigint NOT NULL,
    status        text NOT NULL,
    name          text NOT NULL,
    name_folded   text NOT NULL,
    email         text,
    role          text,
    team_id       uuid,
    on_leave      boolean NOT NULL,
    leave_reason  text,
    voluntary     boolean,
    regretted     boolean,
    hired_at      timestamptz NOT NULL,
    external_id   text,
    PRIMARY KEY (tenant_id, id, valid_from, recorded_from),
    CHECK (valid_from < valid_to),
    CHECK (recorded_from < recorded_to)
);
-- One version stands at an instant; the append finds the row to close or to end by this key.
CREATE UNIQUE INDEX person_history_standing ON person_history (tenant_id, id, valid_from)
    WHERE recorded_to = 9223372036854775807;
CREATE INDEX person_history_from ON person_history (tenant_id, valid_from, valid_to)
    WHERE recorded_to = 9223372036854775807;
-- Pages in the order of their name, and names by prefix.
CREATE INDEX person_history_name ON person_history (tenant_id, name_folded text_pattern_ops, id)
    WHERE recorded_to = 9223372036854775807;
CREATE INDEX person_history_team ON person_history (tenant_id, team_id, valid_from)
    WHERE recorded_to = 9223372036854775807;

ALTER TABLE person_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_history FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON person_history TO quarterdeck_app
    USING (tenant_id = (SELECT nullif(current_setting('quarterdeck.tenant', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON person_history TO quarterdeck_app;
ALTER TABLE person_history SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02, fillfactor = 90);
