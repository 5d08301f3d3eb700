//! The cluster: its folder, its postmaster, and who uses it.

use crate::{binaries::Binaries, error::Error, owner::Owner};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio_postgres::{Client, Config, NoTls};

/// The superuser of the cluster.
const ADMIN: &str = "quarterdeck_admin";
/// The login of the server, and the name of its database.
const LOGIN: &str = "quarterdeck";
/// Bytes of a socket's path at most, less the name of the socket and one for the end.
const SOCKET_FOLDER_BYTES_MAX: usize = 107 - 15;
/// How long the postmaster may take to answer; a recovery after a crash is part of it.
const START_MAX: Duration = Duration::from_secs(90);

/// How a cluster is run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Look for the binaries in this folder and nowhere else.
    pub binaries: Option<PathBuf>,
    /// Further settings of PostgreSQL, `name=value`.
    pub options: Vec<String>,
}

/// The folder that was configured, or the usual one: /var/lib/quarterdeck for root, else the XDG data home.
pub fn data_folder(configured: Option<PathBuf>) -> PathBuf {
    let home = || {
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        std::env::var_os("XDG_DATA_HOME").map_or_else(|| home.join(".local/share"), PathBuf::from)
    };
    configured.unwrap_or_else(|| match Owner::find() {
        Ok(owner) if owner.uid() != own_uid() => PathBuf::from("/var/lib/quarterdeck"),
        Ok(_) => home().join("quarterdeck"),
        Err(_) => PathBuf::from("/var/lib/quarterdeck"),
    })
}

fn own_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").map_or(u32::MAX, |me| me.uid())
}

/// A running cluster, and our use of it.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    sockets: PathBuf,
    owner: Owner,
    settings: Settings,
    /// Held shared while we use the cluster; who can hold it alone is the last to leave.
    users: Option<File>,
    /// Held by the one server of the folder.
    _server: Option<File>,
}

