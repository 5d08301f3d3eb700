//! Runs GraphQL requests: finds the tenant, opens a session, executes, and gives the connections back.

use crate::{
    http::{Caller, Executor},
    schema::{Quarterdeck, schema},
};
use async_graphql::{Positioned, Request, Response, ServerError, Value, parser::types::Selection};
use deadpool_postgres::Pool;
use futures::future::BoxFuture;
use logbook::{Logbook, Tenant, tenants};
use sales::{access::Login, graph::Session};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::runtime::Handle;
use tracing::Instrument;

/// The server behind the HTTP layer.
pub struct Server {
    schema: Quarterdeck,
    logbook: Arc<Logbook>,
    watch: Pool,
    tenants: RwLock<Vec<Tenant>>,
    runtime: Handle,
}

impl Server {
    /// A server over a log; `watch` is a pool of connections in the watch role.
    pub fn new(logbook: Arc<Logbook>, watch: Pool, runtime: Handle) -> Self {
        Self { schema: schema(), logbook, watch, tenants: RwLock::default(), runtime }
    }

    /// The tenant that a request names, or the only one.
    async fn tenant(&self, name: Option<&str>) -> Result<Tenant, ServerError> {
        if let Some(tenant) = self.known(name) {
            return Ok(tenant);
        }
        let all = tenants::list(&self.watch).await.map_err(|fault| {
            tracing::error!(%fault, "the tenants could not be listed");
            refusal("UNAVAILABLE", "the database cannot be asked at the moment")
        })?;
        *self.tenants.write().unwrap_or_else(PoisonError::into_inner) = all.clone();
        match (name, &all[..]) {
            (None, []) => Err(refusal("NO_TENANT", "there is no tenant yet: make one with quarterdeck tenant create")),
            (None, [only]) => Ok(only.clone()),
            (None, several) => {
                let names: Vec<&str> = several.iter().take(20).map(|tenant| tenant.name.as_str()).collect();
                let names = names.join(", ");
                Err(refusal(
                    "TENANT_NEEDED",
                    &format!("there are several tenants: name one in Quarterdeck-Tenant ({names})"),
                ))
            }
            (Some(name), all) => {
                let found = all.iter().find(|tenant| tenant.name == name).cloned();
                found.ok_or_else(|| refusal("NO_TENANT", "there is no tenant of the name in Quarterdeck-Tenant"))
            }
        }
    }

    /// A tenant never changes, so a name once seen is known. That there is only one may change: that is asked anew.
    fn known(&self, name: Option<&str>) -> Option<Tenant> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.iter().find(|tenant| Some(tenant.name.as_str()) == name).cloned()
    }

    async fn run(&self, mut request: Request, caller: Caller) -> Response {
        let tenant = match self.tenant(caller.tenant.as_deref()).await {
            Ok(tenant) => tenant,
            Err(_) if asks_for_the_schema_alone(&mut request) => return self.schema.execute(request).await,
            Err(error) => return Response::from_errors(vec![error]),
        };
        let session = Arc::new(Session::new(Arc::clone(&self.logbook), tenant, Login::Local));
        let response = self.schema.execute(request.data(Arc::clone(&session))).await;
        session.finish().await;
        response
    }
}

/// The schema is the same for every tenant: whoever asks for nothing else needs to name none.
fn asks_for_the_schema_alone(request: &mut Request) -> bool {
    let of_schema = |selection: &Positioned<Selection>| match &selection.node {
        Selection::Field(field) => ["__schema", "__type", "__typename"].contains(&field.node.name.node.as_str()),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    };
    request.parsed_query().is_ok_and(|document| {
        document.operations.iter().all(|(_, operation)| operation.node.selection_set.node.items.iter().all(of_schema))
    })
}

fn refusal(code: &str, message: &str) -> ServerError {
    let mut error = ServerError::new(message, None);
    error.extensions.get_or_insert_default().set("code", Value::from(code));
    error
}

/// The server as the HTTP layer calls it: each request runs on the main runtime, to its end, even when its client has
/// gone or its time is over.
pub struct Running(pub Arc<Server>);

impl Executor for Running {
    fn execute(&self, request: Request, caller: Caller) -> BoxFuture<'_, Response> {
        let server = Arc::clone(&self.0);
        // What is logged on behalf of a request says which one: its answer carries the same id.
        let span = tracing::info_span!("request", id = %caller.request_id);
        let running = self.0.runtime.spawn(async move { server.run(request, caller).await }.instrument(span));
        Box::pin(async move {
            running.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a request broke off");
                Response::from_errors(vec![refusal("INTERNAL", "something broke on our side")])
            })
        })
    }
}
