//! The HTTP layer before a toy schema. The first half restates the audits of npm `graphql-http` that matter.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
};

use actix_web::{http::Method, test};
use async_graphql::{Context, EmptySubscription, Object, Schema};
use serde_json::{Value, json};

use super::*;
use crate::identity::{Keyring, Mode};

const JSON: &str = "application/json; charset=utf-8";
const GRAPHQL: &str = "application/graphql-response+json; charset=utf-8";

struct Query;
struct Mutation;
struct Toy(Schema<Query, Mutation, EmptySubscription>);

#[Object]
impl Query {
    async fn hello(&self, #[graphql(default)] name: String) -> String {
        format!("hello {name}")
    }

    async fn tenant(&self, context: &Context<'_>) -> Option<String> {
        context.data_unchecked::<Caller>().tenant.clone()
    }

    async fn soft(&self) -> Option<async_graphql::Result<i32>> {
        Some(Err("no soft".into()))
    }

    async fn hard(&self) -> async_graphql::Result<i32> {
        Err("no hard".into())
    }

    async fn panics(&self) -> i32 {
        std::hint::black_box(None).expect("secret of the house")
    }

    async fn sleeps(&self, ms: u64) -> u64 {
        NAPS.fetch_add(u32::from(ms < 1_000), SeqCst);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        ms
    }
}

static BUMPS: AtomicU32 = AtomicU32::new(0);
/// Short sleeps that have begun.
static NAPS: AtomicU32 = AtomicU32::new(0);

#[Object]
impl Mutation {
    async fn bump(&self) -> u32 {
        BUMPS.fetch_add(1, SeqCst)
    }
}

impl Executor for Toy {
    fn execute(&self, request: Request, caller: Caller) -> BoxFuture<'_, Response> {
        Box::pin(self.0.execute(request.data(caller)))
    }
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: HeaderMap,
    pub(super) text: String,
}

#[actix_web::test]
async fn the_answer_has_the_media_type_that_was_asked_for() {
    let table = [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON; charset=UTF-8", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.5, application/json;q=0.9", JSON),
        ("application/graphql-response+json;q=0.9, */*;q=0.1", GRAPHQL),
        ("application/graphql-response+json, */*", GRAPHQL),
        ("application/json, */*", JSON),
        ("application/json;q=0, */*", GRAPHQL),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("text/html", "406"),
        ("application/json;q=0", "406"),
        ("application/json;q=2", "406"),
        ("application/json; charset=utf-16", "406"),
    ];
    for (accept, expected) in table {
        let answer = send(post(r#"{"query":"{ __typename }"}"#).insert_header(("accept", accept))).await;
        match expected {
            "406" => answer.refused(406, "NOT_ACCEPTABLE"),
            media => assert_eq!((answer.status, answer.header("content-type")), (200, media), "{accept}"),
        }
    }
}

#[actix_web::test]
async fn a_post_is_json_in_utf_8() {
    let body = r#"{"query":"{ __typename }"}"#;
    for media in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""] {
        assert_eq!(send(bare_post(body).insert_header(("content-type", media))).await.status, 200, "{media}");
    }
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""] {
        let answer = send(bare_post(body).insert_header(("content-type", media))).await;
        answer.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    send(bare_post(body)).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    send(post(body).insert_header(("content-encoding", "gzip"))).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    assert!(send(post(r#"{"query":"{ hello(name: \"🏃\") }"}"#)).await.text.contains("hello 🏃"));
}

#[actix_web::test]
async fn the_request_map_is_checked_strictly() {
    let bad = [
        "",
        "{ \"not a JSON",
        "null",
        "7",
        "[]",
        r#"[{"query":"{ __typename }"}]"#,
        r#"{"qeury":"{ __typename }"}"#,
        r#"{"query":null}"#,
        r#"{"query":{"obj":"ect"}}"#,
        r#"{"query":0}"#,
        r#"{"query":false}"#,
        r#"{"query":["a"]}"#,
    ];
    for body in bad {
        send(post(body)).await.refused(400, "BAD_REQUEST");
    }
    for value in [json!({"obj": "ect"}), json!(0), json!(false), json!(["array"])] {
        let body = json!({"query": "{ __typename }", "operationName": value});
        send(post(&body.to_string())).await.refused(400, "BAD_REQUEST");
    }
    for key in ["variables", "extensions"] {
        for value in [json!("string"), json!(0), json!(false), json!(["array"])] {
            send(post(&json!({"query": "{ __typename }", key: value}).to_string())).await.refused(400, "BAD_REQUEST");
        }
    }
    let good = [
        json!({"query": "{ hello }", "operationName": null, "variables": null, "extensions": null}),
        json!({"query": "query A { hello } query B { tenant }", "operationName": "A", "extensions": {"some": "value"}}),
        json!({"query": "query($n: String!) { hello(name: $n) }", "variables": {"n": ""}}),
    ];
    for body in good {
        assert_eq!(send(post(&body.to_string())).await.json()["data"]["hello"], "hello ", "{body}");
    }
}

#[actix_web::test]
async fn a_request_that_is_not_executed_has_no_data() {
    let table = [
        (json!({"query": "{"}), "GRAPHQL_PARSE_FAILED"),
        (json!({"query": ""}), "GRAPHQL_PARSE_FAILED"),
        (json!({"query": "{ nothing }"}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "{ hello }", "operationName": "Other"}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "query($id: ID!) { __typename }", "variables": {"id": null}}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "{ a b c d e f g h i j k l m }"}), "GRAPHQL_VALIDATION_FAILED"),
    ];
    for (body, code) in table {
        send(post(&body.to_string()).insert_header(("accept", "application/json"))).await.refused(200, code);
        let answer = send(post(&body.to_string()).insert_header(("accept", GRAPHQL))).await;
        answer.refused(400, code);
        assert!(answer.json()["errors"].as_array().is_some_and(|errors| errors.len() <= 10));
    }
}

