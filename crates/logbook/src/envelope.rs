use serde::{Deserialize, Serialize};
use units::{Instant, Position};
use uuid::Uuid;

/// A stream: one thing of one slice, and the events that happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamRef {
    /// The slice's name: `deal`.
    pub kind: &'static str,
    /// The id of the thing.
    pub id: Uuid,
}

/// Where a command came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Through the API.
    Api,
    /// Out of the files of another system.
    Import,
    /// A rule of ours answered an event.
    Rule,
    /// Made up: a demonstration's driven clock.
    Simulated,
}

impl Source {
    /// The word that the log stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Api => "api",
            Source::Import => "import",
            Source::Rule => "rule",
            Source::Simulated => "simulated",
        }
    }

    /// The source of a stored word.
    pub fn from_stored(word: &str) -> Option<Self> {
        [Source::Api, Source::Import, Source::Rule, Source::Simulated].into_iter().find(|known| known.as_str() == word)
    }
}

/// Who asks, and why: the part of the envelope that a command brings along.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// Who did it.
    pub actor: String,
    /// For whom, when not for themselves.
    pub on_behalf_of: Option<String>,
    /// Where the command came from.
    pub source: Source,
    /// Why, in the words of whoever asked.
    pub reason: Option<String>,
    /// What it belongs to: an import's id; the command's own id when left out.
    pub correlation_id: Option<Uuid>,
    /// The command or event that caused it.
    pub causation_id: Option<Uuid>,
    /// When the system it was imported from took it down.
    pub source_recorded_at: Option<Instant>,
}

/// An event as the log holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its place in the tenant's log.
    pub position: Position,
    /// The slice of its stream.
    pub stream_kind: String,
    /// The thing it happened to.
    pub stream_id: Uuid,
    /// Its place in its stream, from 1.
    pub stream_version: i64,
    /// Its type: `deal.stage_changed`.
    pub event_type: String,
    /// The version of the payload's shape.
    pub schema_version: i32,
    /// When it was true in the world.
    pub effective_at: Instant,
    /// When the log took it down: one instant for all events of a command.
    pub recorded_at: Instant,
    /// The first position of the command that it stands in for.
    pub replaces: Option<Position>,
    /// The command that said it.
    pub command_id: Uuid,
    /// Who said it, and why.
    pub context: Context,
    /// What serde_json wrote, stored and hashed as it is.
    pub payload: Vec<u8>,
    /// Personal text under a key of its own; none yet.
    pub sealed: Option<Vec<u8>>,
    /// The key of `sealed`.
    pub sealed_key_id: Option<Uuid>,
    /// The hash of all of the above.
    pub leaf: [u8; 32],
}

/// The event type by which any slice's event is withdrawn.
pub const WITHDRAWN: &str = "withdrawn";

/// The payload of [`WITHDRAWN`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Always `withdrawn`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// A position of the command whose events no longer stand.
    pub event: Position,
}
