//! Backups, and the way back.

use crate::{
    cluster::Cluster,
    error::Error,
    postmaster::{ADMIN, connect, piped, settled},
};
use std::{
    fs::{File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tokio_postgres::{Client, Config};

/// Roles that a backup may name and the cluster lack; they are made one by one.
const ROLES_MAX: usize = 32;
/// How often connections that come back are ended before a database's name is given up.
const SWAPS_MAX: u32 = 5;
/// Files of backups that broke off, beside a new one, before we say that there are too many.
const PARTS_MAX: u32 = 1_000;

/// A file that is removed unless it got its name.
struct Part(PathBuf);

impl Part {
    /// A new file beside another, for us alone: what lies there already is somebody's and stays.
    fn beside(file: &Path) -> Result<(Self, File), Error> {
        for number in 0..PARTS_MAX {
            let mut name = file.as_os_str().to_owned();
            name.push(format!(".{}-{number}.part", std::process::id()));
            let path = PathBuf::from(name);
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(opened) => return Ok((Self(path), opened)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::file("writing", path)(error)),
            }
        }
        Err(Error::Other(format!("beside {} lie too many backups that broke off: remove them", file.display())))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

impl Cluster {
    /// Writes a database into a file (pg_dump's custom format): first beside it, so that the file is whole or not there.
    /// The file is readable for us alone.
    ///
    /// # Errors
    /// When the file is there and may not be overwritten, or it cannot be written.
    pub async fn backup(&self, database: &str, file: &Path, overwrite: bool) -> Result<(), Error> {
        if file.exists() && !overwrite {
            return Err(Error::Exists(file.to_path_buf()));
        }
        let (part, out) = Part::beside(file)?;
        let mut dump = self.reaching("pg_dump", database)?;
        dump.arg("--format=custom").stdin(Stdio::null());
        dump.stdout(out.try_clone().map_err(Error::file("writing", &part.0))?);
        piped("pg_dump", dump).await?;
        out.sync_all().map_err(Error::file("writing", &part.0))?;
        std::fs::rename(&part.0, file).map_err(Error::file("writing", file))?;
        settled(file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    }

    /// Reads a backup into a new database, has that adopted (checked and brought up to date by whoever knows its
    /// tables), and only then puts it in the old one's place. Roles that the backup names and this cluster lacks are
    /// made, without any right of their own.
    ///
    /// # Errors
    /// When the file is no backup or is not adopted, or the database holds tables and may not be replaced. What is there
    /// stays then.
    pub async fn restore<T, E: From<Error>>(
        &self,
        database: &str,
        file: &Path,
        replace: bool,
        adopt: impl AsyncFnOnce(Config) -> Result<T, E>,
    ) -> Result<T, E> {
        let admin = self.ready_to_restore(database, file, replace).await?;
        let half = format!("{database}_restoring");
        let forget = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(&half));
        let placed = async {
            self.filled(&admin, &half, &forget, file).await?;
            let adopted = adopt(self.admin_config(&half)).await?;
            swapped(&admin, database, &half).await?;
            Ok(adopted)
        };
        let placed = placed.await;
        if placed.is_err() {
            admin.batch_execute(&forget).await.map_err(Error::from)?;
        }
        placed
    }

    /// The connection under whose lock one restore runs at a time.
    async fn ready_to_restore(&self, database: &str, file: &Path, replace: bool) -> Result<Client, Error> {
        let mut list = self.program("pg_restore")?;
        list.arg("--list").stdin(opened(file)?).stdout(Stdio::null());
        piped("pg_restore", list).await.map_err(|error| not_a_backup(file, error))?;
        let there = connect(&self.admin_config(database)).await?;
        let tables =
            "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'm') AND relnamespace::regnamespace::text
            NOT IN ('pg_catalog', 'information_schema') AND relnamespace::regnamespace::text NOT LIKE 'pg\\_%'";
        if there.query_one(tables, &[]).await?.get::<_, i64>(0) > 0 && !replace {
            return Err(Error::NotEmpty);
        }
        drop(there);
        let admin = connect(&self.admin_config("postgres")).await?;
        if !admin.query_one("SELECT pg_try_advisory_lock(726)", &[]).await?.get::<_, bool>(0) {
            return Err(Error::Restoring);
        }
        Ok(admin)
    }

    /// Restores into a database beside the present one: first its tables without rows, which shows soon what is missing.
    async fn filled(&self, admin: &Client, half: &str, forget: &str, file: &Path) -> Result<(), Error> {
        for _ in 0..ROLES_MAX {
            match self.read_into(admin, half, forget, file, &["--schema-only"]).await {
                Ok(()) => break,
                Err(error) => match missing_role(&error.to_string()) {
                    Some(role) => make_role(admin, &role).await?,
                    None => return Err(unfit(file, error)),
                },
            }
        }
        self.read_into(admin, half, forget, file, &[]).await.map_err(|error| unfit(file, error))?;
        Ok(connect(&self.admin_config(half)).await?.batch_execute("ANALYZE").await?)
    }

    async fn read_into(
        &self,
        admin: &Client,
        half: &str,
        forget: &str,
        file: &Path,
        options: &[&str],
    ) -> Result<(), Error> {
        admin.batch_execute(forget).await?;
        admin.batch_execute(&format!("CREATE DATABASE {} TEMPLATE template0", quoted(half))).await?;
        let mut restore = self.reaching("pg_restore", half)?;
        restore.args(["--exit-on-error", "--single-transaction"]).args(options);
        restore.stdin(opened(file)?).stdout(Stdio::null());
        piped("pg_restore", restore).await.map(drop)
    }

    fn reaching(&self, program: &str, database: &str) -> Result<Command, Error> {
        let mut command = self.program(program)?;
        command.arg("--host").arg(self.sockets()).arg("--port").arg(self.port().to_string());
        command.args(["--username", ADMIN, "--no-password"]);
        command.args(["--dbname", database]);
        Ok(command)
    }
}

/// Gives a database's name to another in one transaction, so that there is never none of that name; then drops it.
async fn swapped(admin: &Client, database: &str, half: &str) -> Result<(), Error> {
    let old = format!("{database}_replaced");
    let forget = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(&old));
    admin.batch_execute(&forget).await?;
    let swap = format!(
        "BEGIN; ALTER DATABASE {present} RENAME TO {old}; ALTER DATABASE {half} RENAME TO {present}; COMMIT",
        present = quoted(database),
        old = quoted(&old),
        half = quoted(half)
    );
    let mut tries = 0;
    loop {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ($1, $2)";
        admin.execute(others, &[&database, &half]).await?;
        tries += 1;
        match admin.batch_execute(&swap).await {
            Ok(()) => break,
            Err(error) => {
                admin.batch_execute("ROLLBACK").await?;
                let in_use = error.code() == Some(&tokio_postgres::error::SqlState::OBJECT_IN_USE);
                if !in_use || tries == SWAPS_MAX {
                    return Err(error.into());
                }
            }
        }
    }
    if let Err(error) = admin.batch_execute(&forget).await {
        tracing::warn!(%error, database = old, "the replaced database is still there; the next restore drops it");
    }
    Ok(())
}

async fn make_role(admin: &Client, role: &str) -> Result<(), Error> {
    tracing::info!(role, "the backup names a role that this cluster lacks: it is made");
    Ok(admin.batch_execute(&format!("CREATE ROLE {} NOLOGIN NOINHERIT", quoted(role))).await?)
}

/// The name in PostgreSQL's `role "name" does not exist`, which is not translated: its programs run in the C locale.
fn missing_role(said: &str) -> Option<String> {
    let (name, _) = said.split_once("ERROR:  role \"")?.1.split_once("\" does not exist")?;
    Some(name.to_owned())
}

fn opened(file: &Path) -> Result<File, Error> {
    File::open(file).map_err(Error::file("reading", file))
}

/// Of pg_restore's troubles those that are the file's: it was cut or bent.
fn unfit(file: &Path, error: Error) -> Error {
    let files = ["end of file", "archive", "compressed data", "input file"];
    if files.iter().any(|words| error.to_string().contains(words)) { not_a_backup(file, error) } else { error }
}

fn not_a_backup(file: &Path, error: Error) -> Error {
    match error {
        Error::Program { said, .. } => Error::NotABackup { file: file.to_path_buf(), said },
        error => error,
    }
}

/// A name as SQL takes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
