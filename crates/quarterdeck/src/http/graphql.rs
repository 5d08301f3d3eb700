//! `/graphql`: one request in, one answer out.

use std::{any::Any, collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    web,
};
use async_graphql::{
    ErrorExtensionValues, Request, Response, ServerError, Value, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
};
use bytes::{Bytes, BytesMut};
use futures::{FutureExt, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Map;
use uuid::Uuid;

use super::{
    Caller, Shared, door, json,
    media::{Media, is_utf8_or_no_charset},
    metrics::{Operation, Outcome, Watch},
    trusted::Trusted,
};
use crate::limits::{
    Exceeded, Limits,
    shape::{self, Misshapen},
    tokens::{NESTING_MAX, Text},
};

/// The longest body of a request.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Seconds after which a request that found the server full may come again.
const RETRY_SECONDS: u64 = 1;
/// The longest name in `Quarterdeck-Tenant`, in bytes.
const TENANT_BYTES_MAX: usize = 200;

const TENANT: HeaderName = HeaderName::from_static("quarterdeck-tenant");
/// Asks for the cost among the answer's extensions.
const COST: HeaderName = HeaderName::from_static("quarterdeck-cost");
const REQUEST_ID: HeaderName = HeaderName::from_static("quarterdeck-request-id");

/// Why a request is refused by HTTP, before the schema saw it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// What the status asks for beside it: the methods that would be right, the scheme to log in by.
    header: Option<(HeaderName, &'static str)>,
    /// When to come again, in seconds; sent with 503.
    retry_after: Option<u64>,
}

/// A GraphQL answer as JSON: `data` is left out, not null, when nothing was executed.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
}

pub(super) async fn handle(http: HttpRequest, payload: web::Payload, shared: web::Data<Shared>) -> HttpResponse {
    let mut watch = shared.requests.begin();
    let request_id = (shared.state.fresh_id)();
    let (media, answer) = match Media::negotiate(http.headers()) {
        Ok(media) => (media, answer(&http, payload, &shared, request_id, &mut watch).await),
        Err(problem) => (Media::Json, Err(problem)),
    };
    let response = match answer {
        Ok(response) => respond(response, media, request_id, shared.state.limits.errors, &mut watch),
        Err(problem) => {
            watch.outcome = match problem.status {
                StatusCode::INTERNAL_SERVER_ERROR => Outcome::Panic,
                StatusCode::SERVICE_UNAVAILABLE if problem.retry_after.is_some() => Outcome::TurnedAway,
                StatusCode::SERVICE_UNAVAILABLE => Outcome::Deadline,
                _ => Outcome::Refused,
            };
            problem.respond(media, request_id)
        }
    };
    let elapsed_ms = u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(%request_id, status = response.status().as_u16(), elapsed_ms, "graphql");
    response
}

async fn answer(
    http: &HttpRequest,
    payload: web::Payload,
    shared: &Shared,
    request_id: Uuid,
    watch: &mut Watch<'_>,
) -> Result<Response, Problem> {
    if !matches!(*http.method(), Method::GET | Method::POST) {
        return Err(Problem::method("GET, POST", "GraphQL is asked by GET or POST."));
    }
    let _open = shared.open.try_acquire().map_err(|_| Problem::full())?;
    let deadline = Instant::now() + shared.state.deadline.saturating_sub(watch.elapsed());
    let tenant = tenant(http.headers())?;
    let pass = tokio::time::timeout_at(deadline.into(), door::pass(shared, http.headers(), tenant.as_deref())).await;
    let pass = pass.map_err(|_| Problem::deadline(shared))??;
    let caller = Caller { tenant, pass, request_id, deadline: Some(deadline) };
    let admitted = tokio::time::timeout_at(deadline.into(), shared.state.executor.admit(&caller)).await;
    if let Err(error) = admitted.map_err(|_| Problem::deadline(shared))? {
        return Ok(Response::from_errors(vec![error]));
    }
    let trusted = &shared.state.trusted;
    let mut request = if http.method() == Method::GET {
        from_query(http.query_string(), trusted)?
    } else {
        admit_json(http.headers())?;
        let body = tokio::time::timeout_at(deadline.into(), read(http.headers(), payload)).await;
        let too_slow = || Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW", "The body never ended.");
        from_body(&body.map_err(|_| too_slow())??, trusted)?
    };
    if http.headers().contains_key(COST) {
        request.extensions.insert("cost".to_owned(), Value::Boolean(true));
    }
    let operation = match admit(&mut request, &shared.state.limits, shared.state.introspection) {
        Ok(operation) => operation,
        Err(error) => return Ok(Response::from_errors(vec![error])),
    };
    watch.operation = match operation {
        None => Operation::Unknown,
        Some(OperationType::Query) => Operation::Query,
        Some(OperationType::Mutation) => Operation::Mutation,
        Some(OperationType::Subscription) => Operation::Subscription,
    };
    if http.method() == Method::GET && matches!(operation, Some(OperationType::Mutation | OperationType::Subscription))
    {
        return Err(Problem::method("POST", "GET is for queries: send this operation by POST."));
    }
    // It goes with the request, not with this answer: what the client no longer waits for still runs.
    let running = Arc::clone(&shared.running).try_acquire_owned().map_err(|_| Problem::full())?;
    execute(shared, request.data(running), caller, deadline).await
}

