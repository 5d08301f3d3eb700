//! Whether a log is still what was written: every hash is computed anew from the bytes that are stored.

use crate::{
    batch::Head,
    envelope::{Recorded, Source},
    hash::{self, Hash},
    load,
    refusal::Fault,
    submission::Receipt,
    tenant_tx::{Mode, TenantTx},
};
use deadpool_postgres::Pool;
use std::collections::{HashMap, VecDeque};
use tokio_postgres::Row;
use units::{Instant, Position, TenantId};
use uuid::Uuid;

/// Events of one page: with their payloads, what is held in memory at a time.
const EVENTS_PER_PAGE: i64 = 1_000;
/// Batches, or commands, of one page.
const ROWS_PER_PAGE: i64 = 2_000;

/// A log in which nothing is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// Where it ends. Its hash, kept where nobody of this system can write, is what later shows a log rewritten in full.
    pub head: Head,
    /// How many batches it has.
    pub batches: u64,
    /// How many events.
    pub events: u64,
    /// How many streams.
    pub streams: u64,
    /// How many commands, those that changed nothing among them.
    pub commands: u64,
    /// Whether it began as simulated: made up, by a driven clock.
    pub simulated: bool,
}

/// Why a log was not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFailure {
    /// It is not what was written. Nothing before this position is wrong.
    #[error("position {position}: {wrong}")]
    Broken {
        /// The first position at which it is not.
        position: Position,
        /// What is wrong there.
        wrong: Wrong,
    },
    /// It could not be read.
    #[error("the log could not be verified: {0}")]
    Fault(#[from] Fault),
}

/// What is wrong at a position.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Wrong {
    /// There is nothing.
    #[error("there is no event")]
    Missing,
    /// Stored values that the log never writes.
    #[error("it cannot be read: {why}")]
    Unreadable {
        /// What cannot.
        why: String,
    },
    /// Header or payload were changed, or the hash was.
    #[error("the event's bytes do not give the hash that is stored with it")]
    Leaf,
    /// A gap or a repetition in its stream.
    #[error("the event says that it is version {actual} of its stream, but version {expected} comes next")]
    StreamVersion {
        /// The version that comes next.
        expected: i64,
        /// The version it says.
        actual: i64,
    },
    /// Commands are recorded one after the other, the events of one at one instant.
    #[error("the event's recorded_at does not follow that of the event before it")]
    Recorded,
    /// A batch begins elsewhere than where the last one ended.
    #[error("the batch that ends here begins at {actual}, not at {expected}")]
    BatchBegins {
        /// Where it should begin.
        expected: Position,
        /// Where it begins.
        actual: Position,
    },
    /// The batch is recorded at the instant of its last event.
    #[error("the recorded_at of the batch that ends here is not that of its last event")]
    BatchRecorded,
    /// The epoch counts upwards.
    #[error("the epoch of the batch that ends here is below that of the batch before it")]
    Epoch,
    /// The chain is cut.
    #[error("the batch that ends here does not name the hash of the batch before it")]
    PreviousHash,
    /// Events were changed together with their own hashes.
    #[error("the events of the batch that ends here do not give its root")]
    Root,
    /// The batch row was changed.
    #[error("the batch that ends here does not give its hash")]
    BatchHash,
    /// Events before the first batch or after the last one.
    #[error("the event belongs to no batch")]
    NoBatch,
    /// A command's row points at events of others, or at none.
    #[error("command {command_id} says that its events are here, but they are not")]
    Command {
        /// The command.
        command_id: Uuid,
    },
    /// A command's row was changed.
    #[error("the row of command {command_id} is not as it was written: {what}")]
    CommandRow {
        /// The command.
        command_id: Uuid,
        /// What does not agree.
        what: &'static str,
    },
    /// An event whose command has no row.
    #[error("the event's command is not among the commands")]
    NoCommand,
}

impl Wrong {
    fn at(self, position: Position) -> VerifyFailure {
        VerifyFailure::Broken { position, wrong: self }
    }
}

/// Reads the whole log of a tenant as of one instant of the database, and computes all of it anew.
///
/// # Errors
/// With the first position at which the log is not what was written, or when it cannot be read.
pub async fn verify(pool: &Pool, tenant: TenantId) -> Result<Verified, VerifyFailure> {
    let transaction = TenantTx::begin(pool, tenant, Mode::Read).await?;
    let mut walk = Walk::new(tenant);
    log(&transaction, &mut walk).await?;
    let commands = commands(&transaction, &walk).await?;
    transaction.rollback().await?;
    Ok(walk.verified(commands))
}

