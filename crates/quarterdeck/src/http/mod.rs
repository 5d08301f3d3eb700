//! The HTTP layer: thin, and the only place of the house that knows HTTP. It admits a request, hands it to an
//! [`Executor`] and words the answer; what the words mean is the schema's business.
//!
//! `/graphql` follows GraphQL over HTTP with the statuses of the npm `graphql-http` audits. Every refusal is a GraphQL
//! error in JSON with `extensions { code requestId }`, and every answer carries `Quarterdeck-Request-Id`.

mod door;
mod graphql;
mod json;
mod media;
mod metrics;
#[cfg(test)]
mod tests;
pub mod trusted;
#[cfg(test)]
mod turning_away_tests;

use std::{
    future::Future,
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    App, Error, HttpResponse, HttpServer,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::{Next, from_fn},
    web,
};
use async_graphql::{Request, Response, ServerError};
use futures::future::BoxFuture;
use serde::Serialize;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    identity::{Identity, Pass},
    limits::Limits,
};
pub(crate) use graphql::operation;

use graphql::Problem;
use media::Media;
use metrics::Requests;
use trusted::Trusted;

/// How long requests in flight may take to finish once the server was told to stop, in seconds.
const SHUTDOWN_SECONDS_MAX: u64 = 25;
/// How long `/readyz` waits for its probe.
const READY_WAIT_MAX: Duration = Duration::from_secs(2);
/// How long what `/readyz` found out is told again.
const READY_AGE_MAX: Duration = Duration::from_millis(500);
/// Requests that may be open, their bodies being read, for each that may run: it bounds the memory that bodies take.
const OPEN_PER_RUNNING: usize = 4;
/// The page loads nothing that this server does not serve, and nobody may put it into a frame.
const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";

/// Runs GraphQL requests: the schema with all that it needs, or a toy of the tests.
pub trait Executor: Send + Sync + 'static {
    /// Runs one request on behalf of `caller`. It may be dropped half way: at the deadline, or when the client leaves.
    fn execute(&self, request: Request, caller: Caller) -> BoxFuture<'_, Response>;

    /// Admits a caller before anything of his request is read: whoever asks too often is told so here, by an error with
    /// `retryAfterSeconds` among its extensions.
    fn admit(&self, _caller: &Caller) -> BoxFuture<'_, Result<(), ServerError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// On whose behalf a request runs, as far as HTTP knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The header `Quarterdeck-Tenant`, trimmed; `None` when it is absent or empty.
    pub tenant: Option<String>,
    /// What the request's key or token opens; `None`: it showed none, and may do as whoever sits at the machine.
    pub pass: Option<Pass>,
    /// Names this request in answers and logs.
    pub request_id: Uuid,
    /// When the request must have ended, in PostgreSQL too; `None`: whenever it ends.
    pub deadline: Option<Instant>,
}

/// An operation that the explorer offers.
#[derive(Clone, Debug, Serialize)]
pub struct Example {
    /// Unique among the examples; names it in the page's address.
    pub name: String,
    /// The line in the list.
    pub title: String,
    /// The GraphQL document.
    pub document: String,
    /// Its variables, a JSON object as text; may be empty.
    pub variables: String,
}

/// Answers `/readyz`: `Err` says in a sentence, for the log, what is missing.
pub type ReadyProbe = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;
/// Gives further metrics in Prometheus' text format, each line ended.
pub type MetricsProbe = Arc<dyn Fn() -> String + Send + Sync>;

/// What the HTTP layer needs of the rest of the house.
pub struct State {
    /// Runs the requests of `/graphql`.
    pub executor: Arc<dyn Executor>,
    /// Says whose a request is.
    pub identity: Arc<Identity>,
    /// Makes the id of a request.
    pub fresh_id: fn() -> Uuid,
    /// How long a request may take, reading its body included.
    pub deadline: Duration,
    /// How large a request may be.
    pub limits: Limits,
    /// Whether `__schema` and `__type` are answered.
    pub introspection: bool,
    /// The documents that may be asked for by their hash.
    pub trusted: Trusted,
    /// What `/explorer/examples.json` serves.
    pub examples: Vec<Example>,
    /// Asked by `/readyz`.
    pub ready: ReadyProbe,
    /// Asked by `/metrics`; its lines follow the counters of this layer.
    pub metrics: MetricsProbe,
}

/// [`State`] as the workers share it, with the counters of this layer.
pub struct Shared {
    state: State,
    requests: Requests,
    /// One for each request, from its head to its answer.
    open: Semaphore,
    /// One for each request that is executed.
    running: Arc<Semaphore>,
    /// What `/readyz` last found out, and when.
    ready: tokio::sync::Mutex<Option<(Instant, bool)>>,
}

