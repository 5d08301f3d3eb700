//! What clients may rely on: pages, inputs that are refused, and fields that fail alone.

use crate::{fixtures::crew, harness::Ship};
use logbook::fresh_id;
use serde_json::{Value, json};

#[tokio::test]
async fn a_cursor_goes_on_with_its_own_list_and_with_no_other() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    for name in ["a", "b", "c"] {
        crew.open(&ship, name, "2026-02-02", "10.00").await;
    }
    let page = "query($first: Int, $after: String, $last: Int, $before: String, $filter: DealFilter, $at: AsOf) {
        asOf(at: $at) { deals(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
            nodes { name } pageInfo { endCursor hasNextPage } } } }";
    let found = ship.data(page, json!({ "first": 2 })).await["asOf"]["deals"].clone();
    let cursor = &found["pageInfo"]["endCursor"];
    let next = ship.data(page, json!({ "first": 2, "after": cursor })).await;
    assert_eq!(next["asOf"]["deals"]["nodes"], json!([{ "name": "c" }]));
    let refused = [
        json!({ "first": 2, "before": cursor }),
        json!({ "before": cursor }),
        json!({ "last": 2, "after": cursor }),
        json!({ "first": 2, "after": cursor, "before": cursor }),
        json!({ "first": 2, "after": cursor, "filter": { "namePrefix": "a" } }),
        json!({ "first": 2, "after": cursor, "at": { "effective": { "day": "2026-03-01" } } }),
        json!({ "first": 2, "after": cursor, "at": { "known": { "position": "5" } } }),
    ];
    for variables in refused {
        let answer = ship.ask(page, variables.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{variables}: {answer}");
        assert_eq!(answer["data"]["asOf"]["deals"], Value::Null, "{variables}");
    }
    let people = "query($after: String) { people(first: 1, after: $after) { nodes { name } } }";
    let answer = ship.ask(people, json!({ "after": cursor })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
}

#[tokio::test]
async fn one_command_that_says_nonsense_leaves_the_answers_of_the_others_alone() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Steady", "2026-02-02", "10.00").await;
    let document = "mutation($good: DealRenameInput!, $bad: DealRenameInput!) {
        good: dealRename(input: $good) { position deal { name } userErrors { code field } }
        bad: dealRename(input: $bad) { position deal { name } userErrors { code field message } } }";
    let input = |id: &str| json!({ "commandId": fresh_id().to_string(), "id": id, "name": "Steadier" });
    let answer = ship.ask(document, json!({ "good": input(&deal), "bad": input("nobody") })).await;
    assert!(answer["errors"].is_null(), "{answer}");
    assert_eq!(answer["data"]["good"]["deal"]["name"], "Steadier");
    let bad = &answer["data"]["bad"];
    assert_eq!(bad["userErrors"][0]["code"], "INVALID_INPUT", "{answer}");
    assert_eq!(bad["userErrors"][0]["field"], json!(["input", "id"]));
    let mut nameless = input(&deal);
    nameless["commandId"] = json!("one");
    let answer = ship.ask(document, json!({ "good": nameless, "bad": input("nobody") })).await;
    assert_eq!(answer["data"]["good"]["userErrors"][0]["field"], json!(["input", "commandId"]), "{answer}");
}

#[tokio::test]
async fn what_a_client_forgot_to_name_is_not_cleared() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Priced", "2026-02-02", "10.00").await;
    for (mutation, field, noun) in [
        ("dealChangeAmount", "amount", "deal"),
        ("dealMoveCloseDate", "closeOn", "deal"),
        ("dealOverrideCategory", "category", "deal"),
        ("dealOverrideProbability", "probabilityBps", "deal"),
        ("dealSetNextStep", "nextStep", "deal"),
        ("personSetManager", "manager", "person"),
        ("personJoinTeam", "team", "person"),
        ("personChangeEmail", "email", "person"),
        ("accountChangeSector", "sector", "account"),
        ("accountChangeParent", "parent", "account"),
        ("teamMove", "parent", "team"),
    ] {
        let id = match noun {
            "deal" => &deal,
            "person" => &crew.rep,
            "account" => &crew.account,
            _ => &crew.region,
        };
        let payload = ship.send(mutation, &format!("{noun} {{ key }}"), json!({ "id": id })).await;
        assert_eq!(payload["userErrors"][0]["code"], "INVALID_INPUT", "{mutation}: {payload}");
        assert_eq!(payload["userErrors"][0]["field"], json!(["input", field]), "{mutation}");
    }
    let cleared = json!({ "id": deal, "amount": null });
    let payload = ship.command("dealChangeAmount", "deal { amount { amount } }", cleared).await;
    assert_eq!(payload["deal"]["amount"], Value::Null);
}

#[tokio::test]
async fn what_postgresql_cannot_hold_is_refused_by_name() {
    let ship = Ship::launch().await;
    crew(&ship).await;
    for (document, variables) in [
        ("query($text: String) { deals(filter: { namePrefix: $text }) { totalCount } }", json!({ "text": "a\0" })),
        ("query($text: String) { people(filter: { namePrefix: $text }) { totalCount } }", json!({ "text": "\0" })),
        ("query($text: [String!]) { deals(filter: { externalIds: $text }) { totalCount } }", json!({ "text": ["\0"] })),
        ("query($text: [String!]) { events(filter: { actors: $text }) { nodes { type } } }", json!({ "text": ["\0"] })),
        ("query($text: [String!]) { events(filter: { types: $text }) { nodes { type } } }", json!({ "text": ["\0"] })),
    ] {
        let answer = ship.ask(document, variables).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{document}: {answer}");
    }
    let answer = ship.ask("{ deals(filter: { openedOn: { from: \"0000-01-01\" } }) { totalCount } }", json!({})).await;
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("0001 to 9999"), "{answer}");
}

