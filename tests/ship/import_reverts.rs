//! Imports that are taken back: what others stand on stays, what was replaced never stands again.

use crate::{
    exports::{Files, OPEN, WON, appended, deal, program, run},
    harness::Ship,
};
use serde_json::json;
use std::process::Stdio;

const SECOND: &str = "D2,Ada,Chart,,Engaging,2017-01-02,,\n";

async fn back(ship: &Ship, report: &import::Report) -> import::Reverted {
    import::revert(&ship.logbook, &ship.tenant, report.import_id).await.unwrap()
}

/// How many deals, people, teams, accounts and products there are.
async fn counts(ship: &Ship) -> [u64; 5] {
    let lists = ["deals", "people", "teams", "accounts", "products"];
    let document = format!("{{ {} }}", lists.map(|list| format!("{list} {{ totalCount }}")).join(" "));
    let found = ship.data(&document, json!({})).await;
    lists.map(|list| found[list]["totalCount"].as_u64().unwrap())
}

#[tokio::test]
async fn what_another_import_s_deals_stand_on_stays_until_they_are_gone() {
    let ship = Ship::launch().await;
    let files = Files::new(WON);
    let first = run(&ship, &files).await.unwrap();
    files.deals(&format!("{WON}{SECOND}"));
    let second = run(&ship, &files).await.unwrap();
    let reverted = back(&ship, &first).await;
    assert!(reverted.to_text().contains("refers to this person"), "{}", reverted.to_text());
    assert_eq!(deal(&ship, "D1").await, "- - - - -");
    assert_eq!(deal(&ship, "D2").await, "OPEN Engaging 55.50 2017-01-02 -");
    let who = "{ deals { nodes { owner { name team { name } manager { name } } product { name } } } }";
    let found = ship.data(who, json!({})).await["deals"]["nodes"][0].clone();
    let owner = json!({ "name": "Ada", "team": { "name": "Ines" }, "manager": { "name": "Ines" } });
    assert_eq!(found, json!({ "owner": owner, "product": { "name": "Chart" } }));
    assert_eq!(counts(&ship).await, [1, 2, 2, 0, 1], "and what no deal needs is gone");
    assert_eq!(back(&ship, &second).await.refused, []);
    assert_eq!(back(&ship, &first).await.refused, [], "asked again, the rest goes too");
    assert_eq!(counts(&ship).await, [0; 5]);
}

#[tokio::test]
async fn what_people_s_own_deals_stand_on_stays() {
    let ship = Ship::launch().await;
    let first = run(&ship, &Files::new(OPEN)).await.unwrap();
    let keys =
        ship.data("{ people { nodes { key name } } pipelines { nodes { key stages { key name } } } }", json!({}));
    let keys = keys.await;
    let ada = keys["people"]["nodes"].as_array().unwrap().iter().find(|person| person["name"] == "Ada").unwrap();
    let pipeline = &keys["pipelines"]["nodes"][0];
    let own = json!({ "name": "By hand", "pipeline": pipeline["key"], "stage": pipeline["stages"][0]["key"],
        "owner": ada["key"] });
    ship.command("dealOpen", "deal { key }", own).await;
    assert!(!back(&ship, &first).await.refused.is_empty());
    let found = ship.data("{ deals { nodes { name stage { name } owner { name } } } }", json!({})).await;
    let expected = json!([{ "name": "By hand", "stage": { "name": "Prospecting" }, "owner": { "name": "Ada" } }]);
    assert_eq!(found["deals"]["nodes"], expected);
}

#[tokio::test]
async fn the_same_files_once_more_are_another_import_and_taking_it_back_leaves_the_first() {
    let ship = Ship::launch().await;
    let files = Files::new(WON);
    let first = run(&ship, &files).await.unwrap();
    files.deals(&WON.replace("4800", "4900"));
    run(&ship, &files).await.unwrap();
    files.deals(WON);
    let third = run(&ship, &files).await.unwrap();
    assert_ne!(third.import_id, first.import_id);
    assert_eq!(deal(&ship, "D1").await, "WON Won 4800.00 2017-01-02 2017-03-01");
    let reverted = back(&ship, &third).await;
    assert_eq!((reverted.withdrawn, reverted.refused.len()), (appended(&third), 0), "{}", reverted.to_text());
    assert_eq!(deal(&ship, "D1").await, "WON Won 4900.00 2017-01-02 2017-03-01");
}

#[tokio::test]
async fn what_was_replaced_is_taken_back_too_and_never_stands_again() {
    let ship = Ship::launch().await;
    let files = Files::new(WON);
    let first = run(&ship, &files).await.unwrap();
    files.deals(&WON.replace("4800", "4900").replace("GTXPro", "Chart"));
    let second = run(&ship, &files).await.unwrap();
    back(&ship, &first).await;
    assert_eq!(deal(&ship, "D1").await, "WON Won 4900.00 2017-01-02 2017-03-01");
    back(&ship, &second).await;
    assert_eq!(deal(&ship, "D1").await, "- - - - -", "nothing of the first comes back");
    back(&ship, &first).await;
    assert_eq!(counts(&ship).await, [0; 5]);
    let rebuilt = logbook::rebuild(ship.logbook.pool(), ship.registry(), &ship.tenant, true).await.unwrap();
    assert!(rebuilt.all_right(), "{rebuilt:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_import_that_goes_on_is_the_same_import() {
    let ship = Ship::launch().await;
    let rows: String = (0..2_000).map(|n| format!("D{n},Ada,Chart,West,Won,2017-01-02,2017-02-02,60\n")).collect();
    let files = Files::new(&rows);
    let mut command = program(&ship, &files);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let ids = async || {
        let sql = "SELECT DISTINCT correlation_id FROM event WHERE tenant_id = $1";
        let rows = ship.superuser().await.query(sql, &[&ship.tenant.id.0]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<uuid::Uuid>>()
    };
    while ids().await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let report = run(&ship, &files).await.unwrap();
    assert_eq!(ids().await, [report.import_id]);
}
