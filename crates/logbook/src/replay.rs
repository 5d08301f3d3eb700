//! The rows that a log's events make, and their comparison with rows as PostgreSQL shows them. No I/O.

use crate::{
    envelope::{Recorded, StreamRef},
    rebuild::RowKey,
    refusal::Fault,
    registry::Registry,
    rows::{self, Insert, Rows},
    stream::AnyStream,
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use units::{Instant, Position, Zone};

/// A row that the events make.
pub(crate) struct Made {
    /// Which of the registry's tables it lies in.
    pub(crate) table: usize,
    pub(crate) row: Insert,
}

/// Folds events stream by stream, and each stream command by command, as they were appended.
pub(crate) struct Replay<'a> {
    registry: &'a Registry,
    zone: Zone,
    stream: Option<(StreamRef, Box<dyn AnyStream>)>,
    /// The events of one command, until the next begins.
    said: Vec<Recorded>,
    rows: Rows,
    made: Vec<Made>,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(registry: &'a Registry, zone: Zone) -> Self {
        Self { registry, zone, stream: None, said: Vec::new(), rows: Rows::default(), made: Vec::new() }
    }

    /// The next event, by stream and version.
    pub(crate) fn event(&mut self, event: Recorded) -> Result<(), Fault> {
        if self.stream.as_ref().is_none_or(|(stream, _)| stream.id != event.stream_id) {
            self.end_of_stream()?;
            let kind = self.registry.kind_of(&event.stream_kind).ok_or_else(|| {
                Fault::new("folding a stream", format!("\"{}\" is no slice of this program", event.stream_kind))
            })?;
            let id = event.stream_id;
            self.stream = Some((StreamRef { kind, id }, self.registry.empty(kind, id, self.zone)));
        } else if self.said.last().is_some_and(|last| last.command_id != event.command_id) {
            self.end_of_command()?;
        }
        self.said.push(event);
        Ok(())
    }

    /// The stream has no more events: its rows are final.
    pub(crate) fn end_of_stream(&mut self) -> Result<(), Fault> {
        self.end_of_command()?;
        self.stream = None;
        for ((kind, table), rows) in std::mem::take(&mut self.rows).tables {
            let table = self.registry.first_table(kind) + table;
            self.made.extend(rows.inserts.into_iter().map(|row| Made { table, row }));
        }
        Ok(())
    }

    /// The rows of the streams that ended since it was last asked.
    pub(crate) fn made(&mut self) -> Vec<Made> {
        std::mem::take(&mut self.made)
    }

    fn end_of_command(&mut self) -> Result<(), Fault> {
        if let (Some((stream, folded)), Some(last)) = (&mut self.stream, self.said.last()) {
            let changes = folded
                .push(&self.said)
                .map_err(|error| Fault::new("folding a stream", format!("position {}: {error}", last.position)))?;
            self.rows.take(stream.kind, last.position, changes);
            self.said.clear();
        }
        Ok(())
    }
}

/// Sixteen bytes that stand for all values of a row.
pub(crate) type Print = [u8; 16];

/// What a stored row came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// It is as the events say.
    Right,
    /// The events make no such row.
    Extra,
    /// The events make it with other values.
    Different,
}

/// The rows that the events make, as prints; and of these, once the stored rows were met, those that are not right.
#[derive(Default)]
pub(crate) struct Expected {
    rows: HashMap<(usize, RowKey), Row>,
}

struct Row {
    print: Print,
    met: bool,
}

impl Expected {
    pub(crate) fn add(&mut self, made: &[Made]) -> Result<(), Fault> {
        for Made { table, row } in made {
            let json = rows::inserts_as_json([row]);
            let (key, _, print) = read(json.trim_start_matches('[').trim_end_matches(']'))?;
            self.rows.insert((*table, key), Row { print, met: false });
        }
        Ok(())
    }

    /// A stored row. One that is right is expected no longer.
    pub(crate) fn meet(&mut self, table: usize, key: RowKey, print: Print) -> Met {
        match self.rows.get_mut(&(table, key)) {
            None => Met::Extra,
            Some(row) if row.print == print => {
                self.rows.remove(&(table, key));
                Met::Right
            }
            Some(row) => {
                row.met = true;
                Met::Different
            }
        }
    }

    /// The rows of a table that no stored row answered, in order.
    pub(crate) fn unmet(&self, table: usize) -> Vec<RowKey> {
        let of_table = self.rows.iter().filter(|((of, _), row)| *of == table && !row.met);
        let mut keys: Vec<_> = of_table.map(|((_, key), _)| *key).collect();
        keys.sort_unstable();
        keys
    }

    /// Whether the row is still expected: missing or different.
    pub(crate) fn holds(&self, made: &Made) -> bool {
        let Insert { id, valid_from, recorded_from, .. } = made.row;
        self.rows.contains_key(&(made.table, RowKey { id, valid_from, recorded_from }))
    }
}