async fn log(transaction: &TenantTx, walk: &mut Walk) -> Result<(), VerifyFailure> {
    let tenant = walk.tenant.0;
    let mut ahead: VecDeque<Row> = VecDeque::new();
    loop {
        let sql = include_str!("sql/batches_from.sql");
        let batches = transaction.query(sql, &[&tenant, &from(walk.sealed), &ROWS_PER_PAGE]).await?;
        for row in &batches {
            let batch = Sealed::of(row)?;
            while walk.last < batch.last {
                if ahead.is_empty() {
                    ahead = page(transaction, walk).await?;
                }
                let Some(row) = ahead.pop_front() else { return Err(Wrong::Missing.at(walk.next())) };
                walk.event(&event(&row)?)?;
            }
            walk.batch(&batch)?;
        }
        if batches.is_empty() {
            break;
        }
    }
    if ahead.is_empty() {
        ahead = page(transaction, walk).await?;
    }
    ahead.front().map_or(Ok(()), |row| Err(Wrong::NoBatch.at(Position(row.get("position")))))
}

/// Where the next page begins: the first one below everything, so that what was slipped in before the log is met.
fn from(last: Position) -> i64 {
    if last.0 == 0 { i64::MIN } else { last.0 + 1 }
}

async fn page(transaction: &TenantTx, walk: &Walk) -> Result<VecDeque<Row>, Fault> {
    let sql = include_str!("sql/events_from.sql");
    Ok(transaction.query(sql, &[&walk.tenant.0, &from(walk.last), &EVENTS_PER_PAGE]).await?.into())
}

fn event(row: &Row) -> Result<Recorded, VerifyFailure> {
    load::recorded(row).map_err(|fault| unreadable(&fault).at(Position(row.get("position"))))
}

fn unreadable(fault: &Fault) -> Wrong {
    Wrong::Unreadable { why: fault.to_string() }
}

/// Every command's row points at its own events, and every event is pointed at.
async fn commands(transaction: &TenantTx, walk: &Walk) -> Result<u64, VerifyFailure> {
    let (tenant, mut commands, mut said) = (walk.tenant.0, 0, 0);
    let mut after: Option<Uuid> = None;
    loop {
        let sql = include_str!("sql/commands_after.sql");
        let rows = transaction.query(sql, &[&tenant, &after, &ROWS_PER_PAGE]).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.get(0));
        for row in &rows {
            let (first, last): (Option<i64>, i64) = (row.get(1), row.get(2));
            let found: i64 = row.get(3);
            if !points_well(walk.last, first, last, found) {
                return Err(Wrong::Command { command_id: row.get(0) }.at(Position(first.unwrap_or(last))));
            }
            if let Some(what) = misstated(row, first, last) {
                return Err(Wrong::CommandRow { command_id: row.get(0), what }.at(Position(first.unwrap_or(last))));
            }
            commands += 1;
            said += found.unsigned_abs();
        }
    }
    if said == walk.events {
        return Ok(commands);
    }
    let rows = transaction.query(include_str!("sql/first_without_command.sql"), &[&tenant]).await?;
    let first = rows.first().map_or(walk.last, |row| Position(row.get(0)));
    Err(Wrong::NoCommand.at(first))
}

/// Whether a command's row can stand: all positions it names are the command's own, or it names none and lies within
/// the log.
fn points_well(head: Position, first: Option<i64>, last: i64, found: i64) -> bool {
    match first {
        None => (0..=head.0).contains(&last),
        Some(first) => 1 <= first && first <= last && last <= head.0 && found == last - first + 1,
    }
}

/// What a command's row says that its events do not: its answer, its instant, the length of its hash.
fn misstated(row: &Row, first: Option<i64>, last: i64) -> Option<&'static str> {
    let Ok(receipt) = serde_json::from_str::<Receipt>(row.get("result")) else { return Some("result cannot be read") };
    let Ok(recorded_at) = load::column::<Instant>(row, "recorded_at") else { return Some("recorded_at is no instant") };
    let of_event = first.map(|_| {
        let stream: (Option<Uuid>, Option<i64>) = (row.get("stream_id"), row.get("stream_version"));
        (stream, load::column::<Option<Instant>>(row, "said_at").ok().flatten())
    });
    if row.get::<_, i32>("hash_bytes") != 32 {
        Some("request_hash is not 32 bytes long")
    } else if (receipt.first, receipt.last) != (first.map(Position), Position(last)) {
        Some("result names other positions than the row")
    } else {
        of_event.and_then(|(stream, said_at)| {
            if stream != (Some(receipt.stream_id), Some(receipt.version)) {
                Some("result names another stream or version than the last of its events")
            } else if said_at != Some(recorded_at) {
                Some("recorded_at is not that of its events")
            } else {
                None
            }
        })
    }
}

