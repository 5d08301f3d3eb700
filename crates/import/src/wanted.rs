//! What the files say should have happened: the wanted story of each thing.

use decider::Decider;
use logbook::{AnyCommand, Slice};
use units::Instant;
use uuid::Uuid;

/// Where in the files something is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u64,
}

/// The story of one thing.
pub(crate) struct Story<S: Slice> {
    pub(crate) id: Uuid,
    pub(crate) changes: Vec<Change<S>>,
    pub(crate) place: Place,
}

/// One change of a story.
pub(crate) struct Change<S: Decider> {
    pub(crate) effective: Instant,
    pub(crate) command: S::Command,
    /// Whether an event says the same kind of thing, so that this change may replace it.
    pub(crate) like: fn(&S::Event, &S::Command) -> bool,
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
