-- The history of products and their list prices. Rows are written by the append transaction alone.
CREATE TABLE product_history (
    tenant_id        uuid NOT NULL,
    id               uuid NOT NULL,
    valid_from       timestamptz NOT NULL,
    valid_to         timestamptz NOT NULL,
    recorded_from    bigint NOT NULL,
    closed_at        bigint NOT NULL,
    recorded_to      bigint NOT NULL,
    status           text NOT NULL,
    name             text NOT NULL,
    name_folded      text NOT NULL,
    list_price_minor bigint,
    currency         text,
    external_id      text,
    PRIMARY KEY (tenant_id, id, valid_from, recorded_from),
    CHECK (valid_from < valid_to),
    CHECK (recorded_from < recorded_to)
);
-- One version stands at an instant; the append finds the row to close or to end by this key.
CREATE UNIQUE INDEX product_history_standing ON product_history (tenant_id, id, valid_from)
    WHERE recorded_to = 9223372036854775807;
CREATE INDEX product_history_from ON product_history (tenant_id, valid_from, valid_to)
    WHERE recorded_to = 9223372036854775807;
-- Pages in the order of their name, and names by prefix.
CREATE INDEX product_history_name ON product_history (tenant_id, name_folded text_pattern_ops, id)
    WHERE recorded_to = 9223372036854775807;

ALTER TABLE product_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE product_history FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON product_history TO quarterdeck_app
    USING (tenant_id = (SELECT nullif(current_setting('quarterdeck.tenant', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON product_history TO quarterdeck_app;
ALTER TABLE product_history SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02, fillfactor = 90);
