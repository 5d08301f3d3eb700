//! The cluster: its folder, and who uses it.

use crate::{
    error::Error,
    owner::{Owner, own_uid},
    postmaster::{LOGIN, Postmaster},
};
use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio_postgres::Config;

/// Bytes of a socket's path at most, less the name of the socket and one for the end.
const SOCKET_FOLDER_BYTES_MAX: usize = 107 - 15;
/// How often somebody who leaves without goodbye asks for the lock under which clusters are stopped, 20 ms apart.
const LEAVING_TRIES_MAX: u32 = 500;

/// How a cluster is run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Look for the binaries in this folder and nowhere else.
    pub binaries: Option<PathBuf>,
    /// Further settings of PostgreSQL, `name=value`.
    pub options: Vec<String>,
    /// Whether it listens for BI logins.
    pub listen: Listen,
}

/// Whether PostgreSQL listens, at an address of the loopback, for the logins of BI users. Nobody else can log in there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listen {
    /// As it does when it runs, nowhere when it is started: for who only visits.
    #[default]
    AsItDoes,
    /// At no address; a running one that does is restarted.
    Nowhere,
    /// At this address; a running one that does not is restarted.
    At(SocketAddr),
}

/// The folder that was configured, or the usual one: /var/lib/quarterdeck for root, else the XDG data home.
pub fn data_folder(configured: Option<PathBuf>) -> PathBuf {
    let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || named("XDG_DATA_HOME").or_else(|| Some(named("HOME")?.join(".local/share")));
    configured.unwrap_or_else(|| match own_uid() {
        Ok(0) | Err(_) => PathBuf::from("/var/lib/quarterdeck"),
        Ok(_) => home().unwrap_or_else(|| PathBuf::from("/var/lib")).join("quarterdeck"),
    })
}

/// A running cluster, and our use of it.
#[derive(Debug)]
pub struct Cluster {
    postmaster: Postmaster,
    /// Held shared while we use the cluster; who can hold it alone is the last to leave.
    users: Option<File>,
    /// Held by the one server of the folder.
    server: Option<File>,
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
        let mut lock = owner.file(&path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                drop(lock.rewind().and_then(|()| lock.read_to_string(&mut holder)));
                let holder = if holder.is_empty() { "unknown".to_owned() } else { format!("process {holder}") };
                return Err(Error::Served { folder: folder.to_path_buf(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(Error::file("locking", path)(source)),
        }
        let note = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
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
        let sockets = socket_folder(&folder, owner);
        let mut cluster = Self { postmaster: Postmaster::new(folder, sockets, owner, settings), users: None, server };
        let starting = cluster.starting().await?;
        let path = cluster.path("users.lock");
        let users = owner.file(&path)?;
        users.lock_shared().map_err(Error::file("locking", path))?;
        cluster.users = Some(users);
        owner.private_folder(&cluster.postmaster.sockets)?;
        cluster.postmaster.run().await?;
        drop(starting);
        Ok(cluster)
    }

    /// Starts and stops are one at a time, whichever processes ask for them.
    async fn starting(&self) -> Result<File, Error> {
        let path = self.path("start.lock");
        let lock = self.postmaster.owner.file(&path)?;
        tokio::task::spawn_blocking(move || lock.lock().map(|()| lock))
            .await
            .map_err(|error| Error::Other(error.to_string()))?
            .map_err(Error::file("locking", path))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.postmaster.folder.join(name)
    }

    /// Starts it again when it is gone, and restarts it when its binaries were upgraded: for a server that outlives its
    /// PostgreSQL and calls this every half second or so. It costs a connection when all is well.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn ensure_running(&self) -> Result<(), Error> {
        self.postmaster.trim_log()?;
        if !self.postmaster.replaced() && self.postmaster.answers().await {
            return Ok(());
        }
        let _starting = self.starting().await?;
        self.postmaster.owner.private_folder(&self.postmaster.sockets)?;
        self.postmaster.run().await
    }

    /// Leaves it; the last to leave stops it.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub async fn finish(mut self) -> Result<(), Error> {
        let _starting = self.starting().await?;
        self.users = self.alone(); // kept while it stops: who breaks this off leaves as if without goodbye
        let left = if self.users.is_some() { self.stopped().await } else { Ok(()) };
        self.users = None;
        self.let_go();
        left
    }

