//! Requests that mean harm, over HTTP, at the program as it runs: each is refused as it must be, and honest ones beside
//! them are answered. How fast is measured by `make hostile`, in a release build.

use crate::{
    corpus::{corpus, exchange, honest, refused},
    harness::Ship,
    process::ServerProcess,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// How long any refusal may take in a build that is not optimised, beside other tests.
const REFUSAL_MAX: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn what_means_harm_is_refused_while_honest_requests_are_answered() {
    let ship = Ship::launch().await;
    let mut server = ServerProcess::on_database_of(&ship);
    let address = server.address;
    let over = Arc::new(AtomicBool::new(false));
    let honest_ones = tokio::spawn({
        let over = Arc::clone(&over);
        async move {
            let mut answered = 0;
            while !over.load(Relaxed) {
                let answer = exchange(address, &honest()).await;
                assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"deals\":{"), "{answer}");
                answered += 1;
            }
            answered
        }
    });
    let attacks = corpus();
    assert!(attacks.len() >= 80, "{}", attacks.len());
    let mut wrong = Vec::new();
    for attack in &attacks {
        match tokio::time::timeout(REFUSAL_MAX, exchange(address, &attack.request)).await {
            Ok(answer) => wrong.extend(refused(attack, &answer).err()),
            Err(_) => wrong.push(format!("{}: no answer within {REFUSAL_MAX:?}", attack.name)),
        }
    }
    over.store(true, Relaxed);
    assert!(honest_ones.await.unwrap() > 0);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), attacks.len(), wrong.join("\n"));
    assert!(server.runs());
    let metrics = exchange(address, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    for line in metrics.lines().filter(|line| line.contains("outcome=\"panic\"")) {
        assert!(line.ends_with(" 0"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_gets_the_time_that_its_request_has_left() {
    let ship = Ship::launch().await;
    let mut blocking = ship.superuser().await;
    let blocked = blocking.transaction().await.unwrap();
    blocked.batch_execute("LOCK TABLE deal_history IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let document = "{ deals { nodes { name } } logHead { position } }";
    let started = Instant::now();
    let answer = ship.ask_within(Duration::from_millis(400), document).await;
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "DEADLINE_EXCEEDED", "{answer:#}");
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("longer than it may"));
    let answer = ship.ask_within(Duration::ZERO, document).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "DEADLINE_EXCEEDED", "{answer:#}");
    blocked.rollback().await.unwrap();
    let answer = ship.ask_within(Duration::from_secs(10), document).await;
    assert!(answer["errors"].is_null(), "{answer:#}");
}
