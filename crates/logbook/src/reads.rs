//! All reads of one request: one transaction, one instant, each statement on its own savepoint.

use crate::{
    batch::Head,
    envelope::Recorded,
    hash, load,
    refusal::Fault,
    slice::Slice,
    sql::{self, Seen},
    stream::Stream,
    tenant_tx::{Mode, TenantTx, beginning},
    tenants::Tenant,
};
use deadpool_postgres::Pool;
use tokio::sync::OnceCell;
use tokio_postgres::{Row, types::ToSql};
use units::{Instant, Position};
use uuid::Uuid;

/// Events of one statement of [`Reads::correlated`].
const CORRELATED_PER_READ: i64 = 10_000;

/// Milliseconds that a statement may take, however much time its request has.
const STATEMENT_MS_MAX: u128 = 600_000;

/// The reads of one request. The transaction begins with the first of them.
pub struct Reads {
    pool: Pool,
    tenant: Tenant,
    deadline: Option<std::time::Instant>,
    transaction: OnceCell<TenantTx>,
}

/// What a [`Fault`] says was being done when a request had no time left for a statement.
pub const OUT_OF_TIME: &str = "reading in no time";

impl Reads {
    /// Reads of a tenant; nothing is asked yet.
    pub fn new(pool: Pool, tenant: Tenant) -> Self {
        Self { pool, tenant, deadline: None, transaction: OnceCell::new() }
    }

    /// The same, with an instant at which they must have ended: each statement gets the time that is left.
    #[must_use]
    pub fn until(self, deadline: Option<std::time::Instant>) -> Self {
        Self { deadline, ..self }
    }

    /// Words that give what follows the time that is left.
    fn time_left(&self) -> Result<String, Fault> {
        let Some(deadline) = self.deadline else { return Ok(String::new()) };
        let left_ms = deadline.saturating_duration_since(std::time::Instant::now()).as_millis();
        if left_ms == 0 {
            return Err(Fault::new(OUT_OF_TIME, "the request met its deadline"));
        }
        Ok(format!("; SET LOCAL statement_timeout = {}", left_ms.min(STATEMENT_MS_MAX)))
    }

    /// Whose they are.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    async fn transaction(&self) -> Result<&TenantTx, Fault> {
        let begin = async || {
            let transaction = TenantTx::take(&self.pool).await?;
            // For the whole transaction too: a statement that is not known yet is prepared outside of its savepoint.
            let beginning = beginning(self.tenant.id, Mode::Read) + &self.time_left()?;
            transaction.client().batch_execute(&beginning).await?;
            Ok(transaction)
        };
        self.transaction.get_or_try_init(begin).await
    }

    /// Rows of a statement whose first parameter is the tenant. A statement that fails leaves the others alone.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn rows(&self, sql: &'static str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        let client = self.transaction().await?.client();
        let statement = match client.prepare_cached(sql).await {
            Ok(statement) => statement,
            Err(error) => return Err(error.into()),
        };
        let saved = format!("SAVEPOINT one{}", self.time_left()?);
        let mut all: Vec<&(dyn ToSql + Sync)> = vec![&self.tenant.id.0];
        all.extend(parameters);
        let (begun, rows, back) = futures::join!(
            client.batch_execute(&saved),
            client.query(&statement, &all),
            client.batch_execute("ROLLBACK TO SAVEPOINT one; RELEASE SAVEPOINT one"),
        );
        begun?;
        back?;
        Ok(rows?)
    }

    /// Rows of a statement with `AS_OF`: `$1` the tenant, `$2` and `$3` the two instants, the others from `$4`.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn rows_as_of(
        &self,
        sql: &'static str,
        seen: Seen,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Fault> {
        let known = seen.known.map(|position| position.0);
        let mut all: Vec<&(dyn ToSql + Sync)> = vec![&seen.effective, &known];
        all.extend(parameters);
        self.rows(sql::as_of(sql, known.is_some()), &all).await
    }

    /// Where the log ends.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn head(&self) -> Result<Head, Fault> {
        head_of(&self.rows(include_str!("sql/head.sql"), &[]).await?)
    }

    /// Where the log ended at a known position; its head for `None`.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn head_at(&self, known: Option<Position>) -> Result<Head, Fault> {
        match known {
            None => self.head().await,
            Some(known) => head_of(&self.rows(include_str!("sql/head_at.sql"), &[&known.0]).await?),
        }
    }

    /// The position that the log had reached by an instant; 0 when it had not begun.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn known_at(&self, instant: Instant) -> Result<Position, Fault> {
        let rows = self.rows(include_str!("sql/known_at.sql"), &[&instant]).await?;
        Ok(Position(rows.first().map_or(0, |row| row.get(0))))
    }

    /// The events of a stream, in order.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn stream_events(&self, id: Uuid) -> Result<Vec<Recorded>, Fault> {
        let rows = self.rows(include_str!("sql/stream_events.sql"), &[&vec![id], &0_i64]).await?;
        rows.iter().map(load::recorded).collect()
    }

    /// The events that belong to something larger, such as an import: position, kind and id of the stream, in order.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn correlated(&self, id: Uuid) -> Result<Vec<(Position, String, Uuid)>, Fault> {
        let mut found: Vec<(Position, String, Uuid)> = Vec::new();
        loop {
            let after = found.last().map_or(i64::MIN, |(position, ..)| position.0);
            let parameters: [&(dyn ToSql + Sync); 3] = [&id, &after, &CORRELATED_PER_READ];
            let rows = self.rows(include_str!("sql/correlated.sql"), &parameters).await?;
            if rows.is_empty() {
                return Ok(found);
            }
            found.extend(rows.iter().map(|row| (Position(row.get(0)), row.get(1), row.get(2))));
        }
    }

    /// The events after a position, in order, so many at most.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn events_after(&self, after: Position, count_max: i64) -> Result<Vec<Recorded>, Fault> {
        let rows = self.rows(include_str!("sql/events_from.sql"), &[&(after.0 + 1), &count_max]).await?;
        rows.iter().map(load::recorded).collect()
    }

    /// What the events of an importer belong to, each once, in the order of its first event; and what people have imports
    /// taken back by.
    ///
    /// # Errors
    /// When PostgreSQL says no.
    pub async fn import_runs(&self, actor: &str) -> Result<Vec<Uuid>, Fault> {
        let rows = self.rows(include_str!("sql/import_runs.sql"), &[&actor]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// A stream, and its events.
    ///
    /// # Errors
    /// When PostgreSQL says no, or a payload cannot be read.
    pub async fn stream<S: Slice>(&self, id: Uuid) -> Result<(Stream<S>, Vec<Recorded>), Fault> {
        let events = self.stream_events(id).await?;
        let stream =
            Stream::of(id, self.tenant.zone, &events).map_err(|error| Fault::new("reading a stream", error))?;
        Ok((stream, events))
    }

    /// Ends the transaction, so that its connection can be used again.
    pub async fn finish(&self) {
        if let Some(transaction) = self.transaction.get() {
            transaction.end().await;
        }
    }
}

fn head_of(rows: &[Row]) -> Result<Head, Fault> {
    let Some(row) = rows.first() else {
        return Ok(Head { position: Position(0), recorded_at: None, hash: hash::NOTHING, epoch: 1 });
    };
    let hash = row.get::<_, &[u8]>(2).try_into().map_err(|error| Fault::new("reading the head's hash", error))?;
    Ok(Head { position: Position(row.get(0)), recorded_at: Some(row.get(1)), hash, epoch: row.get(3) })
}
