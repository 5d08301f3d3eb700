//! How the reporting lines become rows, one thing a person, and what they read of others.

use super::decide::{Command, Event, Facts, Reporting};
use crate::{facts, schedule, span::Span};
use logbook::{Chapter, Clocks, Segment, Slice, StreamRef, Streams, Table};
use serde::{Deserialize, Serialize};
use units::Instant;
use uuid::Uuid;

/// The columns of `reporting_history` beyond its bounds; a row's id is the person's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Whom the person reports to.
    pub manager_id: Uuid,
}

impl Slice for Reporting {
    const KIND: &'static str = "reporting";
    const CLOCKS: Clocks = Clocks::Schedule;
    const TABLES: &'static [Table] = &[schedule::table!("reporting", "history")];
    type Row = Row;

    fn reads(&self, _id: Uuid, command: &Command, _effective: Instant, _streams: &Streams) -> Vec<StreamRef> {
        facts::reporting_reads(command)
    }

    fn facts(&self, _id: Uuid, command: &Command, effective: Instant, streams: &Streams) -> Facts {
        facts::reporting(command, effective, streams)
    }

    fn segments(_id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<Row>> {
        let Some(Chapter { state, .. }) = story.last() else { return vec![] };
        let always = Span::new(Instant::MIN_UTC, None);
        let rows = state.lines().flat_map(|(person, line)| {
            always.pieces(line).map(move |(span, manager)| Segment {
                table: 0,
                id: person.0,
                from: span.from,
                to: span.to,
                row: Row { manager_id: manager.0 },
            })
        });
        rows.collect()
    }

    fn overlays(&self, event: &Event) -> bool {
        Reporting::overlays(self, event)
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    fn restore(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
