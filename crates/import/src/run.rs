//! An import from end to end.

use crate::{
    days::Zones,
    deals::{self, DealRow},
    files::{self, Files},
    mapping::Mapping,
    moves::{self, Ground},
    organisation,
    plan::{self, Accepted, Importer},
    report::{Phase, Progress, Report},
    wanted::Story,
};
use logbook::{Fault, Logbook, Reads, Rehearsal, Slice, StreamRef, Tenant};
use sales::deal::Deal;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use uuid::Uuid;

/// Commands of one transaction.
const CHUNK: usize = 500;

/// What is to be imported.
#[derive(Debug)]
pub struct Request {
    /// Which files hold what.
    pub mapping: Mapping,
    /// The folders of the files; of two files of one name, that of the later folder counts.
    pub folders: Vec<PathBuf>,
    /// Files that were named, by role: products, accounts, people, deals.
    pub files: BTreeMap<String, PathBuf>,
    /// Whether to stop before anything is written.
    pub dry_run: bool,
}

/// Why an import stopped. Unless it says so, nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No such file.
    #[error("there is no {name} for the {role} in {folders}")]
    NoFile {
        /// What the file is for.
        role: &'static str,
        /// Its name.
        name: String,
        /// Where it was looked for.
        folders: String,
    },
    /// No such column.
    #[error("{file} ({role}) has no column \"{column}\": it has {found}")]
    NoColumn {
        /// What the file is for.
        role: &'static str,
        /// Its name.
        file: String,
        /// The column.
        column: String,
        /// The columns that it has.
        found: String,
    },
    /// No such folder.
    #[error("there is no folder {0}")]
    NoFolder(PathBuf),
    /// A folder that has none of the mapping's files.
    #[error("the folder {folder} has none of the files of the mapping: {files}")]
    NothingIn {
        /// The folder.
        folder: PathBuf,
        /// The files.
        files: String,
    },
    /// Something that is no regular file, and cannot be read twice.
    #[error("{0} is no regular file: an import reads its files twice")]
    NoRegularFile(PathBuf),
    /// The mapping has no such role.
    #[error("--file {0}=..: the mapping says nothing of {0}")]
    UnmappedRole(String),
    /// A column that is there twice.
    #[error("{file} ({role}) has the column \"{column}\" twice: which one is meant?")]
    ColumnTwice {
        /// What the file is for.
        role: &'static str,
        /// Its name.
        file: String,
        /// The column.
        column: String,
    },
    /// No such role.
    #[error("--file {0}=..: the roles are products, accounts, people and deals")]
    NoRole(String),
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is no CSV file.
    #[error("{file}, line {line}: {what}")]
    Csv {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// The mapping says something that cannot be.
    #[error("the mapping file: {0}")]
    Mapping(String),
    /// Too many rows do not fit.
    #[error("{rejected} of {rows} rows of {file} do not fit, more than {max} %: nothing was written")]
    TooManyRejects {
        /// The file.
        file: String,
        /// How many do not.
        rejected: u64,
        /// Of how many.
        rows: u64,
        /// How many percent may.
        max: f64,
        /// What was found.
        report: Box<Report>,
    },
    /// The log could not be read.
    #[error("the log could not be read: {0}")]
    Reading(#[from] Fault),
    /// The log could not be written any further. What was written stays; the same import again goes on from there.
    #[error("the log could not be written any further ({fault}): run the same import again, and it goes on from there")]
    Writing {
        /// Why.
        fault: Arc<Fault>,
        /// What was done until then.
        report: Box<Report>,
    },
}

impl ImportError {
    /// The report, as far as it came.
    pub fn into_report(self) -> Option<Report> {
        match self {
            Self::TooManyRejects { report, .. } | Self::Writing { report, .. } => Some(*report),
            _ => None,
        }
    }
}

/// Imports files into a tenant's log.
///
/// # Errors
/// When the files cannot be read as the mapping says, when too many rows do not fit, or when the log cannot be written.
pub async fn run(
    logbook: &Logbook,
    tenant: &Tenant,
    request: &Request,
    progress: &dyn Fn(Progress),
) -> Result<Report, ImportError> {
    let content = content_id(tenant, request)?;
    let mut report = Report { dry_run: request.dry_run, ..Report::default() };
    let reads = Reads::new(logbook.pool().clone(), tenant.clone());
    report.import_id = import_id(&reads, content, &request.mapping.source).await?;
    let planned = plan(logbook, &reads, tenant, request, &mut report, progress).await;
    reads.finish().await;
    let accepted = planned?;
    if !request.dry_run {
        write(logbook, tenant, accepted, &mut report, progress).await?;
    }
    report.count_rows();
    Ok(report)
}

fn given_files(request: &Request) -> Result<Files<'_>, ImportError> {
    let files = Files { folders: &request.folders, given: &request.files };
    files.check(&request.mapping)?;
    Ok(files)
}

