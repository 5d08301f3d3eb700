//! Runs GraphQL requests: finds the tenant, opens a session, executes, and gives the connections back.

use crate::{
    http::{Caller, Executor, operation},
    identity::{Keyring, Pass},
    limits::{
        Exceeded, Limits, Suggestions, Switch, Walls,
        cost::Prices,
        rates::{RateKey, Rates},
    },
    schema::{self, Quarterdeck},
};
use async_graphql::{Name, Positioned, Request, Response, ServerError, Value, parser::types::Selection};
use deadpool_postgres::Pool;
use futures::future::BoxFuture;
use logbook::{Logbook, Tenant, tenants};
use sales::{access::Login, graph::Session, login::graphql::Changed};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};
use tokio::runtime::Handle;
use tracing::Instrument;
use units::TenantId;
use uuid::Uuid;

/// The server behind the HTTP layer.
pub struct Server {
    schema: Quarterdeck,
    logbook: Arc<Logbook>,
    watch: Pool,
    tenants: RwLock<Vec<Tenant>>,
    keyring: Arc<Keyring>,
    runtime: Handle,
    limits: Limits,
    prices: &'static Prices,
    rates: Rates,
}

impl Server {
    /// A server over a log; `watch` is a pool of connections in the watch role.
    pub fn new(logbook: Arc<Logbook>, watch: Pool, runtime: Handle) -> Self {
        let prices = Prices::of_the_schema();
        let limits = Limits::default();
        let rates = Rates::new(Default::default(), limits.cost);
        let keyring = Arc::new(Keyring::new(watch.clone()));
        let (schema, tenants) = (schema::schema(), RwLock::default());
        Self { schema, logbook, watch, tenants, keyring, runtime, limits, prices, rates }
    }

    /// The server behind walls as configured.
    #[must_use]
    pub fn behind(mut self, walls: &Walls) -> Self {
        self.schema = schema::walled(walls.introspection == Switch::On, walls.suggestions == Suggestions::On);
        self.rates = Rates::new(walls.rates, walls.limits.cost);
        self.limits = walls.limits.clone();
        self
    }

