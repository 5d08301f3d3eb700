//! Two server processes on one database, and many who want the same thing at once.

use crate::{
    fixtures::crew,
    harness::{Ship, TENANT},
    process::{ServerProcess, ask},
};
use futures::future::join_all;
use logbook::fresh_id;
use serde_json::{Value, json};

/// Racers of a round.
const RACERS: usize = 64;
/// Rounds with one winner each.
const ROUNDS: i64 = 100;

const RENAME: &str = "mutation($input: DealRenameInput!) { dealRename(input: $input) {
    deal { version } position userErrors { code } } }";

async fn send(server: &ServerProcess, document: &str, input: Value) -> Value {
    let answer = ask(server.address, TENANT, document, &json!({ "input": input })).await;
    answer.expect("a server that lives answers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_racers_with_one_expected_version_one_wins_a_hundred_times() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Wanted", "2026-02-02", "1.00").await;
    let servers = [ServerProcess::on_database_of(&ship), ServerProcess::on_database_of(&ship)];
    for version in 1..=ROUNDS {
        let racer = |number: usize| {
            let input = json!({ "commandId": fresh_id().to_string(), "id": deal, "expectedVersion": version,
                "name": format!("round {version} racer {number}") });
            send(&servers[number % 2], RENAME, input)
        };
        let answers = join_all((0..RACERS).map(racer)).await;
        let codes = answers.iter().map(|answer| &answer["data"]["dealRename"]["userErrors"][0]["code"]);
        let (won, lost): (Vec<_>, Vec<_>) = codes.partition(|code| code.is_null());
        assert_eq!(won.len(), 1, "round {version}: {answers:#?}");
        assert!(lost.iter().all(|code| *code == "CONFLICT"), "round {version}: {lost:?}");
    }
    let rebuilt = logbook::rebuild(ship.logbook.pool(), ship.registry(), &ship.tenant, true).await.unwrap();
    assert!(rebuilt.all_right(), "{rebuilt:?}");
    logbook::verify(ship.logbook.pool(), ship.tenant.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_command_sent_64_times_at_once_is_taken_down_once_and_answered_alike() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let servers = [ServerProcess::on_database_of(&ship), ServerProcess::on_database_of(&ship)];
    let open = "mutation($input: DealOpenInput!) { dealOpen(input: $input) {
        deal { key version } position userErrors { code } } }";
    for round in 0..10 {
        let mut input = crew.opening(&format!("Round {round}"), "2026-02-02", "1.00");
        input["commandId"] = json!(fresh_id().to_string());
        let before = head(&ship).await;
        let answers = join_all((0..RACERS).map(|number| send(&servers[number % 2], open, input.clone()))).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
        assert_eq!(answers[0]["data"]["dealOpen"]["deal"]["version"], 1, "{}", answers[0]);
        assert_eq!(head(&ship).await, before + 1);
    }
}

async fn head(ship: &Ship) -> i64 {
    let head = ship.data("{ logHead { position } }", json!({})).await;
    head["logHead"]["position"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_racing_commands_that_only_together_break_a_rule_exactly_one_is_accepted() {
    let ship = Ship::launch().await;
    crew(&ship).await;
    let servers = [ServerProcess::on_database_of(&ship), ServerProcess::on_database_of(&ship)];
    let set = "mutation($input: PersonSetManagerInput!) { personSetManager(input: $input) { userErrors { code } } }";
    for round in 0..20 {
        let mut people = Vec::new();
        for name in ["one", "two"] {
            let hire =
                json!({ "name": format!("{name} {round}"), "role": "REP", "effectiveAt": { "day": "2026-01-01" } });
            let hired = ship.command("personHire", "person { key }", hire).await;
            people.push(hired["person"]["key"].clone());
        }
        let line = |person: usize, manager: usize| {
            json!({ "commandId": fresh_id().to_string(), "id": people[person], "manager": people[manager],
                "effectiveAt": { "day": "2026-01-02" } })
        };
        // On one server the two may meet in a batch (`batches.rs` makes sure of it), on two they meet at the lock.
        let other = &servers[round % 2];
        let (one, two) = futures::join!(send(&servers[0], set, line(0, 1)), send(other, set, line(1, 0)));
        let code = |answer: &Value| answer["data"]["personSetManager"]["userErrors"][0]["code"].clone();
        let codes = [code(&one), code(&two)];
        assert_eq!(codes.iter().filter(|code| code.is_null()).count(), 1, "{codes:?}");
        assert!(codes.contains(&json!("CIRCLE")), "{codes:?}");
    }
}
