//! BI logins as an operator grants them, and as their tools reach our own PostgreSQL; what they read, as it is documented.

use crate::{
    bi::texts,
    harness::{Ship, connected},
    own::{Folder, refused, said, serving_with, stop},
    process::ask,
};
use local_postgres::Cluster;
use serde_json::{Value, json};
use std::{fmt::Write, net::TcpListener, path::Path};
use tokio_postgres::{Config, NoTls};

/// An address of the loopback that was free a moment ago.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The acts on a tenant's record, oldest first.
async fn acts(address: &str, tenant: &str) -> Vec<(String, Value)> {
    let types = ["act.rebuilt", "act.bi_granted", "act.bi_revoked"];
    let document = "query($types: [String!]) { events(filter: { types: $types }) {
        nodes { type streamKind actor payload } } }";
    let answer = ask(address.parse().unwrap(), tenant, document, &json!({ "types": types })).await.unwrap();
    let nodes = answer["data"]["events"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
    let act = |node: &Value| {
        assert_eq!((&node["streamKind"], &node["actor"]), (&json!("act"), &json!("local")));
        let payload = serde_json::from_str(node["payload"].as_str().unwrap()).unwrap();
        (node["type"].as_str().unwrap().to_owned(), payload)
    };
    nodes.map(act).collect()
}

#[tokio::test]
async fn a_granted_login_reads_over_the_loopback_and_nobody_else_does() {
    let folder = Folder::new("bi");
    let (data, listen) = (folder.data(), free_address());
    said(&data, &["demo", "--no-serve"]);
    let early = said(&data, &["bi", "grant", "--tenant", "demo", "--login", "early_bi"]);
    assert!(early.contains("serve with --bi-listen 127.0.0.1:5433"), "{early}");
    let (server, address) = serving_with(&data, &["--bi-listen", &listen]);
    let granted = said(&data, &["bi", "grant", "--tenant", "demo", "--login", "demo_bi"]);
    let line = granted.lines().find(|line| line.starts_with("postgresql://")).unwrap();
    assert!(line.contains(&listen), "{granted}");
    let bi = connected(&line.parse().unwrap()).await;
    let of_bi = texts(&bi, "SELECT count(*) FROM deal_now").await[0][0].clone().unwrap();
    let question = "{ dealMetrics { total { all { count } } } }";
    let api = ask(address.parse().unwrap(), "demo", question, &json!({})).await.unwrap();
    assert_eq!(of_bi, api["data"]["dealMetrics"]["total"]["all"]["count"].to_string(), "{api}");

    let mut config: Config = line.parse().unwrap();
    for (login, password) in [("demo_bi", "wrong"), ("quarterdeck", ""), ("quarterdeck_admin", ""), ("postgres", "")] {
        config.user(login).password(password);
        assert!(config.connect(NoTls).await.is_err(), "{login} logs in over the loopback");
    }
    let mut elsewhere: Config = line.parse().unwrap();
    elsewhere.dbname("postgres");
    assert!(elsewhere.connect(NoTls).await.is_err(), "there is one database to read");

    let again = refused(&data, &["bi", "grant", "--tenant", "demo", "--login", "demo_bi"]);
    assert!(again.contains("--replace"), "{again}");
    let listed = said(&data, &["bi", "list"]);
    assert!(listed.contains("demo_bi\tdemo\t") && listed.contains("early_bi\tdemo\t"), "{listed}");
    said(&data, &["bi", "revoke", "--login", "demo_bi"]);
    assert!(bi.simple_query("SELECT 1").await.is_err(), "its connections end");
    damaged(&data).await;
    said(&data, &["rebuild"]);
    said(&data, &["rebuild"]);
    let on_record = [
        ("act.bi_granted".to_owned(), json!({ "type": "act.bi_granted", "login": "early_bi" })),
        ("act.bi_granted".to_owned(), json!({ "type": "act.bi_granted", "login": "demo_bi" })),
        ("act.bi_revoked".to_owned(), json!({ "type": "act.bi_revoked", "login": "demo_bi" })),
        (
            "act.rebuilt".to_owned(),
            json!({ "type": "act.rebuilt", "tables": ["team_history"], "missing": 0, "extra": 0, "different": 1 }),
        ),
    ];
    assert_eq!(acts(&address, "demo").await, on_record);
    assert!(said(&data, &["verify"]).contains("the log agrees with its head"));
    stop(server);
    let (server, _) = serving_with(&data, &[]);
    assert!(std::net::TcpStream::connect(&listen).is_err(), "a server that is not told to listen does not");
    stop(server);
}

