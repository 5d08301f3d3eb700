//! BI logins.

use super::{Problem, Visit, acts, say};
use crate::{
    cli::BiCommand,
    database::{Database, Settings},
};
use logbook::{
    Tenant,
    bi::{self, Grant, LoginName},
    system_clock,
};
use sales::act;
use std::process::ExitCode;
use tokio_postgres::{Client, Config, config::Host};
use units::{TenantId, Text};

/// Where our own PostgreSQL is told to listen in what we print, while it does not.
const USUAL_ADDRESS: &str = "127.0.0.1:5433";

/// Grants, lists or revokes.
pub(super) async fn bi(settings: &Settings, command: BiCommand) -> Result<ExitCode, Problem> {
    let (database, mut admin) = Database::open_as_administrator(settings).await?;
    let visit = Visit::over(database);
    let done = match command {
        BiCommand::Grant(args) => grant(settings, &visit, &mut admin, &args).await,
        BiCommand::Revoke { login } => revoke(&visit, &mut admin, &login).await,
        BiCommand::List => list(&visit, &mut admin).await,
    };
    drop(admin);
    visit.database.leave().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn grant(
    settings: &Settings,
    visit: &Visit,
    admin: &mut Client,
    args: &crate::cli::BiGrantArgs,
) -> Result<(), Problem> {
    let (tenant, login) = (visit.tenant(&args.tenant).await?, name(&args.login)?);
    let order = Grant {
        tenant: &tenant,
        login: &login,
        replace: args.replace,
        leave_open: args.leave_open,
        at: system_clock(),
    };
    let said = act::Command::GrantBi { login: as_text(&login)? };
    let witness = async || acts::on_record(&visit.logbook, &tenant, said).await;
    let password = bi::grant(admin, order, witness).await.map_err(told)?;
    say(&format!(
        "{login} reads the tenant {}. This line holds its password, which is shown once and kept nowhere:",
        args.tenant
    ));
    match (&settings.url, visit.database.cluster()) {
        (Some(url), _) => {
            let config: Config = url.parse().map_err(|_| Problem::Told("DATABASE_URL cannot be read".to_owned()))?;
            say(&yours(&config, &login, &password));
        }
        (None, cluster) => {
            let at = cluster.and_then(local_postgres::Cluster::listens_at);
            let address = at.map_or_else(|| USUAL_ADDRESS.to_owned(), |at| at.to_string());
            say(&format!("postgresql://{login}:{password}@{address}/quarterdeck"));
            if at.is_none() {
                say(&format!("Nobody listens there yet: serve with --bi-listen {address}"));
            }
        }
    }
    Ok(())
}

/// How the login reaches the operator's PostgreSQL: as we do, under its own name.
fn yours(config: &Config, login: &LoginName, password: &str) -> String {
    let database = config.get_dbname().unwrap_or("postgres");
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match config.get_hosts().first() {
        Some(Host::Unix(folder)) => {
            format!("postgresql://{login}:{password}@/{database}?host={}&port={port}", folder.display())
        }
        Some(Host::Tcp(host)) => format!("postgresql://{login}:{password}@{host}:{port}/{database}"),
        None => format!("postgresql://{login}:{password}@localhost:{port}/{database}"),
    }
}

async fn revoke(visit: &Visit, admin: &mut Client, login: &str) -> Result<(), Problem> {
    let login = name(login)?;
    let said = act::Command::RevokeBi { login: as_text(&login)? };
    let tenants = visit.tenants(None).await?;
    let witness = async |id: TenantId| match tenants.iter().find(|tenant| tenant.id == id) {
        Some(tenant) => acts::on_record(&visit.logbook, tenant, said).await,
        None => Ok(()), // a tenant that a backup did not bring back has no log to say it in
    };
    bi::revoke(admin, &login, witness).await.map_err(told)?;
    say(&format!("{login} reads nothing any more"));
    Ok(())
}

async fn list(visit: &Visit, admin: &mut Client) -> Result<(), Problem> {
    let tenants = visit.tenants(None).await?;
    for login in bi::list(admin).await.map_err(told)? {
        let named = |tenant: &&Tenant| tenant.id == login.tenant;
        let tenant = tenants.iter().find(named).map_or("(no tenant)", |tenant| tenant.name.as_str());
        let gone = if login.there { "" } else { "\tgone: grant it again" };
        say(&format!("{}\t{tenant}\t{}{gone}", login.login, login.granted_at.to_rfc3339()));
    }
    Ok(())
}

fn name(given: &str) -> Result<LoginName, Problem> {
    given
        .parse()
        .map_err(|error: bi::BadLoginName| Problem::Told(format!("\"{given}\" is no name for a BI login: {error}")))
}

fn as_text(login: &LoginName) -> Result<Text, Problem> {
    Text::new(login.as_str()).map_err(|error| Problem::Told(error.to_string()))
}

fn told(error: bi::BiError) -> Problem {
    Problem::Told(error.to_string())
}