impl Cluster {
    /// Runs the cluster for the one server of its folder.
    ///
    /// # Errors
    /// When another server runs on the folder, or PostgreSQL cannot run.
    pub async fn serve(folder: &Path, settings: Settings) -> Result<Self, Error> {
        let owner = Owner::find()?;
        owner.folder(folder)?;
        let path = folder.join("server.lock");
        let mut lock = lock_file(&path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                drop(lock.read_to_string(&mut holder));
                let holder = if holder.is_empty() { "unknown".to_owned() } else { format!("process {holder}") };
                return Err(Error::Served { folder: folder.to_path_buf(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(Error::file("locking", path)(source)),
        }
        let note = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| write!(lock, "{}", std::process::id()));
        note.map_err(Error::file("writing", &path))?;
        Self::join(folder, settings, owner, Some(lock)).await
    }

    /// Joins the running cluster, or runs it until we leave.
    ///
    /// # Errors
    /// When PostgreSQL cannot run.
    pub async fn attach(folder: &Path, settings: Settings) -> Result<Self, Error> {
        let owner = Owner::find()?;
        owner.folder(folder)?;
        Self::join(folder, settings, owner, None).await
    }

    async fn join(folder: &Path, settings: Settings, owner: Owner, server: Option<File>) -> Result<Self, Error> {
        let folder = folder.canonicalize().map_err(Error::file("looking at", folder))?;
        let sockets = socket_folder(&folder, owner)?;
        let mut cluster = Self { folder, sockets, owner, settings, users: None, _server: server };
        let starting = cluster.starting().await?;
        let users = lock_file(&cluster.folder.join("users.lock"))?;
        users.lock_shared().map_err(Error::file("locking", cluster.folder.join("users.lock")))?;
        cluster.users = Some(users);
        cluster.run().await?;
        drop(starting);
        Ok(cluster)
    }

    /// Starts and stops are one at a time, whichever processes ask for them.
    async fn starting(&self) -> Result<File, Error> {
        let path = self.folder.join("start.lock");
        let lock = lock_file(&path)?;
        tokio::task::spawn_blocking(move || lock.lock().map(|()| lock))
            .await
            .map_err(|error| Error::Other(error.to_string()))?
            .map_err(Error::file("locking", path))
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Makes sure that it runs, by the binaries that are on the disk now.
    async fn run(&self) -> Result<(), Error> {
        let made_by = std::fs::read_to_string(self.data().join("PG_VERSION")).ok();
        let made_by = made_by.and_then(|version| version.trim().parse().ok());
        let binaries = Binaries::choose(self.settings.binaries.as_deref(), made_by, &self.folder)?;
        if made_by.is_none() {
            self.make(&binaries).await?;
        }
        if self.answers().await {
            let running = std::fs::read_to_string(self.folder.join("running_version")).unwrap_or_default();
            if running == binaries.version {
                return Ok(());
            }
            tracing::info!(%running, now = binaries.version, "PostgreSQL's binaries were upgraded: it is restarted");
            self.stop(&binaries).await?;
        }
        self.start(&binaries).await?;
        self.prepare().await
    }

    /// Starts it again when it is gone: for a server that outlives its PostgreSQL.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn ensure_running(&self) -> Result<(), Error> {
        if self.answers().await {
            return Ok(());
        }
        let _starting = self.starting().await?;
        self.run().await
    }

    /// Makes the data folder beside its place and moves it there when it is whole.
    async fn make(&self, binaries: &Binaries) -> Result<(), Error> {
        let half = self.folder.join("data.half");
        if half.exists() {
            std::fs::remove_dir_all(&half).map_err(Error::file("removing", &half))?;
        }
        self.owner.folder(&half)?;
        let mut initdb = binaries.command(self.owner, "initdb");
        initdb.args(["--username", ADMIN, "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]);
        initdb.args(["--locale=C", "--data-checksums", "--no-instructions", "--pgdata"]).arg(&half);
        ran("initdb", initdb).await?;
        std::fs::rename(&half, self.data()).map_err(Error::file("moving", &half))
    }

    async fn start(&self, binaries: &Binaries) -> Result<(), Error> {
        let log = self.folder.join("postgres.log");
        let path = log.clone();
        if std::fs::metadata(&log).is_ok_and(|log| log.len() > 16 << 20) {
            drop(std::fs::rename(&log, self.folder.join("postgres.log.1")));
        }
        let out = OpenOptions::new().create(true).append(true).open(&log).map_err(Error::file("opening", &log))?;
        let err = out.try_clone().map_err(Error::file("opening", &path))?;
        let mut postgres = binaries.command(self.owner, "postgres");
        postgres.arg("-D").arg(self.data()).arg("-k").arg(&self.sockets);
        let own = [
            "listen_addresses=",
            "port=5432",
            "unix_socket_permissions=0700",
            "max_connections=100",
            "shared_buffers=256MB",
            "wal_compression=on",
            "max_wal_size=2GB",
            "jit=off",
            "logging_collector=off",
            "log_min_messages=warning",
            "password_encryption=scram-sha-256",
            "fsync=on",
            "full_page_writes=on",
            "synchronous_commit=on",
        ];
        for option in own.iter().copied().chain(self.settings.options.iter().map(String::as_str)) {
            postgres.args(["-c", option]);
        }
        postgres.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        let mut child = postgres.spawn().map_err(Error::file("starting PostgreSQL in", &self.folder))?;
        let given_up = Instant::now() + START_MAX;
        while !self.answers().await {
            let ended = child.try_wait().ok().flatten();
            if ended.is_some() || Instant::now() > given_up {
                return Err(Error::Silent { folder: self.folder.clone(), said: last_lines(&log) });
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        std::thread::spawn(move || drop(child.wait())); // so that a dead postmaster is no zombie under a living server
        let note = self.folder.join("running_version");
        std::fs::write(&note, &binaries.version).map_err(Error::file("writing", note))
    }

    async fn answers(&self) -> bool {
        match tokio::time::timeout(Duration::from_secs(5), connect(&self.admin_config("postgres"))).await {
            Ok(Ok(client)) => client.simple_query("SELECT 1").await.is_ok(),
            _ => false,
        }
    }

    /// Makes the login and its database, once.
    async fn prepare(&self) -> Result<(), Error> {
        let client = connect(&self.admin_config("postgres")).await?;
        if client.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&LOGIN]).await?.is_none() {
            let role = "CREATE ROLE quarterdeck LOGIN NOSUPERUSER NOINHERIT NOCREATEDB NOCREATEROLE NOBYPASSRLS";
            client.batch_execute(role).await?;
        }
        if client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&LOGIN]).await?.is_none() {
            client.batch_execute("CREATE DATABASE quarterdeck").await?;
        }
        Ok(())
    }

    async fn stop(&self, binaries: &Binaries) -> Result<(), Error> {
        ran("pg_ctl", self.stopping(binaries)).await.map(drop)
    }

    fn stopping(&self, binaries: &Binaries) -> std::process::Command {
        let mut pg_ctl = binaries.command(self.owner, "pg_ctl");
        pg_ctl.args(["stop", "--silent", "--wait", "--mode=fast", "--timeout=60", "--pgdata"]).arg(self.data());
        pg_ctl
    }

    /// Leaves it; the last to leave stops it.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub async fn finish(mut self) -> Result<(), Error> {
        let _starting = self.starting().await?;
        match self.alone() {
            Some(_users) => self.stop(&self.binaries()?).await,
            None => Ok(()),
        }
    }

    fn binaries(&self) -> Result<Binaries, Error> {
        let made_by = std::fs::read_to_string(self.data().join("PG_VERSION")).ok();
        let made_by = made_by.and_then(|version| version.trim().parse().ok());
        Binaries::choose(self.settings.binaries.as_deref(), made_by, &self.folder)
    }

    /// The users' lock, held alone; `None` when somebody else uses the cluster.
    fn alone(&mut self) -> Option<File> {
        let users = self.users.take()?;
        users.unlock().ok()?;
        users.try_lock().ok().map(|()| users)
    }

    /// One of the programs of the cluster's installation, run as its owner.
    pub(crate) fn program(&self, name: &str) -> Result<std::process::Command, Error> {
        Ok(self.binaries()?.command(self.owner, name))
    }

    /// How the superuser connects.
    pub fn admin_config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.sockets).port(5432).user(ADMIN).dbname(database).application_name("quarterdeck");
        config.connect_timeout(Duration::from_secs(5));
        config
    }

    /// How the server's login connects: it is a superuser of nothing.
    pub fn config(&self) -> Config {
        let mut config = self.admin_config(LOGIN);
        config.user(LOGIN);
        config
    }

    /// The folder of its sockets, for `psql -h`.
    pub fn sockets(&self) -> &Path {
        &self.sockets
    }

    /// The process of its postmaster, while it runs.
    pub fn postmaster(&self) -> Option<u32> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }
}

