use crate::{envelope::StreamRef, streams::Streams};
use decider::Decider;
use serde::Serialize;
use std::{any::Any, fmt::Debug};
use units::Instant;
use uuid::Uuid;

/// Which of the two ways a slice's events tell their story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clocks {
    /// Events order a story by (effective instant, position); the future is refused.
    Progress,
    /// An event says a value for a range; events fold as they arrived; the future is allowed.
    Schedule,
}

/// A history table of a slice, and the two statements that write it.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name: `deal_history`.
    pub name: &'static str,
    /// Inserts rows: `$1` the tenant, `$2` a JSON array of rows with the names of the columns.
    pub insert: &'static str,
    /// Closes rows in effective time and ends them in recorded time: `$1` the tenant, `$2` a JSON array of
    /// `{id, valid_from, valid_to, closed_at, recorded_to}` in which null leaves a bound as it is.
    pub update: &'static str,
    /// All rows of the tenant as JSON (`$1`), in the names of the columns: what a rebuild compares with.
    pub all: &'static str,
    /// Deletes rows: `$1` the tenant, `$2` a JSON array of `{id, valid_from, recorded_from}`. Only a rebuild does.
    pub delete: &'static str,
}

/// A state of the story from an instant on.
#[derive(Clone, Debug)]
pub struct Chapter<S> {
    /// The first instant at which the state holds.
    pub from: Instant,
    /// The state.
    pub state: S,
}

/// One version of a row over a range of effective time.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment<R> {
    /// Which of the slice's tables it lies in.
    pub table: usize,
    /// The id of the row's thing.
    pub id: Uuid,
    /// The first instant at which it holds.
    pub from: Instant,
    /// The instant from which it no longer holds; `None`: open.
    pub to: Option<Instant>,
    /// The columns of the slice's own.
    pub row: R,
}

/// A decider whose events the log keeps, and whose states it writes down as history rows.
pub trait Slice: Decider {
    /// The name of the slice, its streams and its tables.
    const KIND: &'static str;
    /// How its events tell their story.
    const CLOCKS: Clocks;
    /// Its history tables.
    const TABLES: &'static [Table];
    /// The columns of its history rows.
    type Row: Clone + Debug + PartialEq + Serialize + Send + Sync + 'static;

    /// The other streams that deciding the command needs. It is asked again with what it named loaded, until it names
    /// nothing new.
    fn reads(&self, id: Uuid, command: &Self::Command, effective: Instant, streams: &Streams) -> Vec<StreamRef>;

    /// What the command needs to know of other slices, out of the streams that [`Slice::reads`] named.
    fn facts(&self, id: Uuid, command: &Self::Command, effective: Instant, streams: &Streams) -> Self::Facts;

    /// The history rows of a story: for a progress slice one chapter an effective instant, for a schedule the one state
    /// that all events leave.
    fn segments(id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<Self::Row>>;

    /// Whether what the event says lies over what was already said for later: then a correction's reason is asked for.
    fn overlays(&self, _event: &Self::Event) -> bool {
        false
    }

    /// An event out of a stored payload of any schema version.
    ///
    /// # Errors
    /// When no reader is known for it.
    fn read(_event_type: &str, _schema_version: i32, payload: &[u8]) -> Result<Self::Event, serde_json::Error> {
        serde_json::from_slice(payload)
    }

    /// The state as bytes, for slices whose streams grow long.
    fn snapshot(&self) -> Option<Vec<u8>> {
        None
    }

    /// The state of such bytes; `None` when they are of an older shape, so that the stream is read in full.
    fn restore(_bytes: &[u8]) -> Option<Self> {
        None
    }
}

/// A command of any slice.
pub trait AnyCommand: Any + Debug + Send + Sync {
    /// The command as its own type.
    fn as_any(&self) -> &dyn Any;
    /// What the client asked for, as JSON: part of the request's hash.
    fn input(&self) -> Vec<u8>;
}

impl<C: Any + Debug + Serialize + Send + Sync> AnyCommand for C {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn input(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a command holds nothing that JSON cannot say")
    }
}