/// A row of `log_batch`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sealed {
    pub(crate) first: Position,
    pub(crate) last: Position,
    pub(crate) epoch: i64,
    pub(crate) recorded_at: Instant,
    pub(crate) previous_hash: Hash,
    pub(crate) root: Hash,
    pub(crate) hash: Hash,
}

impl Sealed {
    fn of(row: &Row) -> Result<Self, VerifyFailure> {
        let last = Position(row.get(0));
        let hash = |column: &str| {
            row.get::<_, &[u8]>(column)
                .try_into()
                .map_err(|_| Wrong::Unreadable { why: format!("{column} is not 32 bytes long") }.at(last))
        };
        Ok(Self {
            first: Position(row.get(1)),
            last,
            epoch: row.get(2),
            recorded_at: load::column(row, "recorded_at").map_err(|fault| unreadable(&fault).at(last))?,
            previous_hash: hash("previous_hash")?,
            root: hash("root")?,
            hash: hash("hash")?,
        })
    }
}

/// The way through a log, event by event and batch by batch. It remembers one number a stream, and the hashes of one
/// batch.
pub(crate) struct Walk {
    tenant: TenantId,
    /// The last position seen.
    last: Position,
    /// The last position of the last batch.
    sealed: Position,
    hash: Hash,
    epoch: i64,
    recorded_at: Option<Instant>,
    command: Option<Uuid>,
    leaves: Vec<Hash>,
    versions: HashMap<Uuid, i64>,
    batches: u64,
    events: u64,
    simulated: bool,
}

impl Walk {
    pub(crate) fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            last: Position(0),
            sealed: Position(0),
            hash: hash::NOTHING,
            epoch: 1,
            recorded_at: None,
            command: None,
            leaves: Vec::new(),
            versions: HashMap::new(),
            batches: 0,
            events: 0,
            simulated: false,
        }
    }

    fn next(&self) -> Position {
        Position(self.last.0 + 1)
    }

    /// The next event.
    pub(crate) fn event(&mut self, event: &Recorded) -> Result<(), VerifyFailure> {
        let position = self.next();
        if event.position < position {
            return Err(Wrong::NoBatch.at(event.position));
        }
        if event.position != position {
            return Err(Wrong::Missing.at(position));
        }
        let leaf = hash::leaf(self.tenant, event);
        if leaf != event.leaf {
            return Err(Wrong::Leaf.at(position));
        }
        let version = self.versions.entry(event.stream_id).or_default();
        let (expected, actual) = (*version + 1, event.stream_version);
        if actual != expected {
            return Err(Wrong::StreamVersion { expected, actual }.at(position));
        }
        let follows = match self.recorded_at {
            None => true,
            Some(before) if self.command == Some(event.command_id) => event.recorded_at == before,
            Some(before) => event.recorded_at > before,
        };
        if !follows {
            return Err(Wrong::Recorded.at(position));
        }
        *version = actual;
        if position == Position(1) {
            self.simulated = event.context.source == Source::Simulated;
        }
        (self.last, self.recorded_at, self.command) = (position, Some(event.recorded_at), Some(event.command_id));
        self.leaves.push(leaf);
        self.events += 1;
        Ok(())
    }

    /// The batch of the events since the last one.
    pub(crate) fn batch(&mut self, batch: &Sealed) -> Result<(), VerifyFailure> {
        let expected = Position(self.sealed.0 + 1);
        let root = hash::root(&self.leaves);
        let Sealed { first, last, epoch, .. } = *batch;
        let hash = hash::batch(self.tenant, epoch, first, last, &self.hash, &root);
        let wrong = if first != expected || last != self.last {
            Some(Wrong::BatchBegins { expected, actual: first })
        } else if self.recorded_at != Some(batch.recorded_at) {
            Some(Wrong::BatchRecorded)
        } else if epoch < self.epoch {
            Some(Wrong::Epoch)
        } else if batch.previous_hash != self.hash {
            Some(Wrong::PreviousHash)
        } else if batch.root != root {
            Some(Wrong::Root)
        } else if batch.hash != hash {
            Some(Wrong::BatchHash)
        } else {
            None
        };
        if let Some(wrong) = wrong {
            return Err(wrong.at(last));
        }
        (self.sealed, self.hash, self.epoch) = (last, hash, epoch);
        self.leaves.clear();
        self.batches += 1;
        Ok(())
    }

    /// What the walk came to, with the number of commands.
    pub(crate) fn verified(self, commands: u64) -> Verified {
        let Self { last, recorded_at, hash, epoch, batches, events, simulated, .. } = self;
        let head = Head { position: last, recorded_at, hash, epoch };
        Verified { head, batches, events, streams: self.versions.len() as u64, commands, simulated }
    }
}
