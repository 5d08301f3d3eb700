-- The history of logins: API keys, and the subjects of tokens. Rows are written by the append transaction alone.
CREATE TABLE login_history (
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
    person_id     uuid,
    service       text,
    secret_sha256 text,
    issuer        text,
    subject_claim text,
    expires_at    timestamptz,
    made_at       timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id, valid_from, recorded_from),
    CHECK (valid_from < valid_to),
    CHECK (recorded_from < recorded_to),
    CONSTRAINT login_history_begins CHECK (isfinite(valid_from))
);
-- One version stands at an instant; the append finds the row to close or to end by this key.
CREATE UNIQUE INDEX login_history_standing ON login_history (tenant_id, id, valid_from)
    WHERE recorded_to = 9223372036854775807;
-- Pages in the order of their name, and names by prefix.
CREATE INDEX login_history_name ON login_history (tenant_id, name_folded text_pattern_ops, id)
    WHERE recorded_to = 9223372036854775807;
-- What the server reads every second: the logins that open something, of all tenants.
CREATE INDEX login_history_live ON login_history (tenant_id, id)
    WHERE recorded_to = 9223372036854775807 AND valid_to = 'infinity' AND status = 'live';

ALTER TABLE login_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE login_history FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON login_history TO quarterdeck_app
    USING (tenant_id = (SELECT nullif(current_setting('quarterdeck.tenant', true), '')::uuid));
GRANT SELECT, INSERT, DELETE, UPDATE (valid_to, closed_at, recorded_to) ON login_history TO quarterdeck_app;
ALTER TABLE login_history SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02, fillfactor = 90);

-- The watch role reads the logins of all tenants, for a request is not run before it is known whose it is. Of a key it
-- sees the hash of a secret of 256 bits of chance, which opens nothing.
CREATE POLICY every_login ON login_history FOR SELECT TO quarterdeck_watch USING (true);
GRANT SELECT (tenant_id, id, valid_to, recorded_to, status, person_id, service, secret_sha256, issuer, subject_claim,
    expires_at) ON login_history TO quarterdeck_watch;
