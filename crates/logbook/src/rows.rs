//! The rows of history tables that a batch writes: at most one insert and one update a row.

use crate::{
    stream::JsonChange,
    timeline::{RowChange, What},
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use units::{Instant, Position};
use uuid::Uuid;

/// A table of a slice: the slice's kind and the table's index.
pub(crate) type TableKey = (&'static str, usize);

/// The two statements' worth of rows for one table.
#[derive(Default)]
pub(crate) struct TableRows {
    pub(crate) inserts: Vec<Insert>,
    pub(crate) updates: Vec<Update>,
    standing: HashMap<(Uuid, Instant), usize>,
    touched: HashMap<(Uuid, Instant), usize>,
}

pub(crate) struct Insert {
    pub(crate) id: Uuid,
    pub(crate) valid_from: Instant,
    pub(crate) valid_to: Option<Instant>,
    pub(crate) recorded_from: Position,
    pub(crate) closed_at: Position,
    pub(crate) recorded_to: Position,
    pub(crate) row: Box<RawValue>,
}

/// What happens to a row that stood before the batch.
#[derive(Serialize)]
pub(crate) struct Update {
    id: Uuid,
    valid_from: Instant,
    valid_to: Option<Instant>,
    closed_at: Option<Position>,
    recorded_to: Option<Position>,
}

/// The rows of a batch, by table.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) tables: BTreeMap<TableKey, TableRows>,
}

impl Rows {
    /// Takes in what one command changes.
    pub(crate) fn take(&mut self, kind: &'static str, position: Position, changes: Vec<JsonChange>) {
        for change in changes {
            self.tables.entry((kind, change.table)).or_default().take(position, change);
        }
    }
}

impl TableRows {
    fn take(&mut self, position: Position, change: JsonChange) {
        let RowChange { id, from, what, .. } = change;
        match what {
            What::Stand { to, row } => {
                self.standing.insert((id, from), self.inserts.len());
                let closed_at = to.map_or(Position::OPEN, |_| position);
                let (recorded_from, recorded_to) = (position, Position::OPEN);
                self.inserts.push(Insert {
                    id,
                    valid_from: from,
                    valid_to: to,
                    recorded_from,
                    closed_at,
                    recorded_to,
                    row,
                });
            }
            What::Close { to } => match self.standing.get(&(id, from)) {
                Some(index) => {
                    let insert = &mut self.inserts[*index];
                    (insert.valid_to, insert.closed_at) = (Some(to), position);
                }
                None => {
                    let update = self.update(id, from);
                    (update.valid_to, update.closed_at) = (Some(to), Some(position));
                }
            },
            What::End => match self.standing.remove(&(id, from)) {
                Some(index) => self.inserts[index].recorded_to = position,
                None => self.update(id, from).recorded_to = Some(position),
            },
        }
    }

    fn update(&mut self, id: Uuid, valid_from: Instant) -> &mut Update {
        let index = *self.touched.entry((id, valid_from)).or_insert_with(|| {
            self.updates.push(Update { id, valid_from, valid_to: None, closed_at: None, recorded_to: None });
            self.updates.len() - 1
        });
        &mut self.updates[index]
    }
}

/// The rows to insert as a JSON array, in the names of the columns.
pub(crate) fn inserts_as_json<'a>(inserts: impl IntoIterator<Item = &'a Insert>) -> String {
    let mut json = String::new();
    for insert in inserts {
        json.push(if json.is_empty() { '[' } else { ',' });
        let Insert { id, valid_from, valid_to, recorded_from, closed_at, recorded_to, row } = insert;
        let (from, to) = (valid_from.to_rfc3339(), bound(*valid_to));
        let own = row.get().strip_prefix('{').expect("a history row is an object of at least one column");
        json.push_str(&format!(
            r#"{{"id":"{id}","valid_from":"{from}","valid_to":"{to}","recorded_from":{recorded_from},"closed_at":{closed_at},"recorded_to":{recorded_to},{own}"#
        ));
    }
    if json.is_empty() {
        json.push('[');
    }
    json.push(']');
    json
}

/// An instant, or the end of time.
pub(crate) fn bound(to: Option<Instant>) -> String {
    to.map_or_else(|| "infinity".to_owned(), |to| to.to_rfc3339())
}