    /// The logins that it knows: read anew whenever one of its requests changed a login.
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring)
    }

    /// The tenant that a request names, or the only one.
    async fn tenant(&self, name: Option<&str>) -> Result<Tenant, ServerError> {
        if let Some(tenant) = self.known(name) {
            return Ok(tenant);
        }
        let all = self.listed().await?;
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

    /// The tenant that a key opens.
    async fn tenant_of(&self, pass: &Pass) -> Result<Tenant, ServerError> {
        let of = |all: &[Tenant]| all.iter().find(|tenant| tenant.id == pass.tenant).cloned();
        if let Some(tenant) = of(&self.tenants.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(tenant);
        }
        of(&self.listed().await?).ok_or_else(|| refusal("NO_TENANT", "there is no tenant of this key"))
    }

    async fn listed(&self) -> Result<Vec<Tenant>, ServerError> {
        let all = tenants::list(&self.watch).await.map_err(|fault| {
            tracing::error!(%fault, "the tenants could not be listed");
            refusal("UNAVAILABLE", "the database cannot be asked at the moment")
        })?;
        *self.tenants.write().unwrap_or_else(PoisonError::into_inner) = all.clone();
        Ok(all)
    }

    /// A tenant never changes, so a name once seen is known. That there is only one may change: that is asked anew.
    fn known(&self, name: Option<&str>) -> Option<Tenant> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.iter().find(|tenant| Some(tenant.name.as_str()) == name).cloned()
    }

    /// Who asks, and about whose data.
    async fn resolve(&self, caller: &Caller) -> Result<Asker, ServerError> {
        Ok(match &caller.pass {
            Some(pass) => Asker { tenant: self.tenant_of(pass).await?, login: pass.login.clone(), by: Some(pass.id) },
            None => {
                let tenant = self.tenant(caller.tenant.as_deref()).await?;
                Asker { tenant, login: Login::Local, by: None }
            }
        })
    }

    async fn admit(&self, caller: &Caller) -> Result<(), ServerError> {
        if caller.pass.is_none() && self.known(caller.tenant.as_deref()).is_none() {
            // Finding out costs a statement: those who name what nobody knows are counted together.
            self.rates.request(&nobody()).map_err(|wait| wait.error())?;
        }
        match self.resolve(caller).await {
            Ok(asker) => self.rates.request(&asker.key()).map_err(|wait| wait.error()),
            // He may still ask for the schema; what else he asks is refused when it is read.
            Err(_) => Ok(()),
        }
    }

    async fn run(&self, request: Request, caller: Caller) -> Response {
        match self.answer(request, caller).await {
            Ok(response) => response,
            Err(error) => Response::from_errors(vec![error]),
        }
    }

    async fn answer(&self, mut request: Request, caller: Caller) -> Result<Response, ServerError> {
        let asker = match self.resolve(&caller).await {
            Ok(asker) => Some(asker),
            Err(_) if asks_for_the_schema_alone(&mut request) => None,
            Err(error) => return Err(error),
        };
        self.answer_to(request, asker, caller.deadline).await
    }

    /// Answers a request of a login on a tenant's data.
    pub async fn answer_as(&self, request: Request, tenant: Tenant, login: Login) -> Response {
        match self.answer_to(request, Some(Asker { tenant, login, by: None }), None).await {
            Ok(response) => response,
            Err(error) => Response::from_errors(vec![error]),
        }
    }

    async fn answer_to(
        &self,
        mut request: Request,
        asker: Option<Asker>,
        deadline: Option<Instant>,
    ) -> Result<Response, ServerError> {
        let cost = self.cost(&mut request)?;
        let key = asker.as_ref().map_or_else(nobody, Asker::key);
        // Charged before it is found valid, for finding that out is work too.
        self.rates.cost(&key, cost).map_err(|wait| wait.error())?;
        let told = request.extensions.contains_key("cost");
        let mut response = match asker {
            Some(Asker { tenant, login, .. }) => {
                let session = Session::new(Arc::clone(&self.logbook), tenant, login);
                let session = Arc::new(match deadline {
                    Some(deadline) => session.until(deadline),
                    None => session,
                });
                self.executed(request, session).await
            }
            None => self.schema.execute(request).await,
        };
        if told {
            let figures = [("requested", cost), ("max", self.limits.cost)];
            let figures = figures.map(|(name, figure)| (Name::new(name), Value::from(figure)));
            response.extensions.insert("cost".to_owned(), Value::Object(figures.into_iter().collect()));
        }
        Ok(response)
    }

    async fn executed(&self, request: Request, session: Arc<Session>) -> Response {
        let changed = Arc::new(Changed::default());
        let request = request.data(Arc::clone(&session)).data(Arc::clone(&changed));
        let response = self.schema.execute(request).await;
        session.finish().await;
        if changed.any() {
            self.keyring.refresh().await; // before the answer: a key is of use, and a revocation holds, once it is told
        }
        response
    }

    /// What the request's operation costs, when that is not too much; 0 for what the schema will refuse.
    fn cost(&self, request: &mut Request) -> Result<u64, ServerError> {
        let (name, variables) = (request.operation_name.clone(), request.variables.clone());
        let document = request.parsed_query()?;
        let Some(operation) = operation(document, name.as_deref()) else { return Ok(0) };
        let cost = self.prices.cost(document, operation, &variables);
        Exceeded::beyond("cost", self.limits.cost, cost).map_err(|exceeded| exceeded.error())?;
        Ok(cost)
    }
}

/// Those whose tenant is not known, counted together.
fn nobody() -> RateKey {
    RateKey { tenant: TenantId(Uuid::nil()), login: String::new(), by: None }
}

/// Who asks, and about whose data.
struct Asker {
    tenant: Tenant,
    login: Login,
    by: Option<Uuid>,
}

impl Asker {
    fn key(&self) -> RateKey {
        RateKey { tenant: self.tenant.id, login: self.login.to_string(), by: self.by }
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
    fn admit(&self, caller: &Caller) -> BoxFuture<'_, Result<(), ServerError>> {
        let (server, caller) = (Arc::clone(&self.0), caller.clone());
        // On the main runtime, for the connections of the pool live there.
        let admitting = self.0.runtime.spawn(async move { server.admit(&caller).await });
        Box::pin(async move {
            admitting.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a request broke off");
                Err(refusal("INTERNAL", "something broke on our side"))
            })
        })
    }

    fn execute(&self, request: Request, caller: Caller) -> BoxFuture<'_, Response> {
        let server = Arc::clone(&self.0);
        // What is logged on behalf of a request says which one, and by which key: its answer carries the same id.
        let by = caller.pass.as_ref().map(|pass| tracing::field::display(pass.id));
        let span = tracing::info_span!("request", id = %caller.request_id, by);
        let running = self.0.runtime.spawn(async move { server.run(request, caller).await }.instrument(span));
        Box::pin(async move {
            running.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a request broke off");
                Response::from_errors(vec![refusal("INTERNAL", "something broke on our side")])
            })
        })
    }
}