impl State {
    /// Made once per server, for [`configure`] is called once per worker.
    #[must_use]
    pub fn shared(self) -> web::Data<Shared> {
        let running = self.limits.running as usize;
        web::Data::new(Shared {
            state: self,
            requests: Requests::default(),
            open: Semaphore::new(running * OPEN_PER_RUNNING),
            running: Arc::new(Semaphore::new(running)),
            ready: tokio::sync::Mutex::default(),
        })
    }
}

/// Adds every route of the server. Unknown paths are answered here too, so nothing can be added beside it.
pub fn configure(routes: &mut web::ServiceConfig, shared: web::Data<Shared>) {
    routes.app_data(shared).service(
        web::scope("")
            .wrap(from_fn(guard))
            .service(web::resource("/graphql").to(graphql::handle))
            .route("/", page("text/html; charset=utf-8", include_str!("../explorer/index.html")))
            .route("/explorer/app.js", page("text/javascript; charset=utf-8", include_str!("../explorer/app.js")))
            .route("/explorer/trying.js", page("text/javascript; charset=utf-8", include_str!("../explorer/trying.js")))
            .route("/explorer/style.css", page("text/css; charset=utf-8", include_str!("../explorer/style.css")))
            .route("/explorer/examples.json", web::get().to(examples))
            .route("/healthz", web::get().to(|| async { "ok\n" }))
            .route("/readyz", web::get().to(readyz))
            .route("/metrics", web::get().to(metrics))
            .default_service(web::to(not_found)),
    );
}

/// Serves on `listener` until `shutdown` resolves, then lets the requests in flight finish, for 25 seconds at most.
///
/// # Errors
/// When the listener or a worker cannot be used.
pub async fn serve(
    state: State,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let shared = state.shared();
    HttpServer::new(move || App::new().configure(|routes| configure(routes, shared.clone())))
        .shutdown_timeout(SHUTDOWN_SECONDS_MAX)
        .shutdown_signal(shutdown)
        .disable_signals()
        .listen(listener)?
        .run()
        .await
}

fn page(media: &'static str, text: &'static str) -> actix_web::Route {
    web::get().to(move || async move {
        HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, media))
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .body(text)
    })
}

async fn examples(shared: web::Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-cache")).json(&shared.state.examples)
}

async fn readyz(shared: web::Data<Shared>) -> HttpResponse {
    // Whoever asks often asks the database no more often for it.
    let mut known = shared.ready.lock().await;
    let ready = match *known {
        Some((at, ready)) if at.elapsed() < READY_AGE_MAX => ready,
        _ => {
            let ready = probed(&shared).await;
            *known = Some((Instant::now(), ready));
            ready
        }
    };
    drop(known);
    match ready {
        true => HttpResponse::Ok().body("ready\n"),
        false => HttpResponse::ServiceUnavailable().body("not ready\n"),
    }
}

/// Whether the server can do its work. Why not is for its operator's log alone: anybody may ask.
async fn probed(shared: &Shared) -> bool {
    match tokio::time::timeout(READY_WAIT_MAX, (shared.state.ready)()).await {
        Ok(Ok(())) => return true,
        Ok(Err(why)) => tracing::warn!(why, "not ready"),
        Err(_) => tracing::warn!("not ready: not known within {} s", READY_WAIT_MAX.as_secs()),
    }
    false
}

async fn metrics(shared: web::Data<Shared>) -> HttpResponse {
    let text = shared.requests.text() + &(shared.state.metrics)();
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(text)
}

async fn not_found(shared: web::Data<Shared>) -> HttpResponse {
    let problem = Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "Nothing is here. GraphQL is at /graphql.");
    problem.respond(Media::Json, (shared.state.fresh_id)())
}

/// Stands before every route: refuses foreign Host headers, unless a key is asked for anyway, and puts the security
/// headers on each answer.
async fn guard(
    shared: web::Data<Shared>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let admitted = shared.state.identity.required() || host_admitted(request.headers(), request.uri().host());
    let mut response = if admitted {
        next.call(request).await?.map_into_boxed_body()
    } else {
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "HOST_NOT_LOOPBACK",
            "Without --identity required the server answers only to the hosts localhost, 127.0.0.1 and [::1]: \
             the Host header named another (protection against DNS rebinding).",
        );
        request.into_response(problem.respond(Media::Json, (shared.state.fresh_id)()))
    };
    secure(response.headers_mut());
    Ok(response)
}

fn secure(headers: &mut HeaderMap) {
    let mut put = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    put(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::CROSS_ORIGIN_OPENER_POLICY, "same-origin");
    put(header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin");
}

/// A page of a foreign site can make its own name resolve to 127.0.0.1 and would then be of the same origin as this
/// server; what it cannot do is send another Host header than its own name.
fn host_admitted(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let mut hosts = headers.get_all(header::HOST).map(HeaderValue::to_str);
    let (Some(Ok(host)), None) = (hosts.next(), hosts.next()) else { return false };
    loopback_name(host) && authority.is_none_or(loopback_name)
}

fn loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|loopback| name.eq_ignore_ascii_case(loopback))
}
