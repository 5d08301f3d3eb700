//! One crossing a slice: a mutation goes in, queries come out, now and as of another instant.

use crate::{
    fixtures::{Crew, crew},
    harness::Ship,
};
use serde_json::{Value, json};

#[tokio::test]
async fn a_deal_goes_from_its_opening_to_its_win() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "First deal", "2026-02-02", "100.00").await;
    let change = json!({ "id": deal, "stage": crew.stage("Second"), "effectiveAt": { "day": "2026-02-10" } });
    let changed =
        ship.command("dealChangeStage", "deal { stage { name } version category probabilityBps }", change).await;
    let expected =
        json!({ "stage": { "name": "Second" }, "version": 2, "category": "BEST_CASE", "probabilityBps": 5000 });
    assert_eq!(changed["deal"], expected);
    let win = json!({ "id": deal, "effectiveAt": { "day": "2026-03-04" }, "amount": { "amount": "90.50" } });
    let won = ship.command("dealWin", "deal { status amount { amount currencyCode } closedOn cycleDays }", win).await;
    let expected = json!({ "status": "WON", "amount": { "amount": "90.50", "currencyCode": "USD" },
        "closedOn": "2026-03-04", "cycleDays": 30 });
    assert_eq!(won["deal"], expected);
    let then = "query($deal: ID!, $at: AsOf) { asOf(at: $at) { deal(id: $deal) { status stage { name } owner { name }
        account { name } product { name } amount { amount } } } }";
    let at = json!({ "deal": deal, "at": { "effective": { "day": "2026-02-05" } } });
    let expected = json!({ "status": "OPEN", "stage": { "name": "First" }, "owner": { "name": "Tomas" },
        "account": { "name": "Northwind" }, "product": { "name": "Chart" }, "amount": { "amount": "100.00" } });
    assert_eq!(ship.data(then, at).await["asOf"]["deal"], expected);
    let before = json!({ "deal": deal, "at": { "effective": { "day": "2026-02-01" } } });
    assert_eq!(ship.data(then, before).await["asOf"]["deal"], Value::Null);
}

#[tokio::test]
async fn a_human_s_override_outlives_a_change_of_stage() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Sure thing", "2026-02-02", "100.00").await;
    let shown = "deal { category categoryOverride probabilityBps probabilityOverrideBps }";
    ship.command("dealOverrideCategory", shown, json!({ "id": deal, "category": "COMMIT" })).await;
    ship.command("dealOverrideProbability", shown, json!({ "id": deal, "probabilityBps": 9_000 })).await;
    let change = json!({ "id": deal, "stage": crew.stage("Second") });
    let kept = ship.command("dealChangeStage", shown, change).await;
    let expected = json!({ "category": "COMMIT", "categoryOverride": "COMMIT", "probabilityBps": 9000,
        "probabilityOverrideBps": 9000 });
    assert_eq!(kept["deal"], expected);
    let cleared = ship.command("dealOverrideCategory", shown, json!({ "id": deal, "category": null })).await;
    assert_eq!(cleared["deal"]["category"], "BEST_CASE");
}

#[tokio::test]
async fn broken_rules_are_told_with_their_codes_and_nothing_is_written() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "A deal", "2026-02-02", "100.00").await;
    let head = ship.data("{ logHead { position } }", json!({})).await;
    let cases = [
        ("dealChangeStage", json!({ "id": deal, "stage": crew.stage("Won") }), "CLOSING_STAGE"),
        ("dealLose", json!({ "id": deal }), "LOST_NEEDS_REASON"),
        ("dealReopen", json!({ "id": deal, "stage": crew.stage("First") }), "NOT_CLOSED"),
        ("dealRename", json!({ "id": deal, "name": " " }), "INVALID_INPUT"),
        ("dealRename", json!({ "id": deal, "name": "x", "expectedVersion": 7 }), "CONFLICT"),
        ("dealRename", json!({ "id": deal, "name": "x", "effectiveAt": { "day": "2026-01-20" } }), "NEEDS_CORRECTION"),
        (
            "dealRename",
            json!({ "id": deal, "name": "x", "effectiveAt": { "day": "2099-01-20" } }),
            "EFFECTIVE_IN_FUTURE",
        ),
        ("dealMerge", json!({ "id": deal, "into": deal }), "MERGED_INTO_ITSELF"),
        ("dealWithdraw", json!({ "id": deal, "event": "1", "reason": "a slip" }), "NOT_STANDING"),
        ("dealRename", json!({ "id": "0199aaaa-0000-7000-8000-000000000000", "name": "x" }), "NOT_OPENED"),
    ];
    for (mutation, input, code) in cases {
        let refused = ship.send(mutation, "deal { key }", input).await;
        assert_eq!(refused["userErrors"][0]["code"], code, "{mutation}: {refused:#}");
        assert_eq!(refused["deal"], Value::Null, "{mutation}");
    }
    assert_eq!(ship.data("{ logHead { position } }", json!({})).await, head);
}

