//! Instants and positions that no log has are refused at the door, by the rule's name.

use crate::{fixtures::crew, harness::Ship};
use serde_json::{Value, json};

#[track_caller]
fn refused(answer: &Value, words: &str) {
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer:#}");
    assert!(error["message"].as_str().unwrap().contains(words), "{answer:#}");
}

#[track_caller]
fn told(payload: &Value, rule: &str) {
    assert_eq!(payload["userErrors"][0]["code"], "INVALID_INPUT", "{payload:#}");
    assert!(payload["userErrors"][0]["message"].as_str().unwrap().contains(rule), "{payload:#}");
}

#[tokio::test]
async fn years_that_are_not_written_with_four_digits_are_refused_everywhere() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Bounds", "2026-02-02", "1.00").await;
    let reason = json!({ "reason": "forgotten" });
    let commands = [
        ("dealRename", json!({ "id": deal, "name": "x", "correction": reason })),
        ("personRename", json!({ "id": crew.rep, "name": "x" })),
        ("personSetManager", json!({ "id": crew.rep, "manager": crew.manager })),
        ("teamForm", json!({ "name": "x" })),
        ("accountRegister", json!({ "name": "x" })),
        ("productLaunch", json!({ "name": "x" })),
        ("pipelineDefine", json!({ "name": "x" })),
    ];
    let out_of_years = [
        json!({ "at": "0000-12-31T23:59:59Z" }),
        json!({ "at": "-0044-03-15T00:00:00Z" }),
        json!({ "at": "+10000-01-01T00:00:00Z" }),
        json!({ "at": "+262000-01-01T00:00:00Z" }),
        json!({ "at": "0001-01-01T00:00:00+01:00" }),
    ];
    for (mutation, input) in commands {
        let capital = mutation[..1].to_uppercase() + &mutation[1..];
        let document = format!(
            "mutation($i: {capital}Input!) {{ {mutation}(input: $i) {{ position userErrors {{ code message }} }} }}"
        );
        for effective in &out_of_years {
            let mut input = input.clone();
            input["commandId"] = json!(logbook::fresh_id().to_string());
            input["effectiveAt"] = effective.clone();
            let answer = ship.ask(&document, json!({ "i": input })).await;
            told(&answer["data"][mutation], "0001 to 9999");
        }
    }
    let until = json!({ "commandId": logbook::fresh_id().to_string(), "id": crew.rep, "manager": null,
        "until": { "at": "+10000-01-01T00:00:00Z" } });
    let document = "mutation($i: PersonSetManagerInput!) { personSetManager(input: $i) {
        position userErrors { code message } } }";
    told(&ship.data(document, json!({ "i": until })).await["personSetManager"], "0001 to 9999");
    let as_of = "query($at: AsOf) { asOf(at: $at) { deals { totalCount } } }";
    for instant in out_of_years {
        refused(&ship.ask(as_of, json!({ "at": { "effective": instant } })).await, "0001 to 9999");
        refused(&ship.ask(as_of, json!({ "at": { "known": instant } })).await, "0001 to 9999");
    }
    let day = ship.ask(as_of, json!({ "at": { "effective": { "day": "0000-01-01" } } })).await;
    assert!(day["errors"][0]["message"].as_str().unwrap().contains("0001 to 9999"), "{day:#}");
    let last = json!({ "at": { "effective": { "day": "9999-12-31" } } });
    assert_eq!(ship.data(as_of, last).await["asOf"]["deals"]["totalCount"], 1);
    let found = logbook::rebuild(ship.logbook.pool(), ship.registry(), &ship.tenant, true).await.unwrap();
    assert!(found.all_right());
}

#[tokio::test]
async fn a_position_that_the_log_has_not_reached_cannot_be_known() {
    let ship = Ship::launch().await;
    crew(&ship).await;
    let head = ship.data("{ logHead { position } }", json!({})).await["logHead"]["position"].clone();
    let head: i64 = head.as_str().unwrap().parse().unwrap();
    let document = "query($known: Int64!) { asOf(at: { known: { position: $known } }) { people { totalCount } } }";
    for position in [-1, i64::MIN, head + 1, i64::MAX] {
        let answer = ship.ask(document, json!({ "known": position.to_string() })).await;
        refused(&answer, &format!("its positions are 0 to {head}"));
    }
    let known = ship.data(document, json!({ "known": head.to_string() })).await;
    assert_eq!(known["asOf"]["people"]["totalCount"], 2);
}

#[tokio::test]
async fn what_is_asked_before_our_knowledge_is_null_with_its_reason() {
    let ship = Ship::launch().await;
    crew(&ship).await;
    for known in ["{ at: \"2020-01-01T00:00:00Z\" }", "{ position: \"0\" }"] {
        let document = format!(
            "{{ asOf(at: {{ known: {known} }}) {{ dealMetrics {{ total {{ all {{ count }} }} }} stageVisits {{ entries }}
                deals {{ totalCount nodes {{ name }} }} people {{ totalCount }} teams {{ totalCount }}
                accounts {{ totalCount }} products {{ totalCount }} pipelines {{ totalCount }} knowledgeFrom }} }}"
        );
        let asked = ship.ask(&document, json!({})).await;
        let snapshot = &asked["data"]["asOf"];
        assert!(snapshot["dealMetrics"].is_null() && snapshot["stageVisits"].is_null(), "{asked:#}");
        for list in ["deals", "people", "teams", "accounts", "products", "pipelines"] {
            assert_eq!(snapshot[list]["totalCount"], Value::Null, "{list}");
        }
        assert_eq!(snapshot["deals"]["nodes"], json!([]));
        assert!(snapshot["knowledgeFrom"].is_string());
        let errors = asked["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 8);
        assert!(errors.iter().all(|error| error["extensions"]["code"] == "BEFORE_OUR_KNOWLEDGE"), "{errors:#?}");
    }
}
