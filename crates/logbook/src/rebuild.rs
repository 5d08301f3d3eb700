//! The history tables of a tenant against what its events say: compared row by row, and mended where they differ.

use crate::{
    append, load,
    refusal::Fault,
    registry::Registry,
    replay::{self, Expected, Made, Met, Replay},
    rows::{self, Insert},
    slice::Table,
    tenant_tx::{Mode, TenantTx},
    tenants::Tenant,
};
use deadpool_postgres::Pool;
use futures::TryStreamExt;
use serde_json::{Value, json};
use std::{fmt, pin::pin};
use units::{Instant, Position};
use uuid::Uuid;

/// Events of one page.
const EVENTS_PER_PAGE: i64 = 2_000;
/// Rows of one statement that mends.
const ROWS_PER_STATEMENT: usize = 1_000;
/// Rows that a result names, of each kind of difference.
const NAMED_MAX: usize = 10;

/// What a rebuild found, and mended unless it was only to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The events that were folded.
    pub events: u64,
    /// The tables, in the order of their slices' names.
    pub tables: Vec<TableRebuilt>,
    /// Whether what differed was written anew.
    pub mended: bool,
}

impl Rebuilt {
    /// Whether every row was as the events say.
    pub fn all_right(&self) -> bool {
        self.tables.iter().all(TableRebuilt::all_right)
    }
}

/// What a rebuild found in one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRebuilt {
    /// Its name.
    pub name: &'static str,
    /// Rows as the events say.
    pub right: u64,
    /// Rows that should be there.
    pub missing: Found,
    /// Rows that should not be there.
    pub extra: Found,
    /// Rows with other values than the events say.
    pub different: Found,
}

impl TableRebuilt {
    fn all_right(&self) -> bool {
        [&self.missing, &self.extra, &self.different].iter().all(|found| found.count == 0)
    }
}

/// Rows of one kind of difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// How many.
    pub count: u64,
    /// The first few that were met.
    pub first: Vec<RowKey>,
}

impl Found {
    fn add(&mut self, key: RowKey) {
        self.count += 1;
        if self.first.len() < NAMED_MAX {
            self.first.push(key);
        }
    }
}

/// What names a row of a history table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// The id of the row's thing.
    pub id: Uuid,
    /// The first instant at which it holds.
    pub valid_from: Instant,
    /// The position from which it was known.
    pub recorded_from: Position,
}

impl fmt::Display for RowKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} from {} known from position {}", self.id, self.valid_from.to_rfc3339(), self.recorded_from)
    }
}

/// Folds all events of a tenant command by command, as they were appended, compares the rows that they make with those
/// that are stored, and writes anew what differs; with `check` it writes nothing. Appends wait meanwhile. In memory are
/// a page of events, the longest stream, and some hundred bytes a row.
///
/// # Errors
/// When an event cannot be read, or PostgreSQL says no: then nothing was changed.
pub async fn rebuild(pool: &Pool, registry: &Registry, tenant: &Tenant, check: bool) -> Result<Rebuilt, Fault> {
    let transaction = TenantTx::begin(pool, tenant.id, Mode::Rebuild).await?;
    append::locked_epoch(&transaction.query(include_str!("sql/lock.sql"), &[&tenant.id.0]).await?)?;
    let tables: Vec<_> = registry.tables().collect();
    let mut expected = Expected::default();
    let mut fold = Fold::new(&transaction, registry, tenant);
    while let Some(rows) = fold.page().await? {
        expected.add(&rows)?;
    }
    let events = fold.events;
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for (index, table) in tables.iter().enumerate() {
        let (of_table, keys) = compare(&transaction, tenant, index, table, &mut expected).await?;
        found.push(of_table);
        wrong.push(keys);
    }
    let rebuilt = Rebuilt { events, tables: found, mended: false };
    if check || rebuilt.all_right() {
        transaction.rollback().await?;
        return Ok(rebuilt);
    }
    for (table, keys) in tables.iter().zip(&wrong) {
        for chunk in keys.chunks(ROWS_PER_STATEMENT) {
            let json = Value::from(chunk).to_string();
            let touched = transaction.execute(table.delete, &[&tenant.id.0, &json]).await?;
            append::exactly(chunk.len(), touched, table.name)?;
        }
    }
    write(Fold::new(&transaction, registry, tenant), &tables, &expected).await?;
    transaction.commit().await?;
    Ok(Rebuilt { mended: true, ..rebuilt })
}

