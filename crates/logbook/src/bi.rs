//! Logins of PostgreSQL that read one tenant for a BI tool: granted, listed and revoked by an administrator.

use crate::{refusal::Fault, tenants::Tenant};
use std::{fmt, str::FromStr};
use tokio_postgres::{Client, Transaction, types::Oid};
use units::{Instant, TenantId};

/// Connections that one login may have at a time.
const CONNECTIONS_MAX: u32 = 8;
/// Bytes of a role's name at most.
const NAME_BYTES_MAX: usize = 63;

/// The name of a BI login: small letters, digits and _, so that no tool needs to quote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginName(String);

/// Why something is no name of a BI login.
#[derive(Debug, thiserror::Error)]
#[error(
    "it takes 1 to 63 small letters, digits and _, a letter first, and may begin neither with pg_ nor with quarterdeck"
)]
pub struct BadLoginName;

impl LoginName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LoginName {
    type Err = BadLoginName;

    fn from_str(name: &str) -> Result<Self, BadLoginName> {
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
        let ours = name.starts_with("pg_") || name.starts_with("quarterdeck");
        let taken = ["public", "none"].contains(&name);
        if begins && !ours && !taken && name.len() <= NAME_BYTES_MAX && name.chars().all(plain) {
            Ok(Self(name.to_owned()))
        } else {
            Err(BadLoginName)
        }
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What is granted.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// The tenant that may be read.
    pub tenant: &'a Tenant,
    /// Who reads it.
    pub login: &'a LoginName,
    /// Whether a login of this tenant that is there gets a new password, and its connections end.
    pub replace: bool,
    /// Whether it is granted although the administrator's login cannot close what PostgreSQL leaves open to everybody.
    pub leave_open: bool,
    /// When.
    pub at: Instant,
}

/// A BI login, as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct BiLogin {
    /// Its name.
    pub login: String,
    /// What it reads.
    pub tenant: TenantId,
    /// Since when.
    pub granted_at: Instant,
    /// Whether this server has that login: a backup that was read elsewhere brings none along.
    pub there: bool,
}

/// Why a login was not granted or revoked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BiError {
    /// The connection is no administrator's.
    #[error(
        "the login {login} may not make logins: name an administrator in DATABASE_URL, a superuser, or one with CREATEROLE that is a \
         member of quarterdeck_owner and quarterdeck_app"
    )]
    NotAdministrator {
        /// Who logged in.
        login: String,
    },
    /// The name is a BI login's.
    #[error("{login} is a BI login of that tenant already: --replace gives it a new password")]
    Granted {
        /// The name.
        login: String,
    },
    /// The name is another tenant's BI login.
    #[error("{login} is a BI login of another tenant: revoke it first, or choose another name")]
    OfAnother {
        /// The name.
        login: String,
    },
    /// The name is a role that reads nothing of ours.
    #[error("PostgreSQL has a role {login} that is no BI login: choose another name")]
    Foreign {
        /// The name.
        login: String,
    },
    /// Nothing to revoke.
    #[error("there is no BI login {login}: quarterdeck bi list shows them")]
    Unknown {
        /// The name.
        login: String,
    },
    /// PostgreSQL lets everybody do what a BI login should not.
    #[error(
        "PostgreSQL lets every login of this database do more than read, and {login} may not change that. Let a \
         superuser run:\n{}\nor grant it all the same with --leave-open",
        statements.join(";\n")
    )]
    Open {
        /// Who logged in.
        login: String,
        /// What a superuser should run.
        statements: Vec<String>,
    },
    /// Something broke.
    #[error("{0}")]
    Fault(#[from] Fault),
}

