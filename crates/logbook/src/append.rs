//! One batch of commands in one transaction: two round trips hold the tenant's lock.

use crate::{
    batch::{Answered, Batch, Head, Turn},
    clock::Clock,
    envelope::{Recorded, StreamRef},
    hash, load,
    refusal::{Fault, Rejection},
    registry::Registry,
    rows,
    submission::{Receipt, Submission},
    tenant_tx::{self, Mode, TenantTx},
    tenants::Tenant,
};
use deadpool_postgres::Pool;
use futures::{FutureExt, TryFutureExt, future::BoxFuture, try_join};
use std::{panic::AssertUnwindSafe, sync::Arc, task::Poll, time::Duration};
use tokio_postgres::{Row, error::SqlState, types::ToSql};
use units::Position;

/// Events after which a stream that takes snapshots gets its next one.
const SNAPSHOT_EVERY: i64 = 1_000;
/// How often a batch is tried before its fault is told.
const TRIES_MAX: u32 = 12;
/// How often the lock is waited for, each time for the lock_timeout, before the callers are told to come again.
const LOCK_TRIES_MAX: u32 = 3;
/// Events of one batch: one that has as many takes no further command.
const BATCH_EVENTS_MAX: usize = 500;
/// What fails under a policy that hides the lock: nothing that one command of a batch could be blamed for.
const LOCKING: &str = "locking the tenant's log";

/// Why a submission has no receipt.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// It was not taken down, for a reason of its own.
    #[error(transparent)]
    Rejected(Arc<Rejection>),
    /// Something broke.
    #[error("the log could not be written")]
    Fault(Arc<Fault>),
}

/// The answer to a submission.
pub type Answer = Result<Receipt, Failure>;

/// What appending stands on.
pub(crate) struct Ground<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) registry: &'a Registry,
    pub(crate) tenant: &'a Tenant,
    pub(crate) clock: Clock,
}

/// Appends the submissions in order, in as few transactions as can be: one, while its events are not too many. What
/// breaks a transaction is bisected away, so that it is told to the commands that need it and to no others.
pub(crate) async fn append(ground: &Ground<'_>, submissions: &[Submission]) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(submissions.len());
    while answers.len() < submissions.len() {
        answers.extend(some(ground, &submissions[answers.len()..]).await);
    }
    answers
}

/// The answers to as many of the submissions, from the first on, as one transaction takes.
async fn some(ground: &Ground<'_>, submissions: &[Submission]) -> Vec<Answer> {
    let mut fault = None;
    for attempt in 0..TRIES_MAX {
        match guarded(ground, submissions).await {
            Ok(answers) => return answers.into_iter().map(|a| a.map_err(|r| Failure::Rejected(Arc::new(r)))).collect(),
            Err(error) => {
                tracing::warn!(%error, attempt, "a batch could not be appended");
                let next = verdict(&error, attempt);
                fault = Some(error);
                match next {
                    Next::Bisect if submissions.len() > 1 => return bisected(ground, submissions).await,
                    Next::Again => tokio::time::sleep(jitter(attempt)).await,
                    Next::Bisect | Next::GiveUp => break,
                }
            }
        }
    }
    let fault = fault.expect("what was given up had a fault");
    let failure = if state_of(&fault) == Some(&SqlState::LOCK_NOT_AVAILABLE) {
        Failure::Rejected(Arc::new(Rejection::Busy)) // a rebuild holds it, say: nothing is broken
    } else {
        Failure::Fault(Arc::new(fault))
    };
    submissions.iter().map(|_| Err(failure.clone())).collect()
}

fn bisected<'a>(ground: &'a Ground<'_>, submissions: &'a [Submission]) -> BoxFuture<'a, Vec<Answer>> {
    Box::pin(async move {
        let (left, right) = submissions.split_at(submissions.len() / 2);
        let mut answers = append(ground, left).await;
        answers.extend(append(ground, right).await);
        answers
    })
}

/// One try. A panic, whose transaction is dropped with its connection, is a fault like any other.
async fn guarded(ground: &Ground<'_>, submissions: &[Submission]) -> Result<Vec<Result<Receipt, Rejection>>, Fault> {
    let trying = AssertUnwindSafe(append_once(ground, submissions)).catch_unwind().await;
    trying.unwrap_or_else(|_| Err(Fault::new("appending a batch", "the program panicked: its log says where")))
}

fn state_of(fault: &Fault) -> Option<&SqlState> {
    fault.postgres().and_then(|error| error.code())
}

enum Next {
    Again,
    Bisect,
    GiveUp,
}

