use crate::{
    envelope::{Context, StreamRef},
    slice::AnyCommand,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use units::{Instant, Position};
use uuid::Uuid;

/// A command put to the log.
#[derive(Debug)]
pub struct Submission {
    /// Chosen by the client: the same id and request are answered alike, and taken down once.
    pub command_id: Uuid,
    /// The stream it is put to.
    pub stream: StreamRef,
    /// Whether the stream's id was made for this command, so that it is no part of what the client asked for.
    pub fresh: bool,
    /// What is asked.
    pub verb: Verb,
    /// The version that the client saw last; `None`: any.
    pub expected_version: Option<i64>,
    /// When it is true in the world; `None`: when that is true which it replaces, or else when it is recorded.
    pub effective_at: Option<Instant>,
    /// That it corrects what the log holds.
    pub correction: Option<Correction>,
    /// Who asks, and why.
    pub context: Context,
    /// A driven clock: taken by a log that began as simulated, and by no other.
    pub recorded_at: Option<Instant>,
}

/// What a command asks for.
#[derive(Debug)]
pub enum Verb {
    /// A command of the stream's slice.
    Do(Box<dyn AnyCommand>),
    /// That the event at this position, and those of the same command, no longer stand.
    Withdraw(Position),
}

/// How a command corrects what the log holds. Its reason stands in the context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// The event that it stands in for; `None`: it was forgotten.
    pub replaces: Option<Position>,
}

impl Submission {
    /// The hash of the caller and of what the caller asked for; nothing that was looked up is part of it.
    pub(crate) fn request_hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(self.context.actor.as_bytes());
        part(self.context.on_behalf_of.as_deref().unwrap_or_default().as_bytes());
        part(self.context.reason.as_deref().unwrap_or_default().as_bytes());
        part(self.stream.kind.as_bytes());
        part(if self.fresh { &[] } else { self.stream.id.as_bytes() });
        part(&self.expected_version.map_or_else(Vec::new, |version| version.to_be_bytes().to_vec()));
        part(&self.effective_at.map_or_else(Vec::new, |at| at.timestamp_micros().to_be_bytes().to_vec()));
        part(&match self.correction {
            None => vec![],
            Some(Correction { replaces: None }) => vec![1],
            Some(Correction { replaces: Some(position) }) => position.0.to_be_bytes().to_vec(),
        });
        match &self.verb {
            Verb::Do(command) => part(&(**command).input()),
            Verb::Withdraw(position) => part(&position.0.to_be_bytes()),
        }
        hash.finalize().into()
    }
}

/// A submission as the stream decides on it.
pub(crate) struct Order<'a> {
    pub(crate) verb: &'a Verb,
    pub(crate) effective: Instant,
    pub(crate) recorded: Instant,
    pub(crate) replaces: Option<Position>,
    pub(crate) corrects: bool,
    /// Whether it may withdraw what was replaced: of an import that is taken back, nothing may stand again.
    pub(crate) beneath: bool,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The id of the stream.
    pub stream_id: Uuid,
    /// The stream's version after it.
    pub version: i64,
    /// The position of its first event; `None`: it changed nothing.
    pub first: Option<Position>,
    /// The position of its last event, or of the head it was decided on when it changed nothing.
    pub last: Position,
    /// Whether the answer was given before, to the same command.
    #[serde(skip)]
    pub replayed: bool,
}
