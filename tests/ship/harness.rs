//! A ship for each test: a fresh database, a tenant, and the server in this process.

use async_graphql::{Request, Variables};
use deadpool_postgres::Pool;
use local_postgres::Cluster;
use logbook::{Logbook, Registry, Tenant, fresh_id, migrate, system_clock, tenants};
use quarterdeck::{
    database,
    http::{Caller, Executor},
    identity::Keyring,
    server::{Running, Server},
};
use sales::access::Login;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_postgres::{Client, Config, NoTls};
use units::{PersonId, TenantId, Zone};

/// A server over a database of its own.
pub struct Ship {
    /// The log, for commands that do not pass the API.
    pub logbook: Arc<Logbook>,
    /// The tenant that requests are about.
    pub tenant: Tenant,
    /// The database's name.
    pub database: String,
    /// The login that the server works with, in no role yet.
    pub config: Config,
    /// The superuser on the same database.
    pub admin: Config,
    server: Arc<Server>,
    _cluster: Arc<Cluster>,
}

/// The names of the tests' tenants.
pub const TENANT: &str = "harbour";

impl Ship {
    /// A fresh database with one empty tenant.
    pub async fn launch() -> Self {
        let (cluster, database) = fresh_database().await;
        let admin = cluster.admin_config(&database);
        let mut config = cluster.config();
        config.dbname(&database);
        let app = database::pool(&in_role(&config, "quarterdeck_app"), 1);
        let tenant = made(&app, TENANT).await;
        Self::aboard(cluster, database, config, admin, tenant)
    }

    /// The cluster of a folder that a server runs on, with one empty tenant.
    pub async fn on_folder(folder: &std::path::Path) -> Self {
        let cluster = Cluster::attach(folder, local_postgres::Settings::default()).await.unwrap();
        let (config, admin) = (cluster.config(), cluster.admin_config("quarterdeck"));
        let app = database::pool(&in_role(&config, "quarterdeck_app"), 1);
        let tenant = made(&app, TENANT).await;
        Self::aboard(Arc::new(cluster), "quarterdeck".to_owned(), config, admin, tenant)
    }

    fn aboard(cluster: Arc<Cluster>, database: String, config: Config, admin: Config, tenant: Tenant) -> Self {
        let app = database::pool(&in_role(&config, "quarterdeck_app"), 8);
        let watch = database::pool(&in_role(&config, "quarterdeck_watch"), 2);
        let logbook = Arc::new(Logbook::new(app, Arc::new(sales::registry()), system_clock));
        let server = Arc::new(Server::new(Arc::clone(&logbook), watch, tokio::runtime::Handle::current()));
        Self { logbook, tenant, database, config, admin, server, _cluster: cluster }
    }

    /// Another tenant of the same database.
    pub async fn other_tenant(&self, name: &str) -> Tenant {
        made(self.logbook.pool(), name).await
    }

    /// The same ship for another tenant.
    pub fn of(&self, tenant: Tenant) -> Self {
        Self {
            tenant,
            logbook: Arc::clone(&self.logbook),
            database: self.database.clone(),
            config: self.config.clone(),
            admin: self.admin.clone(),
            server: Arc::clone(&self.server),
            _cluster: Arc::clone(&self._cluster),
        }
    }

    /// Asks as the ship's tenant.
    pub async fn ask(&self, document: &str, variables: Value) -> Value {
        self.ask_as(&self.tenant.name, document, variables).await
    }

    /// Asks as a tenant, or naming none: the whole answer.
    pub async fn ask_as(&self, tenant: &str, document: &str, variables: Value) -> Value {
        let request = Request::new(document).variables(Variables::from_json(variables));
        let tenant = Some(tenant.to_owned()).filter(|name| !name.is_empty());
        let caller = Caller { tenant, pass: None, request_id: fresh_id(), deadline: None };
        serde_json::to_value(Running(Arc::clone(&self.server)).execute(request, caller).await).unwrap()
    }

    /// Asks as a login of a tenant: the whole answer.
    pub async fn ask_as_login(&self, tenant: &Tenant, login: &Login, document: &str, variables: Value) -> Value {
        let request = Request::new(document).variables(Variables::from_json(variables));
        serde_json::to_value(self.server.answer_as(request, tenant.clone(), login.clone()).await).unwrap()
    }

    /// Asks as a person of the ship's tenant, by the person's key: the whole answer.
    pub async fn ask_as_person(&self, person: &str, document: &str, variables: Value) -> Value {
        let login = Login::Person(PersonId(person.parse().unwrap()));
        self.ask_as_login(&self.tenant, &login, document, variables).await
    }

