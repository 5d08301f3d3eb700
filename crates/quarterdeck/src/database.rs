//! The database: a PostgreSQL of our own, or the one that DATABASE_URL names.

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use local_postgres::Cluster;
use logbook::{Fault, migrate, startup};
use std::{path::PathBuf, str::FromStr, time::Duration};
use tokio_postgres::{Client, Config, NoTls, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Connections that serve requests.
const APP_CONNECTIONS_MAX: usize = 16;
/// Connections that watch all tenants.
const WATCH_CONNECTIONS_MAX: usize = 2;
/// How long a request waits for a connection.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Where the database is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of our own PostgreSQL; its usual place when left out.
    pub data: Option<PathBuf>,
    /// A PostgreSQL of the operator's.
    pub url: Option<String>,
}

/// What a command wants of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To serve: one server a folder.
    Serve,
    /// To do one thing and go.
    Visit,
}

/// A database that is fit to be worked on.
pub struct Database {
    /// Connections in the app role.
    pub app: Pool,
    /// Connections in the watch role.
    pub watch: Pool,
    /// What the operator should know.
    pub warnings: Vec<String>,
    cluster: Option<Cluster>,
}

/// Why there is no database to work on.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Our own PostgreSQL does not run.
    #[error(transparent)]
    Local(#[from] local_postgres::Error),
    /// DATABASE_URL cannot be read.
    #[error("DATABASE_URL cannot be read: {0}")]
    Url(#[source] tokio_postgres::Error),
    /// It is not fit.
    #[error(transparent)]
    Unfit(#[from] startup::Unfit),
    /// It cannot be reached.
    #[error("PostgreSQL cannot be reached: {0}")]
    Unreachable(Fault),
    /// The migrations cannot be applied.
    #[error("the database's tables could not be brought up to date: {0}")]
    Migrating(Fault),
}

impl Database {
    /// Opens it. Our own PostgreSQL is started and brought up to date; one of the operator's must be up to date.
    ///
    /// # Errors
    /// When it cannot be reached, or is not fit.
    pub async fn open(settings: &Settings, purpose: Purpose) -> Result<Self, DatabaseError> {
        match &settings.url {
            Some(url) => Self::over(&Config::from_str(url).map_err(DatabaseError::Url)?, None).await,
            None => {
                let cluster = started(settings, purpose).await?;
                bring_up_to_date(&cluster).await?;
                let config = cluster.config();
                Self::over(&in_role(&config, "quarterdeck_app"), Some(cluster)).await
            }
        }
    }

    async fn over(config: &Config, cluster: Option<Cluster>) -> Result<Self, DatabaseError> {
        let client = connect(config).await.map_err(DatabaseError::Unreachable)?;
        let warnings = startup::check(&client).await?;
        let app = pool(config, APP_CONNECTIONS_MAX);
        let watch = pool(&in_role(config, "quarterdeck_watch"), WATCH_CONNECTIONS_MAX);
        Ok(Self { app, watch, warnings, cluster })
    }

    /// Our own PostgreSQL, when it is that.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// Leaves it: our own PostgreSQL is stopped when nobody else uses it.
    pub async fn leave(self) {
        self.app.close();
        self.watch.close();
        if let Some(cluster) = self.cluster
            && let Err(error) = cluster.finish().await
        {
            tracing::warn!(%error, "PostgreSQL was left running");
        }
    }
}

/// Starts or joins our own PostgreSQL.
///
/// # Errors
/// When it cannot run.
pub async fn started(settings: &Settings, purpose: Purpose) -> Result<Cluster, local_postgres::Error> {
    let folder = local_postgres::data_folder(settings.data.clone());
    let own = local_postgres::Settings::default();
    match purpose {
        Purpose::Serve => Cluster::serve(&folder, own).await,
        Purpose::Visit => Cluster::attach(&folder, own).await,
    }
}

async fn bring_up_to_date(cluster: &Cluster) -> Result<Vec<String>, DatabaseError> {
    let mut client = connect(&cluster.admin_config("quarterdeck")).await.map_err(DatabaseError::Unreachable)?;
    let applied = migrate::migrate(&mut client).await.map_err(DatabaseError::Migrating)?;
    migrate::admit(&client, "quarterdeck").await.map_err(DatabaseError::Migrating)?;
    Ok(applied)
}

/// Applies the migrations that the database lacks; answers with their names.
///
/// # Errors
/// When it cannot be reached, or a migration fails.
pub async fn migrated(settings: &Settings) -> Result<Vec<String>, DatabaseError> {
    match &settings.url {
        None => {
            let cluster = started(settings, Purpose::Visit).await?;
            let applied = bring_up_to_date(&cluster).await;
            cluster.finish().await?;
            applied
        }
        Some(url) => {
            let config = Config::from_str(url).map_err(DatabaseError::Url)?;
            let mut client = connect(&config).await.map_err(DatabaseError::Unreachable)?;
            migrate::migrate(&mut client).await.map_err(DatabaseError::Migrating)
        }
    }
}

/// Begins the next epoch of every log of our own PostgreSQL, after a backup was read into it.
///
/// # Errors
/// When it cannot be reached, or says no.
pub async fn begin_epoch(settings: &Settings) -> Result<(), DatabaseError> {
    let cluster = started(settings, Purpose::Visit).await?;
    let begun = async {
        let client = connect(&cluster.admin_config("quarterdeck")).await.map_err(DatabaseError::Unreachable)?;
        migrate::begin_epoch(&client).await.map_err(DatabaseError::Migrating)
    };
    let begun = begun.await;
    cluster.finish().await?;
    begun.map(drop)
}

/// The same connection, working in a role.
fn in_role(config: &Config, role: &str) -> Config {
    let mut config = config.clone();
    config.options(format!("-c role={role}"));
    config
}

async fn connect(config: &Config) -> Result<Client, Fault> {
    let connecting = async |connector| match connector {
        Some(tls) => driven(config, tls).await,
        None => driven(config, NoTls).await,
    };
    connecting(tls_of(config)).await
}

async fn driven<T>(config: &Config, tls: T) -> Result<Client, Fault>
where
    T: MakeTlsConnect<tokio_postgres::Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await.map_err(|error| Fault::new("connecting", error))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended");
        }
    });
    Ok(client)
}

/// TLS for a server that is reached over the network; none over a socket of this machine.
fn tls_of(config: &Config) -> Option<MakeRustlsConnect> {
    let over_network = config.get_hosts().iter().any(|host| matches!(host, tokio_postgres::config::Host::Tcp(_)));
    over_network.then(|| {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks the default versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        MakeRustlsConnect::new(tls)
    })
}

/// A pool of such connections.
pub fn pool(config: &Config, size: usize) -> Pool {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match tls_of(config) {
        Some(tls) => Manager::from_config(config.clone(), tls, recycling),
        None => Manager::from_config(config.clone(), NoTls, recycling),
    };
    let timeouts = Timeouts { wait: Some(WAIT_MAX), create: Some(WAIT_MAX), recycle: Some(WAIT_MAX) };
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .timeouts(timeouts)
        .build()
        .expect("a pool with timeouts has its runtime")
}
