//! Imports, checks, and copies of the data.

use super::{Problem, Visit, acts, drawing::Drawing, say};
use crate::{
    cli::{ImportArgs, ImportCommand},
    database::{self, DatabaseError, Purpose, Settings},
};
use import::{ImportError, Mapping, Report, Request};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};
use uuid::Uuid;

/// Imports files, or withdraws an import.
pub(super) async fn import(settings: &Settings, args: ImportArgs) -> Result<ExitCode, Problem> {
    if let Some(ImportCommand::Revert { id, tenant }) = args.command {
        return revert(settings, id, &tenant).await;
    }
    let (Some(mapping), Some(tenant)) = (&args.mapping, &args.tenant) else {
        return Err(Problem::Told("an import needs --mapping and --tenant".to_owned()));
    };
    let mut mapping = Mapping::read(mapping).map_err(|error| Problem::Told(error.to_string()))?;
    mapping.as_of = args.as_of.or(mapping.as_of);
    let file = args.report.as_deref().map(|path| Ok::<_, Problem>((path, opened(path)?))).transpose()?;
    let request = Request { mapping, folders: args.folders, files: files(&args.file)?, dry_run: args.dry_run };
    let visit = Visit::begin(settings, Purpose::Visit).await?;
    let done = async {
        let tenant = visit.tenant(tenant).await?;
        let drawing = Drawing::default();
        let imported = import::run(&visit.logbook, &tenant, &request, &|progress| drawing.draw(&progress)).await;
        drawing.clear();
        told(imported, file)
    };
    let done = done.await;
    visit.database.leave().await;
    done
}

async fn revert(settings: &Settings, id: Uuid, tenant: &str) -> Result<ExitCode, Problem> {
    let visit = Visit::begin(settings, Purpose::Visit).await?;
    let done = async {
        let tenant = visit.tenant(tenant).await?;
        let reverted = import::revert(&visit.logbook, &tenant, id).await;
        let reverted = reverted.map_err(|error| Problem::Told(error.to_string()))?;
        say(&reverted.to_text());
        Ok(if reverted.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    };
    let done = done.await;
    visit.database.leave().await;
    done
}

fn files(given: &[String]) -> Result<BTreeMap<String, PathBuf>, Problem> {
    let mut files = BTreeMap::new();
    for file in given {
        let (role, path) = file.split_once('=').ok_or_else(|| {
            Problem::Told(format!("--file {file}: it takes ROLE=PATH, such as deals=/tmp/opportunities.csv"))
        })?;
        if files.insert(role.to_owned(), PathBuf::from(path)).is_some() {
            return Err(Problem::Told(format!("--file {role}=.. is said twice: which one is meant?")));
        }
    }
    Ok(files)
}

/// A report that cannot be written is better known before anything else is.
fn opened(path: &Path) -> Result<File, Problem> {
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false).open(path);
    file.map_err(Problem::io(format!("opening the report {}", path.display())))
}

fn told(imported: Result<Report, ImportError>, file: Option<(&Path, File)>) -> Result<ExitCode, Problem> {
    let (report, problem) = match imported {
        Ok(report) => (Some(report), None),
        Err(error) => {
            let text = error.to_string();
            (error.into_report(), Some(Problem::Told(text)))
        }
    };
    if let Some(report) = &report {
        say(&report.to_text());
        if let Some((path, mut file)) = file {
            let json = serde_json::to_string_pretty(report).map_err(|error| Problem::Told(error.to_string()))?;
            let written = file.set_len(0).and_then(|()| file.write_all(json.as_bytes()));
            written.map_err(Problem::io(format!("writing the report {}", path.display())))?;
        }
    }
    match (problem, report) {
        (Some(problem), _) => Err(problem),
        (None, Some(report)) if report.overtaken > 0 => Ok(ExitCode::FAILURE),
        (None, _) => Ok(ExitCode::SUCCESS),
    }
}

/// Verifies logs.
pub(super) async fn verify(settings: &Settings, tenant: Option<&str>) -> Result<ExitCode, Problem> {
    there(settings, "verify")?;
    let visit = Visit::begin(settings, Purpose::Visit).await?;
    let done = async {
        let (tenants, whole) = visit.every(tenant, "verify").await?;
        let mut code = if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        for tenant in tenants {
            match logbook::verify(&visit.database.app, tenant.id).await {
                Ok(verified) => say(&format!("{}: {}", tenant.name, verified_in_words(&verified))),
                Err(failure) => {
                    say(&format!("{}: {failure}", tenant.name));
                    code = ExitCode::FAILURE;
                }
            }
        }
        Ok(code)
    };
    let done = done.await;
    visit.database.leave().await;
    done
}

