//! What is taken back, said anew or said late: what it changes, and how its story is told.

use crate::{
    fixtures::{Crew, crew},
    harness::Ship,
};
use serde_json::{Value, json};

const STORY: &str = "query($deal: ID!) { deal(id: $deal) { changes { position effectiveAt standing withdraws
    fields { field before after at until } } } }";

async fn story(ship: &Ship, deal: &str) -> Vec<Value> {
    let told = ship.data(STORY, json!({ "deal": deal })).await;
    told["deal"]["changes"].as_array().unwrap().clone()
}

fn field<'a>(change: &'a Value, name: &str) -> Vec<&'a Value> {
    let fields = change["fields"].as_array().unwrap().iter();
    fields.filter(|field| field["field"] == name).collect()
}

async fn refused(ship: &Ship, mutation: &str, selection: &str, input: Value) -> (String, Value) {
    let payload = ship.send(mutation, selection, input).await;
    let error = &payload["userErrors"][0];
    (error["code"].as_str().unwrap_or("taken down").to_owned(), error["field"].clone())
}

#[tokio::test]
async fn a_correction_without_an_instant_keeps_that_of_what_it_corrects() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Corrected", "2026-02-02", "100.00").await;
    let win = json!({ "id": deal, "effectiveAt": { "day": "2026-03-01" } });
    let won = ship.command("dealWin", "deal { key }", win).await;
    let correction = json!({ "replaces": won["position"], "reason": "the order says 150" });
    let win = json!({ "id": deal, "amount": { "amount": "150.00" }, "correction": correction });
    let again = ship.command("dealWin", "deal { closedOn amount { amount } }", win).await;
    assert_eq!(again["deal"], json!({ "closedOn": "2026-03-01", "amount": { "amount": "150.00" } }));
    let then = "query($deal: ID!, $at: AsOf) { asOf(at: $at) { deal(id: $deal) { status } } }";
    for (day, status) in [("2026-02-28", "OPEN"), ("2026-03-01", "WON")] {
        let at = json!({ "deal": deal, "at": { "effective": { "day": day } } });
        assert_eq!(ship.data(then, at).await["asOf"]["deal"]["status"], status, "{day}");
    }
    let rename = json!({ "id": crew.region, "name": "Nroth", "effectiveAt": { "day": "2026-04-01" } });
    let renamed = ship.command("teamRename", "team { key }", rename).await;
    let correction = json!({ "replaces": renamed["position"], "reason": "misspelt" });
    let rename = json!({ "id": crew.region, "name": "Far North", "correction": correction });
    ship.command("teamRename", "team { key }", rename).await;
    let then = "query($team: ID!, $at: AsOf) { asOf(at: $at) { team(id: $team) { name } } }";
    for (day, name) in [("2026-03-31", "North"), ("2026-04-01", "Far North")] {
        let at = json!({ "team": crew.region, "at": { "effective": { "day": day } } });
        assert_eq!(ship.data(then, at).await["asOf"]["team"]["name"], name, "{day}");
    }
}

