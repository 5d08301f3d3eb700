//! The rows of a schedule: one for each stretch of time over which nothing changes.

use logbook::Segment;
use units::Instant;
use uuid::Uuid;

/// The segments of one thing: its row at each instant at which it changes, until the next.
pub(crate) fn segments<R>(
    table: usize,
    id: Uuid,
    instants: Vec<Instant>,
    row_at: impl Fn(Instant) -> Option<R>,
) -> Vec<Segment<R>> {
    let ends: Vec<_> = instants.iter().skip(1).copied().map(Some).chain([None]).collect();
    let stretches = instants.into_iter().zip(ends);
    stretches.filter_map(|(from, to)| row_at(from).map(|row| Segment { table, id, from, to, row })).collect()
}

/// A history table of a slice, out of the files of its folder.
macro_rules! table {
    ($name:literal, $files:literal) => {
        logbook::Table {
            name: concat!($name, "_history"),
            insert: include_str!(concat!("sql/", $files, "_insert.sql")),
            update: include_str!(concat!("sql/", $files, "_update.sql")),
            all: include_str!(concat!("sql/", $files, "_all.sql")),
            delete: include_str!(concat!("sql/", $files, "_delete.sql")),
        }
    };
}
pub(crate) use table;
