-- The history of reporting lines: id is the person, and a row stands while they report to somebody. Rows are written
-- by the append transaction alone.
CREATE TABLE reporting_history (
    tenant_id     uuid NOT NULL,
    id            uuid NOT NULL,
    valid_from    timestamptz NOT NULL,
    valid_to      timestamptz NOT NULL,
    recorded_from bigint NOT NULL,
    closed_at     bigint NOT NULL,
    recorded_to   bigint NOT NULL,
    manager_id    uuid NOT NULL,
    PRIMARY KEY (tenant_id, id, valid_from, recorded_from),
    CHECK (valid_from < valid_to),
    CHECK (recorded_from < recorded_to)
);
-- One version stands at an instant; the append finds the row to close or to end by this key.
CREATE UNIQUE INDEX reporting_history_standing ON reporting_history (tenant_id, id, valid_from)
    WHERE recorded_to = 9223372036854775807;
CREATE INDEX reporting_history_from ON reporting_history (tenant_id, valid_from, valid_to)
    WHERE recorded_to = 9223372036854775807;
CREATE INDEX reporting_history_manager ON reporting_history (tenant_id, manager_id, valid_from)
    WHERE recorded_to = 9223372036854775807;

ALTER TABLE reporting_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE reporting_history FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON reporting_history TO quarterdeck_app
    USING (tenant_id = (SELECT nullif(current_setting('quarterdeck.tenant', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON reporting_history TO quarterdeck_app;
ALTER TABLE reporting_history SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02, fillfactor = 90);