#[tokio::test]
async fn the_head_at_a_position_within_a_batch_is_that_position() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    crew.open(&ship, "Last", "2026-02-02", "10.00").await;
    let document = "query($at: AsOf) { asOf(at: $at) { logHead { position hashPosition recordedAt hash }
        events(first: 100) { nodes { position } } } }";
    for position in [1, 3, 5] {
        let at = json!({ "at": { "known": { "position": position.to_string() } } });
        let found = ship.data(document, at).await["asOf"].clone();
        assert_eq!(found["logHead"]["position"], position.to_string());
        assert!(found["logHead"]["recordedAt"].is_string());
        assert_eq!(found["events"]["nodes"].as_array().unwrap().len(), position);
    }
}

#[tokio::test]
async fn a_day_of_knowledge_ends_in_the_tenant_s_zone() {
    let ship = Ship::launch().await;
    crew(&ship).await;
    let document = "query($at: AsOf) { asOf(at: $at) { pastKnowledge knownPosition } }";
    let past = ship.data(document, json!({ "at": { "known": { "day": "2020-01-01" } } })).await;
    assert_eq!(past["asOf"], json!({ "pastKnowledge": true, "knownPosition": "0" }));
}

#[tokio::test]
async fn the_schema_is_told_to_whoever_names_no_tenant() {
    let ship = Ship::launch().await;
    ship.other_tenant("elsewhere").await;
    let answer = ship.ask_as("", "{ __schema { queryType { name } } __typename }", json!({})).await;
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "Query", "{answer}");
    let answer = ship.ask_as("", "{ logHead { position } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "TENANT_NEEDED");
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("elsewhere"), "{answer}");
}

/// Everything that is read of a table of its own, beside something that is not.
const WHOLE: &str = "{
    deals(first: 1) { totalCount nodes { name version pipeline { name } stage { name pipeline { name } } owner { name team { name }
        region { name } manager { name } reports { name } } account { name parent { name } } product { name } category
        probabilityBps changes { position } } }
    people(first: 1) { totalCount nodes { name version team { name } changes { position } managerChanges { position } } }
    teams(first: 1) { totalCount nodes { name version parent { name } children { name } members { name } } }
    accounts(first: 1) { totalCount nodes { name version parent { name } children { name } } }
    products(first: 1) { totalCount nodes { name version changes { position } } }
    pipelines(first: 1) { totalCount nodes { name version stages { name } changes { position } } }
    dealMetrics(groupBy: [OWNER, STAGE]) { total { all { count } } groups { keys { label } } }
    stageVisits { entries stage { name } }
    events(first: 1) { nodes { position } }
    logHead { position }
    asOf { knowledgeFrom simulated }
}";

#[tokio::test]
async fn every_field_that_fails_is_null_alone() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    crew.open(&ship, "Storm", "2026-02-02", "10.00").await;
    let whole = ship.data(WHOLE, json!({})).await;
    let admin = ship.superuser().await;
    let tables = ["deal", "person", "reporting", "team", "account", "product", "pipeline", "stage"];
    let tables = tables.map(|table| format!("{table}_history")).into_iter().chain(["event".to_owned()]);
    for table in tables {
        admin.batch_execute(&format!("REVOKE SELECT ON {table} FROM quarterdeck_app")).await.unwrap();
        let answer = ship.ask(WHOLE, json!({})).await;
        admin.batch_execute(&format!("GRANT SELECT ON {table} TO quarterdeck_app")).await.unwrap();
        let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{table} is read by nothing"));
        let mut failed = Vec::new();
        for error in errors {
            assert_eq!(error["extensions"]["code"], "INTERNAL", "{table}: {error}");
            let path = error["path"].as_array().unwrap().iter();
            let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
            failed.push(format!("/{}", path.map(step).collect::<Vec<_>>().join("/")));
        }
        expect_same_but(&format!("{table}: "), "", &whole, &answer["data"], &failed);
    }
    assert_eq!(ship.data(WHOLE, json!({})).await, whole);
}

/// The answer is the whole one, with null where a field failed and nowhere else.
fn expect_same_but(table: &str, path: &str, whole: &Value, answer: &Value, failed: &[String]) {
    if failed.iter().any(|failed| failed == path) {
        return assert_eq!(answer, &Value::Null, "{table}{path} failed and is not null");
    }
    match (whole, answer) {
        (Value::Object(whole), Value::Object(answer)) => {
            for (name, value) in whole {
                let found = answer.get(name).unwrap_or_else(|| panic!("{table}{path}/{name} is missing"));
                expect_same_but(table, &format!("{path}/{name}"), value, found, failed);
            }
        }
        (Value::Array(whole), Value::Array(answer)) => {
            assert_eq!(whole.len(), answer.len(), "{table}{path}");
            for (index, (value, found)) in whole.iter().zip(answer).enumerate() {
                expect_same_but(table, &format!("{path}/{index}"), value, found, failed);
            }
        }
        (whole, answer) => assert_eq!(whole, answer, "{table}{path} changed without a failure of its own"),
    }
}