#[tokio::test]
async fn the_same_command_is_taken_down_once_and_answered_alike() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let mut opening = crew.opening("Twice", "2026-02-02", "1.00");
    opening["commandId"] = json!("0199bbbb-0000-7000-8000-000000000001");
    let first = ship.command("dealOpen", "deal { key }", opening.clone()).await;
    let second = ship.command("dealOpen", "deal { key }", opening.clone()).await;
    assert_eq!(first, second);
    opening["name"] = json!("Another");
    let other = ship.send("dealOpen", "deal { key }", opening).await;
    assert_eq!(other["userErrors"][0]["code"], "COMMAND_ID_REUSED");
}

/// A win that is replaced a month later by one with another amount at the same effective instant.
#[tokio::test]
async fn a_replaced_win_has_four_answers_on_the_two_clocks() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Two clocks", "2026-02-02", "100.00").await;
    let win =
        |amount: &str| json!({ "id": deal, "amount": { "amount": amount }, "effectiveAt": { "day": "2026-03-02" } });
    let won = ship.command("dealWin", "deal { key }", win("120.00")).await;
    let mut again = win("150.00");
    again["correction"] = json!({ "replaces": won["position"], "reason": "the order says 150" });
    ship.command("dealWin", "deal { key }", again).await;
    let (document, mut variables) = crate::examples::example("what_we_believed");
    variables["deal"] = json!(deal);
    variables["then"] = json!({ "day": "2026-03-01" });
    variables["thenKnown"] = json!({ "position": won["position"] });
    let answers = ship.data(&document, variables.clone()).await;
    let amount = |answer: &str| answers[answer]["deal"]["amount"]["amount"].clone();
    assert_eq!(amount("trueThenKnownThen"), "100.00");
    assert_eq!(amount("trueThenKnownNow"), "100.00");
    assert_eq!(amount("trueNowKnownThen"), "120.00");
    assert_eq!(amount("trueNowKnownNow"), "150.00");
    variables["then"] = json!({ "day": "2026-03-31" });
    let answers = ship.data(&document, variables).await;
    let amount = |answer: &str| answers[answer]["deal"]["amount"]["amount"].clone();
    assert_eq!(amount("trueThenKnownThen"), "120.00");
    assert_eq!(amount("trueThenKnownNow"), "150.00");
    assert_eq!(amount("trueNowKnownThen"), "120.00");
    assert_eq!(amount("trueNowKnownNow"), "150.00");
    let story = "query($deal: ID!) { deal(id: $deal) { changes { types replaces standing reason
        fields { field before after } } } }";
    let story = ship.data(story, json!({ "deal": deal })).await;
    let changes = story["deal"]["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 3);
    assert_eq!((&changes[1]["standing"], &changes[2]["replaces"]), (&json!(false), &won["position"]));
    let field = json!({ "field": "amount_minor", "before": "12000", "after": "15000" });
    assert!(changes[2]["fields"].as_array().unwrap().contains(&field), "{changes:#?}");
}

#[tokio::test]
async fn metrics_and_their_rows_come_from_one_filter() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    for (number, amount) in (1..=4).zip(["10.00", "20.00", "30.00", "40.00"]) {
        let deal = crew.open(&ship, &format!("Deal {number}"), "2026-02-02", amount).await;
        let close = json!({ "id": deal, "effectiveAt": { "day": format!("2026-03-0{number}") } });
        match number {
            1 | 2 => drop(ship.command("dealWin", "deal { key }", close).await),
            3 => {
                let mut lose = close;
                lose["lostReason"] = json!("price");
                ship.command("dealLose", "deal { key }", lose).await;
            }
            _ => {}
        }
    }
    let document = "query($filter: DealFilter) { deals(filter: $filter, first: 100) { totalCount nodes { amount { amount } } }
        dealMetrics(filter: $filter, groupBy: [REGION, STATUS]) {
            total { all { count amounts { amount } } winRate { value numerator denominator }
                winRateByValue { value } cycleDays { wonOnly { mean median n } allClosed { mean } } won { average { amount } } }
            groups { keys { label value } figures { all { count } } } } }";
    let figures = ship.data(document, json!({ "filter": { "teams": [crew.region] } })).await;
    let total = &figures["dealMetrics"]["total"];
    assert_eq!(total["all"], json!({ "count": 4, "amounts": [{ "amount": "100.00" }] }));
    assert_eq!(total["winRate"], json!({ "value": "0.666667", "numerator": "2", "denominator": "3" }));
    assert_eq!(total["winRateByValue"][0]["value"], "0.5");
    assert_eq!(
        total["cycleDays"],
        json!({ "wonOnly": { "mean": "27.5", "median": "27.5", "n": 2 }, "allClosed": { "mean": "28" } })
    );
    assert_eq!(total["won"]["average"][0]["amount"], "15.00");
    assert_eq!(figures["deals"]["totalCount"], 4);
    let groups = figures["dealMetrics"]["groups"].as_array().unwrap();
    let counts: Vec<_> = groups
        .iter()
        .map(|group| (group["keys"][1]["value"].as_str().unwrap(), &group["figures"]["all"]["count"]))
        .collect();
    assert_eq!(counts, [("LOST", &json!(1)), ("OPEN", &json!(1)), ("WON", &json!(2))]);
    assert_eq!(groups[0]["keys"][0]["label"], "North");
}

