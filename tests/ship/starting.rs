//! What must be so before a server starts, and what its login may do.

use crate::harness::{Ship, connected, in_role};
use logbook::startup::{self, Unfit};

async fn started(ship: &Ship, config: &tokio_postgres::Config) -> Result<Vec<String>, Unfit> {
    let mut config = config.clone();
    config.dbname(&ship.database);
    startup::check(&connected(&config).await).await
}

#[tokio::test]
async fn a_server_starts_in_the_app_role_and_in_no_other() {
    let ship = Ship::launch().await;
    assert_eq!(started(&ship, &in_role(&ship.config, "quarterdeck_app")).await.unwrap(), Vec::<String>::new());
    let owner = started(&ship, &in_role(&ship.admin, "quarterdeck_owner")).await.unwrap_err();
    assert!(owner.to_string().contains("owns the tables"), "{owner}");
    let superuser = started(&ship, &ship.admin).await.unwrap_err();
    assert!(superuser.to_string().contains("is a superuser"), "{superuser}");
    let demoted = started(&ship, &in_role(&ship.admin, "quarterdeck_app")).await.unwrap();
    assert!(demoted[0].contains("SET ROLE would climb back"), "{demoted:?}");
    ship.superuser().await.batch_execute("ALTER TABLE deal_history NO FORCE ROW LEVEL SECURITY").await.unwrap();
    let unwalled = started(&ship, &in_role(&ship.config, "quarterdeck_app")).await.unwrap_err();
    assert!(unwalled.to_string().contains("deal_history"), "{unwalled}");
    ship.superuser().await.batch_execute("ALTER TABLE deal_history FORCE ROW LEVEL SECURITY").await.unwrap();
    let older =
        "DELETE FROM refinery_schema_history WHERE version = (SELECT max(version) FROM refinery_schema_history)";
    ship.superuser().await.batch_execute(older).await.unwrap();
    let behind = started(&ship, &in_role(&ship.config, "quarterdeck_app")).await.unwrap_err();
    assert!(behind.to_string().contains("run quarterdeck migrate"), "{behind}");
}

/// A login of the test's own: roles belong to the whole cluster, so it goes with the test.
struct Login<'a> {
    ship: &'a Ship,
    name: String,
}

impl<'a> Login<'a> {
    async fn new(ship: &'a Ship, how: &str, roles: &str) -> Self {
        let name = format!("login_{}", logbook::fresh_id().simple());
        let grant = if roles.is_empty() { String::new() } else { format!("GRANT {roles} TO {name}") };
        ship.superuser().await.batch_execute(&format!("CREATE ROLE {name} LOGIN {how}; {grant}")).await.unwrap();
        Self { ship, name }
    }

    /// How a start in a role ends, in words: its warnings, or why not.
    async fn starts(self, role: &str) -> Result<Vec<String>, String> {
        let mut config = self.ship.config.clone();
        config.user(&self.name);
        let config = if role.is_empty() { config } else { in_role(&config, role) };
        let ended = started(self.ship, &config).await.map_err(|unfit| unfit.to_string());
        self.ship.superuser().await.batch_execute(&format!("DROP ROLE {}", self.name)).await.unwrap();
        ended
    }
}

const BOTH: &str = "quarterdeck_app, quarterdeck_watch";
const APP: &str = "quarterdeck_app";

#[tokio::test]
async fn a_login_that_could_not_serve_is_told_which_grant_it_lacks() {
    let ship = Ship::launch().await;
    let started = async |how, roles, role| Login::new(&ship, how, roles).await.starts(role).await;
    assert_eq!(started("NOINHERIT", BOTH, APP).await, Ok(vec![]));
    assert_eq!(started("INHERIT", BOTH, APP).await, Ok(vec![]), "what it could inherit, the role lacks");
    let cases = [
        ("NOINHERIT", BOTH, "quarterdeck_watch", "has not the rights of quarterdeck_app"),
        ("NOINHERIT", BOTH, "", "has not the rights of quarterdeck_app"),
        ("INHERIT", BOTH, "", "has the rights of quarterdeck_watch too"),
        ("NOINHERIT", "", "", "has not the rights of quarterdeck_app"),
        ("NOINHERIT", APP, APP, "may not take the role quarterdeck_watch"),
        ("INHERIT", APP, "", "may not take the role quarterdeck_watch"),
    ];
    for (how, roles, role, words) in cases {
        let refused = started(how, roles, role).await.unwrap_err();
        assert!(refused.contains(words), "{how} {roles} as {role}: {refused}");
        assert!(refused.contains("Run GRANT quarterdeck_"), "{refused}");
    }
}

