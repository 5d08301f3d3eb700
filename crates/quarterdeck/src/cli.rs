//! The command line.

use crate::{
    commands::{self, Problem},
    database,
    http::trusted::TrustedArgs,
    identity::IdentityArgs,
    limits::Walls,
    signals::{self, Signals},
};
use clap::{
    Args, Parser, Subcommand,
    builder::{FalseyValueParser, OsStringValueParser, TypedValueParser},
};
use std::{io::IsTerminal, net::SocketAddr, path::PathBuf, process::ExitCode};
use units::{Currency, Zone};
use uuid::Uuid;

/// Where the server listens unless it is told otherwise.
const LISTEN: &str = "127.0.0.1:8080";
/// What the exit code says.
const EXIT_CODES: &str = "Exit codes: 0 done; 1 it failed, or a check found something; 2 the command line is wrong; \
78 the database is not fit, or does not let us in; 128 + n ended by signal n";

/// The log book of a sales organisation: every change is an event, every view is as of any instant.
///
/// Without DATABASE_URL it runs a PostgreSQL of its own from the binaries on this machine. Start with
/// `quarterdeck demo`, or make a tenant, import your deals and serve them:
///
///   quarterdeck tenant create acme --currency USD --timezone America/New_York
///   quarterdeck import --tenant acme --mapping mapping.toml exports/
///   quarterdeck serve
#[derive(Debug, Parser)]
#[command(name = "quarterdeck", version, verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// The folder of our own PostgreSQL [default: /var/lib/quarterdeck for root, else the XDG data home]
    #[arg(long, env = "QUARTERDECK_DATA", global = true, value_name = "FOLDER", value_parser = path())]
    data: Option<PathBuf>,
    /// A PostgreSQL of yours instead: postgres://login@host/database?options=-c%20role%3Dquarterdeck_app
    #[arg(long, env = "DATABASE_URL", global = true, value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Certificates (PEM) of the authorities that vouch for your PostgreSQL, beside those of the web
    #[arg(long, env = "QUARTERDECK_DATABASE_CA", global = true, value_name = "FILE", value_parser = path())]
    database_ca: Option<PathBuf>,
    /// What to log: a level (off, error, warn, info, debug, trace), or levels by module (module=level,..)
    #[arg(
        long, env = "QUARTERDECK_LOG", global = true, default_value = "info", value_name = "LEVEL", value_parser = levels
    )]
    log: String,
    /// Log as JSON, a line an event
    #[arg(long, env = "QUARTERDECK_LOG_JSON", global = true, value_parser = FalseyValueParser::new())]
    log_json: bool,
}

