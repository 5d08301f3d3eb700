//! What a superuser changes behind our back is named; what others try is refused.

use crate::{
    fixtures::crew,
    harness::{Ship, connected, in_role},
};
use logbook::startup::{self, Unfit};

/// A ship with a handful of deals.
async fn laden() -> Ship {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    for number in 0..6 {
        crew.open(&ship, &format!("Deal {number}"), "2026-02-02", "1.00").await;
    }
    ship
}

async fn verified(ship: &Ship) -> Result<logbook::Verified, String> {
    logbook::verify(ship.logbook.pool(), ship.tenant.id).await.map_err(|failure| failure.to_string())
}

#[tokio::test]
async fn every_kind_of_change_is_named_with_its_position() {
    let cases = [
        ("UPDATE event SET payload = set_byte(payload, 20, 120) WHERE position = 9", "9"),
        ("UPDATE event SET actor = 'somebody else' WHERE position = 9", "9"),
        ("UPDATE event SET effective_at = effective_at - interval '1 day' WHERE position = 9", "9"),
        ("UPDATE event SET reason = 'because' WHERE position = 9", "9"),
        ("UPDATE event SET leaf = set_byte(leaf, 0, 1), payload = set_byte(payload, 20, 120) WHERE position = 9", "9"),
        ("DELETE FROM event WHERE position = 9", "9"),
        ("UPDATE log_batch SET root = set_byte(root, 0, get_byte(root, 0) # 1) WHERE last_position = 9", "9"),
        ("UPDATE log_batch SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE last_position = 9", "9"),
        ("DELETE FROM log_batch WHERE last_position = (SELECT max(last_position) FROM log_batch)", ""),
        ("UPDATE command SET first_position = 1, last_position = 1 WHERE first_position = 9", ""),
    ];
    for (change, position) in cases {
        let ship = laden().await;
        let whole = verified(&ship).await.unwrap();
        assert!(whole.events > 15 && !whole.simulated);
        let superuser = ship.superuser().await;
        let disarmed = "ALTER TABLE event DISABLE TRIGGER ALL; ALTER TABLE log_batch DISABLE TRIGGER ALL; \
            ALTER TABLE command DISABLE TRIGGER ALL";
        superuser.batch_execute(disarmed).await.unwrap();
        superuser.batch_execute(change).await.unwrap();
        let failure = verified(&ship).await.expect_err(change);
        assert!(failure.contains(position), "{change}: {failure}");
    }
}

#[tokio::test]
async fn the_log_is_append_only_for_the_app_and_for_a_superuser_s_plain_statement() {
    let ship = laden().await;
    let app = connected(&in_role(&ship.config, "quarterdeck_app")).await;
    app.batch_execute(&format!("SET quarterdeck.tenant = '{}'", ship.tenant.id)).await.unwrap();
    let superuser = ship.superuser().await;
    for table in ["event", "log_batch", "command"] {
        for statement in [
            format!("UPDATE {table} SET tenant_id = tenant_id"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
        ] {
            let refused = app.batch_execute(&statement).await.unwrap_err();
            assert_eq!(refused.code().unwrap().code(), "42501", "{statement}");
            for role in ["origin", "replica"] {
                superuser.batch_execute(&format!("SET session_replication_role = {role}")).await.unwrap();
                let refused = superuser.batch_execute(&statement).await.unwrap_err().to_string();
                let told = superuser.batch_execute(&statement).await.unwrap_err();
                let message = told.as_db_error().map_or(refused, |error| error.message().to_owned());
                assert!(message.contains("append-only"), "{statement} as {role}: {message}");
            }
        }
    }
    verified(&ship).await.unwrap();
}

#[tokio::test]
async fn a_rebuild_finds_and_mends_what_is_wrong_and_nothing_else() {
    let ship = laden().await;
    let rebuild =
        async |check| logbook::rebuild(ship.logbook.pool(), ship.registry(), &ship.tenant, check).await.unwrap();
    assert!(rebuild(true).await.all_right());
    let superuser = ship.superuser().await;
    let changes = "UPDATE deal_history SET amount_minor = 1 WHERE name = 'Deal 1';
        DELETE FROM deal_history WHERE name = 'Deal 2';
        INSERT INTO team_history SELECT tenant_id, '00000000-0000-7000-8000-000000000001', valid_from, valid_to,
            recorded_from, closed_at, recorded_to, 'Ghosts', 'ghosts', parent_id, external_id FROM team_history LIMIT 1";
    superuser.batch_execute(changes).await.unwrap();
    let found = rebuild(true).await;
    let count = |name: &str| {
        let table = found.tables.iter().find(|table| table.name == name).unwrap();
        (table.different.count, table.missing.count, table.extra.count)
    };
    assert_eq!((count("deal_history"), count("team_history")), ((1, 1, 0), (0, 0, 1)));
    assert!(!rebuild(true).await.all_right(), "a check writes nothing");
    assert!(!rebuild(false).await.all_right(), "it tells what it mends");
    assert!(rebuild(true).await.all_right());
}

async fn started(ship: &Ship, config: &tokio_postgres::Config) -> Result<Vec<String>, Unfit> {
    let mut config = config.clone();
    config.dbname(&ship.database);
    startup::check(&connected(&config).await).await
}

#[tokio::test]
async fn a_server_starts_in_the_app_role_and_in_no_other() {
    let ship = Ship::launch().await;
    assert_eq!(started(&ship, &in_role(&ship.config, "quarterdeck_app")).await.unwrap(), Vec::<String>::new());
    let owner = started(&ship, &in_role(&ship.config, "quarterdeck_owner")).await.unwrap_err();
    assert!(owner.to_string().contains("owns the tables"), "{owner}");
    let superuser = started(&ship, &ship.admin).await.unwrap_err();
    assert!(superuser.to_string().contains("is a superuser"), "{superuser}");
    let demoted = started(&ship, &in_role(&ship.admin, "quarterdeck_app")).await.unwrap();
    assert!(demoted[0].contains("SET ROLE none would climb back"), "{demoted:?}");
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