impl From<tokio_postgres::Error> for BiError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// Makes a login that reads a tenant: its password, which is stored nowhere. `witness` takes the grant down in the
/// tenant's log before it becomes real, so that no login reads without an event that says since when.
///
/// # Errors
/// When it is refused, or something broke: then there is no such login.
pub async fn grant(
    admin: &mut Client,
    grant: Grant<'_>,
    witness: impl AsyncFnOnce() -> Result<(), Fault>,
) -> Result<String, BiError> {
    let (administrator, superuser) = administrator(admin).await?;
    let statements = closed(admin).await?;
    if !statements.is_empty() && !grant.leave_open {
        return Err(BiError::Open { login: administrator, statements });
    }
    let password: String = admin.query_one(include_str!("sql/bi_random.sql"), &[]).await?.get(0);
    let transaction = admin.transaction().await?;
    let found = found(&transaction, grant.login).await?;
    let login = || grant.login.to_string();
    let old = match found {
        Found { role: Some(_), granted_to: None } => return Err(BiError::Foreign { login: login() }),
        Found { granted_to: Some(tenant), .. } if tenant != grant.tenant.id => {
            return Err(BiError::OfAnother { login: login() });
        }
        Found { role: Some(_), granted_to: Some(_) } if !grant.replace => {
            return Err(BiError::Granted { login: login() });
        }
        Found { role, .. } => role,
    };
    forget(&transaction, grant.login, old).await?;
    let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
    transaction.batch_execute(&making(grant.login, &verifier, superuser)).await?;
    transaction.batch_execute("SET LOCAL ROLE quarterdeck_owner").await?;
    let insert = include_str!("sql/bi_insert.sql");
    transaction.execute(insert, &[&grant.login.as_str(), &grant.tenant.id.0, &grant.at]).await?;
    witness().await?;
    transaction.commit().await?;
    ended(disconnected(admin, old).await);
    Ok(password)
}

/// Takes a login away; its connections end. `witness` takes that down in the log of the tenant that it read.
///
/// # Errors
/// When there is none, or something broke: then it is there as before.
pub async fn revoke(
    admin: &mut Client,
    login: &LoginName,
    witness: impl AsyncFnOnce(TenantId) -> Result<(), Fault>,
) -> Result<(), BiError> {
    administrator(admin).await?;
    let transaction = admin.transaction().await?;
    let Found { role, granted_to: Some(tenant) } = found(&transaction, login).await? else {
        return Err(BiError::Unknown { login: login.to_string() });
    };
    forget(&transaction, login, role).await?;
    witness(tenant).await?;
    transaction.commit().await?;
    ended(disconnected(admin, role).await);
    Ok(())
}

/// What was committed stands, whatever became of the connections that were open.
fn ended(ending: Result<(), Fault>) {
    if let Err(fault) = ending {
        tracing::warn!(%fault, "connections of the former login could not be ended: they read nothing any more");
    }
}

/// All BI logins, by name.
///
/// # Errors
/// When the connection is no administrator's, or PostgreSQL cannot be asked.
pub async fn list(admin: &mut Client) -> Result<Vec<BiLogin>, BiError> {
    administrator(admin).await?;
    let transaction = admin.transaction().await?;
    transaction.batch_execute("SET LOCAL ROLE quarterdeck_owner").await?;
    let rows = transaction.query(include_str!("sql/bi_list.sql"), &[]).await?;
    transaction.rollback().await?;
    let login = |row: &tokio_postgres::Row| BiLogin {
        login: row.get("login"),
        tenant: TenantId(row.get("tenant_id")),
        granted_at: row.get("granted_at"),
        there: row.get("there"),
    };
    Ok(rows.iter().map(login).collect())
}

/// Who the administrator is, and whether a superuser; the connection works as that from here on.
///
/// # Errors
/// When whoever connected may not make logins.
pub async fn administrator(admin: &Client) -> Result<(String, bool), BiError> {
    admin.batch_execute("SET ROLE none").await?;
    let row = admin.query_one(include_str!("sql/bi_may.sql"), &[]).await?;
    let login = row.get("login");
    if row.get("may") { Ok((login, row.get("superuser"))) } else { Err(BiError::NotAdministrator { login }) }
}

/// Closes anew what a restored database left open again, on a server that has BI logins.
///
/// # Errors
/// When PostgreSQL cannot be asked.
pub(crate) async fn keep_closed(admin: &Client) -> Result<(), Fault> {
    if admin.query_one(include_str!("sql/bi_members.sql"), &[]).await?.get(0) {
        closed(admin).await?;
    }
    Ok(())
}

