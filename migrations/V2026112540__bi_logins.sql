-- BI logins: each is a login of PostgreSQL that reads one tenant. Which tenant follows from who logged in, never from a
-- setting that the session could change. The role's number is kept beside its name: a login that was dropped and made
-- again, here or on another server that a backup was read into, is another one and reads nothing until it is granted.
CREATE TABLE bi_login (
    login      name        NOT NULL PRIMARY KEY,
    role       oid         NOT NULL,
    tenant_id  uuid        NOT NULL,
    granted_at timestamptz NOT NULL
);
ALTER TABLE bi_login ENABLE ROW LEVEL SECURITY;
ALTER TABLE bi_login FORCE ROW LEVEL SECURITY;
-- The owner is taken by administrators alone, for granting and revoking.
CREATE POLICY granting ON bi_login TO quarterdeck_owner USING (true) WITH CHECK (true);
CREATE POLICY own_login ON bi_login FOR SELECT TO quarterdeck_bi
    USING (login = session_user AND role = to_regrole(quote_ident(session_user))::oid);
GRANT SELECT (login, role, tenant_id) ON bi_login TO quarterdeck_bi;

GRANT USAGE ON SCHEMA bi TO quarterdeck_bi;

-- What a tenant is called and how far its log goes.
CREATE POLICY own_tenant_of_bi ON tenant FOR SELECT TO quarterdeck_bi
    USING (tenant_id = (SELECT l.tenant_id FROM public.bi_login l WHERE l.login = session_user));
GRANT SELECT (name, currency, time_zone) ON tenant TO quarterdeck_bi;
CREATE POLICY own_tenant_of_bi ON log_batch FOR SELECT TO quarterdeck_bi
    USING (tenant_id = (SELECT l.tenant_id FROM public.bi_login l WHERE l.login = session_user));
GRANT SELECT (last_position, recorded_at) ON log_batch TO quarterdeck_bi;

REVOKE EXECUTE ON FUNCTION refuse_change() FROM PUBLIC;
