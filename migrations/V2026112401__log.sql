-- The log of every tenant: append-only by grant and by trigger, gapless by the lock row.
-- The roles quarterdeck_owner, quarterdeck_app and quarterdeck_watch exist before this runs; it runs as quarterdeck_owner.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TABLE tenant (
    tenant_id  uuid        NOT NULL PRIMARY KEY,
    name       text        NOT NULL UNIQUE,
    currency   text        NOT NULL,
    time_zone  text        NOT NULL,
    created_at timestamptz NOT NULL
);

-- Never updated but for the epoch; every append holds its tenant's row.
CREATE TABLE log_lock (
    tenant_id uuid   NOT NULL PRIMARY KEY,
    epoch     bigint NOT NULL DEFAULT 1
);

CREATE TABLE log_batch (
    tenant_id      uuid        NOT NULL,
    last_position  bigint      NOT NULL,
    first_position bigint      NOT NULL,
    epoch          bigint      NOT NULL,
    recorded_at    timestamptz NOT NULL,
    previous_hash  bytea       NOT NULL,
    root           bytea       NOT NULL,
    hash           bytea       NOT NULL,
    PRIMARY KEY (tenant_id, last_position),
    CHECK (first_position <= last_position)
);
CREATE INDEX log_batch_recorded ON log_batch (tenant_id, recorded_at, last_position);

CREATE TABLE event (
    tenant_id          uuid        NOT NULL,
    position           bigint      NOT NULL,
    stream_kind        text        NOT NULL,
    stream_id          uuid        NOT NULL,
    stream_version     bigint      NOT NULL,
    type               text        NOT NULL,
    schema_version     integer     NOT NULL,
    effective_at       timestamptz NOT NULL,
    recorded_at        timestamptz NOT NULL,
    replaces           bigint,
    source_recorded_at timestamptz,
    command_id         uuid        NOT NULL,
    correlation_id     uuid        NOT NULL,
    causation_id       uuid,
    actor              text        NOT NULL,
    on_behalf_of       text,
    source             text        NOT NULL,
    reason             text,
    payload            bytea       NOT NULL,
    sealed             bytea,
    sealed_key_id      uuid,
    leaf               bytea       NOT NULL,
    PRIMARY KEY (tenant_id, position),
    UNIQUE (tenant_id, stream_id, stream_version)
);
CREATE INDEX event_correlation ON event (tenant_id, correlation_id, position);

CREATE TABLE command (
    tenant_id      uuid        NOT NULL,
    command_id     uuid        NOT NULL,
    request_hash   bytea       NOT NULL,
    first_position bigint,
    last_position  bigint      NOT NULL,
    result         text        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, command_id)
);

CREATE TABLE stream_snapshot (
    tenant_id      uuid   NOT NULL,
    stream_id      uuid   NOT NULL,
    stream_version bigint NOT NULL,
    position       bigint NOT NULL,
    state          bytea  NOT NULL,
    PRIMARY KEY (tenant_id, stream_id, stream_version)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenant', 'log_lock', 'log_batch', 'event', 'command', 'stream_snapshot'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_tenant ON %I TO quarterdeck_app
            USING (tenant_id = (SELECT nullif(current_setting(''quarterdeck.tenant'', true), '''')::uuid))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO quarterdeck_app', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['log_batch', 'event', 'command', 'stream_snapshot'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', name);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER never_truncated', name);
        EXECUTE format('ALTER TABLE %I SET (autovacuum_vacuum_insert_scale_factor = 0.02,
            autovacuum_analyze_scale_factor = 0.02)', name);
    END LOOP;
END
$$;

-- SELECT .. FOR UPDATE needs UPDATE on a column; the epoch is the one that may ever change.
GRANT UPDATE (epoch) ON log_lock TO quarterdeck_app;

-- The watch role reads across tenants what wakes readers and what names a tenant, and nothing else.
CREATE POLICY every_head ON log_batch FOR SELECT TO quarterdeck_watch USING (true);
CREATE POLICY every_tenant ON tenant FOR SELECT TO quarterdeck_watch USING (true);
GRANT SELECT (tenant_id, last_position, recorded_at) ON log_batch TO quarterdeck_watch;
GRANT SELECT ON tenant TO quarterdeck_watch;
GRANT SELECT ON refinery_schema_history TO quarterdeck_app, quarterdeck_watch;