/// The import's id. Each run has its own; a run that goes on with the files of the last one, with no other import and no
/// revert in between, has the id of that one.
async fn import_id(reads: &Reads, content: Uuid, source: &str) -> Result<Uuid, ImportError> {
    let runs = reads.import_runs(&plan::actor(source)).await?;
    let of_run = |number: usize| Uuid::new_v5(&content, format!("run {number}").as_bytes());
    Ok(match runs.last() {
        Some(last) if *last == of_run(runs.len() - 1) => *last,
        _ => of_run(runs.len()),
    })
}

/// The id of the files with the mapping.
fn content_id(tenant: &Tenant, request: &Request) -> Result<Uuid, ImportError> {
    let (files, mapping) = (given_files(request)?, &request.mapping);
    let mut id = Uuid::new_v5(&tenant.id.0, format!("{mapping:?}").as_bytes());
    for (role, name) in mapping.files() {
        id = files::hashed(&files.find(role, name)?, id)?;
    }
    Ok(id)
}

/// Pass one: reads and decides everything in memory.
async fn plan(
    logbook: &Logbook,
    reads: &Reads,
    tenant: &Tenant,
    request: &Request,
    report: &mut Report,
    progress: &dyn Fn(Progress),
) -> Result<Vec<Accepted>, ImportError> {
    let mapping = &request.mapping;
    let zones = Zones { days: tenant.zone, times: mapping.time_zone.unwrap_or(tenant.zone) };
    let files = given_files(request)?;
    let since = tenant.zone.first_instant(mapping.organisation.since);
    let today = tenant.zone.day_of((logbook.clock())());
    let as_of = mapping.as_of.unwrap_or(today);
    if as_of > today {
        return Err(ImportError::Mapping(format!("as_of = {as_of}: an export is of no later day than today")));
    }
    let mut wanted = organisation::read(mapping, &files, since, report)?;
    let reading = |done| {
        if done % 1_000 == 0 {
            progress(Progress { phase: Phase::Reading, done, total: 0 });
        }
    };
    let deals = deals::read(mapping, &files, zones, &wanted, report, &reading)?;
    enough(mapping, report)?;
    let earliest = deals.iter().map(|deal| deal.begins()).min();
    if let Some(earliest) = earliest.filter(|earliest| *earliest < since) {
        let (first, said) = (tenant.zone.day_of(earliest), mapping.organisation.since);
        report.warnings.push(format!(
            "the first deal is of {first}, before organisation.since ({said}): the organisation counts from {first} on"
        ));
        wanted.begin_at(earliest);
    }
    let mut rehearsal = Rehearsal::begin(reads, logbook.registry(), logbook.clock()).await?;
    report.head = (rehearsal.head().position.0, rehearsal.head().position.0);
    let importer = Importer { source: &mapping.source, import_id: report.import_id };
    let mut planning = Planning { importer, rehearsal: &mut rehearsal, accepted: Vec::new(), progress };
    planning.stories(wanted.pipelines, report).await?;
    planning.stories(wanted.products, report).await?;
    planning.stories(wanted.teams, report).await?;
    planning.stories(wanted.people, report).await?;
    planning.stories(wanted.lines, report).await?;
    planning.stories(wanted.accounts, report).await?;
    let as_of = tenant.zone.first_instant(as_of);
    planning.deals(deals, &Ground::of(mapping, as_of), report).await?;
    let accepted = planning.accepted;
    enough(mapping, report)?;
    Ok(accepted)
}

