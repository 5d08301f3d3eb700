//! What a superuser changes behind our back is named; what others try is refused.

use crate::{
    fixtures::crew,
    harness::{Ship, connected, in_role},
};
use logbook::VerifyFailure;

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

/// An event like the ninth, at another position, of a stream and a command of its own.
fn slipped_in(position: i64) -> String {
    format!(
        "CREATE TEMP TABLE slipped AS SELECT * FROM event WHERE position = 9;
         UPDATE slipped SET position = {position}, stream_id = gen_random_uuid(), stream_version = 1;
         INSERT INTO event SELECT * FROM slipped"
    )
}

const LEAF: &str = "the event's bytes do not give the hash that is stored with it";

/// What is changed, the first position at which the log is then wrong, and words of what is wrong there.
fn changes() -> Vec<(String, i64, &'static str)> {
    let plain = changes_of_events().into_iter().chain(changes_of_batches_and_commands());
    let mut all: Vec<_> = plain.map(|(sql, position, words)| (sql.to_owned(), position, words)).collect();
    for position in [0, -7, i64::MIN, 19] {
        all.push((slipped_in(position), position, "the event belongs to no batch"));
    }
    all
}

type Change = (&'static str, i64, &'static str);

fn changes_of_events() -> Vec<Change> {
    vec![
        ("UPDATE event SET payload = set_byte(payload, 20, 120) WHERE position = 9", 9, LEAF),
        ("UPDATE event SET actor = 'somebody else' WHERE position = 9", 9, LEAF),
        ("UPDATE event SET effective_at = effective_at - interval '1 day' WHERE position = 9", 9, LEAF),
        ("UPDATE event SET effective_at = 'infinity' WHERE position = 9", 9, "it cannot be read"),
        ("UPDATE event SET recorded_at = '-infinity' WHERE position = 9", 9, "it cannot be read"),
        ("UPDATE event SET source = 'rumour' WHERE position = 9", 9, "it cannot be read"),
        ("UPDATE event SET reason = 'because' WHERE position = 9", 9, LEAF),
        ("UPDATE event SET sealed = '\\x01' WHERE position = 9", 9, LEAF),
        (
            "UPDATE event SET leaf = set_byte(leaf, 0, 1), payload = set_byte(payload, 20, 120) WHERE position = 9",
            9,
            LEAF,
        ),
        (
            "UPDATE event SET position = -1 WHERE position = 9; UPDATE event SET position = 9 WHERE position = 10;
             UPDATE event SET position = 10 WHERE position = -1",
            9,
            LEAF,
        ),
        ("DELETE FROM event WHERE position = 9", 9, "there is no event"),
        ("DELETE FROM event WHERE position = 18", 18, "there is no event"),
        ("DELETE FROM event WHERE position = 18; DELETE FROM log_batch WHERE last_position = 18", 18, "they are not"),
    ]
}

fn changes_of_batches_and_commands() -> Vec<Change> {
    vec![
        ("DELETE FROM log_batch WHERE last_position = 18", 18, "the event belongs to no batch"),
        (
            "UPDATE log_batch SET root = set_byte(root, 0, get_byte(root, 0) # 1) WHERE last_position = 9",
            9,
            "do not give its root",
        ),
        (
            "UPDATE log_batch SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE last_position = 9",
            9,
            "does not give its hash",
        ),
        ("UPDATE log_batch SET recorded_at = 'infinity' WHERE last_position = 9", 9, "it cannot be read"),
        (
            "INSERT INTO log_batch SELECT tenant_id, 0, 0, epoch, recorded_at, previous_hash, root, hash FROM log_batch
             WHERE last_position = 9",
            0,
            "begins at 0, not at 1",
        ),
        ("UPDATE command SET first_position = 1, last_position = 1 WHERE first_position = 9", 1, "they are not"),
        ("DELETE FROM command WHERE first_position = 9", 9, "the event's command is not among the commands"),
        ("UPDATE command SET result = '{}' WHERE first_position = 9", 9, "result cannot be read"),
        (
            "UPDATE command SET result = replace(result, '\"version\":1', '\"version\":7') WHERE first_position = 9",
            9,
            "result names another stream or version",
        ),
        (
            "UPDATE command SET result = replace(result, '\"last\":9', '\"last\":8') WHERE first_position = 9",
            9,
            "result names other positions",
        ),
        (
            "UPDATE command SET recorded_at = recorded_at + interval '1 s' WHERE first_position = 9",
            9,
            "recorded_at is not",
        ),
        ("UPDATE command SET request_hash = '\\x00' WHERE first_position = 9", 9, "request_hash is not 32 bytes long"),
    ]
}