fn verdict(fault: &Fault, attempt: u32) -> Next {
    let Some(error) = fault.postgres() else {
        return match fault.doing() {
            "connecting to PostgreSQL" => Next::Again,
            LOCKING => Next::GiveUp,
            _ => Next::Bisect, // something stored cannot be read, or a rule panicked: some of the commands need it
        };
    };
    let Some(state) = error.code() else { return Next::Again }; // the connection was lost, perhaps at COMMIT
    let again = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    // Under the lock a key can only be taken by somebody who went around it: look once more, then find out which command.
    let taken = *state == SqlState::UNIQUE_VIOLATION && attempt == 0;
    let held = *state == SqlState::LOCK_NOT_AVAILABLE && attempt + 1 >= LOCK_TRIES_MAX;
    if held {
        Next::GiveUp
    } else if taken || again.contains(state) {
        Next::Again
    } else if ["22", "23", "54", "P0"].iter().any(|class| state.code().starts_with(class)) {
        Next::Bisect
    } else {
        Next::GiveUp
    }
}

/// Some time to wait before another try, different for each process and moment.
fn jitter(attempt: u32) -> Duration {
    let spread = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), attempt);
    let most = 10_u64 << attempt.min(6);
    Duration::from_millis(5 + spread % most)
}

async fn append_once(
    ground: &Ground<'_>,
    submissions: &[Submission],
) -> Result<Vec<Result<Receipt, Rejection>>, Fault> {
    let transaction = TenantTx::take(ground.pool).await?;
    let mut batch = opened(ground, &transaction, submissions).await?;
    let mut answers = Vec::with_capacity(submissions.len());
    for submission in submissions {
        if batch.events.len() >= BATCH_EVENTS_MAX {
            break;
        }
        answers.push(loop {
            match batch.turn(submission, (ground.clock)()) {
                Turn::Done(answer) => break answer,
                Turn::Needs(streams) => load::streams(&transaction, &mut batch, &streams, submissions).await?,
            }
        });
    }
    if batch.commands.is_empty() {
        transaction.rollback().await?;
    } else {
        write(&transaction, &batch).await?;
        transaction.ended();
    }
    Ok(answers)
}

/// Locks, reads the head, the commands answered before and the targets' events: one round trip. Then the streams that
/// the commands read: one more, when there are any.
async fn opened<'a>(
    ground: &Ground<'a>,
    transaction: &TenantTx,
    submissions: &[Submission],
) -> Result<Batch<'a>, Fault> {
    let (client, tenant) = (transaction.client(), ground.tenant.id);
    let lock = client.prepare_cached(include_str!("sql/lock.sql")).await?;
    let head = client.prepare_cached(include_str!("sql/head.sql")).await?;
    let answered = client.prepare_cached(include_str!("sql/answered.sql")).await?;
    let first = client.prepare_cached(include_str!("sql/first_source.sql")).await?;
    client.prepare_cached(include_str!("sql/stream_events.sql")).await?;
    let ids: Vec<_> = submissions.iter().map(|submission| submission.command_id).collect();
    let mut targets: Vec<StreamRef> = submissions.iter().map(|submission| submission.stream).collect();
    targets.sort_unstable();
    targets.dedup();
    let beginning = tenant_tx::beginning(tenant, Mode::Append);
    let plain: Vec<_> =
        targets.iter().filter(|target| !ground.registry.entry(target.kind).snapshots).copied().collect();
    let own: [&(dyn ToSql + Sync); 1] = [&tenant.0];
    let own_ids: [&(dyn ToSql + Sync); 2] = [&tenant.0, &ids];
    let (_, locked, head, answered, first, events) = try_join!(
        client.batch_execute(&beginning).map_err(Fault::from),
        client.query(&lock, &own).map_err(Fault::from),
        client.query_opt(&head, &own).map_err(Fault::from),
        client.query(&answered, &own_ids).map_err(Fault::from),
        client.query_opt(&first, &own).map_err(Fault::from),
        load::events(transaction, tenant, &plain, 0),
    )?;
    let mut at = Head { position: Position(0), recorded_at: None, hash: hash::NOTHING, epoch: locked_epoch(&locked)? };
    if let Some(row) = head {
        at.position = Position(row.get(0));
        at.recorded_at = Some(load::column(&row, "recorded_at")?);
        at.hash = row.get::<_, &[u8]>(2).try_into().map_err(|error| Fault::new("reading the head's hash", error))?;
    }
    let simulated = first.is_none_or(|row| row.get::<_, &str>(0) == "simulated");
    let mut batch = Batch::new(tenant, ground.tenant.zone, ground.registry, at, simulated);
    for row in answered {
        let request_hash = row.get::<_, &[u8]>(1).try_into().map_err(|error| Fault::new("reading a command", error))?;
        let receipt = serde_json::from_str(row.get(2)).map_err(|error| Fault::new("reading a command", error))?;
        batch.answered.insert(row.get(0), Answered { request_hash, receipt });
    }
    load::fill(&mut batch, &plain, &events)?;
    load::streams(transaction, &mut batch, &targets, submissions).await?;
    prefetch(ground, transaction, &mut batch, submissions).await?;
    Ok(batch)
}

