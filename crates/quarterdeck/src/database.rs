//! The database: a PostgreSQL of our own, or the one that DATABASE_URL names.

use crate::reaching::{self, Refused};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use local_postgres::{Cluster, Listen};
use logbook::{Fault, bi, migrate, startup};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};
use tokio_postgres::{Client, Config, NoTls, config::Host, tls::MakeTlsConnect};
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
    /// Certificates (PEM) of authorities that vouch for it, beside the web's.
    pub authorities: Option<PathBuf>,
    /// Where our own PostgreSQL listens for BI logins while it is served.
    pub bi_listen: Option<SocketAddr>,
}

impl Settings {
    /// The same, with our own PostgreSQL listening for BI logins.
    ///
    /// # Errors
    /// When it is no address to listen at, or the PostgreSQL is not our own.
    pub fn listening_for_bi(self, address: Option<SocketAddr>) -> Result<Self, DatabaseError> {
        match address {
            Some(_) if self.url.is_some() => Err(DatabaseError::ListensItself),
            Some(address) if !address.ip().is_loopback() || address.port() == 0 => {
                Err(DatabaseError::Listen { address })
            }
            bi_listen => Ok(Self { bi_listen, ..self }),
        }
    }
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
    /// It lets us not in, or is not trusted.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What was restored is something else.
    #[error("the backup is not one of Quarterdeck's: it lacks the tables of a log. Nothing was replaced")]
    NotOurs,
    /// BI logins may not reach it there.
    #[error(
        "--bi-listen {address}: passwords and figures would cross a network in the clear, or the port is missing. Name an \
         address of the loopback, such as 127.0.0.1:5433"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
    },
    /// The operator's PostgreSQL listens where it was told to.
    #[error(
        "--bi-listen is for our own PostgreSQL, and DATABASE_URL names one of yours, which listens where you told it to"
    )]
    ListensItself,
    /// Whoever logs in is no administrator.
    #[error(transparent)]
    Administrator(#[from] bi::BiError),
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
            Some(url) => {
                let config = Config::from_str(url).map_err(DatabaseError::Url)?;
                Self::over(&config, settings.authorities.as_deref(), None).await
            }
            None => {
                let cluster = started(settings, purpose).await?;
                bring_up_to_date(&cluster).await?;
                let config = cluster.config();
                Self::over(&in_role(&config, "quarterdeck_app"), None, Some(cluster)).await
            }
        }
    }

    /// Opens it, and with it a connection that may make logins.
    ///
    /// # Errors
    /// When it cannot be reached, is not fit, or is given to us by somebody who may make no logins.
    pub async fn open_as_administrator(settings: &Settings) -> Result<(Self, Client), DatabaseError> {
        let (config, admin, cluster) = match &settings.url {
            Some(url) => {
                let config = Config::from_str(url).map_err(DatabaseError::Url)?;
                (config.clone(), config, None)
            }
            None => {
                let cluster = started(settings, Purpose::Visit).await?;
                bring_up_to_date(&cluster).await?;
                (cluster.config(), cluster.admin_config("quarterdeck"), Some(cluster))
            }
        };
        let ca = settings.authorities.as_deref();
        let admin = connect(&admin, ca).await?;
        bi::administrator(&admin).await?;
        Ok((Self::over(&in_role(&config, "quarterdeck_app"), ca, cluster).await?, admin))
    }

    async fn over(config: &Config, ca: Option<&Path>, cluster: Option<Cluster>) -> Result<Self, DatabaseError> {
        let client = connect(config, ca).await?;
        let warnings = startup::check(&client).await?;
        let tls = tls_of(config, ca)?;
        let app = pool_over(config, tls.clone(), APP_CONNECTIONS_MAX);
        let watch = pool_over(&in_role(config, "quarterdeck_watch"), tls, WATCH_CONNECTIONS_MAX);
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
    let listen = match (purpose, settings.bi_listen) {
        (Purpose::Visit, _) => Listen::AsItDoes,
        (Purpose::Serve, None) => Listen::Nowhere,
        (Purpose::Serve, Some(address)) => Listen::At(address),
    };
    let own = local_postgres::Settings { listen, ..local_postgres::Settings::default() };
    match purpose {
        Purpose::Serve => Cluster::serve(&folder, own).await,
        Purpose::Visit => Cluster::attach(&folder, own).await,
    }
}

async fn bring_up_to_date(cluster: &Cluster) -> Result<Vec<String>, DatabaseError> {
    let mut client = connect(&cluster.admin_config("quarterdeck"), None).await?;
    let applied = migrated_over(&mut client).await?;
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
            let mut client = connect(&config, settings.authorities.as_deref()).await?;
            migrated_over(&mut client).await
        }
    }
}

/// Migrates, unless the tables are those of a newer program.
async fn migrated_over(client: &mut Client) -> Result<Vec<String>, DatabaseError> {
    // A login that may not look before it works as the owner is told by the migration itself.
    if let Ok(migrate::Schema { known, applied: Some(applied) }) = migrate::schema(client).await
        && applied > known
    {
        let remedy = "use a newer quarterdeck";
        return Err(startup::Unfit::Schema { applied: applied.to_string(), known, remedy }.into());
    }
    migrate::migrate(client).await.map_err(DatabaseError::Migrating)
}

/// Checks that a database that was restored is Quarterdeck's, brings it up to date and begins the next epoch of its logs,
/// before it takes the old one's place.
///
/// # Errors
/// When it is another program's or a newer one's, or cannot be migrated.
pub async fn adopted(restored: &Config) -> Result<Vec<String>, DatabaseError> {
    let mut client = connect(restored, None).await?;
    if !migrate::is_ours(&client).await.map_err(DatabaseError::Unreachable)? {
        return Err(DatabaseError::NotOurs);
    }
    let applied = migrated_over(&mut client).await?;
    migrate::begin_epoch(&client).await.map_err(DatabaseError::Migrating)?;
    Ok(applied)
}

/// Whether our own PostgreSQL holds a log's tables.
///
/// # Errors
/// When it cannot be asked.
pub async fn holds_a_log(cluster: &Cluster) -> Result<bool, DatabaseError> {
    let client = connect(&cluster.admin_config("quarterdeck"), None).await?;
    migrate::is_ours(&client).await.map_err(DatabaseError::Unreachable)
}

/// The same connection, working in a role.
fn in_role(config: &Config, role: &str) -> Config {
    let mut config = config.clone();
    config.options(format!("-c role={role}"));
    config
}

async fn connect(config: &Config, authorities: Option<&Path>) -> Result<Client, DatabaseError> {
    let connected = match tls_of(config, authorities)? {
        Some(tls) => driven(config, tls).await,
        None => driven(config, NoTls).await,
    };
    connected.map_err(|fault| match Refused::by(config, &fault) {
        Some(refused) => refused.into(),
        None => DatabaseError::Unreachable(fault),
    })
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
fn tls_of(config: &Config, authorities: Option<&Path>) -> Result<Option<MakeRustlsConnect>, Refused> {
    let over_network = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
    over_network.then(|| reaching::tls(authorities)).transpose()
}

/// A pool of such connections over a socket of this machine.
pub fn pool(config: &Config, size: usize) -> Pool {
    pool_over(config, None, size)
}

fn pool_over(config: &Config, tls: Option<MakeRustlsConnect>, size: usize) -> Pool {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match tls {
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