/// Takes away what stands in a superuser's way.
async fn disarmed(ship: &Ship) -> tokio_postgres::Client {
    let superuser = ship.superuser().await;
    let disarm = "DO $$ DECLARE found record; BEGIN
            FOR found IN SELECT conrelid::regclass AS its, conname FROM pg_constraint
                WHERE contype = 'c' AND connamespace = 'public'::regnamespace LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.its, found.conname);
            END LOOP; END $$;
        ALTER TABLE event DISABLE TRIGGER ALL; ALTER TABLE log_batch DISABLE TRIGGER ALL;
        ALTER TABLE command DISABLE TRIGGER ALL";
    superuser.batch_execute(disarm).await.unwrap();
    superuser
}

#[tokio::test]
async fn every_kind_of_change_is_named_with_its_position() {
    for (change, expected, words) in changes() {
        let ship = laden().await;
        let whole = verified(&ship).await.unwrap();
        assert!(whole.events == 18 && !whole.simulated);
        disarmed(&ship).await.batch_execute(&change).await.unwrap();
        match logbook::verify(ship.logbook.pool(), ship.tenant.id).await {
            Err(VerifyFailure::Broken { position, wrong }) => {
                assert_eq!(position.0, expected, "{change}: {wrong}");
                assert!(wrong.to_string().contains(words), "{change}: {wrong}");
            }
            other => panic!("{change}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_no_log_holds_is_refused_by_the_tables_themselves() {
    let ship = laden().await;
    let superuser = ship.superuser().await;
    superuser
        .batch_execute("ALTER TABLE event DISABLE TRIGGER ALL; ALTER TABLE log_batch DISABLE TRIGGER ALL")
        .await
        .unwrap();
    for change in [
        slipped_in(0).as_str(),
        "UPDATE event SET effective_at = 'infinity' WHERE position = 9",
        "UPDATE event SET stream_version = 0 WHERE position = 9",
        "UPDATE log_batch SET first_position = 0 WHERE last_position = 1",
        "UPDATE log_batch SET recorded_at = 'infinity'",
        "UPDATE team_history SET valid_from = '-infinity'",
    ] {
        let refused = superuser.batch_execute(change).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "23514", "{change}: {refused}");
    }
}

#[tokio::test]
async fn a_log_whose_tenant_is_gone_is_named() {
    let ship = laden().await;
    assert_eq!(ship.program(&["verify"]).0, Some(0));
    ship.superuser().await.batch_execute("DELETE FROM tenant").await.unwrap();
    for arguments in [&["verify"][..], &["rebuild", "--check"], &["rebuild"]] {
        let (code, said) = ship.program(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        assert!(said.contains(&format!("{}: there is a log, but no tenant", ship.tenant.id)), "{arguments:?}: {said}");
    }
    let empty = Ship::launch().await;
    empty.superuser().await.batch_execute("DELETE FROM tenant").await.unwrap();
    assert_eq!(empty.program(&["verify"]), (Some(1), String::new()));
}

#[tokio::test]
async fn the_next_batch_after_a_restore_says_the_next_epoch() {
    let ship = laden().await;
    let epoch = async || {
        let reads = logbook::Reads::new(ship.logbook.pool().clone(), ship.tenant.clone());
        let head = reads.head().await.unwrap();
        let before = reads.head_at(Some(units::Position(18))).await.unwrap();
        reads.finish().await;
        (before.epoch, head.epoch)
    };
    assert_eq!(epoch().await, (1, 1));
    assert_eq!(logbook::migrate::begin_epoch(&ship.superuser().await).await.unwrap(), 1);
    assert_eq!(epoch().await, (1, 1), "of the batches that are there");
    let form = serde_json::json!({ "name": "Later" });
    ship.command("teamForm", "team { key }", form).await;
    assert_eq!(epoch().await, (1, 2));
    assert_eq!(verified(&ship).await.unwrap().head.epoch, 2);
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

/// Another value of a column's type than the one it has.
fn other_value(column: &str, data_type: &str) -> String {
    match data_type {
        "text" => format!("coalesce({column}, '') || '2026-01-05T00:00:00Z'"),
        "ARRAY" => format!("coalesce({column}, '{{}}') || ARRAY['x']"),
        "uuid" => "gen_random_uuid()".to_owned(),
        "bigint" | "integer" => format!("coalesce({column}, 7) - 1"),
        "boolean" => format!("NOT coalesce({column}, false)"),
        "date" => format!("coalesce({column}, '2020-01-01') + 1"),
        "timestamp with time zone" => format!("coalesce(nullif({column}, 'infinity'), '2027-01-01') + interval '1 us'"),
        other => panic!("{column}: how does a {other} differ?"),
    }
}

#[tokio::test]
async fn a_check_sees_a_change_of_every_column_of_every_history_table() {
    let ship = laden().await;
    let key = serde_json::json!({ "name": "export", "subject": { "service": "warehouse" } });
    ship.command("keyCreate", "login { key }", key).await;
    let superuser = disarmed(&ship).await;
    let check =
        async || logbook::rebuild(ship.logbook.pool(), ship.registry(), &ship.tenant, true).await.unwrap().all_right();
    let columns = "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = ANY ($1) AND column_name <> 'tenant_id'";
    let tables: Vec<&str> = ship.registry().tables().map(|table| table.name).collect();
    let columns = superuser.query(columns, &[&tables]).await.unwrap();
    assert!(columns.len() > 100, "{}", columns.len());
    for row in columns {
        let (table, column, data_type): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let instant =
            ["valid_from", "valid_to"].contains(&column) || (column.ends_with("_at") && column != "closed_at");
        assert_eq!(
            data_type == "timestamp with time zone",
            instant,
            "{table}.{column}: *_at is how an instant is named"
        );
        let kept = format!(
            "DROP TABLE IF EXISTS kept; CREATE TEMP TABLE kept AS SELECT * FROM {table};
             UPDATE {table} SET {column} = {} WHERE ctid = (SELECT min(ctid) FROM {table})",
            other_value(column, data_type)
        );
        superuser.batch_execute(&kept).await.unwrap();
        assert!(!check().await, "{table}.{column}");
        superuser.batch_execute(&format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept")).await.unwrap();
    }
    assert!(check().await);
}

#[tokio::test]
async fn a_row_from_before_all_time_is_one_too_many_and_goes() {
    let ship = laden().await;
    let before = "UPDATE team_history SET valid_from = '-infinity' WHERE name = 'Piers'";
    disarmed(&ship).await.batch_execute(before).await.unwrap();
    let rebuild =
        async |check| logbook::rebuild(ship.logbook.pool(), ship.registry(), &ship.tenant, check).await.unwrap();
    let found = rebuild(true).await;
    let teams = found.tables.iter().find(|table| table.name == "team_history").unwrap();
    assert_eq!((teams.extra.count, teams.missing.count), (1, 1), "{teams:?}");
    rebuild(false).await;
    assert!(rebuild(true).await.all_right());
}