/// The epoch of the one lock row that `lock.sql` locked. Under a wrong policy it locks none, without an error.
pub(crate) fn locked_epoch(locked: &[Row]) -> Result<i64, Fault> {
    match locked {
        [one] => Ok(one.get(0)),
        _ => Err(Fault::new(LOCKING, format!("{} lock rows are visible, not one", locked.len()))),
    }
}

async fn prefetch(
    ground: &Ground<'_>,
    transaction: &TenantTx,
    batch: &mut Batch<'_>,
    submissions: &[Submission],
) -> Result<(), Fault> {
    let clock = (ground.clock)();
    let mut wanted: Vec<StreamRef> = submissions.iter().flat_map(|submission| batch.wants(submission, clock)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    load::streams(transaction, batch, &wanted, submissions).await
}

/// Writes what the batch made and commits: one round trip. Every statement must have touched what it was meant to.
async fn write(transaction: &TenantTx, batch: &Batch<'_>) -> Result<(), Fault> {
    let snapshots = snapshots(batch);
    let mut statements: Vec<BoxFuture<'_, Result<(), Fault>>> = vec![Box::pin(commands(transaction, batch))];
    if !batch.events.is_empty() {
        statements.push(Box::pin(events(transaction, batch)));
        statements.push(Box::pin(log_batch(transaction, batch)));
    }
    for ((kind, table), rows) in &batch.rows.tables {
        let table = &batch.registry.entry(kind).tables[*table];
        if !rows.updates.is_empty() {
            statements.push(Box::pin(async move {
                let json = serde_json::to_string(&rows.updates).map_err(|error| Fault::new("writing rows", error))?;
                let touched = transaction.execute(table.update, &[&batch.tenant.0, &json]).await?;
                exactly(rows.updates.len(), touched, table.name)
            }));
        }
        if !rows.inserts.is_empty() {
            statements.push(Box::pin(async move {
                let json = rows::inserts_as_json(&rows.inserts);
                let touched = transaction.execute(table.insert, &[&batch.tenant.0, &json]).await?;
                exactly(rows.inserts.len(), touched, table.name)
            }));
        }
    }
    for (stream, version, state) in &snapshots {
        statements.push(Box::pin(async move {
            let sql = include_str!("sql/insert_snapshot.sql");
            let position = batch.head.position.0;
            let parameters: [&(dyn ToSql + Sync); 5] = [&batch.tenant.0, &stream.id, version, &position, state];
            exactly(1, transaction.execute(sql, &parameters).await?, "stream_snapshot")
        }));
    }
    prepared(transaction, batch, !snapshots.is_empty()).await?;
    let mut written = futures::future::try_join_all(statements);
    if let Poll::Ready(early) = futures::poll!(&mut written) {
        early?; // a statement that could not even be sent must not be followed by a COMMIT
    }
    let committing = transaction.client().batch_execute("COMMIT");
    let (written, committed) = futures::join!(written, committing);
    written?;
    Ok(committed?)
}

/// Prepares what the pipeline will say, so that COMMIT cannot overtake a statement that is still being prepared.
async fn prepared(transaction: &TenantTx, batch: &Batch<'_>, snapshots: bool) -> Result<(), Fault> {
    let client = transaction.client();
    client.prepare_cached(include_str!("sql/insert_commands.sql")).await?;
    client.prepare_cached(include_str!("sql/insert_events.sql")).await?;
    client.prepare_cached(include_str!("sql/insert_batch.sql")).await?;
    if snapshots {
        client.prepare_cached(include_str!("sql/insert_snapshot.sql")).await?;
    }
    for (kind, table) in batch.rows.tables.keys() {
        let table = &batch.registry.entry(kind).tables[*table];
        client.prepare_cached(table.update).await?;
        client.prepare_cached(table.insert).await?;
    }
    Ok(())
}

pub(crate) fn exactly(expected: usize, touched: u64, what: &'static str) -> Result<(), Fault> {
    if touched == expected as u64 {
        Ok(())
    } else {
        Err(Fault::new("writing a batch", format!("{touched} rows of {what} were touched, not {expected}")))
    }
}

async fn commands(transaction: &TenantTx, batch: &Batch<'_>) -> Result<(), Fault> {
    let rows = &batch.commands;
    let ids: Vec<_> = rows.iter().map(|row| row.command_id).collect();
    let hashes: Vec<_> = rows.iter().map(|row| &row.request_hash[..]).collect();
    let firsts: Vec<_> = rows.iter().map(|row| row.receipt.first.map(|position| position.0)).collect();
    let lasts: Vec<_> = rows.iter().map(|row| row.receipt.last.0).collect();
    let results: Result<Vec<_>, _> = rows.iter().map(|row| serde_json::to_string(&row.receipt)).collect();
    let results = results.map_err(|error| Fault::new("writing a receipt", error))?;
    let recorded: Vec<_> = rows.iter().map(|row| row.recorded_at).collect();
    let sql = include_str!("sql/insert_commands.sql");
    let touched =
        transaction.execute(sql, &[&batch.tenant.0, &ids, &hashes, &firsts, &lasts, &results, &recorded]).await?;
    exactly(rows.len(), touched, "command")
}

async fn log_batch(transaction: &TenantTx, batch: &Batch<'_>) -> Result<(), Fault> {
    let (Some(first), Some(last)) = (batch.events.first(), batch.events.last()) else { return Ok(()) };
    let leaves: Vec<_> = batch.events.iter().map(|event| event.leaf).collect();
    let root = hash::root(&leaves);
    let head = &batch.head;
    let hash = hash::batch(batch.tenant, head.epoch, first.position, last.position, &head.hash, &root);
    let sql = include_str!("sql/insert_batch.sql");
    let touched = transaction
        .execute(
            sql,
            &[
                &batch.tenant.0,
                &last.position.0,
                &first.position.0,
                &head.epoch,
                &last.recorded_at,
                &&head.hash[..],
                &&root[..],
                &&hash[..],
            ],
        )
        .await?;
    exactly(1, touched, "log_batch")
}

async fn events(transaction: &TenantTx, batch: &Batch<'_>) -> Result<(), Fault> {
    fn column<'a, T>(events: &'a [Recorded], of: impl Fn(&'a Recorded) -> T) -> Vec<T> {
        events.iter().map(of).collect()
    }
    let events = &batch.events[..];
    let touched = transaction
        .execute(
            include_str!("sql/insert_events.sql"),
            &[
                &batch.tenant.0,
                &column(events, |event| event.position.0),
                &column(events, |event| event.stream_kind.as_str()),
                &column(events, |event| event.stream_id),
                &column(events, |event| event.stream_version),
                &column(events, |event| event.event_type.as_str()),
                &column(events, |event| event.schema_version),
                &column(events, |event| event.effective_at),
                &column(events, |event| event.recorded_at),
                &column(events, |event| event.replaces.map(|position| position.0)),
                &column(events, |event| event.context.source_recorded_at),
                &column(events, |event| event.command_id),
                &column(events, |event| event.context.correlation_id.unwrap_or(event.command_id)),
                &column(events, |event| event.context.causation_id),
                &column(events, |event| event.context.actor.as_str()),
                &column(events, |event| event.context.on_behalf_of.as_deref()),
                &column(events, |event| event.context.source.as_str()),
                &column(events, |event| event.context.reason.as_deref()),
                &column(events, |event| &event.payload[..]),
                &column(events, |event| &event.leaf[..]),
            ],
        )
        .await?;
    exactly(events.len(), touched, "event")
}

/// The states of streams that grew past another thousand events in this batch.
fn snapshots(batch: &Batch<'_>) -> Vec<(StreamRef, i64, Vec<u8>)> {
    let mut taken = Vec::new();
    for event in &batch.events {
        let Some(kind) = batch.registry.kind_of(&event.stream_kind) else { continue };
        let stream = StreamRef { kind, id: event.stream_id };
        let due = batch.registry.entry(kind).snapshots && event.stream_version % SNAPSHOT_EVERY == 0;
        if let (true, Some(loaded)) = (due, batch.streams.get(&stream)) {
            taken.extend(loaded.snapshot().map(|state| (stream, loaded.version(), state)));
        }
    }
    taken.dedup_by_key(|(stream, version, _)| (*stream, *version));
    taken
}
