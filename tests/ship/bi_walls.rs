//! What a BI login may not do: object by object from the catalogue, and attempt by attempt.

use crate::{
    bi::{Desk, texts},
    harness::connected,
};
use std::collections::BTreeSet;
use tokio_postgres::Client;

/// Every privilege on every object that the login has and a reader of its tenant's views does not need.
const BEYOND: &str = r"
    WITH me AS (SELECT '$L'::name AS login)
    SELECT 'relation ' || c.oid::regclass || ': ' || p.privilege
    FROM me, pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p (privilege)
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege(me.login, c.oid, p.privilege)
      AND NOT (p.privilege = 'SELECT' AND c.relnamespace IN ('bi'::regnamespace, 'pg_catalog'::regnamespace,
                                                              'information_schema'::regnamespace))
      AND NOT (c.relname = 'pg_settings' AND p.privilege = 'UPDATE') -- another way to say SET
    UNION ALL
    SELECT 'column ' || c.oid::regclass || '.' || a.attname || ': ' || p.privilege
    FROM me, pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped,
         unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p (privilege)
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_column_privilege(me.login, c.oid, a.attnum, p.privilege)
      AND c.relnamespace NOT IN ('bi'::regnamespace, 'pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      AND NOT (p.privilege = 'SELECT' AND (
          c.relname IN ('bi_login', 'tenant', 'log_batch')
          OR a.attname IN ('valid_to', 'recorded_from', 'closed_at', 'recorded_to')
          OR EXISTS (SELECT FROM pg_attribute v WHERE v.attname = a.attname
                     AND v.attrelid = to_regclass('bi.' || replace(c.relname, '_history', '_now')))))
    UNION ALL
    SELECT 'sequence ' || c.oid::regclass || ': ' || p.privilege
    FROM me, pg_class c, unnest(ARRAY['SELECT', 'USAGE', 'UPDATE']) p (privilege)
    WHERE c.relkind = 'S' AND has_sequence_privilege(me.login, c.oid, p.privilege)
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure
    FROM me, pg_proc p
    WHERE has_function_privilege(me.login, p.oid, 'EXECUTE') AND p.pronamespace NOT IN ('pg_catalog'::regnamespace,
          'information_schema'::regnamespace)
      AND NOT (p.pronamespace = 'bi'::regnamespace AND p.proname ~ '(_as_of|^position_at)$')
    UNION ALL
    SELECT 'function ' || p.oid::regprocedure
    FROM me, pg_proc p
    WHERE has_function_privilege(me.login, p.oid, 'EXECUTE') AND p.pronamespace = 'pg_catalog'::regnamespace
      AND p.proname ~ '^(lo_|loread|lowrite|pg_advisory|pg_try_advisory|pg_notify|pg_read_|pg_write_|pg_ls_|pg_stat_file|pg_logical_emit|pg_replication_origin_c|pg_create_restore|pg_switch_|pg_promote|pg_reload|pg_rotate|pg_stat_reset|pg_backup|pg_log_)'
      AND p.proname NOT LIKE '%\_old' -- of an extension long gone; they ask for a superuser themselves
    UNION ALL
    SELECT 'schema ' || n.nspname || ': ' || p.privilege
    FROM me, pg_namespace n, unnest(ARRAY['CREATE', 'USAGE']) p (privilege)
    WHERE has_schema_privilege(me.login, n.oid, p.privilege)
      AND NOT (p.privilege = 'USAGE' AND n.nspname IN ('bi', 'public', 'pg_catalog', 'information_schema'))
    UNION ALL
    SELECT 'database: ' || p.privilege
    FROM me, unnest(ARRAY['CREATE', 'TEMPORARY']) p (privilege)
    WHERE has_database_privilege(me.login, current_database(), p.privilege)
    UNION ALL
    SELECT 'language ' || l.lanname FROM me, pg_language l
    WHERE has_language_privilege(me.login, l.oid, 'USAGE') AND l.lanpltrusted AND l.lanname NOT IN ('sql', 'plpgsql')
    UNION ALL
    SELECT 'tablespace ' || t.spcname FROM me, pg_tablespace t WHERE has_tablespace_privilege(me.login, t.oid, 'CREATE')
    UNION ALL
    SELECT 'foreign server ' || s.srvname FROM me, pg_foreign_server s WHERE has_server_privilege(me.login, s.oid, 'USAGE')
    UNION ALL
    SELECT 'foreign data wrapper ' || w.fdwname FROM me, pg_foreign_data_wrapper w
    WHERE has_foreign_data_wrapper_privilege(me.login, w.oid, 'USAGE')
    UNION ALL
    SELECT 'role ' || r.rolname FROM me, pg_roles r
    WHERE pg_has_role(me.login, r.oid, 'MEMBER') AND r.rolname NOT IN (me.login, 'quarterdeck_bi')
    UNION ALL
    SELECT 'attribute of ' || r.rolname FROM me, pg_roles r WHERE r.rolname IN (me.login, 'quarterdeck_bi')
      AND (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
    UNION ALL
    SELECT 'owner of ' || c.oid::regclass FROM me, pg_class c JOIN pg_roles r ON r.oid = c.relowner
    WHERE r.rolname IN (me.login, 'quarterdeck_bi')
    ORDER BY 1";

#[tokio::test]
async fn it_has_no_privilege_on_any_object_but_to_read_its_views() {
    let desk = Desk::open().await;
    let superuser = desk.ship.superuser().await;
    let beyond = texts(&superuser, &BEYOND.replace("$L", desk.login.as_str())).await;
    assert!(beyond.is_empty(), "{beyond:#?}");
    // The question sees what it should: each of these is found.
    let openings = [
        "GRANT DELETE ON deal_history TO quarterdeck_bi",
        "GRANT SELECT (email) ON person_history TO PUBLIC",
        "GRANT SELECT ON event TO quarterdeck_bi",
        "CREATE SEQUENCE bi.counter; GRANT USAGE ON SEQUENCE bi.counter TO PUBLIC",
        "CREATE FUNCTION bi.act() RETURNS int LANGUAGE sql RETURN 1",
        "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC",
        "GRANT EXECUTE ON FUNCTION lo_create(oid) TO PUBLIC",
        "GRANT CREATE ON SCHEMA bi TO quarterdeck_bi",
        "DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END $$",
    ];
    for (opened, opening) in openings.into_iter().enumerate() {
        superuser.batch_execute(opening).await.unwrap();
        let beyond = texts(&superuser, &BEYOND.replace("$L", desk.login.as_str())).await;
        assert!(beyond.len() > opened, "{opening}: {beyond:#?}");
    }
    // What is no table's but everybody's, as in a database that was restored, is closed again with the migrations.
    let mut administrator = desk.ship.superuser().await;
    logbook::migrate::migrate(&mut administrator).await.unwrap();
    let beyond = format!("{:?}", texts(&superuser, &BEYOND.replace("$L", desk.login.as_str())).await);
    assert!(!["pg_advisory", "lo_create", "TEMPORARY"].iter().any(|open| beyond.contains(open)), "{beyond}");
    desk.close().await;
}

/// Attempts that have nothing to do with one of our tables.
const ATTEMPTS: &[&str] = &[
    "SET ROLE quarterdeck_app",
    "SET ROLE quarterdeck_owner",
    "SET ROLE quarterdeck_watch",
    "SET ROLE quarterdeck_admin",
    "SET SESSION AUTHORIZATION quarterdeck",
    "SET SESSION AUTHORIZATION quarterdeck_admin",
    "SET temp_file_limit = -1",
    "SET session_replication_role = replica",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1",
    "ALTER ROLE quarterdeck PASSWORD 'x'",
    "GRANT quarterdeck_owner TO CURRENT_USER",
    "CREATE ROLE climber",
    "CREATE DATABASE climber",
    "CREATE SCHEMA climber",
    "CREATE TABLE public.climber (id int)",
    "CREATE TABLE bi.climber (id int)",
    "CREATE TEMP TABLE climber (id int)",
    "CREATE TEMP VIEW climber AS SELECT 1",
    "SELECT 1 INTO TEMP climber",
    "CREATE VIEW bi.climber AS SELECT 1",
    "CREATE MATERIALIZED VIEW bi.climber AS SELECT 1",
    "CREATE SEQUENCE bi.climber",
    "CREATE TYPE bi.climber AS ENUM ('a')",
    "CREATE FUNCTION bi.climber() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.climber() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION dblink",
    "CREATE PUBLICATION climber FOR ALL TABLES",
    "CREATE SUBSCRIPTION climber CONNECTION 'dbname=x' PUBLICATION x WITH (connect = false)",
    "CREATE EVENT TRIGGER climber ON ddl_command_start EXECUTE FUNCTION public.refuse_change()",
    "CREATE TRIGGER climber BEFORE INSERT ON public.tenant EXECUTE FUNCTION public.refuse_change()",
    "CREATE POLICY climber ON public.deal_history USING (true)",
    "CREATE RULE climber AS ON SELECT TO bi.deal_now DO INSTEAD SELECT 1",
    "CREATE SERVER climber FOREIGN DATA WRAPPER postgres_fdw",
    "ALTER TABLE public.deal_history DISABLE ROW LEVEL SECURITY",
    "ALTER VIEW bi.deal_now SET (security_invoker = false)",
    "ALTER SYSTEM SET fsync = off",
    "DROP VIEW bi.deal_now",
    "CHECKPOINT",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_import('/etc/hostname')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock(42)",
    "SELECT pg_advisory_xact_lock_shared(1, 2)",
    "SELECT pg_notify('a', 'b')",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT pg_create_physical_replication_slot('climber')",
    "SELECT pg_create_logical_replication_slot('climber', 'pgoutput')",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_read_file_old('PG_VERSION', 0, 1)",
    "SELECT pg_rotate_logfile_old()",
    "SELECT pg_reload_conf()",
    "SELECT pg_stat_reset()",
    "SELECT rolpassword FROM pg_authid",
    "SELECT passwd FROM pg_shadow",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/quarterdeck-climber'",
    "COPY bi.tenant FROM PROGRAM 'true'",
    "DO $$ BEGIN INSERT INTO public.tenant (tenant_id) VALUES (gen_random_uuid()); END $$",
    "INSERT INTO public.bi_login (login) VALUES (session_user)",
    "UPDATE public.bi_login SET tenant_id = gen_random_uuid()",
    "SELECT publish_to_bi('event', ARRAY['payload'])",
    "SELECT public.publish_to_bi('event', ARRAY['payload'])",
];

#[tokio::test]
async fn it_can_make_take_and_become_nothing() {
    let desk = Desk::open().await;
    for attempt in ATTEMPTS {
        failed(&desk.bi, attempt).await;
    }
    let whose = texts(&desk.bi, "SELECT session_user, current_user").await;
    assert_eq!(whose, [[Some(desk.login.to_string()), Some(desk.login.to_string())]]);
    desk.close().await;
}

#[tokio::test]
async fn it_can_write_to_no_object_and_lock_none() {
    let desk = Desk::open().await;
    let superuser = desk.ship.superuser().await;
    let objects = texts(
        &superuser,
        "SELECT n.nspname || '.' || c.relname, c.relkind::text, (SELECT a.attname FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LIMIT 1)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'bi') AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY 1",
    )
    .await;
    assert!(objects.len() > 30, "{}", objects.len());
    let before = content(&superuser, &objects).await;
    for row in &objects {
        let (name, column) = (row[0].as_deref().unwrap(), row[2].as_deref().unwrap());
        let attempts = [
            format!("INSERT INTO {name} DEFAULT VALUES"),
            format!("UPDATE {name} SET \"{column}\" = NULL"),
            format!("DELETE FROM {name}"),
            format!("TRUNCATE {name}"),
            format!("COPY {name} FROM STDIN"),
            format!("SELECT 1 FROM {name} FOR UPDATE"),
            format!("SELECT 1 FROM {name} FOR KEY SHARE"),
            format!("MERGE INTO {name} USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE"),
            format!("COMMENT ON COLUMN {name}.\"{column}\" IS 'mine'"),
            format!("LOCK TABLE {name} IN ROW SHARE MODE"),
            format!("LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE"),
        ];
        for attempt in attempts {
            failed(&desk.bi, &attempt).await;
        }
    }
    assert_eq!(content(&superuser, &objects).await, before, "nothing was written");
    desk.close().await;
}

/// Everything that the tables hold, in short.
async fn content(superuser: &Client, objects: &[Vec<Option<String>>]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for row in objects.iter().filter(|row| row[1].as_deref() == Some("r")) {
        let name = row[0].as_deref().unwrap();
        let sum = format!(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM {name} t"
        );
        all.insert(format!("{name} {}", texts(superuser, &sum).await[0][0].as_deref().unwrap()));
    }
    all
}

/// The attempt fails, because of who tries and not because of how it is spelt.
async fn failed(bi: &Client, attempt: &str) {
    let within = attempt.starts_with("LOCK"); // which makes no sense outside a transaction; others may not be in one
    bi.batch_execute(if within { "BEGIN" } else { "" }).await.unwrap();
    let error = bi.simple_query(attempt).await.err().unwrap_or_else(|| panic!("{attempt}: it went through"));
    bi.batch_execute(if within { "ROLLBACK" } else { "" }).await.unwrap();
    let code = error.code().map(|code| code.code().to_owned()).unwrap_or_default();
    // Not allowed; no such kind of object, such as a view to truncate or to lock rows of; a view that takes no rows.
    let kinds = ["42501", "42809", "55000", "0A000", "42883", "42704"];
    assert!(kinds.contains(&code.as_str()), "{attempt}: {code} {error:?}");
}

#[tokio::test]
async fn what_a_login_cannot_be_kept_from_is_harmless() {
    let desk = Desk::open().await;
    // Nothing of ours listens, and a notification carries nothing that anybody reads.
    desk.bi.batch_execute("LISTEN anything; NOTIFY anything, 'words'; UNLISTEN *").await.unwrap();
    for comfort in ["SET statement_timeout = 0", "SET work_mem = '8MB'", "SET default_transaction_read_only = off"] {
        desk.bi.batch_execute(comfort).await.unwrap();
    }
    let mut config = desk.ship.config.clone();
    config.user(desk.login.as_str());
    let mut crowd = Vec::new();
    for _ in 1..8 {
        crowd.push(connected(&config).await);
    }
    assert!(config.connect(tokio_postgres::NoTls).await.is_err(), "the ninth connection is one too many");
    drop(crowd);
    desk.close().await;
}
