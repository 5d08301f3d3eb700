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

#[tokio::test]
async fn every_documented_query_answers_over_the_demonstration_s_company() {
    let ship = demonstration().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("schema/examples");
    let mut ran = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        let (document, variables) = example(&name);
        let answer = ship.ask_as("demo", &document, variables).await;
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        if document.contains("\nmutation ") || document.starts_with("mutation ") {
            // Its ids are placeholders, which is told as bad input; everything else of it must be right.
            assert!(errors.iter().all(|error| error["extensions"]["code"] == "BAD_USER_INPUT"), "{name}: {answer:#}");
        } else {
            assert!(errors.is_empty(), "{name}: {answer:#}");
            assert!(answer["data"].to_string().len() > 60, "{name}: {answer:#}");
        }
        ran += 1;
    }
    assert!(ran >= 13, "{ran}");
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
