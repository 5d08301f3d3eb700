//! A cluster for tests: shared by all test processes of a machine's user, each test in a fresh copy of a template.

use crate::{
    cluster::{Cluster, Settings},
    copies::quoted,
    error::Error,
    owner::Owner,
    postmaster::connect,
};
use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};
use tokio_postgres::Config;

/// Room that a cluster in memory should find, in kB.
const MEMORY_FREE_KB_MIN: u64 = 2 << 20;

/// A cluster in a folder of its own, in memory where the machine has room for it. The last test process to leave stops
/// it. The first to come drops what earlier ones left behind, except templates.
///
/// # Errors
/// When PostgreSQL cannot run.
pub async fn cluster(name: &str) -> Result<Cluster, Error> {
    let options = ["max_connections=300", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=512MB"];
    let settings = Settings { options: options.map(str::to_owned).to_vec(), ..Settings::default() };
    let mut cluster = Cluster::attach(&folder(name)?, settings).await?;
    cluster.while_alone(async |cluster| swept(cluster).await).await?;
    Ok(cluster)
}

/// The folder of the tests' cluster, the same for all processes of a user.
fn folder(name: &str) -> Result<PathBuf, Error> {
    let owner = Owner::find()?.uid();
    let memory = Path::new("/dev/shm");
    let named = |above: &Path| {
        let usual = above.join(format!("quarterdeck-tests-{name}"));
        let taken = std::fs::metadata(&usual).is_ok_and(|found| found.uid() != owner);
        if taken { above.join(format!("quarterdeck-tests-{name}-{owner}")) } else { usual }
    };
    let there = named(memory);
    if there.is_dir() || (std::fs::metadata(memory).is_ok_and(|shm| shm.mode() & 0o003 == 0o003) && roomy(memory)) {
        return Ok(there);
    }
    Ok(named(&std::env::temp_dir()))
}

fn roomy(folder: &Path) -> bool {
    let said = std::process::Command::new("df").arg("-Pk").arg(folder).output();
    let text = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
    let free = text.lines().last().and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    free.is_some_and(|free| free > MEMORY_FREE_KB_MIN)
}

async fn swept(cluster: &Cluster) -> Result<(), Error> {
    let admin = connect(&cluster.admin_config("postgres")).await?;
    let left = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', 'quarterdeck')";
    for row in admin.query(left, &[]).await? {
        cluster.drop_database(row.get(0)).await?;
    }
    Ok(())
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
        let old = "SELECT datname FROM pg_database WHERE starts_with(datname, $1) OR datname = $2";
        for row in admin.query(old, &[&prefix, &name]).await.map_err(postgres)? {
            let old: String = row.get(0);
            let plain = format!("ALTER DATABASE {} IS_TEMPLATE false", quoted(&old));
            admin.batch_execute(&plain).await.map_err(postgres)?;
            self.drop_database(&old).await?;
        }
        admin.batch_execute(&format!("CREATE DATABASE {}", quoted(name))).await.map_err(postgres)?;
        build(self.admin_config(name)).await?;
        admin
            .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", &[&name])
            .await
            .map_err(postgres)?;
        admin.batch_execute(&format!("ALTER DATABASE {} IS_TEMPLATE true", quoted(name))).await.map_err(postgres)
    }

    /// A database copied from a template.
    ///
    /// # Errors
    /// When the template is not there.
    pub async fn fresh_database(&self, template: &str, name: &str) -> Result<(), Error> {
        let admin = connect(&self.admin_config("postgres")).await?;
        let copy = format!("CREATE DATABASE {} TEMPLATE {}", quoted(name), quoted(template));
        Ok(admin.batch_execute(&copy).await?)
    }

    /// Drops a database, and whoever is still on it.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn drop_database(&self, name: &str) -> Result<(), Error> {
        let admin = connect(&self.admin_config("postgres")).await?;
        Ok(admin.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name))).await?)
    }
}