#[tokio::test]
async fn a_login_that_could_climb_is_warned_of() {
    let ship = Ship::launch().await;
    let cases = [
        ("NOINHERIT BYPASSRLS", BOTH, "bypasses row-level security"),
        ("NOINHERIT", "quarterdeck_app, quarterdeck_watch, quarterdeck_owner", "is a member of quarterdeck_owner"),
        ("SUPERUSER", BOTH, "is a superuser"),
    ];
    for (how, roles, words) in cases {
        let warnings = Login::new(&ship, how, roles).await.starts(APP).await.unwrap();
        assert!(warnings[0].contains(words) && warnings.len() == 1, "{how} {roles}: {warnings:?}");
    }
}

#[tokio::test]
async fn the_login_of_our_own_postgresql_cannot_switch_the_log_s_triggers_off() {
    let ship = Ship::launch().await;
    let superuser = ship.superuser().await;
    let login = Login::new(&ship, "NOINHERIT", "quarterdeck_owner").await; // as a program of before left it
    logbook::migrate::admit(&superuser, &login.name).await.unwrap();
    let mut config = ship.config.clone();
    let client = connected(config.user(&login.name)).await;
    let refused = client.batch_execute("SET ROLE quarterdeck_owner").await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "42501", "{refused}");
    client.batch_execute("SET ROLE quarterdeck_app; SET ROLE quarterdeck_watch").await.unwrap();
    drop(client);
    assert_eq!(login.starts(APP).await, Ok(vec![]));
}

#[tokio::test]
async fn the_app_closes_and_ends_history_rows_and_changes_nothing_else_of_them() {
    let ship = Ship::launch().await;
    let granted = "SELECT table_name::text, string_agg(column_name, ' ' ORDER BY column_name)
        FROM information_schema.column_privileges
        WHERE grantee = 'quarterdeck_app' AND privilege_type = 'UPDATE' AND table_name LIKE '%\\_history'
        GROUP BY table_name";
    let granted = ship.superuser().await.query(granted, &[]).await.unwrap();
    assert_eq!(granted.len(), ship.registry().tables().count());
    for row in granted {
        let (table, columns): (String, String) = (row.get(0), row.get(1));
        assert_eq!(columns, "closed_at recorded_to valid_to", "{table}: GRANT UPDATE on these columns alone");
    }
}

#[tokio::test]
async fn a_postgresql_that_could_lose_what_was_answered_is_refused() {
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let folder = std::env::temp_dir().join(format!("quarterdeck-unsafe-{}-{setting}", std::process::id()));
        let options = vec![format!("{setting}=off"), "shared_buffers=16MB".to_owned()];
        let settings = local_postgres::Settings { options, ..local_postgres::Settings::default() };
        let cluster = local_postgres::Cluster::attach(&folder, settings).await.unwrap();
        let mut admin = connected(&cluster.admin_config("quarterdeck")).await;
        logbook::migrate::migrate(&mut admin).await.unwrap();
        logbook::migrate::admit(&admin, "quarterdeck").await.unwrap();
        drop(admin);
        let client = connected(&in_role(&cluster.config(), "quarterdeck_app")).await;
        let refused = startup::check(&client).await.unwrap_err();
        assert!(matches!(refused, Unfit::NotDurable { .. }), "{refused}");
        assert!(refused.to_string().contains(&format!("{setting} = off")), "{refused}");
        drop(client);
        cluster.finish().await.unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
