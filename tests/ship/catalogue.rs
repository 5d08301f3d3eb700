//! The walls as PostgreSQL's catalogue shows them: what stands outside of them is named here, with its reason, or fails.

use crate::{
    bi::texts,
    harness::{Ship, connected, in_role},
};
use quarterdeck::database::{Database, DatabaseError, Purpose, Settings};
use tokio_postgres::{Client, config::Host};

/// Tables that are of no tenant.
const OF_NO_TENANT: &[&str] = &[
    "refinery_schema_history", // which migrations there are: the same for all
];
/// Policies that do not ask for the tenant.
const OF_ALL_TENANTS: &[&str] = &[
    "every_head",   // the watch role wakes readers
    "every_login",  // the watch role knows keys before it is known whose a request is
    "every_tenant", // the watch role finds a tenant by its name
    "granting",     // the owner, whom administrators take, grants and revokes BI logins
    "own_login",    // a BI login finds its tenant
];
/// Indexes that do not begin with the tenant.
const ACROSS_TENANTS: &[&str] = &[
    "tenant_name_key", // a name is one tenant's
    "bi_login_pkey",   // a login is one tenant's, and known before its tenant is
];

/// Everything that stands outside the walls.
const FLAWS: &str = r"
    WITH ours AS (
        SELECT n.oid FROM pg_namespace n
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    ), tables AS (
        SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity,
               (SELECT a.attnum FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS tenant_column
        FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'f') AND c.relname <> ALL ('{$OF_NO_TENANT}')
    )
    SELECT t.relname || ' has no tenant_id' FROM tables t WHERE t.tenant_column IS NULL
    UNION ALL
    SELECT t.relname || ' has no row-level security' FROM tables t WHERE NOT t.relrowsecurity
    UNION ALL
    SELECT t.relname || ' does not force row-level security' FROM tables t WHERE NOT t.relforcerowsecurity
    UNION ALL
    SELECT t.relname || ' has no policy' FROM tables t
    WHERE NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid)
    UNION ALL
    SELECT p.polname || ' on ' || p.polrelid::regclass || ' is for everybody' FROM pg_policy p WHERE 0 = ANY (p.polroles)
    UNION ALL
    SELECT p.polname || ' on ' || p.polrelid::regclass || ' does not ask for the tenant' FROM pg_policy p
    WHERE p.polname <> ALL ('{$OF_ALL_TENANTS}')
      AND NOT (coalesce(pg_get_expr(p.polqual, p.polrelid), 'tenant_id') ~ 'tenant_id'
               AND coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'tenant_id') ~ 'tenant_id')
    UNION ALL
    SELECT i.indexrelid::regclass || ' does not lead with tenant_id' FROM pg_index i JOIN tables t ON t.oid = i.indrelid
    WHERE i.indkey[0] IS DISTINCT FROM t.tenant_column
      AND i.indexrelid::regclass::text <> ALL ('{$ACROSS_TENANTS}')
    UNION ALL
    SELECT c.oid::regclass || ' looks past the wall' FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
    WHERE c.relkind = 'm'
       OR (c.relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false))
    UNION ALL
    SELECT p.oid::regprocedure || ' has no fixed search_path' FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM unnest(p.proconfig) c (setting) WHERE c.setting LIKE 'search\_path=%')
      -- A body that was parsed when it was made (BEGIN ATOMIC) asks no search_path, and can still be inlined.
      AND (p.prosqlbody IS NULL OR p.prosecdef)
    UNION ALL
    SELECT o.what || ' is open to everybody' FROM (
        SELECT c.oid::regclass::text AS what, c.relacl AS acl FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
        UNION ALL
        SELECT c.oid::regclass || '.' || a.attname, a.attacl
        FROM pg_class c JOIN ours ON ours.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
        UNION ALL
        SELECT p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
        FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
        UNION ALL
        SELECT n.nspname, n.nspacl FROM pg_namespace n JOIN ours ON ours.oid = n.oid WHERE n.nspname <> 'public'
    ) o
    WHERE EXISTS (SELECT FROM aclexplode(o.acl) a WHERE a.grantee = 0)
    UNION ALL
    SELECT c.oid::regclass || ' is not the owner''s' FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relowner <> 'quarterdeck_owner'::regrole
    ORDER BY 1";

async fn flaws(superuser: &Client) -> Vec<String> {
    let listed = |names: &[&str]| names.join(",");
    let question = FLAWS
        .replace("$OF_NO_TENANT", &listed(OF_NO_TENANT))
        .replace("$OF_ALL_TENANTS", &listed(OF_ALL_TENANTS))
        .replace("$ACROSS_TENANTS", &listed(ACROSS_TENANTS));
    texts(superuser, &question).await.into_iter().filter_map(|row| row.into_iter().next()?).collect()
}

