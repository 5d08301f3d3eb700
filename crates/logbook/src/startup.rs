//! What must be so before the server takes a command.

use crate::{
    migrate::{self, Schema},
    refusal::Fault,
};
use tokio_postgres::{Client, Row};

/// Why the server does not start on this database.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// What was answered could be lost.
    #[error("PostgreSQL runs with {setting} = {value}: what was answered could be lost in a crash; set {setting} = on")]
    NotDurable {
        /// The setting.
        setting: &'static str,
        /// What it is.
        value: String,
    },
    /// Row-level security would not bind the server.
    #[error(
        "the login {login} works as {role}, which {why}: it would see every tenant. Let it work as quarterdeck_app: add \
         ?options=-c%20role%3Dquarterdeck_app to DATABASE_URL"
    )]
    WrongRole {
        /// Who logged in.
        login: String,
        /// In which role it works.
        role: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The server could not write, or would look across tenants.
    #[error(
        "the login {login} works as {role}, which {why}: the server works as quarterdeck_app. Run GRANT quarterdeck_app, \
         quarterdeck_watch TO \"{login}\" and add ?options=-c%20role%3Dquarterdeck_app to DATABASE_URL"
    )]
    NotTheApp {
        /// Who logged in.
        login: String,
        /// In which role it works.
        role: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No tenant would be found.
    #[error(
        "the login {login} may not take the role quarterdeck_watch, which finds the tenants: every request would be \
         refused. Run GRANT quarterdeck_watch TO \"{login}\""
    )]
    NoWatch {
        /// Who logged in.
        login: String,
    },
    /// A table stands outside the wall.
    #[error(
        "the table {table} has a tenant_id but no forced row-level security with a policy: nothing is served from it"
    )]
    Unwalled {
        /// The table.
        table: String,
    },
    /// The tables are not those of this program.
    #[error("the database's tables are not those of this program (they are at {applied}, it is at {known}): {remedy}")]
    Schema {
        /// What the database has.
        applied: String,
        /// What the program has.
        known: i64,
        /// What to do.
        remedy: &'static str,
    },
    /// It could not be asked.
    #[error("PostgreSQL could not be asked whether it is fit: {0}")]
    Fault(#[from] Fault),
}

/// Checks the connection's role, the tables' wall, the migrations and the settings that durability rests on. Answers
/// with warnings.
///
/// # Errors
/// When something is unfit.
pub async fn check(client: &Client) -> Result<Vec<String>, Unfit> {
    let row = client.query_one(include_str!("sql/startup.sql"), &[]).await.map_err(Fault::from)?;
    role(&row)?; // first, since another role may not even read which migrations there are
    schema(client).await?;
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value: String = row.get(setting);
        if value == "off" || (setting == "synchronous_commit" && value == "local") {
            return Err(Unfit::NotDurable { setting, value });
        }
    }
    let unwalled = client.query(include_str!("sql/unwalled_tables.sql"), &[]).await.map_err(Fault::from)?;
    if let Some(table) = unwalled.first() {
        return Err(Unfit::Unwalled { table: table.get(0) });
    }
    let mut warnings = Vec::new();
    let climbs = [
        ("login_superuser", "is a superuser"),
        ("login_bypasses", "bypasses row-level security"),
        ("login_owner", "is a member of quarterdeck_owner, which can switch the log's triggers off,"),
    ];
    if let Some((_, what)) = climbs.into_iter().find(|(column, _)| row.get::<_, Option<bool>>(*column) == Some(true)) {
        let login: &str = row.get("login");
        warnings.push(format!(
            "the login {login} {what} and works as quarterdeck_app: SET ROLE would climb back; a login of its own, with \
             quarterdeck_app and quarterdeck_watch alone, is safer"
        ));
    }
    if row.get::<_, &str>("data_checksums") != "on" {
        warnings.push("PostgreSQL's data checksums are off: a disk that lies would not be noticed".to_owned());
    }
    Ok(warnings)
}

async fn schema(client: &Client) -> Result<(), Unfit> {
    let Schema { known, applied } = migrate::schema(client).await?;
    let remedy = match applied {
        Some(applied) if applied == known => return Ok(()),
        Some(applied) if applied > known => "use a newer quarterdeck",
        _ => "run quarterdeck migrate",
    };
    let applied = applied.map_or_else(|| "nothing yet".to_owned(), |applied| applied.to_string());
    Err(Unfit::Schema { applied, known, remedy })
}

fn role(row: &Row) -> Result<(), Unfit> {
    let wrong =
        [("superuser", "is a superuser"), ("bypasses", "bypasses row-level security"), ("owner", "owns the tables")];
    for (column, why) in wrong {
        if row.get(column) {
            return Err(Unfit::WrongRole { login: row.get("login"), role: row.get("login_role"), why });
        }
    }
    let why = match (row.get("app"), row.get::<_, Option<bool>>("watch").unwrap_or_default()) {
        (None, _) => return Ok(()), // the roles come with the tables, and neither is there yet
        (Some(false), _) => "has not the rights of quarterdeck_app",
        (Some(true), true) => "has the rights of quarterdeck_watch too and would see the tenants of others",
        (Some(true), false) if row.get::<_, Option<bool>>("login_watches") == Some(false) => {
            return Err(Unfit::NoWatch { login: row.get("login") });
        }
        (Some(true), false) => return Ok(()),
    };
    Err(Unfit::NotTheApp { login: row.get("login"), role: row.get("login_role"), why })
}