/// Takes from everybody what PostgreSQL gives everybody beyond reading: temporary tables, large objects, advisory
/// locks, notifications. What the login may not take is left: the statements that would.
async fn closed(admin: &Client) -> Result<Vec<String>, Fault> {
    let openings = async || admin.query(include_str!("sql/bi_openings.sql"), &[]).await;
    for opening in openings().await? {
        if let Err(error) = admin.batch_execute(opening.get(0)).await {
            tracing::debug!(%error, statement = opening.get::<_, &str>(0), "not ours to close");
        }
    }
    Ok(openings().await?.iter().map(|opening| opening.get(0)).collect())
}

/// What there is of a name.
struct Found {
    /// The role of that name.
    role: Option<Oid>,
    /// The tenant that this very role reads; that of a role that is gone, when there is none.
    granted_to: Option<TenantId>,
}

async fn found(transaction: &Transaction<'_>, login: &LoginName) -> Result<Found, BiError> {
    transaction.batch_execute("SET LOCAL ROLE quarterdeck_owner").await?;
    let row = transaction.query_one(include_str!("sql/bi_found.sql"), &[&login.as_str()]).await?;
    transaction.batch_execute("SET LOCAL ROLE none").await?;
    let (role, granted): (Option<Oid>, Option<Oid>) = (row.get("role"), row.get("granted_role"));
    let same = role.is_none() || role == granted;
    let tenant = row.get::<_, Option<uuid::Uuid>>("tenant_id").filter(|_| same);
    Ok(Found { role, granted_to: tenant.map(TenantId) })
}

async fn forget(transaction: &Transaction<'_>, login: &LoginName, role: Option<Oid>) -> Result<(), BiError> {
    transaction.batch_execute("SET LOCAL ROLE quarterdeck_owner").await?;
    transaction.execute(include_str!("sql/bi_delete.sql"), &[&login.as_str()]).await?;
    transaction.batch_execute("SET LOCAL ROLE none").await?;
    if role.is_some() {
        transaction.batch_execute(&["DROP ROLE \"", login.as_str(), "\""].concat()).await?;
    }
    Ok(())
}

async fn disconnected(admin: &Client, role: Option<Oid>) -> Result<(), Fault> {
    if let Some(role) = role {
        admin.query(include_str!("sql/bi_disconnect.sql"), &[&role]).await?;
    }
    Ok(())
}

/// The words that make a login, formatted: `CREATE ROLE` takes no parameters. A `LoginName` is letters, digits and _, and a
/// verifier is base64 of our own making. Its settings are a comfort, which a session may change; its walls are what it lacks.
fn making(login: &LoginName, verifier: &str, superuser: bool) -> String {
    let mut words = format!(
        "CREATE ROLE \"{login}\" LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS \
         CONNECTION LIMIT {CONNECTIONS_MAX} PASSWORD '{verifier}' IN ROLE quarterdeck_bi; \
         ALTER ROLE \"{login}\" SET search_path = bi; \
         ALTER ROLE \"{login}\" SET default_transaction_read_only = on; \
         ALTER ROLE \"{login}\" SET statement_timeout = '5min'; \
         ALTER ROLE \"{login}\" SET idle_in_transaction_session_timeout = '1min'"
    );
    if superuser {
        // A session cannot change this one: it is no comfort.
        words.push_str(&format!("; ALTER ROLE \"{login}\" SET temp_file_limit = '2GB'"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_s_name_needs_no_quotes_and_looks_like_none_of_ours() {
        for good in ["acme_bi", "b", "tableau2", &"x".repeat(63)] {
            assert!(good.parse::<LoginName>().is_ok(), "{good}");
        }
        let long = "x".repeat(64);
        for bad in
            ["", "Acme", "acme-bi", "2acme", "_a", "pg_bi", "quarterdeck_app", "public", "none", "a\"b", "é", &long]
        {
            assert!(bad.parse::<LoginName>().is_err(), "{bad}");
        }
    }
}