    async fn stopped(&self) -> Result<(), Error> {
        if self.postmaster.lives() {
            self.postmaster.stop(&self.postmaster.binaries()?).await?;
        }
        if !self.postmaster.sockets.starts_with(&self.postmaster.folder) {
            drop(std::fs::remove_dir(&self.postmaster.sockets)); // made again by the next start
        }
        Ok(())
    }

    /// The users' lock, held alone; `None` when somebody else uses the cluster. Asked under the lock for starting.
    fn alone(&mut self) -> Option<File> {
        let users = self.users.take()?;
        users.unlock().ok()?;
        users.try_lock().ok().map(|()| users)
    }

    /// Gives the server's lock back now, though a child that is being born may still have the file open.
    fn let_go(&mut self) {
        if let Some(server) = self.server.take() {
            drop(server.set_len(0).and_then(|()| server.unlock()));
        }
    }

    /// Does something while nobody else uses the cluster or can begin to; nothing when somebody does.
    pub(crate) async fn while_alone(&mut self, act: impl AsyncFnOnce(&Self) -> Result<(), Error>) -> Result<(), Error> {
        let _starting = self.starting().await?;
        let path = self.path("users.lock");
        let users = self.alone();
        let alone = users.is_some();
        drop(users.map(|users| users.unlock()));
        let users = self.postmaster.owner.file(&path)?;
        users.lock_shared().map_err(Error::file("locking", path))?;
        self.users = Some(users);
        if alone { act(self).await } else { Ok(()) }
    }

    /// One of the programs of the cluster's installation, run as its owner.
    pub(crate) fn program(&self, name: &str) -> Result<std::process::Command, Error> {
        Ok(self.postmaster.binaries()?.command(self.postmaster.owner, name))
    }

    /// How the superuser connects.
    pub fn admin_config(&self, database: &str) -> Config {
        self.postmaster.admin_config(database)
    }

    /// How the server's login connects: it is a superuser of nothing.
    pub fn config(&self) -> Config {
        let mut config = self.admin_config(LOGIN);
        config.user(LOGIN);
        config
    }

    /// The folder of its sockets, for `psql -h`.
    pub fn sockets(&self) -> &Path {
        &self.postmaster.sockets
    }

    /// The port in the name of its socket, for `psql -p`.
    pub fn port(&self) -> u16 {
        self.postmaster.port()
    }

    /// The address at which it listens for BI logins.
    pub fn listens_at(&self) -> Option<SocketAddr> {
        self.postmaster.listens_at()
    }

    /// The process of its postmaster, while it runs.
    pub fn postmaster(&self) -> Option<u32> {
        self.postmaster.process()
    }
}

impl Drop for Cluster {
    /// A user that did not say goodbye: the last one still stops the cluster.
    fn drop(&mut self) {
        if self.users.is_some()
            && let Ok(starting) = self.postmaster.owner.file(&self.path("start.lock"))
        {
            for _ in 0..LEAVING_TRIES_MAX {
                if starting.try_lock().is_ok() {
                    if let (Some(_users), true, Ok(binaries)) =
                        (self.alone(), self.postmaster.lives(), self.postmaster.binaries())
                    {
                        let mut stop = self.postmaster.stopping(&binaries);
                        drop(stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status());
                    }
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        self.let_go();
    }
}

/// Where the sockets are, short enough: in the data folder, else in /tmp. Not in `XDG_RUNTIME_DIR`, which goes with the
/// session and is another one for a timer: every process must find the same place.
fn socket_folder(folder: &Path, owner: Owner) -> PathBuf {
    let inside = folder.join("s");
    if inside.as_os_str().len() <= SOCKET_FOLDER_BYTES_MAX {
        return inside;
    }
    let bytes = folder.as_os_str().as_encoded_bytes().iter();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a
    });
    PathBuf::from(format!("/tmp/quarterdeck-{}-{hash:016x}", owner.uid()))
}