/// The key of a row in the names of its columns, its valid_from as it is written, and its print; this program or
/// PostgreSQL wrote it. A valid_from that is no instant of ours ('-infinity') keys the row before all instants, where the
/// events make none.
pub(crate) fn read(json: &str) -> Result<(RowKey, String, Print), Fault> {
    let bad = |why: &str| Fault::new("reading a history row", format!("{why}: {json}"));
    let mut value: Value = serde_json::from_str(json).map_err(|error| bad(&error.to_string()))?;
    let columns = value.as_object_mut().ok_or_else(|| bad("not an object"))?;
    columns.retain(|name, value| name != "tenant_id" && !value.is_null());
    let text = |name: &str| columns.get(name).and_then(Value::as_str);
    let recorded_from = columns.get("recorded_from").and_then(Value::as_i64);
    let from = text("valid_from").ok_or_else(|| bad("no valid_from"))?.to_owned();
    let key = RowKey {
        id: text("id").and_then(|id| id.parse().ok()).ok_or_else(|| bad("no id"))?,
        valid_from: instant(&from).unwrap_or(Instant::MIN_UTC),
        recorded_from: recorded_from.map(Position).ok_or_else(|| bad("no recorded_from"))?,
    };
    let mut digest = Sha256::new();
    for (name, value) in columns.iter_mut().filter(|(name, _)| is_instant(name)) {
        if let Some(instant) = value.as_str().and_then(instant) {
            *value = Value::from(instant.timestamp_micros());
        }
        digest.update(format!("{name:?}@"));
    }
    take_in(&value, &mut digest);
    let mut print = Print::default();
    print.copy_from_slice(&digest.finalize()[..16]);
    Ok((key, from, print))
}

/// Whether a history table's column is a timestamptz, which PostgreSQL writes in a form of its own. By their names, since
/// a text may well look like an instant: the bounds, and what ends in _at and is no position.
fn is_instant(column: &str) -> bool {
    ["valid_from", "valid_to"].contains(&column) || (column.ends_with("_at") && column != "closed_at")
}

fn instant(text: &str) -> Option<Instant> {
    DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.with_timezone(&Utc))
}

/// Takes in a value in a form that does not depend on who wrote it: fields by name.
fn take_in(value: &Value, digest: &mut Sha256) {
    match value {
        Value::Array(values) => {
            digest.update("[");
            for value in values {
                take_in(value, digest);
                digest.update(",");
            }
            digest.update("]");
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            digest.update("{");
            for (name, value) in fields {
                digest.update(format!("{name:?}:"));
                take_in(value, digest);
                digest.update(",");
            }
            digest.update("}");
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => digest.update(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = r#"{"id":"00000000-0000-0000-0000-000000000007","valid_from":"2026-01-05T00:00:00+00:00",
        "valid_to":"infinity","recorded_from":1,"closed_at":9223372036854775807,"recorded_to":9223372036854775807,
        "name":"Tilt \"A\"","close_on":"2026-03-31","seen_at":"2026-01-05T00:00:00.500Z","owner_id":null,
        "assumed":["amount"],"split":{"a":1,"b":null}}"#;
    const POSTGRES_IN_BERLIN: &str = r#"{"tenant_id":"00000000-0000-0000-0000-000000000001",
        "id":"00000000-0000-0000-0000-000000000007","valid_from":"2026-01-05T01:00:00+01:00","valid_to":"infinity",
        "recorded_from":1,"closed_at":9223372036854775807,"recorded_to":9223372036854775807,"name":"Tilt \"A\"",
        "owner_id":null,"region":null,"seen_at":"2026-01-05T01:00:00.5+01:00","close_on":"2026-03-31",
        "assumed":["amount"],"split":{"b":null,"a":1}}"#;

    #[test]
    fn a_row_reads_the_same_whoever_wrote_it() {
        let ((key, _, print), (as_stored, from, as_stored_print)) =
            (read(OURS).unwrap(), read(POSTGRES_IN_BERLIN).unwrap());
        assert_eq!((key, print), (as_stored, as_stored_print));
        assert_eq!(from, "2026-01-05T01:00:00+01:00", "as PostgreSQL will know it again");
    }

    #[test]
    fn a_text_that_looks_like_an_instant_is_a_text() {
        let named = |name: &str| read(&OURS.replace(r#"Tilt \"A\""#, name)).unwrap().2;
        assert_ne!(named("2026-01-05T00:00:00Z"), named("2026-01-05T01:00:00+01:00"));
        let listed = |word: &str| read(&OURS.replace(r#"["amount"]"#, &format!("[{word:?}]"))).unwrap().2;
        assert_ne!(listed("2026-01-05T00:00:00Z"), listed("2026-01-05T00:00:00.000Z"));
    }

    #[test]
    fn every_value_of_a_row_shows() {
        let right = read(OURS).unwrap();
        for (was, is) in [
            (r#""close_on":"2026-03-31""#, r#""close_on":"2026-04-01""#),
            (r#""owner_id":null"#, r#""owner_id":"x""#),
            ("00.500Z", "00.501Z"),
            (r#""closed_at":9223372036854775807"#, r#""closed_at":3"#),
            (r#"["amount"]"#, r#"["amount","owner"]"#),
            (r#"["amount"]"#, "[]"),
            (r#""a":1"#, r#""a":2"#),
        ] {
            let (key, _, print) = read(&OURS.replace(was, is)).unwrap();
            assert_eq!(key, right.0, "{is}");
            assert_ne!(print, right.2, "{is}");
        }
        let endless = read(&OURS.replace("2026-01-05T00:00:00+00:00", "-infinity")).unwrap();
        assert_eq!((endless.0.valid_from, endless.1.as_str()), (Instant::MIN_UTC, "-infinity"));
    }
}
