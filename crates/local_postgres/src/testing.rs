//! A cluster for tests: shared by all test processes of a checkout, each test in a fresh copy of a template.

use crate::{
    cluster::{Cluster, Settings, connect},
    error::Error,
};
use std::{fs::File, path::Path};
use tokio_postgres::Config;

/// A cluster in a folder of its own, in memory where the machine has room for it.
///
/// # Errors
/// When PostgreSQL cannot run.
pub async fn cluster(name: &str) -> Result<Cluster, Error> {
    let shm = Path::new("/dev/shm");
    let memory = shm.is_dir() && File::create(shm.join(format!(".quarterdeck-{}", std::process::id()))).is_ok();
    drop(std::fs::remove_file(shm.join(format!(".quarterdeck-{}", std::process::id()))));
    let folder = if memory { shm.to_path_buf() } else { std::env::temp_dir() };
    let settings = Settings {
        options: vec!["max_connections=300".into(), "wal_level=minimal".into(), "max_wal_senders=0".into()],
        ..Settings::default()
    };
    Cluster::attach(&folder.join(format!("quarterdeck-tests-{name}")), settings).await
}

impl Cluster {
    /// A template database, built once whichever processes ask for it. A name holds what it depends on: of the same
    /// prefix (up to the last `_`), older ones are dropped.
    ///
    /// # Errors
    /// When it cannot be built: then it is not there.
    pub async fn template<E: From<Error>>(
        &self,
        name: &str,
        build: impl AsyncFnOnce(Config) -> Result<(), E>,
    ) -> Result<(), E> {
        let postgres = |error| E::from(Error::Postgres(error));
        let admin = connect(&self.admin_config("postgres")).await.map_err(postgres)?;
        admin.execute("SELECT pg_advisory_lock(725)", &[]).await.map_err(postgres)?;
        let there = "SELECT FROM pg_database WHERE datname = $1 AND datistemplate";
        if admin.query_opt(there, &[&name]).await.map_err(postgres)?.is_some() {
            return Ok(());
        }
        let prefix = format!("{}_", name.rsplit_once('_').map_or(name, |(prefix, _)| prefix));
        let old = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)";
        for row in admin.query(old, &[&prefix]).await.map_err(postgres)? {
            let old: String = row.get(0);
            let drop = format!("ALTER DATABASE {old} IS_TEMPLATE false; DROP DATABASE {old} WITH (FORCE)");
            for statement in drop.split("; ") {
                admin.batch_execute(statement).await.map_err(postgres)?;
            }
        }
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.map_err(postgres)?;
        build(self.admin_config(name)).await?;
        admin
            .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", &[&name])
            .await
            .map_err(postgres)?;
        admin.batch_execute(&format!("ALTER DATABASE {name} IS_TEMPLATE true")).await.map_err(postgres)
    }

    /// A database copied from a template.
    ///
    /// # Errors
    /// When the template is not there.
    pub async fn fresh_database(&self, template: &str, name: &str) -> Result<(), Error> {
        let admin = connect(&self.admin_config("postgres")).await?;
        Ok(admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?)
    }

    /// Drops a database, and whoever is still on it.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn drop_database(&self, name: &str) -> Result<(), Error> {
        let admin = connect(&self.admin_config("postgres")).await?;
        Ok(admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?)
    }
}
