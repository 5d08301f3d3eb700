//! What the log keeps back from those who may read it, and what a deal's earlier owners have to do with commands.

use crate::{
    access::{hire, send},
    fixtures::crew,
    harness::Ship,
};
use sales::access::Login;
use serde_json::{Value, json};
use units::Text;

#[tokio::test]
async fn events_keep_back_what_is_private_and_secrets_from_everybody() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let email = json!({ "id": crew.rep, "email": "tomas@example.test", "reason": "a private one" });
    ship.command("personChangeEmail", "person { email }", email).await;
    let key = json!({ "name": "laptop", "subject": { "person": crew.rep }, "reason": "a lost one" });
    ship.command("keyCreate", "secret", key).await;
    crew.open(&ship, "Seen", "2026-03-02", "100.00").await;
    let leader = hire(&ship, "Lea", "LEADER").await;
    let service = Login::Service(Text::new("crm").unwrap());
    let asked =
        "{ events(first: 100, filter: { types: [\"person.email_changed\", \"login.key_made\", \"deal.opened\"] }) {
        nodes { type payload reason leaf } } }";
    let told = |answer: &Value| -> Vec<(bool, bool)> {
        assert!(answer["errors"].is_null(), "{answer:#}");
        let nodes = answer["data"]["events"]["nodes"].as_array().unwrap();
        assert!(nodes.len() == 3 && !answer.to_string().contains("sha256"), "{answer:#}");
        assert!(nodes.iter().all(|node| node["leaf"].as_str().unwrap().len() == 64));
        nodes.iter().map(|node| (!node["payload"].is_null(), !node["reason"].is_null())).collect()
    };
    let all = ship.ask(asked, json!({})).await;
    assert_eq!(told(&all), [(true, true), (true, true), (true, false)]);
    let made = all["data"]["events"]["nodes"][1]["payload"].as_str().unwrap();
    assert!(made.contains("laptop") && made.contains(&crew.rep), "{made}");
    let answer = ship.ask_as_person(&leader, asked, json!({})).await;
    assert_eq!(told(&answer), [(true, true), (false, false), (true, false)]);
    let answer = ship.ask_as_login(&ship.tenant, &service, asked, json!({})).await;
    assert_eq!(told(&answer), [(false, false), (false, false), (true, false)]);
    let answer = ship.ask_as_person(&crew.rep, asked, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn who_gave_a_deal_away_does_not_take_it_back_by_a_withdrawal() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Given", "2026-03-02", "100.00").await;
    let next = hire(&ship, "Nia", "REP").await;
    let line = json!({ "id": next, "manager": crew.manager, "effectiveAt": { "day": "2026-01-01" } });
    ship.command("personSetManager", "person { key }", line).await;
    let give = json!({ "id": deal, "owner": next, "effectiveAt": { "day": "2026-05-01" } });
    assert_eq!(send(&ship, &crew.manager, "dealChangeOwner", give).await["userErrors"], json!([]));
    let event = ship.data("{ events(filter: { types: [\"deal.owner_changed\"] }) { nodes { position } } }", json!({}));
    let event = event.await["events"]["nodes"][0]["position"].clone();
    // Its former owner may have moved to another team since.
    let withdraw = json!({ "id": deal, "event": event, "reason": "mine again" });
    let refused = send(&ship, &crew.manager, "dealWithdraw", withdraw.clone()).await;
    assert_eq!(refused["userErrors"][0]["code"], "FORBIDDEN");
    let rename =
        json!({ "id": deal, "name": "Kept", "correction": { "replaces": event, "reason": "it was no change" } });
    assert_eq!(send(&ship, &crew.manager, "dealRename", rename).await["userErrors"][0]["code"], "FORBIDDEN");
    let leader = hire(&ship, "Lea", "LEADER").await;
    let withdrawn = send(&ship, &leader, "dealWithdraw", withdraw).await;
    assert_eq!(withdrawn["userErrors"], json!([]));
    // Withdrawing the withdrawal gives it away again.
    let last = ship.data("{ logHead { position } }", json!({})).await["logHead"]["position"].clone();
    let again = json!({ "id": deal, "event": last, "reason": "given all the same" });
    assert_eq!(send(&ship, &crew.manager, "dealWithdraw", again).await["userErrors"][0]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn what_was_true_of_a_deal_is_for_who_may_act_for_its_owner_then() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let other = hire(&ship, "Otto", "REP").await;
    let mut opening = crew.opening("Handed on", "2026-03-02", "100.00");
    opening["owner"] = json!(other);
    let opened = ship.command("dealOpen", "deal { key }", opening).await;
    let deal = &opened["deal"]["key"];
    let give = json!({ "id": deal, "owner": crew.rep, "effectiveAt": { "day": "2026-05-01" } });
    ship.command("dealChangeOwner", "deal { key }", give).await;
    let rename = |day: &str| json!({ "id": deal, "name": day, "effectiveAt": { "day": day }, "correction": { "reason": "forgotten" } });
    let early = send(&ship, &crew.rep, "dealRename", rename("2026-04-01")).await;
    assert_eq!(early["userErrors"][0]["code"], "FORBIDDEN");
    assert_eq!(send(&ship, &crew.rep, "dealRename", rename("2026-06-01")).await["userErrors"], json!([]));
    // Its owner of then does not see it any more.
    assert_ne!(send(&ship, &other, "dealRename", rename("2026-04-01")).await["userErrors"], json!([]));
    let leader = hire(&ship, "Lea", "LEADER").await;
    assert_eq!(send(&ship, &leader, "dealRename", rename("2026-04-01")).await["userErrors"], json!([]));
}
