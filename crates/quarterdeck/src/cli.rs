//! The command line.

use crate::{commands, database};
use clap::{Args, Parser, Subcommand};
use std::{io::IsTerminal, net::SocketAddr, path::PathBuf, process::ExitCode};
use units::{Currency, Zone};
use uuid::Uuid;

/// The log book of a sales organisation: every change is an event, every view is as of any instant.
///
/// Without DATABASE_URL it runs a PostgreSQL of its own from the binaries on this machine. Start with
/// `quarterdeck demo`, or make a tenant, import your deals and serve them:
///
///   quarterdeck tenant create acme --currency USD --timezone America/New_York
///   quarterdeck import --tenant acme --mapping mapping.toml exports/
///   quarterdeck serve
#[derive(Debug, Parser)]
#[command(name = "quarterdeck", version, verbatim_doc_comment)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// The folder of our own PostgreSQL [default: /var/lib/quarterdeck for root, else the XDG data home]
    #[arg(long, env = "QUARTERDECK_DATA", global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// A PostgreSQL of yours instead: postgres://login@host/database?options=-c%20role%3Dquarterdeck_app
    #[arg(long, env = "DATABASE_URL", global = true, value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// What to log: a level (error, warn, info, debug), or levels by module
    #[arg(long, env = "QUARTERDECK_LOG", global = true, default_value = "info", value_name = "LEVEL")]
    log: String,
    /// Log as JSON, a line an event
    #[arg(long, env = "QUARTERDECK_LOG_JSON", global = true)]
    log_json: bool,
}

impl Common {
    pub(crate) fn database(&self) -> database::Settings {
        database::Settings { data: self.data.clone(), url: self.database_url.clone().filter(|url| !url.is_empty()) }
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
    /// Make and list tenants
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Print the GraphQL schema
    #[command(subcommand)]
    Schema(SchemaCommand),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    /// The address to listen at; until there are keys it must be of the loopback
    #[arg(long, env = "QUARTERDECK_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Only for a container whose port is published on its host's loopback: allow another address
    #[arg(long, env = "QUARTERDECK_BEHIND_LOOPBACK", hide = true)]
    pub(crate) behind_loopback: bool,
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
pub(crate) enum SchemaCommand {
    /// Print it in GraphQL's definition language
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
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => code,
        Err(problem) => {
            commands::say_error(&problem.to_string());
            ExitCode::from(problem.exit_code())
        }
    }
}

fn start_logging(common: &Common) {
    let filter = tracing_subscriber::EnvFilter::try_new(&common.log)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let logging = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    if common.log_json {
        logging.json().init();
    } else {
        logging.init();
    }
}
