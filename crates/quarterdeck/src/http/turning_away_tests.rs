//! Who is turned away, and how he is told: limits, rates, a full server, documents that are not trusted.

use super::{
    tests::{Answer, get, post, send_to, state},
    trusted::{Mode, Trusted, TrustedArgs},
    *,
};
use async_graphql::ServerError;
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio::sync::Notify;

/// Answers nothing, and shows what came through.
#[derive(Default)]
struct Gate {
    wait_seconds: Option<u64>,
    errors: usize,
    seen: Mutex<Vec<(String, Caller)>>,
    opened: Notify,
    hold: bool,
}

struct Behind(Arc<Gate>);

impl Executor for Behind {
    fn execute(&self, request: Request, caller: Caller) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            let request = request; // whole, with what it holds until it has ended
            let told = request.extensions.contains_key("cost");
            self.0.seen.lock().unwrap().push((request.query.clone(), caller));
            if self.0.hold {
                self.0.opened.notified().await;
            }
            let mut response = Response::new(async_graphql::Value::Boolean(told));
            for at in 0..self.0.errors {
                let mut error = ServerError::new("no", None);
                error.path.push(async_graphql::PathSegment::Index(at));
                response.errors.push(error);
            }
            response
        })
    }

    fn admit(&self, _caller: &Caller) -> BoxFuture<'_, Result<(), ServerError>> {
        let refused = self.0.wait_seconds.map(|seconds| {
            let mut error = ServerError::new("too often", None);
            let extensions = error.extensions.get_or_insert_default();
            extensions.set("code", "RATE_LIMITED");
            extensions.set("retryAfterSeconds", seconds);
            error
        });
        Box::pin(std::future::ready(refused.map_or(Ok(()), Err)))
    }
}

fn gated(gate: Gate, change: impl FnOnce(&mut State)) -> (Arc<Gate>, web::Data<Shared>) {
    let gate = Arc::new(gate);
    let mut state = State { executor: Arc::new(Behind(Arc::clone(&gate))), ..state() };
    change(&mut state);
    (gate, state.shared())
}

async fn asked(shared: &web::Data<Shared>, body: Value) -> Answer {
    send_to(shared, post(&body.to_string())).await
}

#[actix_web::test]
async fn a_limit_is_told_with_its_name_its_value_and_what_was_found() {
    let (gate, shared) = gated(Gate::default(), |state| state.limits.depth = 2);
    let answer = asked(&shared, json!({"query": "{ a { b { c } } }"})).await;
    answer.refused(200, "QUERY_TOO_LARGE");
    let extensions = &answer.json()["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["limit"], &extensions["max"], &extensions["actual"]),
        (&json!("depth"), &json!(2), &json!(3))
    );
    assert_eq!(answer.json()["errors"][0]["message"], "The request is too large: depth 3, at most 2 are taken.");
    assert!(gate.seen.lock().unwrap().is_empty(), "nothing was executed");
    let (_, shared) = gated(Gate::default(), |state| state.introspection = false);
    asked(&shared, json!({"query": "{ __schema { types { name } } }"})).await.refused(200, "INTROSPECTION_OFF");
    assert_eq!(asked(&shared, json!({"query": "{ __typename }"})).await.status, 200);
}

