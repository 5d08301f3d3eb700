//! The documented operations run, with the variables that they are documented with, over the demonstration's company.

use crate::harness::{Ship, connected};
use quarterdeck::{database, demo};
use serde_json::{Value, json};
use std::path::Path;

/// The operation of a file, and its variables: the JSON in the comment lines after `# variables`.
pub fn example(name: &str) -> (String, Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("schema/examples");
    let file = std::fs::read_to_string(folder.join(format!("{name}.graphql"))).unwrap();
    let (document, variables) = file.split_once("# variables\n").unwrap_or((&file, ""));
    let variables: String = variables.lines().map(|line| line.trim_start_matches('#')).collect();
    let variables = if variables.trim().is_empty() { json!({}) } else { serde_json::from_str(&variables).unwrap() };
    (document.to_owned(), variables)
}

async fn demonstration() -> Ship {
    let ship = Ship::launch().await;
    let watch = database::pool(&crate::harness::in_role(&ship.config, "quarterdeck_watch"), 1);
    demo::company(&ship.logbook, &watch, "demo").await.unwrap();
    drop(connected(&ship.config).await);
    ship
}

/// The variables with real ids in the place of the placeholders, as the explorer fills them in.
fn filled(variables: &Value, ids: &Value) -> Value {
    let first = |page: &str| ids[page]["nodes"][0].clone();
    let stages = first("pipelines")["stages"].as_array().unwrap().clone();
    let win = first("won")["changes"].as_array().unwrap().clone();
    let stands = |change: &Value| change["standing"] == true && change["types"][0] == "deal.won";
    let places = [
        ("the key of a pipeline", first("pipelines")["key"].clone()),
        ("the key of a stage", stages.iter().find(|stage| stage["kind"] == "OPEN").unwrap()["key"].clone()),
        ("the key of a person", first("people")["key"].clone()),
        ("the id of an open deal", first("open")["id"].clone()),
        ("the id of a won deal", first("won")["id"].clone()),
        ("the position of its win", win.iter().rfind(|change| stands(change)).unwrap()["position"].clone()),
        ("the last day of the last quarter", json!("2026-06-30")),
        ("the first instant of this quarter", json!("2026-07-01T00:00:00Z")),
        ("the first day of this quarter", json!("2026-07-01")),
        ("the first day of the next quarter", json!("2026-10-01")),
    ];
    let fill = |text: String, (place, id): (&str, Value)| text.replace(&format!("\"{place}\""), &id.to_string());
    serde_json::from_str(&places.into_iter().fold(variables.to_string(), fill)).unwrap()
}

fn holds_null(answer: &Value) -> bool {
    match answer {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

#[tokio::test]
async fn every_documented_operation_answers_over_the_demonstration_s_company() {
    let ship = demonstration().await;
    let ids = ship.ask_as("demo", &example("ids_to_try").0, json!({})).await["data"].clone();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("schema/examples");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 18, "{names:?}");
    for name in names {
        let (document, variables) = example(&name);
        let answer = ship.ask_as("demo", &document, filled(&variables, &ids)).await;
        assert!(answer["errors"].is_null(), "{name}: {answer:#}");
        for (field, value) in answer["data"].as_object().unwrap() {
            assert!(!holds_null(value), "{name}: {field} says nothing: {answer:#}");
            if document.contains("userErrors") {
                assert_eq!(value["userErrors"], json!([]), "{name}");
                assert!(value["position"].is_string() && value["deal"].is_object(), "{name}: {answer:#}");
            }
        }
    }
}

#[tokio::test]
async fn the_demonstration_is_made_once_and_verifies() {
    let ship = demonstration().await;
    let watch = database::pool(&crate::harness::in_role(&ship.config, "quarterdeck_watch"), 1);
    let again = demo::company(&ship.logbook, &watch, "demo").await.unwrap();
    assert!(again.contains("already"), "{again}");
    let tenants = logbook::tenants::list(&watch).await.unwrap();
    let demo = tenants.iter().find(|tenant| tenant.name == "demo").unwrap();
    let verified = logbook::verify(ship.logbook.pool(), demo.id).await.unwrap();
    assert!(verified.simulated && verified.events > 1_000, "{verified:?}");
    let rebuilt = logbook::rebuild(ship.logbook.pool(), ship.registry(), demo, true).await.unwrap();
    assert!(rebuilt.all_right(), "{rebuilt:?}");
}