struct Planning<'a, 'b, 'c> {
    importer: Importer<'a>,
    rehearsal: &'b mut Rehearsal<'c>,
    accepted: Vec<Accepted>,
    progress: &'a dyn Fn(Progress),
}

impl Planning<'_, '_, '_> {
    async fn stories<S: Slice>(&mut self, stories: Vec<Story<S>>, report: &mut Report) -> Result<(), ImportError> {
        let streams: Vec<_> = stories.iter().map(|story| StreamRef { kind: S::KIND, id: story.id }).collect();
        self.rehearsal.load(&streams).await?;
        for story in stories {
            plan::story(&self.importer, self.rehearsal, story, &mut self.accepted, report).await?;
        }
        Ok(())
    }

    async fn deals(&mut self, rows: Vec<DealRow>, ground: &Ground, report: &mut Report) -> Result<(), ImportError> {
        let streams: Vec<_> = rows.iter().map(|row| StreamRef { kind: Deal::KIND, id: row.id }).collect();
        self.rehearsal.load(&streams).await?;
        let total = rows.len() as u64;
        for (done, row) in (0..).zip(rows) {
            if done % 500 == 0 {
                (self.progress)(Progress { phase: Phase::Deciding, done, total });
            }
            let story = moves::story(row, self.rehearsal.stream::<Deal>(streams[done as usize].id), ground);
            plan::story(&self.importer, self.rehearsal, story, &mut self.accepted, report).await?;
        }
        (self.progress)(Progress { phase: Phase::Deciding, done: total, total });
        Ok(())
    }
}

/// Whether few enough rows of each file were rejected.
fn enough(mapping: &Mapping, report: &Report) -> Result<(), ImportError> {
    for (file, &rejected) in &report.rejected_by_file {
        let rows = report.rows_read.get(file).copied().unwrap_or(0);
        if rejected as f64 > rows as f64 * mapping.rejects_max_percent / 100.0 {
            let (file, max, mut report) = (file.to_owned(), mapping.rejects_max_percent, Box::new(report.clone()));
            report.count_rows();
            return Err(ImportError::TooManyRejects { file, rejected, rows, max, report });
        }
    }
    Ok(())
}

/// Pass two: appends what pass one decided.
async fn write(
    logbook: &Logbook,
    tenant: &Tenant,
    steps: Vec<Accepted>,
    report: &mut Report,
    progress: &dyn Fn(Progress),
) -> Result<(), ImportError> {
    let total = steps.len() as u64;
    let (submissions, steps): (Vec<_>, Vec<_>) = steps.into_iter().map(Accepted::parted).unzip();
    for (index, (chunk, steps)) in submissions.chunks(CHUNK).zip(steps.chunks(CHUNK)).enumerate() {
        progress(Progress { phase: Phase::Writing, done: (index * CHUNK) as u64, total });
        for (step, answer) in steps.iter().zip(logbook.append(tenant, chunk).await) {
            match answer {
                Ok(receipt) => {
                    report.head.1 = report.head.1.max(receipt.last.0);
                    if receipt.replayed || receipt.first.is_none() {
                        step.unsay(report); // the same import wrote it meanwhile, or somebody said the same
                        report.already_known += 1;
                    }
                }
                Err(logbook::Failure::Rejected(rejection)) => {
                    step.unsay(report);
                    report.overtaken += 1;
                    let rule = format!("somebody changed it in the meantime: {rejection}");
                    report.reject(plan::told(&step.place, step.cell.clone(), rule));
                }
                Err(logbook::Failure::Fault(fault)) => {
                    report.count_rows();
                    return Err(ImportError::Writing { fault, report: Box::new(report.clone()) });
                }
            }
        }
    }
    progress(Progress { phase: Phase::Writing, done: total, total });
    Ok(())
}