#[tokio::test]
async fn a_win_that_is_moved_to_another_day_changes_fields_on_both_days() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Moved", "2026-02-02", "100.00").await;
    let win = |day: &str| json!({ "id": deal, "effectiveAt": { "day": day } });
    let won = ship.command("dealWin", "deal { key }", win("2026-03-01")).await;
    let mut moved = win("2026-04-10");
    moved["correction"] = json!({ "replaces": won["position"], "reason": "signed in April" });
    ship.command("dealWin", "deal { key }", moved).await;
    let changes = story(&ship, &deal).await;
    let (march, april) = (&changes[1]["effectiveAt"], &changes[2]["effectiveAt"]);
    let status = json!({ "field": "status", "before": "\"won\"", "after": "\"open\"", "at": march, "until": april });
    assert_eq!(field(&changes[2], "status"), [&status]);
    let closed = |before: Value, after: Value, at: &Value, until: Value| json!({ "field": "closed_on", "before": before, "after": after, "at": at, "until": until });
    let expected = [
        closed(json!("\"2026-03-01\""), Value::Null, march, april.clone()),
        closed(json!("\"2026-03-01\""), json!("\"2026-04-10\""), april, Value::Null),
    ];
    assert_eq!(field(&changes[2], "closed_on"), [&expected[0], &expected[1]]);
    assert_eq!((&changes[1]["standing"], &changes[2]["standing"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn a_withdrawal_that_is_withdrawn_no_longer_stands_and_gives_back_what_it_took() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Back", "2026-02-02", "100.00").await;
    let change = json!({ "id": deal, "amount": { "amount": "120.00" }, "effectiveAt": { "day": "2026-02-10" } });
    let changed = ship.command("dealChangeAmount", "deal { key }", change).await;
    let withdraw = |event: &Value| json!({ "id": deal, "event": event, "reason": "a slip" });
    let withdrawn = ship.command("dealWithdraw", "deal { key }", withdraw(&changed["position"])).await;
    ship.command("dealWithdraw", "deal { key }", withdraw(&withdrawn["position"])).await;
    let changes = story(&ship, &deal).await;
    let standing: Vec<_> = changes.iter().map(|change| change["standing"].as_bool().unwrap()).collect();
    assert_eq!(standing, [true, true, false, true]);
    let amount = |before: &str, after: &str| json!({ "field": "amount_minor", "before": before, "after": after, "at": changes[1]["effectiveAt"], "until": null });
    assert_eq!(changes[2]["fields"], json!([amount("12000", "10000")]));
    assert_eq!(changes[3]["fields"], json!([amount("10000", "12000")]));
}

#[tokio::test]
async fn a_withdrawal_says_its_reason_once_and_names_an_event_that_stands() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Reasons", "2026-02-02", "100.00").await;
    let cases = [
        ("dealWithdraw", json!({ "id": deal, "event": "1" }), "INVALID_INPUT", "reason"),
        ("dealWithdraw", json!({ "id": deal, "event": "1", "reason": "a slip" }), "NOT_STANDING", "event"),
        (
            "dealRename",
            json!({ "id": deal, "name": "x", "reason": "one", "correction": { "reason": "two" } }),
            "INVALID_INPUT",
            "reason",
        ),
        (
            "dealRename",
            json!({ "id": deal, "name": "x", "correction": { "reason": "two", "replaces": "1" } }),
            "NOT_STANDING",
            "correction",
        ),
    ];
    for (mutation, input, code, field) in cases {
        let expected = (code.to_owned(), json!(["input", field]));
        assert_eq!(refused(&ship, mutation, "deal { key }", input.clone()).await, expected, "{mutation} {input}");
    }
}

#[tokio::test]
async fn two_deals_never_live_on_in_each_other() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let one = crew.open(&ship, "One", "2026-02-02", "1.00").await;
    let two = crew.open(&ship, "Two", "2026-02-02", "1.00").await;
    let merge = json!({ "id": one, "into": two, "effectiveAt": { "day": "2026-04-10" } });
    ship.command("dealMerge", "deal { key }", merge).await;
    for day in [json!({ "day": "2026-04-05" }), json!({ "day": "2026-04-20" }), Value::Null] {
        let merge =
            json!({ "id": two, "into": one, "effectiveAt": day, "correction": { "reason": "it was forgotten" } });
        assert_eq!(refused(&ship, "dealMerge", "deal { key }", merge).await.0, "NO_SURVIVOR", "{day}");
    }
    let count = ship.data("{ dealMetrics { total { all { count } } } }", json!({})).await;
    assert_eq!(count["dealMetrics"]["total"]["all"]["count"], 1);
}

#[tokio::test]
async fn accounts_close_no_circle_at_any_instant_to_come() {
    let ship = Ship::launch().await;
    let Crew { account: one, .. } = crew(&ship).await;
    let register = json!({ "name": "Southwind", "effectiveAt": { "day": "2026-01-01" } });
    let two = ship.command("accountRegister", "account { key }", register).await["account"]["key"].clone();
    let later = json!({ "id": one, "parent": two, "effectiveAt": { "day": "2027-01-01" } });
    ship.command("accountChangeParent", "account { key }", later).await;
    let mut now = json!({ "id": two, "parent": one, "effectiveAt": { "day": "2026-06-01" } });
    assert_eq!(refused(&ship, "accountChangeParent", "account { key }", now.clone()).await.0, "CIRCLE");
    now["until"] = json!({ "day": "2027-01-01" });
    ship.command("accountChangeParent", "account { key }", now).await;
}

#[tokio::test]
async fn an_override_counts_while_the_deal_is_open_and_again_when_it_is_reopened() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let shown = "deal { category categoryOverride probabilityBps probabilityOverrideBps }";
    let closings =
        [("dealWin", json!({}), "CLOSED", 10_000), ("dealLose", json!({ "lostReason": "price" }), "OMITTED", 0)];
    for (mutation, mut close, category, bps) in closings {
        let deal = crew.open(&ship, mutation, "2026-02-02", "100.00").await;
        ship.command("dealOverrideCategory", shown, json!({ "id": deal, "category": "COMMIT" })).await;
        ship.command("dealOverrideProbability", shown, json!({ "id": deal, "probabilityBps": 9_000 })).await;
        close["id"] = json!(deal);
        let figures = |category: &str, bps: i32| json!({ "category": category, "categoryOverride": "COMMIT", "probabilityBps": bps, "probabilityOverrideBps": 9_000 });
        assert_eq!(ship.command(mutation, shown, close).await["deal"], figures(category, bps), "{mutation}");
        let reopen = json!({ "id": deal, "stage": crew.stage("First") });
        assert_eq!(ship.command("dealReopen", shown, reopen).await["deal"], figures("COMMIT", 9_000), "{mutation}");
    }
}

