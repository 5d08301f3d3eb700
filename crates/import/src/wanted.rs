//! What the files say should have happened: the wanted story of each thing.

use decider::Decider;
use logbook::{AnyCommand, Slice};
use std::sync::Arc;
use units::{Instant, Position};
use uuid::Uuid;

/// Where in the files something is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Empty for what the mapping says.
    pub(crate) file: Arc<str>,
    pub(crate) line: u64,
}

/// A column of a row, and what it says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) column: String,
    pub(crate) value: String,
}

impl Cell {
    pub(crate) fn new(column: &str, value: &str) -> Self {
        Self { column: column.to_owned(), value: value.to_owned() }
    }
}

/// Which cell a refusal is about.
pub(crate) type CellOf<S> = (fn(&<S as Decider>::Refusal) -> bool, Cell);

/// Which events that the source no longer says are withdrawn.
pub(crate) type Unsaid<S> = Box<dyn Fn(&<S as Decider>::Event) -> bool>;

/// The story of one thing, or of the things of a stream that they share.
pub(crate) struct Story<S: Slice> {
    pub(crate) id: Uuid,
    pub(crate) changes: Vec<Change<S>>,
    /// Whether each change is of a row of its own, so that one is refused without the others.
    pub(crate) shared: bool,
    /// Whether what is said once is never said to begin later, since other things stand on it.
    pub(crate) stood_on: bool,
    pub(crate) unsaid: Unsaid<S>,
    /// Events after which people's word decides what else may be said.
    pub(crate) settles: fn(&S::Event) -> bool,
    pub(crate) cells: Vec<CellOf<S>>,
}

/// One change of a story.
pub(crate) struct Change<S: Decider> {
    pub(crate) effective: Instant,
    pub(crate) command: S::Command,
    pub(crate) how: How<S>,
    pub(crate) place: Place,
    /// What it is read from, first of all.
    pub(crate) cell: Cell,
}

/// Which event says the same kind of thing as a command.
pub(crate) type Like<S> = fn(&<S as Decider>::Event, &<S as Decider>::Command) -> bool;

/// How a change gets into the log.
pub(crate) enum How<S: Decider> {
    /// It is known, or stands in for what the importer said before of the same kind; what people said of that kind stays.
    Like(Like<S>),
    /// The same, and people may have said so too.
    Also(Like<S>),
    /// It is new.
    New,
    /// It stands in for this event.
    InPlaceOf(Position),
}

/// The namespace of all ids that imports make.
fn namespace() -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, b"quarterdeck import")
}

/// The id of a thing: the same whenever the same thing of the same source is imported.
pub(crate) fn thing(source: &str, kind: &str, external_id: &str) -> Uuid {
    Uuid::new_v5(&namespace(), [source, kind, external_id].join("\u{1f}").as_bytes())
}

/// The id of a command: from its source, what it is about, what it says and when. `replaces` and `again` tell apart what
/// is said anew after it was corrected.
pub(crate) fn command(base: Uuid, replaces: Option<i64>, again: usize) -> Uuid {
    match (replaces, again) {
        (None, 0) => base,
        (replaces, again) => Uuid::new_v5(&base, format!("{replaces:?} {again}").as_bytes()),
    }
}

/// The part of a command's id that says what it says.
pub(crate) fn base<S: Slice>(source: &str, id: Uuid, change: &Change<S>) -> Uuid
where
    S::Command: AnyCommand,
{
    let mut bytes = [source.as_bytes(), S::KIND.as_bytes(), id.as_bytes()].join(&0x1f);
    bytes.extend(change.effective.timestamp_micros().to_be_bytes());
    bytes.extend(change.command.input());
    Uuid::new_v5(&namespace(), &bytes)
}