#[tokio::test]
async fn every_table_view_and_function_stands_behind_the_wall() {
    let ship = Ship::launch().await;
    let superuser = ship.superuser().await;
    let found = flaws(&superuser).await;
    assert!(found.is_empty(), "{found:#?}");
    let policies = texts(&superuser, "SELECT DISTINCT polname FROM pg_policy").await;
    for named in OF_ALL_TENANTS {
        assert!(policies.iter().any(|row| row[0].as_deref() == Some(named)), "there is no policy {named} to except");
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_named() {
    let ship = Ship::launch().await;
    let superuser = ship.superuser().await;
    let walled = "CREATE TABLE scratch (tenant_id uuid, id uuid, PRIMARY KEY (tenant_id, id));
        ALTER TABLE scratch ENABLE ROW LEVEL SECURITY; ALTER TABLE scratch FORCE ROW LEVEL SECURITY;
        ALTER TABLE scratch OWNER TO quarterdeck_owner;
        CREATE POLICY own ON scratch TO quarterdeck_app USING (tenant_id = gen_random_uuid());";
    let cases = [
        ("", None),
        ("ALTER TABLE scratch DISABLE ROW LEVEL SECURITY", Some("scratch has no row-level security")),
        ("ALTER TABLE scratch NO FORCE ROW LEVEL SECURITY", Some("scratch does not force")),
        ("DROP POLICY own ON scratch", Some("scratch has no policy")),
        ("ALTER TABLE scratch RENAME COLUMN tenant_id TO t", Some("scratch has no tenant_id")),
        ("ALTER POLICY own ON scratch TO PUBLIC", Some("own on scratch is for everybody")),
        ("ALTER POLICY own ON scratch USING (true)", Some("own on scratch does not ask for the tenant")),
        ("ALTER POLICY own ON scratch WITH CHECK (true)", Some("own on scratch does not ask for the tenant")),
        ("CREATE INDEX scratch_id ON scratch (id)", Some("scratch_id does not lead with tenant_id")),
        ("CREATE INDEX scratch_low ON scratch (lower(id::text))", Some("scratch_low does not lead with tenant_id")),
        ("ALTER TABLE scratch OWNER TO CURRENT_USER", Some("scratch is not the owner's")),
        ("GRANT SELECT ON scratch TO PUBLIC", Some("scratch is open to everybody")),
        ("GRANT SELECT (id) ON scratch TO PUBLIC", Some("scratch.id is open to everybody")),
        ("GRANT USAGE ON SCHEMA bi TO PUBLIC", Some("bi is open to everybody")),
        ("CREATE VIEW bi.scratched AS SELECT 1 AS one", Some("bi.scratched looks past the wall")),
        ("CREATE MATERIALIZED VIEW scratched AS SELECT 1 AS one", Some("scratched looks past the wall")),
        ("CREATE FUNCTION act() RETURNS int LANGUAGE sql AS 'SELECT 1'", Some("act() has no fixed search_path")),
        (
            "CREATE FUNCTION act() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1",
            Some("act() has no fixed search_path"),
        ),
        (
            "CREATE FUNCTION act() RETURNS int LANGUAGE sql SET search_path = pg_catalog AS 'SELECT 1'",
            Some("act() is open to everybody"),
        ),
        ("CREATE TABLE bi.loose (id int)", Some("loose has no tenant_id")),
    ];
    for (change, named) in cases {
        superuser.batch_execute(&format!("BEGIN; {walled} {change}")).await.unwrap();
        let found = flaws(&superuser).await;
        superuser.batch_execute("ROLLBACK").await.unwrap();
        match named {
            Some(named) => assert!(found.iter().any(|flaw| flaw.contains(named)), "{change}: {found:?}"),
            None => assert!(found.is_empty(), "{found:?}"),
        }
    }
}

/// How a command opens the ship's database under a login of it.
fn settings(ship: &Ship, login: &str, options: &str) -> Settings {
    let Host::Unix(socket) = &ship.config.get_hosts()[0] else { panic!("a socket") };
    let (socket, port) = (socket.display(), ship.config.get_ports()[0]);
    let url = format!("host={socket} port={port} user={login} dbname={} {options}", ship.database);
    Settings { data: None, url: Some(url), authorities: None, bi_listen: None }
}

#[tokio::test]
async fn whoever_logs_in_ends_up_behind_the_wall() {
    let ship = Ship::launch().await;
    let admin = ship.admin.get_user().unwrap();
    let plain = Database::open(&settings(&ship, admin, ""), Purpose::Serve).await.err().unwrap();
    assert!(matches!(plain, DatabaseError::Unfit(_)) && plain.to_string().contains("is a superuser"), "{plain}");
    // The superuser of docker's image, and the login of our own PostgreSQL.
    for login in [admin, "quarterdeck"] {
        let demoted = settings(&ship, login, "options='-c role=quarterdeck_app'");
        let database = Database::open(&demoted, Purpose::Serve).await.unwrap();
        assert_eq!(database.warnings.len(), usize::from(login == admin), "{:?}", database.warnings);
        let client = database.app.get().await.unwrap();
        client.batch_execute("RESET ALL").await.unwrap();
        client.batch_execute("DISCARD ALL").await.unwrap();
        let whose = texts(&client, "SELECT current_user, current_setting('is_superuser')").await;
        assert_eq!(whose[0][0].as_deref(), Some("quarterdeck_app"), "{login}");
        for table in ["tenant", "event", "log_lock"] {
            let seen = texts(&client, &format!("SELECT 1 FROM {table}")).await;
            assert!(seen.is_empty(), "{login} sees {table} without a tenant");
        }
        drop(client);
        database.leave().await;
    }
    let bare = connected(&ship.config).await;
    assert_eq!(bare.simple_query("SELECT 1 FROM event").await.unwrap_err().code().unwrap().code(), "42501");
    let owner = connected(&in_role(&ship.admin, "quarterdeck_owner")).await;
    assert!(texts(&owner, "SELECT 1 FROM tenant").await.is_empty(), "not even the owner sees past it");
}