/// Compares history rows with the log, and mends them unless `check`.
pub(super) async fn rebuild(settings: &Settings, tenant: Option<&str>, check: bool) -> Result<ExitCode, Problem> {
    there(settings, "rebuild")?;
    let visit = Visit::begin(settings, Purpose::Visit).await?;
    let done = async {
        let (tenants, whole) = visit.every(tenant, "rebuild").await?;
        let mut differs = false;
        for tenant in tenants {
            let rebuilt = logbook::rebuild(&visit.database.app, visit.logbook.registry(), &tenant, check).await?;
            differs |= !rebuilt.all_right();
            if rebuilt.mended {
                acts::on_record(&visit.logbook, &tenant, acts::rebuild(&rebuilt)).await?;
            }
            say(&format!("{}: {}", tenant.name, rebuilt_in_words(&rebuilt)));
        }
        Ok(if !whole || (check && differs) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    };
    let done = done.await;
    visit.database.leave().await;
    done
}

fn verified_in_words(verified: &logbook::Verified) -> String {
    let hash: String = verified.head.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let simulated = if verified.simulated { "; it began as a simulation: its clock was driven" } else { "" };
    format!(
        "the log agrees with its head: the hashes of {} events in {} batches were computed anew from what is stored; \
         head {} {hash}{simulated}",
        verified.events, verified.batches, verified.head.position
    )
}

fn rebuilt_in_words(rebuilt: &logbook::Rebuilt) -> String {
    let right: u64 = rebuilt.tables.iter().map(|table| table.right).sum();
    let mut words = format!("{right} history rows are as the log says");
    for table in &rebuilt.tables {
        for (what, found) in [("missing", &table.missing), ("too many", &table.extra), ("different", &table.different)]
        {
            if found.count > 0 {
                let keys: Vec<String> =
                    found.first.iter().map(|key| format!("{} from {}", key.id, key.valid_from)).collect();
                words.push_str(&format!("; {}: {} {what} ({})", table.name, found.count, keys.join(", ")));
            }
        }
    }
    if !rebuilt.all_right() {
        words.push_str(if rebuilt.mended { "; mended" } else { "; nothing was written" });
    }
    words
}

/// A folder of ours that was never used is a mistyped one: nothing is made there to be looked at.
fn there(settings: &Settings, what: &str) -> Result<(), Problem> {
    let folder = local_postgres::data_folder(settings.data.clone());
    if settings.url.is_none() && matches!(folder.join("data/PG_VERSION").try_exists(), Ok(false)) {
        let folder = folder.display();
        return Err(Problem::Told(format!(
            "there is no data of Quarterdeck's in {folder}, and nothing to {what}: is --data right?"
        )));
    }
    Ok(())
}

fn own_only(settings: &Settings, what: &str, instead: &str) -> Result<(), Problem> {
    match settings.url {
        None => Ok(()),
        Some(_) => Err(Problem::Told(format!(
            "{what} is for our own PostgreSQL, and DATABASE_URL names one of yours: use {instead} there"
        ))),
    }
}

/// Writes a backup.
pub(super) async fn backup(settings: &Settings, file: &Path, overwrite: bool) -> Result<ExitCode, Problem> {
    own_only(settings, "quarterdeck backup", "pg_dump")?;
    there(settings, "back up")?;
    let cluster = database::started(settings, Purpose::Visit).await.map_err(DatabaseError::from)?;
    let done = async {
        if !database::holds_a_log(&cluster).await? {
            return Err(Problem::Told("there are no tables of Quarterdeck's, and nothing to back up".to_owned()));
        }
        Ok(cluster.backup("quarterdeck", file, overwrite).await.map_err(DatabaseError::from)?)
    };
    let done = done.await;
    cluster.finish().await.map_err(DatabaseError::from)?;
    done?;
    say(&format!("wrote {}", file.display()));
    Ok(ExitCode::SUCCESS)
}

/// Reads a backup.
pub(super) async fn restore(settings: &Settings, file: &Path, replace: bool) -> Result<ExitCode, Problem> {
    own_only(settings, "quarterdeck restore", "pg_restore")?;
    // As the one server of the folder: a running server would go on with what it knew of the old database.
    let cluster = database::started(settings, Purpose::Serve).await.map_err(|error| match error {
        local_postgres::Error::Served { folder, holder } => {
            Problem::Told(format!("a server ({holder}) runs on the folder {}: stop it, then restore", folder.display()))
        }
        error => DatabaseError::from(error).into(),
    })?;
    let adopt = async |restored| database::adopted(&restored).await;
    let migrated = cluster.restore("quarterdeck", file, replace, adopt).await;
    cluster.finish().await.map_err(DatabaseError::from)?;
    let migrated = migrated?;
    say(&format!("restored {}", file.display()));
    for migration in migrated {
        say(&format!("applied {migration}"));
    }
    Ok(ExitCode::SUCCESS)
}