/// Admits a document by its size and its shape, its tokens before it is parsed; answers with the kind of its operation.
fn admit(request: &mut Request, limits: &Limits, introspection: bool) -> Result<Option<OperationType>, ServerError> {
    let text = Text::of(&request.query);
    Exceeded::beyond("tokens", limits.tokens, text.tokens).map_err(|exceeded| exceeded.error())?;
    Exceeded::beyond("brackets inside brackets", NESTING_MAX, text.nesting).map_err(|exceeded| exceeded.error())?;
    let name = request.operation_name.clone();
    let document = request.parsed_query().map_err(parse_failed)?;
    match shape::admit(document, limits, introspection) {
        Ok(()) => Ok(operation(document, name.as_deref()).map(|operation| operation.ty)),
        Err(Misshapen::Large(exceeded)) => Err(exceeded.error()),
        Err(Misshapen::Circle) => Err(coded("GRAPHQL_VALIDATION_FAILED", "A fragment spreads itself.")),
        Err(Misshapen::Introspection) => {
            Err(coded("INTROSPECTION_OFF", "This server does not answer __schema and __type."))
        }
    }
}

fn coded(code: &str, message: &str) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_default().set("code", code);
    error
}

async fn execute(shared: &Shared, request: Request, caller: Caller, deadline: Instant) -> Result<Response, Problem> {
    let request_id = caller.request_id;
    // Nothing of the executor is used after a panic but through `&self`, as any other request would.
    let running = AssertUnwindSafe(async { shared.state.executor.execute(request, caller).await }).catch_unwind();
    match tokio::time::timeout_at(deadline.into(), running).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(panic)) => {
            tracing::error!(%request_id, panic = panic_text(&*panic), "a request panicked");
            let message = "The server failed. Its operator finds the cause in the log by the request id.";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message))
        }
        Err(_) => {
            tracing::warn!(%request_id, "a request met its deadline");
            Err(Problem::deadline(shared))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("not a text")
}

/// The operation that the schema will choose, by the schema's own rules; `None` when it will refuse to choose.
pub(crate) fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    let chosen = match (&document.operations, name) {
        (DocumentOperations::Single(only), None) => Some(only),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(named), Some(name)) => named.get(name),
        (DocumentOperations::Multiple(named), None) if named.len() == 1 => named.values().next(),
        (DocumentOperations::Multiple(_), None) => None,
    };
    chosen.map(|operation| &operation.node)
}

fn tenant(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let refused = |message: &str| Problem::new(StatusCode::BAD_REQUEST, "BAD_TENANT", message);
    let mut values = headers.get_all(TENANT);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(refused("Quarterdeck-Tenant is given more than once."));
    }
    let name = std::str::from_utf8(value.as_bytes()).map_err(|_| refused("Quarterdeck-Tenant is not UTF-8."))?.trim();
    if name.len() > TENANT_BYTES_MAX {
        return Err(refused("Quarterdeck-Tenant is longer than any tenant's name."));
    }
    Ok(Some(name).filter(|name| !name.is_empty()).map(str::to_owned))
}

/// Only JSON is read: a browser sends any other media type to a foreign server without asking it first.
fn admit_json(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = |message: &str| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message);
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    if !parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
        return Err(refused("The body must be JSON, with Content-Type: application/json."));
    }
    if !parts.all(is_utf8_or_no_charset) {
        return Err(refused("The body must be UTF-8."));
    }
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get(header::CONTENT_ENCODING).is_none_or(plain) {
        return Err(refused("The body must not be compressed."));
    }
    Ok(())
}

async fn read(headers: &HeaderMap, mut payload: web::Payload) -> Result<Bytes, Problem> {
    let too_large = || {
        let message = format!("The body is longer than {BODY_BYTES_MAX} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", message)
    };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::request("The body ended before its time."))?;
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn from_body(body: &[u8], trusted: &Trusted) -> Result<Request, Problem> {
    let json = json::read(body).map_err(|error| Problem::request(format!("The body is not JSON: {error}.")))?;
    match json {
        serde_json::Value::Object(map) => from_map(map, trusted),
        serde_json::Value::Array(_) => Err(Problem::request("Batches are not taken: send one operation a request.")),
        _ => Err(Problem::request("The body must be a JSON object with `query`.")),
    }
}

fn from_query(text: &str, trusted: &Trusted) -> Result<Request, Problem> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
        .map_err(|_| Problem::request("The query string cannot be read."))?
        .into_inner();
    let mut map = Map::new();
    for (key, value) in pairs {
        let value = match key.as_str() {
            "variables" | "extensions" => json::read(value.as_bytes())
                .map_err(|error| Problem::request(format!("`{key}` is not JSON: {error}.")))?,
            _ => value.into(),
        };
        if map.insert(key.clone(), value).is_some() {
            return Err(Problem::request("A parameter is given more than once."));
        }
    }
    from_map(map, trusted)
}