/// Where somebody is in no team, or is not there at all, every read says so alike.
#[tokio::test]
async fn who_is_in_no_team_that_stands_is_in_none_for_every_read() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let since = json!({ "day": "2026-01-01" });
    let docks = json!({ "name": "Docks", "parent": crew.region, "effectiveAt": since });
    let docks = ship.command("teamForm", "team { key }", docks).await["team"]["key"].clone();
    let piers = ship.data("query($id: ID!) { person(id: $id) { team { key } } }", json!({ "id": crew.rep })).await;
    let piers = piers["person"]["team"]["key"].clone();
    let hire = |name: &str, team: &Value| json!({ "name": name, "role": "REP", "team": team, "effectiveAt": since });
    let mut hired = Vec::new();
    for (name, team) in [("Disbanded", &docks), ("Departed", &piers), ("Never hired", &piers), ("Here", &piers)] {
        let payload = ship.command("personHire", "person { key }", hire(name, team)).await;
        let mut opening = crew.opening(name, "2026-02-02", "1.00");
        opening["owner"] = payload["person"]["key"].clone();
        ship.command("dealOpen", "deal { key }", opening).await;
        hired.push(payload);
    }
    ship.command("teamDisband", "team { key }", json!({ "id": docks, "effectiveAt": { "day": "2026-05-01" } })).await;
    let depart = json!({ "id": hired[1]["person"]["key"], "effectiveAt": { "day": "2026-05-01" } });
    ship.command("personDepart", "person { key }", depart).await;
    let never = json!({ "id": hired[2]["person"]["key"], "event": hired[2]["position"], "reason": "never came" });
    ship.command("personWithdraw", "person { key }", never).await;
    let document = "query($at: AsOf, $id: ID!, $teams: [ID!], $name: String) { asOf(at: $at) {
        person(id: $id) { name team { name } region { name } }
        people(filter: { teams: $teams, namePrefix: $name }) { totalCount }
        deals(filter: { teams: $teams, namePrefix: $name }) { totalCount }
        teams: dealMetrics(filter: { namePrefix: $name }, groupBy: [TEAM]) { groups { keys { label value } } }
        regions: dealMetrics(filter: { namePrefix: $name }, groupBy: [REGION]) { groups { keys { label } } }
        owners: dealMetrics(filter: { namePrefix: $name }, groupBy: [OWNER]) { groups { keys { label value } } } } }";
    let cases = [
        ("2026-04-30", 0, Some("Disbanded"), Some("Docks")),
        ("2026-05-01", 0, Some("Disbanded"), None),
        ("2026-04-30", 1, Some("Departed"), Some("Piers")),
        ("2026-05-01", 1, Some("Departed"), None),
        ("2026-05-01", 2, None, None),
        ("2026-05-01", 3, Some("Here"), Some("Piers")),
    ];
    for (day, index, person, team) in cases {
        let key = &hired[index]["person"]["key"];
        let name = ["Disbanded", "Departed", "Never", "Here"][index];
        let variables = json!({ "at": { "effective": { "day": day } }, "id": key, "name": name,
            "teams": [docks, piers, crew.region] });
        let found = ship.data(document, variables).await["asOf"].clone();
        let region = team.map(|_| "North");
        let named = |name: Option<&str>| name.map_or(Value::Null, |name| json!({ "name": name }));
        let expected = person
            .map_or(Value::Null, |person| json!({ "name": person, "team": named(team), "region": named(region) }));
        assert_eq!(found["person"], expected, "{day} {name}");
        let counted = i32::from(team.is_some());
        assert_eq!(found["people"]["totalCount"], counted, "{day} {name}");
        assert_eq!(found["deals"]["totalCount"], counted, "{day} {name}");
        let label = |groups: &str| found[groups]["groups"][0]["keys"][0]["label"].clone();
        assert_eq!((label("teams"), label("regions")), (json!(team), json!(region)), "{day} {name}");
        assert_eq!(found["teams"]["groups"][0]["keys"][0]["value"].is_null(), team.is_none(), "{day} {name}");
        assert_eq!(found["owners"]["groups"][0]["keys"][0], json!({ "label": person, "value": key }), "{day} {name}");
    }
}