/// One row of a history table says something that no event said.
async fn damaged(data: &Path) {
    let cluster = Cluster::attach(data, local_postgres::Settings::default()).await.unwrap();
    let admin = connected(&cluster.admin_config("quarterdeck")).await;
    let damage = "UPDATE team_history SET name = 'Ghosts'
        WHERE (id, valid_from) = (SELECT id, valid_from FROM team_history ORDER BY id, valid_from LIMIT 1)";
    admin.batch_execute(damage).await.unwrap();
    drop(admin);
    cluster.finish().await.unwrap();
}

#[test]
fn what_cannot_be_granted_is_told_in_a_sentence() {
    let folder = Folder::new("bi-errors");
    let data = folder.data();
    let cases: &[(&[&str], &str)] = &[
        (&["serve", "--bi-listen", "0.0.0.0:5433"], "an address of the loopback"),
        (&["serve", "--bi-listen", "127.0.0.1:0"], "an address of the loopback"),
        (&["bi", "grant", "--tenant", "nobody", "--login", "a_bi"], "there is no tenant named \"nobody\""),
        (&["bi", "revoke", "--login", "a_bi"], "there is no BI login a_bi"),
        (&["bi", "revoke", "--login", "quarterdeck"], "is no name for a BI login"),
    ];
    for (arguments, words) in cases {
        let error = refused(&data, arguments);
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
}

/// What a BI login reads, out of the comments in the catalogue.
async fn documented(ship: &Ship) -> String {
    let superuser = ship.superuser().await;
    let mut text = "## Views\n".to_owned();
    let views = "SELECT c.relname, obj_description(c.oid) FROM pg_class c
        WHERE c.relnamespace = 'bi'::regnamespace AND c.relkind = 'v' ORDER BY c.relname";
    for view in texts(&superuser, views).await {
        let (name, said) = (view[0].as_deref().unwrap(), view[1].as_deref().unwrap_or_else(|| panic!("{view:?}")));
        write!(text, "\n### bi.{name}\n\n{said}\n\n| column | type | meaning |\n|---|---|---|\n").unwrap();
        let columns = format!(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum)
             FROM pg_attribute a WHERE a.attrelid = 'bi.{name}'::regclass AND a.attnum > 0 ORDER BY a.attnum"
        );
        for column in texts(&superuser, &columns).await {
            let [Some(column), Some(kind), Some(said)] = &column[..] else { panic!("{name}: {column:?}") };
            writeln!(text, "| {column} | {kind} | {said} |").unwrap();
        }
    }
    text.push_str("\n## Functions\n");
    let functions =
        "SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), obj_description(p.oid)
        FROM pg_proc p WHERE p.pronamespace = 'bi'::regnamespace ORDER BY p.proname";
    for function in texts(&superuser, functions).await {
        let [Some(name), Some(arguments), Some(result), Some(said)] = &function[..] else { panic!("{function:?}") };
        write!(text, "\n### bi.{name}({arguments})\n\nReturns {result}. {said}\n").unwrap();
    }
    text
}

#[tokio::test]
async fn the_documented_views_are_the_views() {
    let documented = documented(&Ship::launch().await).await;
    let committed = include_str!("../../schema/bi.md");
    let part = committed.find("## Views").map_or("", |start| &committed[start..]);
    if part != documented {
        let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bi.md");
        std::fs::write(&new, &documented).unwrap();
        panic!("schema/bi.md is not what the catalogue says: put {} in the place of its last part", new.display());
    }
}