impl Drop for Cluster {
    /// A user that did not say goodbye: the last one still stops the cluster.
    fn drop(&mut self) {
        if self.users.is_none() {
            return;
        }
        let Ok(starting) = lock_file(&self.folder.join("start.lock")) else { return };
        if starting.try_lock().is_err() {
            return;
        }
        if let (Some(_users), Ok(binaries)) = (self.alone(), self.binaries()) {
            drop(self.stopping(&binaries).stdout(Stdio::null()).stderr(Stdio::null()).status());
        }
    }
}

/// A folder for sockets whose path is short enough: in the data folder, else a private one in /tmp.
fn socket_folder(folder: &Path, owner: Owner) -> Result<PathBuf, Error> {
    let inside = folder.join("s");
    let sockets = if inside.as_os_str().len() <= SOCKET_FOLDER_BYTES_MAX {
        inside
    } else {
        let hash = folder
            .to_string_lossy()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        PathBuf::from(format!("/tmp/quarterdeck-{}-{hash:016x}", owner.uid()))
    };
    owner.folder(&sockets)?;
    Ok(sockets)
}

fn lock_file(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(Error::file("opening", path))
}

pub(crate) async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// Runs a program to its end; what it said last is in the error.
pub(crate) async fn ran(name: &str, command: std::process::Command) -> Result<Vec<u8>, Error> {
    let failed = |said: String| Error::Program { program: name.to_owned(), said };
    let mut command = tokio::process::Command::from(command);
    let done = command.stdin(Stdio::null()).output().await.map_err(|error| failed(error.to_string()))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(failed(said.trim().lines().rev().take(5).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("; ")))
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let last: Vec<&str> = text.lines().rev().take(6).collect();
    last.into_iter().rev().collect::<Vec<_>>().join("; ")
}