#[tokio::test]
async fn a_visit_to_a_stage_ends_when_the_deal_moves_on_and_not_before() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let moved = crew.open(&ship, "Moved", "2026-02-01", "1.00").await;
    let change = |deal: &str, stage: &str, day: &str| json!({ "id": deal, "stage": crew.stage(stage), "effectiveAt": { "day": day } });
    let step = json!({ "id": moved, "nextStep": "call", "effectiveAt": { "day": "2026-02-03" } });
    ship.command("dealSetNextStep", "deal { key }", step).await;
    ship.command("dealChangeStage", "deal { key }", change(&moved, "Second", "2026-02-11")).await;
    ship.command("dealChangeStage", "deal { key }", change(&moved, "First", "2026-02-21")).await;
    let step = json!({ "id": moved, "nextStep": "call again", "effectiveAt": { "day": "2026-02-25" } });
    ship.command("dealSetNextStep", "deal { key }", step).await;
    let lost = crew.open(&ship, "Lost", "2026-02-01", "1.00").await;
    let lose = json!({ "id": lost, "lostReason": "price", "effectiveAt": { "day": "2026-02-05" } });
    ship.command("dealLose", "deal { key }", lose).await;
    let document = "{ stageVisits { stage { name } entries deals staying days { n mean } } }";
    let found = ship.data(document, json!({})).await["stageVisits"].clone();
    let of = |name: &str| {
        let visits = found.as_array().unwrap().iter().find(|visits| visits["stage"]["name"] == name).unwrap();
        (visits["entries"].clone(), visits["deals"].clone(), visits["staying"].clone(), visits["days"].clone())
    };
    let expected = |entries: i64, deals: i64, staying: i64, n: i64, mean: &str| {
        (json!(entries), json!(deals), json!(staying), json!({ "n": n, "mean": mean }))
    };
    assert_eq!(of("First"), expected(3, 2, 1, 2, "7"));
    assert_eq!(of("Second"), expected(1, 1, 0, 1, "10"));
    assert_eq!(of("Lost"), expected(1, 1, 0, 1, "0"));
}

#[tokio::test]
async fn pages_go_both_ways_in_every_order() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    for (name, amount) in [("b", "3.00"), ("a", "2.00"), ("d", "1.00"), ("c", "4.00"), ("e", "4.00")] {
        crew.open(&ship, name, "2026-02-02", amount).await;
    }
    let document = "query($o: DealOrder, $first: Int, $after: String, $last: Int, $before: String) {
        deals(orderBy: $o, first: $first, after: $after, last: $last, before: $before) {
            nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
    let cases =
        [("NAME", "ASC", "abcde"), ("NAME", "DESC", "edcba"), ("AMOUNT", "ASC", "dab"), ("OPENED_ON", "ASC", "")];
    for (field, direction, expected) in cases {
        let order = json!({ "field": field, "direction": direction });
        let (mut names, mut after) = (String::new(), Value::Null);
        loop {
            let page = ship.data(document, json!({ "o": order, "first": 2, "after": after })).await;
            let nodes = page["deals"]["nodes"].as_array().unwrap().clone();
            names.extend(nodes.iter().map(|node| node["name"].as_str().unwrap()));
            after = page["deals"]["pageInfo"]["endCursor"].clone();
            if page["deals"]["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert!(names.starts_with(expected) && names.len() == 5, "{field} {direction}: {names}");
        let last = ship.data(document, json!({ "o": order, "last": 2 })).await;
        let nodes = last["deals"]["nodes"].as_array().unwrap().clone();
        let tail: String = nodes.iter().map(|node| node["name"].as_str().unwrap()).collect();
        assert_eq!(tail, names[3..], "{field} {direction}");
        assert_eq!(last["deals"]["pageInfo"]["hasPreviousPage"], true);
    }
    let refused = ship.ask(document, json!({ "o": null, "first": 1_000 })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn an_object_of_another_instant_has_another_id_which_commands_refuse() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Ids", "2026-02-02", "1.00").await;
    let document =
        "query($deal: ID!, $at: AsOf) { now: deal(id: $deal) { id } then: asOf(at: $at) { deal(id: $deal) { id } } }";
    let head = ship.data("{ logHead { position } }", json!({})).await["logHead"]["position"].clone();
    let at = json!({ "effective": { "day": "2026-02-03" }, "known": { "position": head } });
    let ids = ship.data(document, json!({ "deal": deal, "at": at })).await;
    let (now, then) = (&ids["now"]["id"], &ids["then"]["deal"]["id"]);
    assert_ne!(now, then);
    let node = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Deal { name } } }";
    let found = ship.data(node, json!({ "ids": [then, "rubbish", now] })).await;
    let expected = json!([{ "id": then, "name": "Ids" }, null, { "id": now, "name": "Ids" }]);
    assert_eq!(found["nodes"], expected);
    let document = "mutation($input: DealRenameInput!) { dealRename(input: $input) {
        position userErrors { code field } } }";
    let input = json!({ "commandId": "0199cccc-0000-7000-8000-000000000001", "id": then, "name": "x" });
    let refused = ship.ask(document, json!({ "input": input })).await;
    let error = json!([{ "code": "INVALID_INPUT", "field": ["input", "id"] }]);
    assert_eq!(refused["data"]["dealRename"]["userErrors"], error, "{refused}");
}