/// Compares the rows of a table with the expected ones, as they come from PostgreSQL. What was right is taken out of the
/// expected ones: those that stay are to be written. The keys are those to delete, as PostgreSQL wrote them.
async fn compare(
    transaction: &TenantTx,
    tenant: &Tenant,
    index: usize,
    table: &'static Table,
    expected: &mut Expected,
) -> Result<(TableRebuilt, Vec<Value>), Fault> {
    let mut found = TableRebuilt { name: table.name, ..TableRebuilt::default() };
    let mut wrong = Vec::new();
    let client = transaction.client();
    let statement = client.prepare_cached(table.all).await?;
    let mut stored = pin!(client.query_raw(&statement, [tenant.id.0]).await?);
    while let Some(row) = stored.try_next().await? {
        let (key, from, print) = replay::read(row.get(0))?;
        match expected.meet(index, key, print) {
            Met::Right => {
                found.right += 1;
                continue;
            }
            Met::Extra => found.extra.add(key),
            Met::Different => found.different.add(key),
        }
        wrong.push(json!({ "id": key.id, "valid_from": from, "recorded_from": key.recorded_from }));
    }
    for key in expected.unmet(index) {
        found.missing.add(key);
    }
    Ok((found, wrong))
}

/// Folds again, and inserts the rows that are still expected.
async fn write(mut fold: Fold<'_>, tables: &[&'static Table], expected: &Expected) -> Result<(), Fault> {
    while let Some(rows) = fold.page().await? {
        let mut by_table: Vec<Vec<Insert>> = tables.iter().map(|_| Vec::new()).collect();
        for made in rows.into_iter().filter(|made| expected.holds(made)) {
            by_table[made.table].push(made.row);
        }
        for (table, rows) in tables.iter().zip(by_table) {
            for chunk in rows.chunks(ROWS_PER_STATEMENT) {
                let json = rows::inserts_as_json(chunk);
                let touched = fold.transaction.execute(table.insert, &[&fold.tenant.id.0, &json]).await?;
                append::exactly(chunk.len(), touched, table.name)?;
            }
        }
    }
    Ok(())
}

/// All events of a tenant, stream by stream, in pages.
struct Fold<'a> {
    transaction: &'a TenantTx,
    tenant: &'a Tenant,
    replay: Replay<'a>,
    /// The stream and version of the last event; `None` at the end.
    after: Option<(Uuid, i64)>,
    events: u64,
}

impl<'a> Fold<'a> {
    fn new(transaction: &'a TenantTx, registry: &'a Registry, tenant: &'a Tenant) -> Self {
        let replay = Replay::new(registry, tenant.zone);
        Self { transaction, tenant, replay, after: Some((Uuid::nil(), 0)), events: 0 }
    }

    /// The rows of the streams that ended within the next page; `None` after the last one.
    async fn page(&mut self) -> Result<Option<Vec<Made>>, Fault> {
        let Some((stream, version)) = self.after else { return Ok(None) };
        let sql = include_str!("sql/events_by_stream.sql");
        let rows = self.transaction.query(sql, &[&self.tenant.id.0, &stream, &version, &EVENTS_PER_PAGE]).await?;
        self.after = None;
        for row in &rows {
            let event = load::recorded(row)?;
            self.after = Some((event.stream_id, event.stream_version));
            self.events += 1;
            self.replay.event(event)?;
        }
        if self.after.is_none() {
            self.replay.end_of_stream()?;
        }
        Ok(Some(self.replay.made()))
    }
}
