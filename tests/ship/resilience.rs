//! One field that fails leaves the rest of the answer alone.

use crate::{fixtures::crew, harness::Ship};
use serde_json::{Value, json};

/// Fields of a deal that do reading of their own, and the table that each reads.
const DEAL_FIELDS: &[(&str, &str, &str)] = &[
    ("stage", "{ name }", "stage_history"),
    ("category", "", "stage_history"),
    ("probabilityBps", "", "stage_history"),
    ("pipeline", "{ name }", "pipeline_history"),
    ("owner", "{ name }", "person_history"),
    ("account", "{ name }", "account_history"),
    ("product", "{ name }", "product_history"),
    ("version", "", "event"),
    ("changes", "{ types }", "event"),
];

/// Root fields, and a table that each reads.
const ROOT_FIELDS: &[(&str, &str, &str)] = &[
    ("deals", "{ nodes { name } }", "deal_history"),
    ("dealMetrics", "{ total { all { count } } }", "deal_history"),
    ("stageVisits", "{ entries }", "deal_history"),
    ("people", "{ nodes { name } }", "person_history"),
    ("teams", "{ nodes { name } }", "team_history"),
    ("accounts", "{ nodes { name } }", "account_history"),
    ("products", "{ nodes { name } }", "product_history"),
    ("pipelines", "{ nodes { name } }", "pipeline_history"),
    ("events", "{ nodes { type } }", "event"),
    ("logHead", "{ position }", "event"),
];

/// Fields of a person and of a team.
const PEOPLE_FIELDS: &[(&str, &str, &str)] = &[
    ("team", "{ name }", "team_history"),
    ("region", "{ name }", "team_history"),
    ("manager", "{ name }", "reporting_history"),
    ("reports", "{ name }", "reporting_history"),
    ("version", "", "event"),
    ("changes", "{ types }", "event"),
    ("managerChanges", "{ types }", "event"),
];

async fn without(ship: &Ship, table: &str, document: &str, variables: Value) -> Value {
    let superuser = ship.superuser().await;
    superuser.batch_execute(&format!("REVOKE SELECT ON {table} FROM quarterdeck_app")).await.unwrap();
    let answer = ship.ask(document, variables).await;
    superuser.batch_execute(&format!("GRANT SELECT ON {table} TO quarterdeck_app")).await.unwrap();
    answer
}

fn failed_alone(answer: &Value, path: &[&str]) {
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{path:?}: {answer:#}"));
    assert!(errors.iter().any(|error| error["path"] == json!(path)), "{path:?}: {answer:#}");
    assert!(errors.iter().all(|error| error["extensions"]["code"] == "INTERNAL"), "{path:?}: {answer:#}");
    assert!(!answer.to_string().contains("permission"), "what broke is for the server's log: {answer:#}");
    let at = path.iter().fold(&answer["data"], |value, step| &value[*step]);
    assert_eq!(at, &Value::Null, "{path:?}");
}

#[tokio::test]
async fn a_field_that_fails_is_null_and_its_parent_and_siblings_stay() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Sturdy", "2026-02-02", "1.00").await;
    for (field, selection, table) in DEAL_FIELDS {
        let document = format!("query($id: ID!) {{ deal(id: $id) {{ name {field} {selection} }} }}");
        let answer = without(&ship, table, &document, json!({ "id": deal })).await;
        assert_eq!(answer["data"]["deal"]["name"], "Sturdy", "{field}: {answer:#}");
        failed_alone(&answer, &["deal", field]);
    }
    for (field, selection, table) in PEOPLE_FIELDS {
        let document = format!("query($id: ID!) {{ person(id: $id) {{ name {field} {selection} }} }}");
        let answer = without(&ship, table, &document, json!({ "id": crew.rep })).await;
        assert_eq!(answer["data"]["person"]["name"], "Tomas", "{field}: {answer:#}");
        failed_alone(&answer, &["person", field]);
    }
}

#[tokio::test]
async fn a_root_field_that_fails_leaves_the_others_alone() {
    let ship = Ship::launch().await;
    crew(&ship).await;
    for (field, selection, table) in ROOT_FIELDS {
        let other = if *table == "account_history" { "products" } else { "accounts" };
        let document = format!("{{ {other} {{ nodes {{ name }} }} {field} {selection} }}");
        let answer = without(&ship, table, &document, json!({})).await;
        assert_eq!(answer["data"][other]["nodes"].as_array().map(Vec::len), Some(1), "{field}: {answer:#}");
        failed_alone(&answer, &[field]);
    }
}