impl Common {
    pub(crate) fn database(&self) -> database::Settings {
        let named = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        database::Settings {
            data: named(&self.data),
            url: self.database_url.clone().filter(|url| !url.is_empty()),
            authorities: named(&self.database_ca),
            bi_listen: None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve GraphQL at /graphql and the explorer at /
    Serve(ServeArgs),
    /// Make a small company of our own and serve it
    Demo(DemoArgs),
    /// Take in the CSV files of a CRM, as a mapping file says
    Import(ImportArgs),
    /// Re-read the whole log and check every hash, position and payload
    Verify(TenantArgs),
    /// Fold the log anew and mend history rows that differ; --check only tells
    Rebuild(RebuildArgs),
    /// Bring the database's roles and tables up to date
    Migrate,
    /// Write our own PostgreSQL's database into a file
    Backup(BackupArgs),
    /// Read a backup into our own PostgreSQL
    Restore(RestoreArgs),
    /// Grant, revoke and list the logins of PostgreSQL that read one tenant for a BI tool
    #[command(subcommand)]
    Bi(BiCommand),
    /// Make and list tenants
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Say whom tokens (JWT) mean
    #[command(subcommand)]
    Login(LoginCommand),
    /// Print the GraphQL schema
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Print who may see and do what
    #[command(subcommand)]
    Access(AccessCommand),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    /// The address to listen at; beyond the loopback only with --identity required
    #[arg(long, env = "QUARTERDECK_LISTEN", default_value = LISTEN, value_name = "ADDRESS", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// Let our own PostgreSQL listen here, at an address of the loopback, for the logins of bi grant and nobody else
    #[arg(long, env = "QUARTERDECK_BI_LISTEN", value_name = "ADDRESS")]
    pub(crate) bi_listen: Option<SocketAddr>,
    /// Only for a container whose port is published on its host's loopback: allow another address
    #[arg(long, env = "QUARTERDECK_BEHIND_LOOPBACK", value_parser = FalseyValueParser::new())]
    pub(crate) behind_loopback: bool,
    #[command(flatten)]
    pub(crate) walls: Walls,
    #[command(flatten)]
    pub(crate) trusted: TrustedArgs,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
    /// The tenant that is made
    #[arg(long, default_value = "demo", value_name = "NAME")]
    pub(crate) tenant: String,
    /// Make the company and leave, without serving it
    #[arg(long)]
    pub(crate) no_serve: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ImportCommand>,
    /// The mapping file (TOML): which files hold what
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) mapping: Option<PathBuf>,
    /// The tenant to import into
    #[arg(long, value_name = "NAME", required = true)]
    pub(crate) tenant: Option<String>,
    /// Read and decide everything, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the report as JSON into this file too
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// The day that the export is of: what moved since the last one moved on it [default: the mapping's as_of, or today]
    #[arg(long, value_name = "DAY")]
    pub(crate) as_of: Option<chrono::NaiveDate>,
    /// Read a role's rows from this file: ROLE=PATH
    #[arg(long, value_name = "ROLE=PATH")]
    pub(crate) file: Vec<String>,
    /// The folders of the files; of two files of one name, that of the later folder counts
    #[arg(value_name = "DIR", required = true)]
    pub(crate) folders: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Withdraw all that one import said
    Revert {
        /// The import's id, as its report names it
        id: Uuid,
        /// The tenant it was imported into
        #[arg(long, value_name = "NAME")]
        tenant: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TenantArgs {
    /// One tenant only [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArgs,
    /// Tell what differs, write nothing; exit with 1 when anything does
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to write
    pub(crate) file: PathBuf,
    /// Overwrite the file when it is there
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The file to read
    pub(crate) file: PathBuf,
    /// Replace the database that is there
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BiCommand {
    /// Make a login that reads a tenant's BI views; its password is shown once
    Grant(BiGrantArgs),
    /// Take such a login away, and end its connections
    Revoke {
        /// Its name
        #[arg(long, value_name = "NAME")]
        login: String,
    },
    /// List such logins, with the tenant that each reads
    List,
}

#[derive(Debug, Args)]
pub(crate) struct BiGrantArgs {
    /// The tenant that may be read
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: String,
    /// The name of the login: small letters, digits and _
    #[arg(long, value_name = "NAME")]
    pub(crate) login: String,
    /// Give a login that is there a new password, and end its connections
    #[arg(long)]
    pub(crate) replace: bool,
    /// Grant it although DATABASE_URL's login cannot take temporary tables, large objects and advisory locks from everybody
    #[arg(long)]
    pub(crate) leave_open: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Make a tenant with an empty log
    Create {
        /// Its name: small letters, digits, - and _
        name: String,
        /// The currency of its reports, ISO 4217
        #[arg(long, value_name = "CODE")]
        currency: Currency,
        /// The IANA time zone in which its days begin
        #[arg(long, value_name = "ZONE")]
        timezone: Zone,
    },
    /// List the tenants
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it, this once
    Create {
        /// The tenant whose data it opens
        #[arg(long, value_name = "NAME")]
        tenant: String,
        /// What the key is called, to know it by later
        #[arg(long, value_name = "NAME")]
        name: String,
        #[command(flatten)]
        subject: SubjectArgs,
        /// When it expires: a day, or an instant [default: never]
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
    },
    /// List the keys and links of a tenant, the revoked ones too
    List {
        /// The tenant
        #[arg(long, value_name = "NAME")]
        tenant: String,
    },
    /// Revoke a key or a link: running servers refuse it within five seconds
    Revoke {
        /// Its id, as the list shows it
        id: Uuid,
        /// The tenant
        #[arg(long, value_name = "NAME")]
        tenant: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LoginCommand {
    /// Link the subject of an issuer's tokens to a person or a service
    Link {
        /// The tenant whose data it opens
        #[arg(long, value_name = "NAME")]
        tenant: String,
        /// The `iss` of the tokens, letter by letter
        #[arg(long, value_name = "ISSUER")]
        issuer: String,
        /// The `sub` of the tokens, letter by letter
        #[arg(long, value_name = "SUBJECT")]
        subject: String,
        #[command(flatten)]
        stands_for: SubjectArgs,
    },
}

#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SubjectArgs {
    /// It stands for this person: the key of the person, or the address
    #[arg(long, value_name = "ID|EMAIL")]
    pub(crate) person: Option<String>,
    /// It stands for a program, under this name
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Print it in GraphQL's definition language
    Print,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Print the table: a line an action, a column a role
    Print,
}

/// Runs the program on this process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli.common);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no threads are to be had");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(ended(cli))
}

/// Runs the command until it ends or a signal ends it; either way our own PostgreSQL is left first.
async fn ended(cli: Cli) -> ExitCode {
    let signals = match Signals::take() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!(%error, "the system gives no signals");
            return ExitCode::FAILURE;
        }
    };
    let result = tokio::select! {
        biased;
        result = commands::run(cli, &signals) => result,
        number = signals.breaking() => Err(Problem::Told(format!("ended by signal {number}"))),
    };
    let code = match &result {
        Ok(code) => *code,
        Err(problem) => {
            commands::say_error(&problem.to_string());
            ExitCode::from(problem.exit_code())
        }
    };
    match signals.broke() {
        Some(number) => signals::exit_code(number),
        None if result.is_ok() && commands::output_was_lost() => {
            commands::say_error("not all of the output could be written");
            ExitCode::FAILURE
        }
        None => code,
    }
}

/// A path, which may be empty: then it is as if it were not said.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// An address of this machine: a number, or `localhost`.
fn address(said: &str) -> Result<SocketAddr, String> {
    let said = if said.is_empty() { LISTEN } else { said };
    let numbers = said.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numbers.as_deref().unwrap_or(said).parse().map_err(|_| {
        "an address is a number or localhost, and a port: 127.0.0.1:8080, [::1]:8080 or localhost:8080".to_owned()
    })
}

/// Levels of logging. A lone word that is no level would be taken for a module's name, and silence all others.
fn levels(said: &str) -> Result<String, String> {
    let said = if said.is_empty() { "info" } else { said };
    let level = |word: &str| !word.is_empty() && word.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
    let known = said.split(',').all(|part| level(part.rsplit_once('=').map_or(part, |(_, level)| level)));
    if known && tracing_subscriber::EnvFilter::try_new(said).is_ok() {
        return Ok(said.to_owned());
    }
    Err("levels are off, error, warn, info, debug and trace, for all or by module: info, or warn,logbook=debug"
        .to_owned())
}

fn start_logging(common: &Common) {
    // What PostgreSQL and the migrations remark on each start is of interest to nobody.
    let quiet = if common.log == "info" { "info,refinery_core=warn,tokio_postgres=warn" } else { &common.log };
    let filter = tracing_subscriber::EnvFilter::new(quiet);
    let colours = std::io::stderr().is_terminal();
    let logging = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    if common.log_json {
        logging.json().init();
    } else {
        logging.init();
    }
}
