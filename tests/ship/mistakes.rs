//! Mistakes of whoever runs the program: each is one plain sentence with its exit code, and nothing is lost by it.

use crate::{
    harness::Ship,
    own::{Folder, program, ran, refused, said},
};
use local_postgres::Cluster;
use std::{
    fs::OpenOptions,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};
use tokio_postgres::NoTls;

#[track_caller]
fn tells(output: &Output, code: i32, words: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(words), "{words:?} is not in: {error}");
}

#[test]
fn every_command_has_its_help() {
    let folder = Folder::new("help");
    let commands = [
        "",
        "serve",
        "demo",
        "import",
        "import revert",
        "verify",
        "rebuild",
        "migrate",
        "backup",
        "restore",
        "tenant",
        "tenant create",
        "tenant list",
        "key",
        "key create",
        "key list",
        "key revoke",
        "login",
        "login link",
        "schema",
        "schema print",
    ];
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        assert!(said(&folder.data(), &words).contains("Usage: quarterdeck"), "{command}");
    }
    assert!(said(&folder.data(), &["--help"]).contains("Exit codes: 0 done"));
    assert!(!folder.data().exists(), "help makes nothing");
}

#[test]
fn a_command_line_that_cannot_be_meant_is_refused_before_anything_is_made() {
    let folder = Folder::new("command line");
    let data = folder.data();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let there = taken.local_addr().unwrap().to_string();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["tenant", "list", "--log", "loud"], 2, "levels are off, error, warn"),
        (&["serve", "--listen", "here"], 2, "localhost:8080"),
        (&["no-such-command"], 2, "unrecognized subcommand"),
        (&["serve", "--listen", &there], 1, "listening at"),
        (&["demo", "--listen", "0.0.0.0:0"], 1, "add --identity required"),
        (&["verify"], 1, "is --data right?"),
        (&["rebuild", "--check"], 1, "is --data right?"),
        (&["backup", "/nowhere/x"], 1, "is --data right?"),
    ];
    for (arguments, code, words) in cases {
        // The level of the tests' own would be said twice.
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck-under-test"));
        command.arg("--data").arg(&data).args(*arguments).env_remove("DATABASE_URL");
        tells(&command.output().unwrap(), *code, words);
    }
    drop(taken);
    assert!(!data.exists(), "nothing is made");
}

#[test]
fn settings_that_are_empty_are_not_there() {
    let folder = Folder::new("settings");
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck-under-test"));
    for name in ["DATABASE_URL", "QUARTERDECK_DATABASE_CA", "QUARTERDECK_LOG", "QUARTERDECK_LISTEN"] {
        command.env(name, "");
    }
    command
        .env("QUARTERDECK_LOG_JSON", "1")
        .env("QUARTERDECK_BEHIND_LOOPBACK", "")
        .env("QUARTERDECK_DATA", folder.data());
    let output = command.args(["serve", "--listen", "10.0.0.1:0"]).output().unwrap();
    tells(&output, 1, "add --identity required");
    command.env("QUARTERDECK_LOG_JSON", "");
    tells(&command.output().unwrap(), 1, "add --identity required");
}

#[test]
fn output_that_is_lost_is_told() {
    let folder = Folder::new("full");
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = program(&folder.data(), &["schema", "print"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    tells(&output, 1, "not all of the output could be written");
}

/// Says something to a folder's database as its superuser.
async fn tampered(data: &Path, sql: &str) -> Cluster {
    let cluster = Cluster::attach(data, local_postgres::Settings::default()).await.unwrap();
    let (client, connection) = cluster.admin_config("quarterdeck").connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    cluster
}

#[tokio::test]
async fn a_backup_that_is_another_s_or_a_newer_one_s_replaces_nothing() {
    let folder = Folder::new("restoring");
    let data = folder.data();
    said(&data, &["tenant", "create", "acme", "--currency", "USD", "--timezone", "UTC"]);
    let (foreign, newer) = (folder.0.join("foreign.backup"), folder.0.join("newer.backup"));
    let cluster = tampered(&data, "CREATE DATABASE \"another\"").await;
    let (client, connection) = cluster.admin_config("another").connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE TABLE refinery_schema_history (version int); CREATE TABLE note ()").await.unwrap();
    cluster.backup("another", &foreign, false).await.unwrap();
    cluster.finish().await.unwrap();
    let future = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (2099010101, 'future', '2099-01-01T00:00:00Z', '1')";
    let cluster = tampered(&data, future).await;
    cluster.backup("quarterdeck", &newer, false).await.unwrap();
    cluster.finish().await.unwrap();
    tells(&ran(&data, &["tenant", "list"]), 78, "use a newer quarterdeck");
    tampered(&data, "DELETE FROM refinery_schema_history WHERE version = 2099010101").await.finish().await.unwrap();

    let [foreign, newer] = [foreign, newer].map(|file| file.display().to_string());
    assert!(refused(&data, &["restore", "--replace", &foreign]).contains("not one of Quarterdeck's"));
    tells(&ran(&data, &["restore", "--replace", &newer]), 78, "use a newer quarterdeck");
    assert!(said(&data, &["tenant", "list"]).starts_with("acme"), "what was there is still there");
}

#[tokio::test]
async fn a_database_of_yours_says_what_it_wants() {
    let ship = Ship::launch().await;
    let superuser = ship.superuser().await;
    let guest = format!("guest_{}", ship.database);
    superuser.batch_execute(&format!("CREATE ROLE {guest} LOGIN")).await.unwrap();
    superuser.batch_execute(&format!("CREATE DATABASE empty_{}", ship.database)).await.unwrap();
    let tokio_postgres::config::Host::Unix(socket) = &ship.config.get_hosts()[0] else { panic!("a socket") };
    let on = |user: &str, database: &str, role: &str| {
        let url = format!("host={} user={user} dbname={database} options='-c role={role}'", socket.display());
        Command::new(env!("CARGO_BIN_EXE_quarterdeck-under-test"))
            .args(["verify", "--log", "off"])
            .env("DATABASE_URL", url)
            .output()
            .unwrap()
    };
    let (own, empty) = (&ship.database, format!("empty_{}", ship.database));
    tells(&on("quarterdeck", "no_such_database", "none"), 78, "has no database named no_such_database");
    tells(&on("quarterdeck", own, "no_such_role"), 78, "run quarterdeck migrate first");
    tells(&on(&guest, own, "quarterdeck_app"), 78, &format!("GRANT quarterdeck_app, quarterdeck_watch TO {guest}"));
    tells(&on("no_such_login", own, "none"), 78, "does not let the login no_such_login in");
    tells(&on("quarterdeck", &empty, "quarterdeck_app"), 78, "run quarterdeck migrate");
    let granted = format!("GRANT quarterdeck_app, quarterdeck_watch TO {guest}");
    superuser.batch_execute(&granted).await.unwrap();
    let works = on(&guest, own, "quarterdeck_app");
    assert!(works.status.success(), "what it says to do is enough: {}", String::from_utf8_lossy(&works.stderr));
    superuser.batch_execute(&format!("DROP DATABASE {empty}")).await.unwrap();
    superuser.batch_execute(&format!("DROP ROLE {guest}")).await.unwrap();
    let unreachable = Command::new(env!("CARGO_BIN_EXE_quarterdeck-under-test"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")
        .output()
        .unwrap();
    tells(&unreachable, 1, "cannot be reached");
}
