//! The roles and the tables.

use crate::{bi, refusal::Fault};
use refinery::Runner;
use tokio_postgres::Client;

mod embedded {
    refinery::embed_migrations!("../../migrations");
}

/// Which migrations there are, and which of them a database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The newest migration of this program.
    pub known: i64,
    /// The newest migration of the database; `None`: it has none.
    pub applied: Option<i64>,
}

/// Makes the four roles and the schema of BI logins when they are missing, then applies the migrations that the database
/// lacks, as their owner. The login must be a superuser, or the member of quarterdeck_owner that an administrator made.
///
/// # Errors
/// When a role or a migration cannot be made; a migration that fails leaves the database as it was before it.
pub async fn migrate(client: &mut Client) -> Result<Vec<String>, Fault> {
    client.batch_execute("SET ROLE none").await?;
    client.batch_execute(include_str!("sql/roles.sql")).await?;
    client.batch_execute("SET ROLE quarterdeck_owner").await?;
    let report = runner().run_async(client).await.map_err(|error| Fault::new("applying a migration", error))?;
    client.batch_execute("RESET ROLE; SET ROLE none").await?;
    bi::keep_closed(client).await?;
    client.batch_execute("RESET ROLE").await?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// Lets a login take the two roles that the server works in, and no more: the owner could switch the log's triggers off.
///
/// # Errors
/// When there is no such login, or the asker may not grant.
pub async fn admit(client: &Client, login: &str) -> Result<(), Fault> {
    let quoted = login.replace('"', "\"\"");
    client
        .batch_execute(
            &[
                "GRANT quarterdeck_app, quarterdeck_watch TO \"",
                &quoted,
                "\"; REVOKE quarterdeck_owner FROM \"",
                &quoted,
                "\"",
            ]
            .concat(),
        )
        .await?;
    Ok(())
}

/// Begins the next epoch of every tenant's log: after a restore, the batches to come say that the log was taken up anew.
/// The asker must see past row-level security, as the one who restores does.
///
/// # Errors
/// When PostgreSQL says no.
pub async fn begin_epoch(client: &Client) -> Result<u64, Fault> {
    Ok(client.execute(include_str!("sql/begin_epoch.sql"), &[]).await?)
}

/// Whether a database holds a log's tables, of whichever version.
///
/// # Errors
/// When it cannot be asked.
pub async fn is_ours(client: &Client) -> Result<bool, Fault> {
    let tables =
        "SELECT to_regclass('public.refinery_schema_history') IS NOT NULL AND to_regclass('public.event') IS NOT
        NULL AND to_regclass('public.log_lock') IS NOT NULL";
    Ok(client.query_one(tables, &[]).await?.get(0))
}

/// What the database has of the migrations.
///
/// # Errors
/// When it cannot be asked.
pub async fn schema(client: &Client) -> Result<Schema, Fault> {
    let known = runner().get_migrations().iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0);
    let there = client.query_one("SELECT to_regclass('public.refinery_schema_history') IS NOT NULL", &[]).await?;
    let applied = if there.get(0) {
        client.query_one("SELECT max(version)::bigint FROM refinery_schema_history", &[]).await?.get(0)
    } else {
        None
    };
    Ok(Schema { known, applied })
}

/// A short word that changes whenever the migrations do: names the template of the tests.
pub fn fingerprint() -> String {
    let sum = runner().get_migrations().iter().fold(0_u64, |sum, migration| {
        sum.rotate_left(7) ^ migration.checksum() ^ u64::from(migration.version().unsigned_abs())
    });
    format!("{sum:016x}")
}

fn runner() -> Runner {
    embedded::migrations::runner()
}
