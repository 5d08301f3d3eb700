//! Backups, and the way back.

use crate::{
    cluster::{Cluster, connect},
    error::Error,
};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
};

impl Cluster {
    /// Writes a database into a file (pg_dump's custom format): first beside it, so that the file is whole or not there.
    ///
    /// # Errors
    /// When the file is there and may not be overwritten, or it cannot be written.
    pub async fn backup(&self, database: &str, file: &Path, overwrite: bool) -> Result<(), Error> {
        if file.exists() && !overwrite {
            return Err(Error::Exists(file.to_path_buf()));
        }
        let part = PathBuf::from(format!("{}.part", file.display()));
        let written = self.dumped(database, &part).await;
        if written.is_err() {
            drop(std::fs::remove_file(&part));
        }
        written?;
        std::fs::rename(&part, file).map_err(Error::file("writing", file))
    }

    async fn dumped(&self, database: &str, part: &Path) -> Result<(), Error> {
        let out = File::create(part).map_err(Error::file("writing", part))?;
        let mut dump = self.reaching("pg_dump", database)?;
        dump.arg("--format=custom").stdout(out.try_clone().map_err(Error::file("writing", part))?);
        piped("pg_dump", dump).await?;
        out.sync_all().map_err(Error::file("writing", part))
    }

    /// Reads a backup into a new database, and only when that is whole puts it in the old one's place.
    ///
    /// # Errors
    /// When the file is no backup, or the database holds tables and may not be replaced. What is there stays then.
    pub async fn restore(&self, database: &str, file: &Path, replace: bool) -> Result<(), Error> {
        let opened = || File::open(file).map_err(Error::file("reading", file));
        let mut list = self.program("pg_restore")?;
        list.arg("--list").stdin(opened()?).stdout(Stdio::null());
        piped("pg_restore", list).await?;
        let there = connect(&self.admin_config(database)).await?;
        let tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
        if there.query_one(tables, &[]).await?.get::<_, i64>(0) > 0 && !replace {
            return Err(Error::NotEmpty);
        }
        drop(there);
        let half = format!("{database}_restoring");
        let admin = connect(&self.admin_config("postgres")).await?;
        let forget = format!("DROP DATABASE IF EXISTS {half} WITH (FORCE)");
        admin.batch_execute(&forget).await?;
        admin.batch_execute(&format!("CREATE DATABASE {half} TEMPLATE template0")).await?;
        let mut restore = self.reaching("pg_restore", &half)?;
        restore.args(["--exit-on-error", "--single-transaction"]).stdin(opened()?);
        if let Err(error) = piped("pg_restore", restore).await {
            admin.batch_execute(&forget).await?;
            return Err(error);
        }
        self.swapped(&admin, database, &half).await
    }

    async fn swapped(&self, admin: &tokio_postgres::Client, database: &str, half: &str) -> Result<(), Error> {
        let old = format!("{database}_replaced");
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {old} WITH (FORCE)")).await?;
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        admin.execute(others, &[&database]).await?;
        admin.batch_execute(&format!("ALTER DATABASE {database} RENAME TO {old}")).await?;
        let taken = admin.batch_execute(&format!("ALTER DATABASE {half} RENAME TO {database}")).await;
        if let Err(error) = taken {
            admin.batch_execute(&format!("ALTER DATABASE {old} RENAME TO {database}")).await?;
            return Err(error.into());
        }
        Ok(admin.batch_execute(&format!("DROP DATABASE {old} WITH (FORCE)")).await?)
    }

    fn reaching(&self, program: &str, database: &str) -> Result<std::process::Command, Error> {
        let mut command = self.program(program)?;
        command.arg("--host").arg(self.sockets()).args(["--username", "quarterdeck_admin", "--no-password"]);
        command.args(["--dbname", database]);
        Ok(command)
    }
}

/// Runs a program whose input or output is a file of ours.
async fn piped(name: &str, command: std::process::Command) -> Result<(), Error> {
    let failed = |said: String| Error::Program { program: name.to_owned(), said };
    let mut command = tokio::process::Command::from(command);
    let child = command.stderr(Stdio::piped()).spawn().map_err(|error| failed(error.to_string()))?;
    let done = child.wait_with_output().await.map_err(|error| failed(error.to_string()))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(failed(said.trim().lines().take(5).collect::<Vec<_>>().join("; ")))
}