#[tokio::test]
async fn people_teams_and_lines_are_as_of_their_instant() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let form = json!({ "name": "Docks", "parent": crew.region, "effectiveAt": { "day": "2026-02-01" } });
    let docks = ship.command("teamForm", "team { key region { name } }", form).await["team"].clone();
    assert_eq!(docks["region"]["name"], "North");
    let join = json!({ "id": crew.rep, "team": docks["key"], "effectiveAt": { "day": "2026-06-01" } });
    ship.command("personJoinTeam", "person { key }", join).await;
    let circle = json!({ "id": crew.manager, "manager": crew.rep, "effectiveAt": { "day": "2026-06-01" } });
    let refused = ship.send("personSetManager", "person { key }", circle).await;
    assert_eq!(refused["userErrors"][0]["code"], "CIRCLE");
    let document = "query($person: ID!, $at: AsOf) { asOf(at: $at) { person(id: $person) { name role team { name }
        region { name } manager { name } } } }";
    for (day, team) in [("2026-05-31", "Piers"), ("2026-06-01", "Docks")] {
        let at = json!({ "effective": { "day": day } });
        let found = ship.data(document, json!({ "person": crew.rep, "at": at })).await;
        let expected = json!({ "name": "Tomas", "role": "REP", "team": { "name": team }, "region": { "name": "North" },
            "manager": { "name": "Ines" } });
        assert_eq!(found["asOf"]["person"], expected, "{day}");
    }
    let depart = json!({ "id": crew.rep, "effectiveAt": { "day": "2026-07-01" }, "regretted": true });
    let gone = ship.command("personDepart", "person { status role departureRegretted }", depart).await;
    assert_eq!(gone["person"], json!({ "status": "DEPARTED", "role": null, "departureRegretted": true }));
}

#[tokio::test]
async fn accounts_products_and_pipelines_answer_to_their_commands() {
    let ship = Ship::launch().await;
    let Crew { pipeline, stages, account, product, .. } = crew(&ship).await;
    let child = json!({ "name": "Northwind West", "parent": account });
    let child =
        ship.command("accountRegister", "account { key parent { name } status }", child).await["account"].clone();
    assert_eq!((&child["parent"]["name"], &child["status"]), (&json!("Northwind"), &json!("ACTIVE")));
    let circle = json!({ "id": account, "parent": child["key"] });
    assert_eq!(ship.send("accountChangeParent", "account { key }", circle).await["userErrors"][0]["code"], "CIRCLE");
    let price = json!({ "id": product, "listPrice": { "amount": "1300.00" } });
    let priced = ship.command("productChangeListPrice", "product { listPrice { amount } }", price).await;
    assert_eq!(priced["product"]["listPrice"]["amount"], "1300.00");
    let rename = json!({ "id": pipeline, "stage": stages["First"], "name": "Qualified" });
    let renamed = ship.command("pipelineRenameStage", "pipeline { stages { key name retired } }", rename).await;
    assert_eq!(
        renamed["pipeline"]["stages"][0],
        json!({ "key": stages["First"], "name": "Qualified", "retired": false })
    );
    let retire = json!({ "id": pipeline, "stage": stages["Won"] });
    let refused = ship.send("pipelineRetireStage", "pipeline { key }", retire).await;
    assert_eq!(refused["userErrors"][0]["code"], "LAST_OF_ITS_KIND");
}