    /// Asks with a time in which all must have ended.
    pub async fn ask_within(&self, time: std::time::Duration, document: &str) -> Value {
        let tenant = Some(self.tenant.name.clone());
        let deadline = Some(std::time::Instant::now() + time);
        let caller = Caller { tenant, pass: None, request_id: fresh_id(), deadline };
        serde_json::to_value(Running(Arc::clone(&self.server)).execute(Request::new(document), caller).await).unwrap()
    }

    /// Asks, and expects no error.
    #[track_caller]
    pub fn data(&self, document: &str, variables: Value) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let mut answer = self.ask(document, variables).await;
            assert!(answer["errors"].is_null(), "{place}: {answer:#}");
            answer["data"].take()
        }
    }

    /// Sends a command as the mutation of its name, and expects that it is taken down: the payload.
    #[track_caller]
    pub fn command(&self, mutation: &str, selection: &str, input: Value) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        let sending = self.send(mutation, selection, input);
        async move {
            let payload = sending.await;
            assert_eq!(payload["userErrors"], json!([]), "{place}");
            payload
        }
    }

    /// Sends a command as the mutation of its name, with a commandId unless it brings one: the payload.
    pub fn send(&self, mutation: &str, selection: &str, mut input: Value) -> impl Future<Output = Value> {
        let mut letters = mutation.chars();
        let capital = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
        let document = format!(
            "mutation Send($input: {capital}{}Input!) {{ {mutation}(input: $input) {{ {selection} position \
             userErrors {{ code field message }} }} }}",
            letters.as_str()
        );
        if input["commandId"].is_null() {
            input["commandId"] = json!(fresh_id().to_string());
        }
        let mutation = mutation.to_owned();
        async move {
            let mut answer = self.ask(&document, json!({ "input": input })).await;
            assert!(answer["errors"].is_null(), "{answer:#}");
            answer["data"][&mutation].take()
        }
    }

    /// Runs the program on the ship's database: its exit code, and what it said.
    pub fn program(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_quarterdeck-under-test"));
        command.env("DATABASE_URL", self.url()).args(["--log", "off"]).args(arguments);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    /// The ship's database as DATABASE_URL names it, in the app role.
    pub fn url(&self) -> String {
        let tokio_postgres::config::Host::Unix(socket) = &self.config.get_hosts()[0] else { panic!("a socket") };
        let (socket, user) = (socket.display(), self.config.get_user().unwrap());
        format!("host={socket} port=5432 user={user} dbname={} options='-c role=quarterdeck_app'", self.database)
    }

    /// The logins that the ship's server knows.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.server.keyring()
    }

    /// A connection of the superuser, for what no role of ours may do.
    pub async fn superuser(&self) -> Client {
        connected(&self.admin).await
    }

    /// The slices.
    pub fn registry(&self) -> &Registry {
        self.logbook.registry()
    }
}

/// A copy of the migrated template on the tests' shared cluster.
pub async fn fresh_database() -> (Arc<Cluster>, String) {
    let cluster = shared_cluster().await;
    let template = format!("template_{}", migrate::fingerprint());
    let build = async |config: Config| {
        let mut client = connected(&config).await;
        migrate::migrate(&mut client).await.unwrap();
        migrate::admit(&client, "quarterdeck").await.unwrap();
        Ok::<(), local_postgres::Error>(())
    };
    cluster.template(&template, build).await.unwrap();
    let database = format!("t{}", fresh_id().simple());
    cluster.fresh_database(&template, &database).await.unwrap();
    (cluster, database)
}

/// One cluster for all tests of this process: joined by the first, left when the process ends. What an earlier run
/// left behind is dropped by the first to find nobody else there.
async fn shared_cluster() -> Arc<Cluster> {
    static SHARED: std::sync::Mutex<std::sync::Weak<Cluster>> = std::sync::Mutex::new(std::sync::Weak::new());
    static JOINING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _joining = JOINING.lock().await;
    if let Some(cluster) = SHARED.lock().unwrap().upgrade() {
        return cluster;
    }
    let cluster = Arc::new(local_postgres::testing::cluster("ship").await.unwrap());
    *SHARED.lock().unwrap() = Arc::downgrade(&cluster);
    cluster
}

async fn made(app: &Pool, name: &str) -> Tenant {
    let currency = "USD".parse().unwrap();
    let tenant = Tenant {
        id: TenantId(fresh_id()),
        name: name.to_owned(),
        currency,
        zone: Zone::UTC,
        created_at: system_clock(),
    };
    tenants::create(app, &tenant).await.unwrap();
    tenant
}

/// The same connection, working in a role.
pub fn in_role(config: &Config, role: &str) -> Config {
    let mut config = config.clone();
    config.options(format!("-c role={role}"));
    config
}

/// A connection of its own.
pub async fn connected(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
