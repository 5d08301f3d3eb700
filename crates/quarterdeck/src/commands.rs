//! What each command does.

mod acts;
mod bi;
mod data;
mod drawing;
mod logins;
mod serving;

use crate::{
    cli::{AccessCommand, Cli, Command, SchemaCommand, TenantCommand},
    database::{self, Database, DatabaseError, Purpose, Settings},
    schema,
    signals::Signals,
};
use logbook::{Fault, Logbook, Tenant, fresh_id, system_clock, tenants};
use std::{
    io::Write,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use units::TenantId;

/// Why a command failed, for whoever called it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// There is no database to work on.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Something broke.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// A file or a socket.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// What was asked for cannot be done.
    #[error("{0}")]
    Told(String),
}

impl Problem {
    /// 78 (EX_CONFIG) for a database that is not fit or does not let us in, 1 for everything else.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Problem::Database(DatabaseError::Unfit(_) | DatabaseError::Refused(_) | DatabaseError::Url(_)) => 78,
            _ => 1,
        }
    }

    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// Whether something that was said was heard by nobody: a full disk, a pipe that was closed.
static OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Whether something that was said could not be written.
pub(crate) fn output_was_lost() -> bool {
    OUTPUT_LOST.load(Ordering::Relaxed)
}

/// Says a line to whoever called the program.
pub(crate) fn say(line: &str) {
    put_out(&format!("{line}\n"));
}

fn put_out(text: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        OUTPUT_LOST.store(true, Ordering::Relaxed); // the work goes on; the exit code tells
    }
}

/// Says what went wrong.
pub(crate) fn say_error(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "quarterdeck: {line}"));
}

/// Runs one command.
pub(crate) async fn run(cli: Cli, signals: &Signals) -> Result<ExitCode, Problem> {
    let settings = cli.common.database();
    match cli.command {
        Command::Serve(args) => serving::serve(&settings.listening_for_bi(args.bi_listen)?, &args, signals).await,
        Command::Demo(args) => serving::demo(&settings.listening_for_bi(args.serve.bi_listen)?, &args, signals).await,
        Command::Import(args) => data::import(&settings, args).await,
        Command::Verify(args) => data::verify(&settings, args.tenant.as_deref()).await,
        Command::Rebuild(args) => data::rebuild(&settings, args.tenant.tenant.as_deref(), args.check).await,
        Command::Migrate => migrate(&settings).await,
        Command::Backup(args) => data::backup(&settings, &args.file, args.overwrite).await,
        Command::Restore(args) => data::restore(&settings, &args.file, args.replace).await,
        Command::Bi(command) => bi::bi(&settings, command).await,
        Command::Tenant(command) => tenant(&settings, command).await,
        Command::Key(command) => logins::key(&settings, command).await,
        Command::Login(command) => logins::login(&settings, command).await,
        Command::Schema(SchemaCommand::Print) => {
            put_out(&schema::sdl());
            Ok(ExitCode::SUCCESS)
        }
        Command::Access(AccessCommand::Print) => {
            say(&sales::access::printed());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A database opened for one thing, and the log over it.
struct Visit {
    database: Database,
    logbook: Arc<Logbook>,
}

impl Visit {
    async fn begin(settings: &Settings, purpose: Purpose) -> Result<Self, Problem> {
        Ok(Self::over(Database::open(settings, purpose).await?))
    }

    fn over(database: Database) -> Self {
        for warning in &database.warnings {
            tracing::warn!("{warning}");
        }
        let registry = Arc::new(sales::registry());
        let logbook = Arc::new(Logbook::new(database.app.clone(), registry, system_clock));
        Self { database, logbook }
    }

    async fn tenant(&self, name: &str) -> Result<Tenant, Problem> {
        let all = tenants::list(&self.database.watch).await?;
        all.into_iter().find(|tenant| tenant.name == name).ok_or_else(|| {
            Problem::Told(format!("there is no tenant named \"{name}\": quarterdeck tenant list shows them"))
        })
    }

    async fn tenants(&self, name: Option<&str>) -> Result<Vec<Tenant>, Problem> {
        match name {
            Some(name) => Ok(vec![self.tenant(name).await?]),
            None => Ok(tenants::list(&self.database.watch).await?),
        }
    }

    /// The tenants of a check, all of them when none is named, and whether every log belongs to one of them: a log whose
    /// tenant's row is gone is named here, or nobody would miss it.
    async fn every(&self, name: Option<&str>, what: &str) -> Result<(Vec<Tenant>, bool), Problem> {
        let tenants = self.tenants(name).await?;
        let orphaned = if name.is_none() { tenants::orphaned(&self.database.watch).await? } else { vec![] };
        for id in &orphaned {
            say(&format!("{id}: there is a log, but no tenant of this id"));
        }
        if tenants.is_empty() && orphaned.is_empty() {
            let told = format!("there are no tenants, and nothing to {what}: is this the right database?");
            return Err(Problem::Told(told));
        }
        Ok((tenants, orphaned.is_empty()))
    }
}

async fn migrate(settings: &Settings) -> Result<ExitCode, Problem> {
    let applied = database::migrated(settings).await?;
    if applied.is_empty() {
        say("the database is up to date");
    }
    for migration in applied {
        say(&format!("applied {migration}"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn tenant(settings: &Settings, command: TenantCommand) -> Result<ExitCode, Problem> {
    let visit = Visit::begin(settings, Purpose::Visit).await?;
    let done = match command {
        TenantCommand::Create { name, currency, timezone } => {
            let (id, created_at) = (TenantId(fresh_id()), system_clock());
            let tenant = Tenant { id, name, currency, zone: timezone, created_at };
            let made = tenants::create(&visit.database.app, &tenant).await;
            made.map(|()| say(&format!("made the tenant {} ({})", tenant.name, tenant.id)))
                .map_err(|error| Problem::Told(error.to_string()))
        }
        TenantCommand::List => visit.tenants(None).await.map(|tenants| {
            for Tenant { id, name, currency, zone, .. } in tenants {
                say(&format!("{name}\t{currency}\t{zone}\t{id}"));
            }
        }),
    };
    visit.database.leave().await;
    done.map(|()| ExitCode::SUCCESS)
}
