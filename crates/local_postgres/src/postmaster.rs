//! The postmaster: makes its data folder, starts it, asks whether it runs, stops it. Who may do so when is the cluster's.

use crate::{
    binaries::Binaries,
    cluster::{Listen, Settings},
    error::Error,
    owner::Owner,
};
use std::{
    ffi::OsStr,
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    net::{IpAddr, SocketAddr},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio_postgres::{Client, Config, NoTls};

/// The superuser of the cluster.
pub(crate) const ADMIN: &str = "quarterdeck_admin";
/// The login of the server, and the name of its database.
pub(crate) const LOGIN: &str = "quarterdeck";
/// How long the postmaster may take to answer; a recovery after a crash is part of it.
const START_MAX: Duration = Duration::from_secs(90);
/// How long a postmaster may live without its socket before it counts as out of reach.
const UNREACHABLE_MAX: Duration = Duration::from_secs(5);
/// The log is moved aside when it is longer: with the one moved aside it takes twice that at most.
const LOG_BYTES_MAX: u64 = 16 << 20;
/// The port that names the socket while PostgreSQL listens at no address.
const PORT: u16 = 5432;
/// Who may log in how: everybody through the private folder of the socket, and over the loopback, when PostgreSQL
/// listens there, nobody but BI logins with their passwords.
const LOGINS: &str = "local all all trust
host quarterdeck +quarterdeck_bi 127.0.0.1/32 scram-sha-256
host quarterdeck +quarterdeck_bi ::1/128 scram-sha-256
";
/// What every cluster runs with. `-c` said later wins, so a caller's options come after these.
const OPTIONS: [&str; 13] = [
    "unix_socket_permissions=0700",
    "max_connections=60",
    "shared_buffers=256MB",
    "wal_compression=on",
    "max_wal_size=2GB",
    "jit=off",
    "autovacuum=on",
    "logging_collector=off",
    "log_min_messages=warning",
    "password_encryption=scram-sha-256",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
];

/// Which file a path names, and since when.
type Stamp = (u64, u64, i64, i64);

/// What the process is that postmaster.pid names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Gone,
    /// The system gave the number to another process, or it is dead and nobody took note.
    Another,
    Ours,
}

/// PostgreSQL in one folder.
#[derive(Debug)]
pub(crate) struct Postmaster {
    pub(crate) folder: PathBuf,
    pub(crate) sockets: PathBuf,
    pub(crate) owner: Owner,
    pub(crate) settings: Settings,
    /// The binary as it lay on the disk when we last compared versions.
    seen: Mutex<Option<(PathBuf, Stamp)>>,
}