fn from_map(mut map: Map<String, serde_json::Value>, trusted: &Trusted) -> Result<Request, Problem> {
    let mut request = Request::new(trusted.document(&mut map)?);
    request.operation_name = match map.remove("operationName") {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err(Problem::request("`operationName` must be a string or null.")),
    };
    request.variables = map_or_null::<Variables>(&mut map, "variables")?;
    request.extensions.0 = map_or_null(&mut map, "extensions")?;
    Ok(request)
}

fn map_or_null<T: DeserializeOwned + Default>(
    map: &mut Map<String, serde_json::Value>,
    key: &str,
) -> Result<T, Problem> {
    match map.remove(key) {
        None | Some(serde_json::Value::Null) => Ok(T::default()),
        Some(value @ serde_json::Value::Object(_)) => {
            serde_json::from_value(value).map_err(|error| Problem::request(format!("`{key}` cannot be read: {error}.")))
        }
        Some(_) => Err(Problem::request(format!("`{key}` must be a map or null."))),
    }
}

/// The parser's message draws the line of the document and below it says what it expected; only that is passed on, for
/// a line may be the whole document.
fn parse_failed(mut error: ServerError) -> ServerError {
    let drawn = error.message.rsplit_once(" = ");
    error.message =
        format!("The document cannot be read: {}.", drawn.map_or(&*error.message, |(_, expected)| expected));
    error.extensions.get_or_insert_default().set("code", "GRAPHQL_PARSE_FAILED");
    error
}

/// Words the answer of the schema. It was not executed when there is no data and no error has a path.
fn respond(
    mut response: Response,
    media: Media,
    request_id: Uuid,
    errors_max: usize,
    watch: &mut Watch<'_>,
) -> HttpResponse {
    let retry_after = response.errors.iter().find_map(retry_after);
    let refused = response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty());
    let untold = response.errors.len().saturating_sub(errors_max);
    if untold > 0 {
        response.errors.truncate(errors_max);
        response.extensions.insert("errorsUntold".to_owned(), untold.into());
    }
    watch.outcome = match (refused, response.errors.is_empty()) {
        (true, _) if retry_after.is_some() => Outcome::TurnedAway,
        (true, _) => Outcome::Refused,
        (false, true) => Outcome::Ok,
        (false, false) => Outcome::Errors,
    };
    let code = if refused { "GRAPHQL_VALIDATION_FAILED" } else { "EXECUTION_FAILED" };
    for error in &mut response.errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", code);
        }
        extensions.set("requestId", request_id.to_string());
    }
    let status = match media {
        _ if refused && retry_after.is_some() => StatusCode::TOO_MANY_REQUESTS,
        Media::GraphqlResponse if refused => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let data = Some(&response.data).filter(|_| !refused);
    let body = Body { data, errors: &response.errors, extensions: &response.extensions };
    let mut answer = write(status, media, request_id, &body);
    if let Some(seconds) = retry_after.filter(|_| refused) {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// When to come again, in an error of whoever asks too much.
fn retry_after(error: &ServerError) -> Option<u64> {
    match error.extensions.as_ref()?.get("retryAfterSeconds")? {
        Value::Number(seconds) => seconds.as_u64(),
        _ => None,
    }
}

fn write(status: StatusCode, media: Media, request_id: Uuid, body: &Body<'_>) -> HttpResponse {
    let text = serde_json::to_string(body).expect("GraphQL values have string keys, so they are JSON");
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, media.content_type()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Accept"))
        .insert_header((REQUEST_ID, request_id.to_string()))
        .body(text)
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Problem { status, code, message: message.into(), header: None, retry_after: None }
    }

    fn request(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    fn method(allow: &'static str, message: &str) -> Self {
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message);
        Problem { header: Some((header::ALLOW, allow)), ..problem }
    }

    /// Too many requests are open or running.
    fn full() -> Self {
        let message = "The server has as many requests as it takes at once. Come again in a moment.";
        Problem::later("OVERLOADED", message)
    }

    /// What may be sent again in a moment.
    pub(super) fn later(code: &'static str, message: &str) -> Self {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, message);
        Problem { retry_after: Some(RETRY_SECONDS), ..problem }
    }

    /// That nobody is let in with this credential.
    pub(super) fn unauthenticated() -> Self {
        let message = "A valid key or token is needed: send it as Authorization: Bearer.";
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
        Problem { header: Some((header::WWW_AUTHENTICATE, "Bearer")), ..problem }
    }

    fn deadline(shared: &Shared) -> Self {
        let message = format!(
            "The request took longer than {:?}. A mutation may have been carried out all the same: \
             send it again with the same commandId.",
            shared.state.deadline
        );
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "DEADLINE_EXCEEDED", message)
    }

    pub(super) fn respond(self, media: Media, request_id: Uuid) -> HttpResponse {
        let mut error = ServerError::new(self.message, None);
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code);
        extensions.set("requestId", request_id.to_string());
        error.extensions = Some(extensions);
        let body = Body { data: None, errors: &[error], extensions: &BTreeMap::new() };
        let mut response = write(self.status, media, request_id, &body);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
