//! What is one tenant's is nobody else's, through every read and every command.

use crate::{
    fixtures::crew,
    harness::{Ship, connected, in_role},
};
use serde_json::{Value, json};

/// Every field that reads, at the root of a query or of a snapshot.
const READS: &str = "
    deal(id: $deal) { name } person(id: $person) { name } team(id: $team) { name } account(id: $account) { name }
    product(id: $product) { name } pipeline(id: $pipeline) { name }
    deals(first: 10) { totalCount nodes { name stage { name } owner { name } account { name } product { name }
        changes { types fields { before after } } } }
    people(first: 10) { totalCount nodes { name team { name } manager { name } reports { name } changes { types } } }
    teams(first: 10) { totalCount nodes { name parent { name } changes { types } } }
    accounts(first: 10) { totalCount nodes { name changes { types } } }
    products(first: 10) { totalCount nodes { name changes { types } } }
    pipelines(first: 10) { totalCount nodes { name stages { name } changes { types } } }
    dealMetrics(groupBy: [STAGE, OWNER]) { total { all { count } } groups { keys { label } } }
    stageVisits { entries stage { name } }";

/// All that the organisation of the fixtures is called.
const NAMES: &[&str] = &["Canary", "Tomas", "Ines", "North", "Piers", "Northwind", "Chart", "Sales", "Second"];

#[tokio::test]
async fn another_tenant_s_rows_stay_invisible_through_every_read() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Canary", "2026-02-02", "1.00").await;
    ship.other_tenant("uplands").await;
    let ids = json!({ "deal": deal, "person": crew.rep, "team": crew.region, "account": crew.account,
        "product": crew.product, "pipeline": crew.pipeline });
    let document = format!(
        "query($deal: ID!, $person: ID!, $team: ID!, $account: ID!, $product: ID!, $pipeline: ID!) {{ {READS}
            asOf(at: {{ effective: {{ day: \"2026-12-31\" }} }}) {{ {READS} }}
            events {{ nodes {{ payload }} }} logHead {{ position }} }}"
    );
    let mine = ship.ask(&document, ids.clone()).await;
    assert!(mine["errors"].is_null(), "{mine:#}");
    for name in NAMES {
        assert!(mine.to_string().contains(name), "the questions reach {name}");
    }
    let seen = ship.ask_as("uplands", &document, ids).await;
    assert!(seen["errors"].is_null(), "{seen:#}");
    for name in NAMES {
        assert!(!seen.to_string().contains(name), "{name}: {seen:#}");
    }
    for root in [&seen["data"], &seen["data"]["asOf"]] {
        for list in ["deals", "people", "teams", "accounts", "products", "pipelines"] {
            assert_eq!(root[list]["totalCount"], 0, "{list}");
        }
        for one in ["deal", "person", "team", "account", "product", "pipeline"] {
            assert_eq!(root[one], Value::Null, "{one}");
        }
    }
    assert_eq!(seen["data"]["logHead"]["position"], "0");
    let global = "query($deal: ID!) { deal(id: $deal) { id } }";
    let id = ship.data(global, json!({ "deal": deal })).await["deal"]["id"].clone();
    let nodes = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }";
    assert_eq!(ship.data(nodes, json!({ "id": id })).await["node"]["id"], id);
    let seen = ship.ask_as("uplands", nodes, json!({ "id": id })).await;
    assert_eq!(seen["data"], json!({ "node": null, "nodes": [null] }), "{seen:#}");
}

#[tokio::test]
async fn another_tenant_s_rows_stay_invisible_in_every_table() {
    let ship = Ship::launch().await;
    crew(&ship).await.open(&ship, "Canary", "2026-02-02", "1.00").await;
    let key = json!({ "name": "Canary", "subject": { "service": "warehouse" } });
    ship.command("keyCreate", "login { key }", key).await;
    let other = ship.other_tenant("uplands").await;
    let client = connected(&in_role(&ship.config, "quarterdeck_app")).await;
    let nouns = "SELECT replace(relname, '_history', '')::text FROM pg_class
        WHERE relkind = 'r' AND relname LIKE '%\\_history' AND relnamespace = 'public'::regnamespace
          AND relname <> 'refinery_schema_history'";
    let nouns = ship.superuser().await.query(nouns, &[]).await.unwrap();
    assert!(nouns.len() >= 8);
    for noun in nouns {
        let noun: String = noun.get(0);
        let mut counts = Vec::new();
        for tenant in [ship.tenant.id, other.id] {
            client.batch_execute(&format!("SET quarterdeck.tenant = '{tenant}'")).await.unwrap();
            let count = client.query_one(&format!("SELECT count(*) FROM {noun}_history"), &[]).await.unwrap();
            counts.push(count.get::<_, i64>(0));
        }
        assert!(counts[0] > 0 && counts[1] == 0, "{noun}: {counts:?}");
    }
}

#[tokio::test]
async fn another_tenant_s_things_take_no_commands() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Canary", "2026-02-02", "1.00").await;
    let made = json!({ "name": "Canary", "subject": { "service": "warehouse" } });
    let key = ship.command("keyCreate", "login { key }", made).await["login"]["key"].clone();
    let other = ship.other_tenant("uplands").await;
    let commands = [
        ("dealRename", json!({ "id": deal, "name": "x" })),
        ("dealWithdraw", json!({ "id": deal, "event": "13" })),
        ("dealOpen", crew.opening("Theirs", "2026-02-02", "1.00")),
        ("personRename", json!({ "id": crew.rep, "name": "x" })),
        ("personSetManager", json!({ "id": crew.rep, "manager": crew.manager })),
        ("teamRename", json!({ "id": crew.region, "name": "x" })),
        ("accountRename", json!({ "id": crew.account, "name": "x" })),
        ("productRename", json!({ "id": crew.product, "name": "x" })),
        ("loginRevoke", json!({ "id": key })),
        ("pipelineRename", json!({ "id": crew.pipeline, "name": "x" })),
        ("pipelineRenameStage", json!({ "id": crew.pipeline, "stage": crew.stage("First"), "name": "x" })),
    ];
    for (mutation, mut input) in commands {
        let capital = mutation[..1].to_uppercase() + &mutation[1..];
        input["commandId"] = json!(logbook::fresh_id().to_string());
        let document =
            format!("mutation($i: {capital}Input!) {{ {mutation}(input: $i) {{ position userErrors {{ code }} }} }}");
        let answer = ship.ask_as("uplands", &document, json!({ "i": input })).await;
        assert!(answer["errors"].is_null(), "{mutation}: {answer:#}");
        assert!(answer["data"][mutation]["position"].is_null(), "{mutation}: {answer:#}");
        assert!(answer["data"][mutation]["userErrors"][0]["code"].is_string(), "{mutation}: {answer:#}");
    }
    let theirs = logbook::verify(ship.logbook.pool(), other.id).await.unwrap();
    assert_eq!(theirs.events, 0);
    assert_eq!(logbook::verify(ship.logbook.pool(), ship.tenant.id).await.unwrap().events, 14);
}