#[actix_web::test]
async fn an_error_of_execution_keeps_the_data() {
    let answer = send(post(r#"{"query":"{ hello soft }"}"#).insert_header(("accept", GRAPHQL))).await;
    assert_eq!((answer.status, &answer.json()["data"]), (200, &json!({"hello": "hello ", "soft": null})));
    assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "EXECUTION_FAILED");
    assert_eq!(answer.json()["errors"][0]["extensions"]["requestId"], answer.header("quarterdeck-request-id"));
    let answer = send(post(r#"{"query":"{ hard }"}"#).insert_header(("accept", GRAPHQL))).await;
    assert_eq!((answer.status, answer.json().get("data")), (200, Some(&Value::Null)));
}

#[actix_web::test]
async fn a_get_asks_and_never_tells() {
    let hello = send(get("/graphql?query=query%20A%7Bhello%7D%20query%20B%7Btenant%7D&operationName=A")).await;
    assert_eq!(hello.json()["data"], json!({"hello": "hello "}));
    let named = "/graphql?query=query(%24n:String!)%7Bhello(name:%24n)%7D&variables=%7B%22n%22:%22you%22%7D";
    assert_eq!(send(get(named)).await.json()["data"], json!({"hello": "hello you"}));
    let before = BUMPS.load(SeqCst);
    for query in ["mutation%7Bbump%7D", "query%20A%7Bhello%7D%20mutation%20B%7Bbump%7D&operationName=B"] {
        let answer = send(get(&format!("/graphql?query={query}"))).await;
        answer.refused(405, "METHOD_NOT_ALLOWED");
        assert_eq!((answer.header("allow"), BUMPS.load(SeqCst)), ("POST", before));
    }
    for query in ["", "?query=%7Bhello%7D&query=%7Bhello%7D", "?query=%7Bhello%7D&variables=nonsense"] {
        send(get(&format!("/graphql{query}"))).await.refused(400, "BAD_REQUEST");
    }
    for method in [Method::PUT, Method::DELETE, Method::OPTIONS] {
        let answer = send(get("/graphql?query=%7Bhello%7D").method(method)).await;
        answer.refused(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), "GET, POST");
    }
}

#[actix_web::test]
async fn a_document_of_nothing_but_brackets_is_not_even_parsed() {
    for ((open, close), times) in
        [("{a", "}"), ("[", "]"), ("{b:", "}")].into_iter().flat_map(|pair| [(pair, 101), (pair, 60_000)])
    {
        let nest = open.repeat(times) + &close.repeat(times);
        for document in [nest.clone(), format!("{{a(b:{nest})}}"), format!("query($a:{nest}){{a}}")] {
            let answer = send(post(&json!({"query": document}).to_string())).await;
            answer.refused(200, "QUERY_TOO_LARGE");
            let limit = if times == 101 { "brackets inside brackets" } else { "tokens" };
            assert_eq!(answer.json()["errors"][0]["extensions"]["limit"], limit, "{}", answer.text);
            assert!(answer.text.len() < 1_000, "{}", answer.text);
        }
    }
}

#[actix_web::test]
async fn the_tenant_is_a_header() {
    let query = r#"{"query":"{ tenant }"}"#;
    let given = send(post(query).insert_header(("quarterdeck-tenant", " acme "))).await;
    assert_eq!(given.json()["data"]["tenant"], "acme");
    assert_eq!(send(post(query)).await.json()["data"]["tenant"], Value::Null);
    let twice = post(query).append_header(("quarterdeck-tenant", "a")).append_header(("quarterdeck-tenant", "b"));
    send(twice).await.refused(400, "BAD_TENANT");
}

#[actix_web::test]
async fn a_panic_is_an_answer_that_tells_no_secret() {
    let answer = send(post(r#"{"query":"{ panics }"}"#)).await;
    answer.refused(500, "INTERNAL");
    assert!(!answer.text.contains("secret"));
}

#[actix_web::test]
async fn a_request_ends_at_the_deadline() {
    send(post(r#"{"query":"{ sleeps(ms: 60000) }"}"#)).await.refused(503, "DEADLINE_EXCEEDED");
}

#[actix_web::test]
async fn only_loopback_names_are_answered_on_loopback() {
    let table = [
        ("localhost", true),
        ("LOCALHOST:8080", true),
        ("127.0.0.1:1", true),
        ("[::1]", true),
        ("[::1]:8080", true),
        ("evil.example", false),
        ("localhost.evil.example:8080", false),
        ("127.0.0.1.nip.io", false),
        ("::1", false),
        ("", false),
        ("localhost:80@evil.example", false),
        ("evil.example:localhost", false),
    ];
    for (host, admitted) in table {
        for path in ["/graphql?query=%7Bhello%7D", "/", "/metrics", "/nowhere"] {
            let answer = send(get(path).insert_header(("host", host))).await;
            assert_eq!(answer.status != 403, admitted, "{host} {path}");
            if !admitted {
                answer.refused(403, "HOST_NOT_LOOPBACK");
            }
        }
    }
}

#[actix_web::test]
async fn the_page_and_the_probes_are_served() {
    for (path, media) in [
        ("/", "text/html; charset=utf-8"),
        ("/explorer/app.js", "text/javascript; charset=utf-8"),
        ("/explorer/style.css", "text/css; charset=utf-8"),
        ("/explorer/examples.json", "application/json"),
    ] {
        let answer = send(get(path)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, media), "{path}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'self'"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(send(get("/healthz")).await.text, "ok\n");
    let unready = send(get("/readyz")).await;
    assert_eq!((unready.status, unready.text.as_str()), (503, "not ready\n"));
    send(get("/nowhere")).await.refused(404, "NOT_FOUND");
}

#[actix_web::test]
async fn requests_are_counted_by_operation_and_outcome() {
    let shared = state().shared();
    for query in ["{ hello }", "{ hello }", "{ soft }", "{ panics }", "{", "mutation { bump }"] {
        send_to(&shared, post(&json!({"query": query}).to_string())).await;
    }
    let text = send_to(&shared, get("/metrics")).await.text;
    for line in [
        "quarterdeck_graphql_requests_running 0",
        r#"quarterdeck_graphql_requests_total{operation="query",outcome="ok"} 2"#,
        r#"quarterdeck_graphql_requests_total{operation="query",outcome="errors"} 1"#,
        r#"quarterdeck_graphql_requests_total{operation="query",outcome="panic"} 1"#,
        r#"quarterdeck_graphql_requests_total{operation="unknown",outcome="refused"} 1"#,
        r#"quarterdeck_graphql_requests_total{operation="mutation",outcome="ok"} 1"#,
        r#"quarterdeck_graphql_request_duration_seconds_bucket{operation="query",le="+Inf"} 4"#,
        r#"quarterdeck_graphql_request_duration_seconds_count{operation="query"} 4"#,
        "toy_total 1",
    ] {
        assert!(text.lines().any(|given| given == line), "{line}\n{text}");
    }
}

#[actix_web::test]
async fn a_body_has_a_bound_with_and_without_a_length() {
    let long = json!({"query": "{ hello }", "extensions": {"pad": "x".repeat(256 * 1024)}}).to_string();
    send(post(&long)).await.refused(413, "BODY_TOO_LARGE");
    let (address, _stop, _server) = served();
    let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let declared = format!("{head}content-length: 200000000\r\n\r\n");
    assert!(exchange(address, declared).await.starts_with("HTTP/1.1 413"));
    let chunk = format!("{:x}\r\n{long}\r\n", long.len());
    let streamed = format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
    let answer = exchange(address, streamed).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("BODY_TOO_LARGE"), "{answer}");
}

#[actix_web::test]
async fn a_body_that_never_ends_meets_the_deadline() {
    let (address, _stop, _server) = served();
    let head =
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    assert!(exchange(address, head.to_owned()).await.starts_with("HTTP/1.1 408"));
}

#[actix_web::test]
async fn a_request_in_flight_outlives_the_order_to_stop() {
    let (address, stop, server) = served();
    let get = "GET /graphql?query=%7Bsleeps(ms:200)%7D HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = tokio::spawn(exchange(address, get.to_owned()));
    while NAPS.load(SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stop.send(()).expect("the server runs");
    assert!(answer.await.expect("no panic").contains(r#"{"data":{"sleeps":200}}"#));
    server.await.expect("no panic").expect("a clean end");
    assert!(TcpStream::connect(address).is_err());
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    #[track_caller]
    pub(super) fn refused(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        let json = self.json();
        assert!(json.get("data").is_none(), "{json}");
        for error in json["errors"].as_array().expect("errors") {
            assert_eq!(error["extensions"]["code"], code, "{json}");
            assert_eq!(error["extensions"]["requestId"], self.header("quarterdeck-request-id"), "{json}");
        }
    }
}

pub(super) fn state() -> State {
    State {
        identity: Arc::new(Identity::new(Mode::Local, Arc::new(Keyring::empty()), None)),
        executor: Arc::new(Toy(Schema::new(Query, Mutation, EmptySubscription))),
        fresh_id: || Uuid::from_u128(7),
        deadline: Duration::from_millis(500),
        limits: Limits::default(),
        introspection: true,
        trusted: Trusted::default(),
        examples: vec![],
        ready: Arc::new(|| Box::pin(async { Err("the log is not migrated".to_owned()) })),
        metrics: Arc::new(|| "toy_total 1\n".to_owned()),
    }
}

pub(super) fn get(path: &str) -> test::TestRequest {
    test::TestRequest::get().uri(path).insert_header(("host", "localhost:8080"))
}

fn bare_post(body: &str) -> test::TestRequest {
    get("/graphql").method(Method::POST).set_payload(body.to_owned())
}

pub(super) fn post(body: &str) -> test::TestRequest {
    bare_post(body).insert_header(("content-type", "application/json"))
}

async fn send(request: test::TestRequest) -> Answer {
    send_to(&state().shared(), request).await
}

pub(super) async fn send_to(shared: &web::Data<Shared>, request: test::TestRequest) -> Answer {
    let app = test::init_service(App::new().configure(|routes| configure(routes, shared.clone()))).await;
    let response = test::call_service(&app, request.to_request()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = String::from_utf8(test::read_body(response).await.to_vec()).expect("UTF-8");
    Answer { status, headers, text }
}

type Server = actix_web::rt::task::JoinHandle<std::io::Result<()>>;

fn served() -> (std::net::SocketAddr, tokio::sync::oneshot::Sender<()>, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let server = actix_web::rt::spawn(serve(state(), listener, async { drop(stopped.await) }));
    (address, stop, server)
}

/// Sends bytes, and reads what comes until the server closes or falls silent.
async fn exchange(address: std::net::SocketAddr, bytes: String) -> String {
    let talk = move || {
        let mut stream = TcpStream::connect(address).expect("a server");
        stream.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout above zero");
        stream.write_all(bytes.as_bytes()).expect("the server reads");
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::task::spawn_blocking(talk).await.expect("no panic")
}
