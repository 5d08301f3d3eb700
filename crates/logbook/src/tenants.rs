//! Tenants: made and listed.

use crate::{
    refusal::Fault,
    tenant_tx::{Mode, TenantTx},
};
use deadpool_postgres::Pool;
use tokio_postgres::{Row, error::SqlState};
use units::{Currency, Instant, TenantId, Zone};

/// A customer of Quarterdeck: a company with a log of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// Its id, which every key starts with.
    pub id: TenantId,
    /// Its name, which requests name it by.
    pub name: String,
    /// The currency of its reports.
    pub currency: Currency,
    /// The time zone in which its days begin.
    pub zone: Zone,
    /// When it was made.
    pub created_at: Instant,
}

/// Why a tenant was not made.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// The name is taken.
    #[error("there is a tenant named \"{name}\" already")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The name cannot stand in a header.
    #[error("\"{name}\" is no name for a tenant: use 1 to 63 small letters, digits, - and _")]
    BadName {
        /// The name.
        name: String,
    },
    /// Something broke.
    #[error("the tenant could not be made: {0}")]
    Fault(#[from] Fault),
}

/// All tenants, by name, as the watch role sees them.
///
/// # Errors
/// When PostgreSQL cannot be asked.
pub async fn list(watch: &Pool) -> Result<Vec<Tenant>, Fault> {
    let client = watch.get().await?;
    let statement = client.prepare_cached(include_str!("sql/tenants.sql")).await?;
    client.query(&statement, &[]).await?.iter().map(tenant).collect()
}

/// Tenants that have a log and no row of their own: whoever took the row away took the log out of every list.
///
/// # Errors
/// When PostgreSQL cannot be asked.
pub async fn orphaned(watch: &Pool) -> Result<Vec<TenantId>, Fault> {
    let client = watch.get().await?;
    let statement = client.prepare_cached(include_str!("sql/orphaned_logs.sql")).await?;
    Ok(client.query(&statement, &[]).await?.iter().map(|row| TenantId(row.get(0))).collect())
}

fn tenant(row: &Row) -> Result<Tenant, Fault> {
    let bad = |error: Box<dyn std::error::Error + Send + Sync>| Fault::new("reading a tenant", error);
    Ok(Tenant {
        id: TenantId(row.get(0)),
        name: row.get(1),
        currency: row.get::<_, &str>(2).parse().map_err(|error: units::MoneyError| bad(error.into()))?,
        zone: row.get::<_, &str>(3).parse().map_err(|error: units::ZoneError| bad(error.into()))?,
        created_at: row.get(4),
    })
}

/// Makes a tenant with an empty log.
///
/// # Errors
/// When its name is taken or cannot be one, or when it cannot be written.
pub async fn create(app: &Pool, tenant: &Tenant) -> Result<(), TenantError> {
    let Tenant { id, name, currency, zone, created_at } = tenant;
    let allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter);
    if name.is_empty() || name.len() > 63 || !name.chars().all(allowed) {
        return Err(TenantError::BadName { name: name.clone() });
    }
    let transaction = TenantTx::begin(app, *id, Mode::Append).await?;
    let (currency, zone) = (currency.code(), zone.to_string());
    let inserted =
        transaction.execute(include_str!("sql/insert_tenant.sql"), &[&id.0, name, &currency, &zone, created_at]).await;
    if let Err(fault) = inserted {
        let taken = fault.postgres().and_then(|error| error.code()) == Some(&SqlState::UNIQUE_VIOLATION);
        return Err(if taken { TenantError::NameTaken { name: name.clone() } } else { fault.into() });
    }
    transaction.execute(include_str!("sql/insert_lock.sql"), &[&id.0]).await?;
    Ok(transaction.commit().await?)
}
