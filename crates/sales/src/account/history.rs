//! How an account becomes rows, and what it reads of others.

use super::decide::{Account, Command, Event, Facts};
use crate::{facts, schedule};
use logbook::{Chapter, Clocks, Segment, Slice, StreamRef, Streams, Table};
use serde::{Deserialize, Serialize};
use units::Instant;
use uuid::Uuid;

/// The columns of `account_history` beyond its bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// active or closed.
    pub status: String,
    /// Its name.
    pub name: String,
    /// Its name in lower case, for finding by prefix.
    pub name_folded: String,
    /// The account that it belongs to.
    pub parent_id: Option<Uuid>,
    /// What it does.
    pub sector: Option<String>,
    /// Its id in the system it came from.
    pub external_id: Option<String>,
}

impl Row {
    fn at(account: &Account, instant: Instant) -> Option<Self> {
        let name = account.name.at(instant)?;
        let status = if account.active_at(instant) { "active" } else { "closed" };
        Some(Self {
            status: status.to_owned(),
            name: name.as_str().to_owned(),
            name_folded: name.folded(),
            parent_id: account.parent_at(instant).map(|parent| parent.0),
            sector: account.sector.at(instant).map(|sector| sector.as_str().to_owned()),
            external_id: account.external_id.clone().map(String::from),
        })
    }
}

impl Slice for Account {
    const KIND: &'static str = "account";
    const CLOCKS: Clocks = Clocks::Schedule;
    const TABLES: &'static [Table] = &[schedule::table!("account", "history")];
    type Row = Row;

    fn reads(&self, _id: Uuid, command: &Command, effective: Instant, streams: &Streams) -> Vec<StreamRef> {
        facts::account_reads(command, effective, streams)
    }

    fn facts(&self, id: Uuid, command: &Command, effective: Instant, streams: &Streams) -> Facts {
        facts::account(id, command, effective, streams)
    }

    fn segments(id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<Row>> {
        let Some(Chapter { state, .. }) = story.last() else { return vec![] };
        schedule::segments(0, id, state.instants(), |instant| Row::at(state, instant))
    }

    fn overlays(&self, event: &Event) -> bool {
        Account::overlays(self, event)
    }
}
