//! Stored events into streams.

use crate::{
    batch::Batch,
    envelope::{Context, Recorded, Source, StreamRef},
    refusal::Fault,
    submission::{Submission, Verb},
    tenant_tx::TenantTx,
};
use tokio_postgres::{Row, types::FromSql};
use units::{Position, TenantId};

/// The events of streams after a version, by stream and version.
pub(crate) async fn events(
    transaction: &TenantTx,
    tenant: TenantId,
    streams: &[StreamRef],
    after: i64,
) -> Result<Vec<Recorded>, Fault> {
    if streams.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = streams.iter().map(|stream| stream.id).collect();
    let rows = transaction.query(include_str!("sql/stream_events.sql"), &[&tenant.0, &ids, &after]).await?;
    rows.iter().map(recorded).collect()
}

/// Puts streams and their events into the batch; a stream without events is an empty one.
pub(crate) fn fill(batch: &mut Batch<'_>, streams: &[StreamRef], events: &[Recorded]) -> Result<(), Fault> {
    for stream in streams {
        let from = events.partition_point(|event| event.stream_id < stream.id);
        let upto = events.partition_point(|event| event.stream_id <= stream.id);
        let mut loaded = batch.registry.empty(stream.kind, stream.id, batch.zone);
        let own = &events[from..upto];
        if own.first().is_none_or(|event| event.stream_kind == stream.kind) {
            loaded.take(own).map_err(|error| Fault::new("reading a stream", error))?;
        }
        batch.streams.put(*stream, loaded);
    }
    Ok(())
}

/// Loads the streams that the batch does not hold yet.
pub(crate) async fn streams(
    transaction: &TenantTx,
    batch: &mut Batch<'_>,
    wanted: &[StreamRef],
    submissions: &[Submission],
) -> Result<(), Fault> {
    let missing: Vec<_> = wanted.iter().filter(|stream| !batch.streams.holds(stream)).copied().collect();
    let (long, plain): (Vec<_>, Vec<_>) =
        missing.into_iter().partition(|stream| batch.registry.entry(stream.kind).snapshots);
    let found = events(transaction, batch.tenant, &plain, 0).await?;
    fill(batch, &plain, &found)?;
    for stream in long {
        let corrected = submissions.iter().any(|submission| {
            let corrects = submission.correction.is_some() || matches!(submission.verb, Verb::Withdraw(_));
            submission.stream == stream && corrects
        });
        if corrected || !from_snapshot(transaction, batch, stream).await? {
            let found = events(transaction, batch.tenant, &[stream], 0).await?;
            fill(batch, &[stream], &found)?;
        }
    }
    Ok(())
}

/// Loads a stream upon its last snapshot; false when there is none, or when what came after reaches behind it.
async fn from_snapshot(transaction: &TenantTx, batch: &mut Batch<'_>, stream: StreamRef) -> Result<bool, Fault> {
    let sql = include_str!("sql/last_snapshot.sql");
    let rows = transaction.query(sql, &[&batch.tenant.0, &stream.id]).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    let version: i64 = row.get(0);
    let mut loaded = batch.registry.empty(stream.kind, stream.id, batch.zone);
    if !loaded.restore(version, Position(row.get(1)), row.get(2)) {
        return Ok(false);
    }
    let tail = events(transaction, batch.tenant, &[stream], version).await?;
    loaded.take(&tail).map_err(|error| Fault::new("reading a stream", error))?;
    let whole = !loaded.reaches_behind();
    if whole {
        batch.streams.put(stream, loaded);
    }
    Ok(whole)
}

/// A stored row of `event`.
pub(crate) fn recorded(row: &Row) -> Result<Recorded, Fault> {
    let source: &str = column(row, "source")?;
    let leaf: &[u8] = column(row, "leaf")?;
    Ok(Recorded {
        position: Position(column(row, "position")?),
        stream_kind: column(row, "stream_kind")?,
        stream_id: column(row, "stream_id")?,
        stream_version: column(row, "stream_version")?,
        event_type: column(row, "type")?,
        schema_version: column(row, "schema_version")?,
        effective_at: column(row, "effective_at")?,
        recorded_at: column(row, "recorded_at")?,
        replaces: column::<Option<i64>>(row, "replaces")?.map(Position),
        command_id: column(row, "command_id")?,
        context: Context {
            actor: column(row, "actor")?,
            on_behalf_of: column(row, "on_behalf_of")?,
            source: Source::from_stored(source)
                .ok_or_else(|| Fault::new("reading an event", format!("\"{source}\" is no source")))?,
            reason: column(row, "reason")?,
            correlation_id: column(row, "correlation_id")?,
            causation_id: column(row, "causation_id")?,
            source_recorded_at: column(row, "source_recorded_at")?,
        },
        payload: column(row, "payload")?,
        sealed: column(row, "sealed")?,
        sealed_key_id: column(row, "sealed_key_id")?,
        leaf: leaf.try_into().map_err(|error| Fault::new("reading an event's hash", error))?,
    })
}

/// A column of a stored row. What the log would never have written there (an instant without end) is a fault.
pub(crate) fn column<'a, T: FromSql<'a>>(row: &'a Row, name: &str) -> Result<T, Fault> {
    row.try_get(name).map_err(|error| Fault::new("reading a stored row", error))
}