#[actix_web::test]
async fn whoever_asks_too_often_is_told_when_to_come_again_before_his_request_is_read() {
    let (gate, shared) = gated(Gate { wait_seconds: Some(7), ..Gate::default() }, |_| ());
    for accept in ["application/json", "application/graphql-response+json"] {
        let answer = send_to(&shared, post("not even JSON").insert_header(("accept", accept))).await;
        answer.refused(429, "RATE_LIMITED");
        assert_eq!(answer.header("retry-after"), "7");
    }
    assert!(gate.seen.lock().unwrap().is_empty());
    let text = send_to(&shared, get("/metrics")).await.text;
    assert!(text.contains(r#"requests_total{operation="unknown",outcome="turned_away"} 2"#), "{text}");
}

#[actix_web::test]
async fn a_full_server_says_so_at_once_and_is_open_again_afterwards() {
    let (gate, shared) = gated(Gate { hold: true, ..Gate::default() }, |state| {
        state.limits.running = 2;
        state.deadline = Duration::from_secs(20);
    });
    let ask = |shared: web::Data<Shared>| async move { asked(&shared, json!({"query": "{ a }"})).await };
    let held = [0, 1].map(|_| actix_web::rt::spawn(ask(shared.clone())));
    let arrived = async |count: usize| {
        while gate.seen.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    arrived(2).await;
    let answer = ask(shared.clone()).await;
    answer.refused(503, "OVERLOADED");
    assert_eq!(answer.header("retry-after"), "1");
    gate.opened.notify_waiters();
    for answer in held {
        assert_eq!(answer.await.unwrap().status, 200);
    }
    let again = actix_web::rt::spawn(ask(shared.clone()));
    arrived(3).await;
    gate.opened.notify_waiters();
    assert_eq!(again.await.unwrap().status, 200);
}

#[actix_web::test]
async fn a_request_brings_its_deadline_and_its_wish_to_know_the_cost() {
    let (gate, shared) = gated(Gate::default(), |state| state.deadline = Duration::from_secs(5));
    let before = Instant::now();
    assert_eq!(asked(&shared, json!({"query": "{ a }"})).await.json()["data"], false);
    let wishing = post(r#"{"query":"{ a }"}"#).insert_header(("quarterdeck-cost", "1"));
    assert_eq!(send_to(&shared, wishing).await.json()["data"], true);
    let deadline = gate.seen.lock().unwrap()[0].1.deadline.unwrap();
    assert!(deadline >= before + Duration::from_secs(4) && deadline <= Instant::now() + Duration::from_secs(5));
}

#[actix_web::test]
async fn of_many_errors_ten_are_told() {
    let (_, shared) = gated(Gate { errors: 1_000, ..Gate::default() }, |_| ());
    let answer = asked(&shared, json!({"query": "{ a }"})).await.json();
    assert_eq!(answer["errors"].as_array().unwrap().len(), 10);
    assert_eq!(answer["extensions"]["errorsUntold"], 990);
}

#[actix_web::test]
async fn a_name_given_twice_is_refused_wherever_it_stands() {
    let (_, shared) = gated(Gate::default(), |_| ());
    for body in [
        r#"{"query":"{ a }","query":"mutation { b }"}"#,
        r#"{"query":"{ a }","variables":{"x":1,"x":2}}"#,
        r#"{"query":"{ a }","variables":{"x":[{"y":1,"\u0079":2}]}}"#,
    ] {
        send_to(&shared, post(body)).await.refused(400, "BAD_REQUEST");
    }
    let good = r#"{"query":"{ a }","variables":{"x":[1,-2,3.5,"s",null,true,{"y":{}}],"y":18446744073709551615}}"#;
    assert_eq!(send_to(&shared, post(good)).await.status, 200);
}

/// sha256 of `{ trusted }`.
const HASH: &str = "4dadec54ba0b527523d1b03320ec77c0175608f921315e86e91763eb101fc8bc";

fn trusting(mode: Mode) -> (Arc<Gate>, web::Data<Shared>, String) {
    let folder = std::env::temp_dir().join(format!("quarterdeck-trusted-{}-{mode:?}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("one.graphql"), "{ trusted }").unwrap();
    std::fs::write(folder.join("note.txt"), "{ not }").unwrap();
    let args = TrustedArgs { trusted_documents: mode, trusted_documents_dir: Some(folder.clone()) };
    let trusted = Trusted::load(&args).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let (gate, shared) = gated(Gate::default(), |state| state.trusted = trusted);
    (gate, shared, HASH.to_owned())
}

#[actix_web::test]
async fn a_trusted_document_is_asked_for_by_its_hash() {
    for mode in [Mode::Allow, Mode::Require] {
        let (gate, shared, hash) = trusting(mode);
        let apollo = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
        for body in [
            json!({"documentId": format!("sha256:{hash}")}),
            json!({"documentId": format!("sha256:{}", hash.to_uppercase()), "query": null}),
            json!({"extensions": apollo}),
            json!({"extensions": apollo, "query": "{ trusted }"}),
            json!({"query": "{ trusted }"}),
        ] {
            if body.get("query").is_some_and(Value::is_null) {
                asked(&shared, body).await.refused(400, "BAD_REQUEST");
            } else {
                assert_eq!(asked(&shared, body.clone()).await.status, 200, "{mode:?} {body}");
            }
        }
        let seen = gate.seen.lock().unwrap();
        assert!(seen.len() == 4 && seen.iter().all(|(query, _)| query == "{ trusted }"));
    }
}

#[actix_web::test]
async fn what_is_not_trusted_is_refused_by_name() {
    let unknown = "0".repeat(64);
    let by_id = |hash: &str| json!({"documentId": format!("sha256:{hash}")});
    let table = [
        (Mode::Off, by_id(HASH), "PERSISTED_QUERY_NOT_SUPPORTED"),
        (Mode::Allow, by_id(&unknown), "PERSISTED_QUERY_NOT_FOUND"),
        (Mode::Require, by_id(&unknown), "PERSISTED_QUERY_NOT_FOUND"),
        (Mode::Require, json!({"query": "{ other }"}), "TRUSTED_DOCUMENT_REQUIRED"),
        (Mode::Require, json!({"query": "{ other }", "documentId": format!("sha256:{HASH}")}), "BAD_REQUEST"),
        (Mode::Allow, json!({"documentId": HASH}), "BAD_REQUEST"),
        (Mode::Allow, json!({"documentId": "sha256:../../etc/passwd"}), "BAD_REQUEST"),
        (Mode::Allow, json!({"documentId": 7}), "BAD_REQUEST"),
        (Mode::Allow, json!({"extensions": {"persistedQuery": {"sha256Hash": {}}}}), "BAD_REQUEST"),
    ];
    for (mode, body, code) in table {
        let (gate, shared, _) = trusting(mode);
        asked(&shared, body.clone()).await.refused(400, code);
        assert!(gate.seen.lock().unwrap().is_empty(), "{mode:?} {body}");
    }
    let (_, shared, _) = trusting(Mode::Allow);
    assert_eq!(asked(&shared, json!({"query": "{ other }"})).await.status, 200);
}

#[test]
fn a_manifest_names_documents_by_their_own_hashes() {
    let file = std::env::temp_dir().join(format!("quarterdeck-manifest-{}.json", std::process::id()));
    let load = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Trusted::load(&TrustedArgs { trusted_documents: Mode::Require, trusted_documents_dir: Some(file.clone()) })
    };
    assert!(load(&json!({HASH: "{ trusted }"}).to_string()).is_ok());
    assert!(load(&json!({format!("sha256:{HASH}"): "{ trusted }"}).to_string()).is_ok());
    assert!(load(&json!({HASH: "{ other }"}).to_string()).unwrap_err().contains("is not the sha256"));
    assert!(load("[]").unwrap_err().contains("no map"));
    std::fs::remove_file(&file).unwrap();
    let nowhere = TrustedArgs { trusted_documents: Mode::Allow, trusted_documents_dir: None };
    assert!(Trusted::load(&nowhere).unwrap_err().contains("--trusted-documents-dir"));
}