impl Postmaster {
    pub(crate) fn new(folder: PathBuf, sockets: PathBuf, owner: Owner, settings: Settings) -> Self {
        Self { folder, sockets, owner, settings, seen: Mutex::default() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn made_by(&self) -> Option<u32> {
        std::fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// The installation for this folder. While the cluster runs it is the one it was started from, if that is still
    /// there: two installations of one major version must not restart it in turns.
    pub(crate) fn binaries(&self) -> Result<Binaries, Error> {
        let only = self.settings.binaries.as_deref();
        if only.is_none() && self.lives() {
            let (_, folder) = self.started_as();
            let same = Binaries::choose(Some(&folder), self.made_by(), &self.folder);
            if folder.is_absolute() && same.is_ok() {
                return same;
            }
        }
        Binaries::choose(only, self.made_by(), &self.folder)
    }

    /// Makes sure that it runs, by the binaries that are on the disk now.
    pub(crate) async fn run(&self) -> Result<(), Error> {
        let mut binaries = self.binaries()?;
        if self.made_by().is_none() {
            self.make(&binaries).await?;
        }
        if self.lives() {
            let (running, _) = self.started_as();
            if !self.comes_up().await? {
                tracing::warn!(folder = %self.folder.display(), "PostgreSQL lives and is out of reach: it is restarted");
                self.stop(&binaries).await?;
            } else if running != binaries.version {
                tracing::info!(%running, now = binaries.version, "PostgreSQL's binaries were upgraded: it is restarted");
                self.stop(&binaries).await?;
            } else if !self.listens_as_told() {
                tracing::info!("PostgreSQL listens elsewhere than it should: it is restarted");
                self.stop(&binaries).await?;
            }
        }
        if !self.lives() {
            binaries = self.binaries()?;
            self.start(&binaries).await?;
        }
        self.see(&binaries);
        self.prepare().await
    }

    /// Waits for a living postmaster, which may be recovering; false when its socket or itself is gone meanwhile.
    async fn comes_up(&self) -> Result<bool, Error> {
        let begun = Instant::now();
        while self.lives() {
            let socket = self.sockets.join(format!(".s.PGSQL.{}", self.port()));
            if self.answers().await {
                return Ok(true);
            }
            if begun.elapsed() > UNREACHABLE_MAX && !socket.exists() {
                return Ok(false);
            }
            if begun.elapsed() > START_MAX {
                return Err(self.silent(u64::MAX));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(false)
    }

    /// Makes the data folder beside its place and moves it there when it is whole.
    async fn make(&self, binaries: &Binaries) -> Result<(), Error> {
        let (half, data) = (self.folder.join("data.half"), self.data());
        let empty = || std::fs::read_dir(&data).is_ok_and(|mut entries| entries.next().is_none());
        if data.symlink_metadata().is_ok() && !empty() {
            return Err(match std::fs::read_dir(&data) {
                Err(closed) if closed.kind() == ErrorKind::PermissionDenied => {
                    Error::file("looking into", data)(closed)
                }
                _ => Error::Occupied { path: data },
            });
        }
        if half.exists() {
            std::fs::remove_dir_all(&half).map_err(Error::file("removing", &half))?;
        }
        self.owner.fresh(&half)?;
        let mut initdb = binaries.command(self.owner, "initdb");
        initdb.args(["--username", ADMIN, "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]);
        initdb.args(["--locale=C", "--data-checksums", "--no-instructions", "--pgdata"]).arg(&half);
        ran("initdb", initdb).await?;
        std::fs::rename(&half, &data).map_err(Error::file("moving", &half))?;
        settled(&self.folder)
    }

    async fn start(&self, binaries: &Binaries) -> Result<(), Error> {
        self.forget_another()?;
        self.forget_sockets()?;
        self.note(binaries)?;
        self.admit_bi_logins()?;
        let given_up = Instant::now() + START_MAX;
        loop {
            self.trim_log()?;
            let log = self.owner.file(&self.folder.join("postgres.log"))?;
            let from = log.metadata().map_or(0, |log| log.len());
            let mut child = self.spawned(binaries, log)?;
            let ended = loop {
                if self.answers().await {
                    break false;
                }
                if child.try_wait().ok().flatten().is_some() {
                    break true;
                }
                if Instant::now() > given_up {
                    reaped(child);
                    return Err(self.silent(from));
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            };
            if !ended {
                reaped(child);
                return Ok(());
            }
            let error = self.silent(from);
            // Children of a postmaster that was killed hold its memory until they notice.
            if !error.to_string().contains("still in use") || Instant::now() > given_up {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// In a process group of its own, so that Ctrl-C ends us first and we end it.
    fn spawned(&self, binaries: &Binaries, log: File) -> Result<Child, Error> {
        let mut postgres = binaries.command(self.owner, "postgres");
        postgres.arg("-D").arg(self.data()).arg("-k").arg(&self.sockets);
        let (address, port) = match self.settings.listen {
            Listen::At(address) => (address.ip().to_string(), address.port()),
            Listen::AsItDoes | Listen::Nowhere => (String::new(), PORT),
        };
        postgres.arg("-c").arg(format!("listen_addresses={address}")).arg("-c").arg(format!("port={port}"));
        postgres.arg("-c").arg([OsStr::new("hba_file="), self.logins().as_os_str()].join(OsStr::new("")));
        for option in OPTIONS.into_iter().chain(self.settings.options.iter().map(String::as_str)) {
            postgres.args(["-c", option]);
        }
        let err = log.try_clone().map_err(Error::file("opening the log in", &self.folder))?;
        postgres.stdin(Stdio::null()).stdout(log).stderr(err).process_group(0);
        postgres.spawn().map_err(Error::file("starting PostgreSQL in", &self.folder))
    }

    fn logins(&self) -> PathBuf {
        self.folder.join("pg_hba.conf")
    }

    fn admit_bi_logins(&self) -> Result<(), Error> {
        let mut file = self.owner.file(&self.logins())?;
        let written = file.set_len(0).and_then(|()| file.write_all(LOGINS.as_bytes()));
        written.map_err(Error::file("writing", self.logins()))
    }

    /// A line of postmaster.pid, counted from 1.
    fn noted(&self, line: usize) -> Option<String> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        file.lines().nth(line.checked_sub(1)?).map(|line| line.trim().to_owned())
    }

    /// The port that names its socket; the one that it will have while it does not run.
    pub(crate) fn port(&self) -> u16 {
        let noted = self.noted(4).and_then(|port| port.parse().ok());
        noted.unwrap_or(match self.settings.listen {
            Listen::At(address) => address.port(),
            Listen::AsItDoes | Listen::Nowhere => PORT,
        })
    }

    /// The address at which the running PostgreSQL listens for BI logins.
    pub(crate) fn listens_at(&self) -> Option<SocketAddr> {
        let address: IpAddr = self.noted(6)?.parse().ok()?;
        Some(SocketAddr::new(address, self.port()))
    }

    fn listens_as_told(&self) -> bool {
        match self.settings.listen {
            Listen::AsItDoes => true,
            Listen::Nowhere => self.listens_at().is_none(),
            Listen::At(address) => self.listens_at() == Some(address),
        }
    }

    /// What its log says since an offset, in bytes.
    fn silent(&self, from: u64) -> Error {
        let log = self.folder.join("postgres.log");
        let said = last_lines(&log, from).ok().filter(|said| !said.is_empty());
        let said = said.unwrap_or_else(|| format!("it lives and may be recovering; its log is {}", log.display()));
        Error::Silent { folder: self.folder.clone(), said }
    }

    pub(crate) async fn answers(&self) -> bool {
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

    /// Stops it when it runs.
    pub(crate) async fn stop(&self, binaries: &Binaries) -> Result<(), Error> {
        if !self.lives() {
            return Ok(());
        }
        let stopped = ran("pg_ctl", self.stopping(binaries)).await;
        if self.lives() { stopped.map(drop) } else { Ok(()) }
    }

    pub(crate) fn stopping(&self, binaries: &Binaries) -> Command {
        let mut pg_ctl = binaries.command(self.owner, "pg_ctl");
        pg_ctl.args(["stop", "--silent", "--wait", "--mode=fast", "--timeout=60", "--pgdata"]).arg(self.data());
        pg_ctl
    }

    /// The process that postmaster.pid names.
    pub(crate) fn process(&self) -> Option<u32> {
        self.noted(1)?.parse().ok()
    }

    pub(crate) fn lives(&self) -> bool {
        self.process().is_some_and(|process| self.known(process) == Process::Ours)
    }

    /// A postmaster works in its data folder: by that it is told from a process that got its number later.
    fn known(&self, process: u32) -> Process {
        let own = PathBuf::from(format!("/proc/{process}"));
        if !Path::new("/proc/self").exists() {
            let said = Command::new("ps").args(["-o", "comm=", "-p", &process.to_string()]).output();
            return match said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()) {
                Ok(name) if name.is_empty() => Process::Gone,
                Ok(name) if !name.contains("postgres") => Process::Another,
                _ => Process::Ours,
            };
        }
        let Ok(found) = std::fs::metadata(&own) else { return Process::Gone };
        let postgres = || std::fs::read_to_string(own.join("comm")).is_ok_and(|name| name.starts_with("postgres"));
        let ours = match (std::fs::metadata(own.join("cwd")), std::fs::metadata(self.data())) {
            (Ok(there), Ok(data)) => (there.dev(), there.ino()) == (data.dev(), data.ino()),
            // Root of a container may not look into another user's process.
            (Err(error), _) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                found.uid() == self.owner.uid() && postgres()
            }
            _ => false,
        };
        if ours { Process::Ours } else { Process::Another }
    }

    /// PostgreSQL would not start while a process lives that has its predecessor's number, whatever process that is, nor
    /// over a file that names none. Asked under the lock for starting, when none of ours lives.
    fn forget_another(&self) -> Result<(), Error> {
        let process = self.process();
        if process.is_some_and(|process| self.known(process) != Process::Another) {
            return Ok(());
        }
        if let Some(process) = process {
            tracing::warn!(process, "the PostgreSQL that ran here died, and its number is another process's now");
        }
        removed(&self.data().join("postmaster.pid"))
    }

    /// The socket's own lock file names the dead postmaster too, and holds up a new one in the same way. The folder is
    /// the owner's alone, so that a socket without a living postmaster of ours is nobody's.
    fn forget_sockets(&self) -> Result<(), Error> {
        [".s.PGSQL.5432.lock", ".s.PGSQL.5432"].iter().try_for_each(|name| removed(&self.sockets.join(name)))
    }

    /// Version and folder of the binaries that were started last.
    fn started_as(&self) -> (String, PathBuf) {
        let note = std::fs::read_to_string(self.folder.join("running_version")).unwrap_or_default();
        let (version, folder) = note.split_once('\n').unwrap_or((&note, ""));
        (version.to_owned(), PathBuf::from(folder.trim_end()))
    }

    fn note(&self, binaries: &Binaries) -> Result<(), Error> {
        let path = self.folder.join("running_version");
        let mut note = self.owner.file(&path)?;
        let text = format!("{}\n{}\n", binaries.version, binaries.folder.display());
        note.set_len(0).and_then(|()| note.write_all(text.as_bytes())).map_err(Error::file("writing", path))
    }

    fn see(&self, binaries: &Binaries) {
        let path = binaries.folder.join("postgres");
        let seen = stamp(&path).map(|stamp| (path, stamp));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// Whether another binary lies where the running one came from.
    pub(crate) fn replaced(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref().is_some_and(|(path, seen)| stamp(path).is_some_and(|now| now != *seen))
    }

    /// Moves the log aside when it is long. PostgreSQL appends to it, so it goes on at the new end.
    pub(crate) fn trim_log(&self) -> Result<(), Error> {
        let path = self.folder.join("postgres.log");
        if std::fs::metadata(&path).map_or(0, |log| log.len()) <= LOG_BYTES_MAX {
            return Ok(());
        }
        let (mut log, mut old) = (self.owner.file(&path)?, self.owner.file(&self.folder.join("postgres.log.1"))?);
        let moved = old.set_len(0).and_then(|()| std::io::copy(&mut log, &mut old)).and_then(|_| log.set_len(0));
        moved.map_err(Error::file("moving aside", path))
    }

    pub(crate) fn admin_config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.sockets).port(self.port()).user(ADMIN).dbname(database).application_name("quarterdeck");
        config.connect_timeout(Duration::from_secs(5));
        config
    }
}

/// A dead postmaster must be no zombie under a living server.
fn reaped(mut child: Child) {
    std::thread::spawn(move || drop(child.wait()));
}

/// Removes a file, if it is there.
fn removed(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::file("removing", path)(error)),
        _ => Ok(()),
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino(), found.mtime(), found.mtime_nsec()))
}

/// Makes a rename in a folder last.
pub(crate) fn settled(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::file("writing", folder))
}

pub(crate) async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// Runs a program to its end, and ends it when nobody waits any more; what it said last is in the error.
pub(crate) async fn ran(name: &str, mut command: Command) -> Result<Vec<u8>, Error> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    piped(name, command).await
}

/// The same, with its input or output already joined to a file of ours.
pub(crate) async fn piped(name: &str, command: Command) -> Result<Vec<u8>, Error> {
    let failed = |said: String| Error::Program { program: name.to_owned(), said };
    let mut command = tokio::process::Command::from(command);
    let child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let child = child.map_err(|error| failed(error.to_string()))?;
    let done = child.wait_with_output().await.map_err(|error| failed(error.to_string()))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    Err(failed(last_of(&String::from_utf8_lossy(&done.stderr))))
}

fn last_lines(log: &Path, from: u64) -> std::io::Result<String> {
    let mut log = File::open(log)?;
    let end = log.metadata()?.len();
    log.seek(SeekFrom::Start(from.min(end).max(end.saturating_sub(8192))))?;
    let mut text = Vec::new();
    log.read_to_end(&mut text)?;
    Ok(last_of(&String::from_utf8_lossy(&text)))
}

fn last_of(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(6)..].join("; ")
}
