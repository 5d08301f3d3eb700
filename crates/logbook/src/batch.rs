//! A batch of commands, decided in memory in the order of their arrival. No I/O: what it needs is loaded into it, and
//! what it made is taken out of it.

use crate::{
    envelope::{Context, Recorded, Source, StreamRef},
    hash::{self, Hash},
    refusal::Rejection,
    registry::Registry,
    rows::Rows,
    stream::Decision,
    streams::Streams,
    submission::{Order, Receipt, Submission, Verb},
};
use chrono::TimeDelta;
use std::collections::HashMap;
use units::{Instant, Position, TenantId, Zone, truncated};
use uuid::Uuid;

/// Where a tenant's log ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The position of the last event; 0 for an empty log.
    pub position: Position,
    /// When the last event was recorded; `None` for an empty log.
    pub recorded_at: Option<Instant>,
    /// The hash of the last batch.
    pub hash: Hash,
    /// Counts the times that the log was taken up anew after a restore.
    pub epoch: i64,
}

/// A command that was answered before.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) request_hash: [u8; 32],
    pub(crate) receipt: Receipt,
}

/// A command's row in the log.
pub(crate) struct CommandRow {
    pub(crate) command_id: Uuid,
    pub(crate) request_hash: [u8; 32],
    pub(crate) receipt: Receipt,
    pub(crate) recorded_at: Instant,
}

/// What the batch says to a submission.
pub(crate) enum Turn {
    /// These streams must be loaded first.
    Needs(Vec<StreamRef>),
    /// It is decided.
    Done(Result<Receipt, Rejection>),
}

/// Commands under way.
pub(crate) struct Batch<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) zone: Zone,
    pub(crate) registry: &'a Registry,
    pub(crate) head: Head,
    /// Whether the log is empty or began as simulated.
    pub(crate) simulated: bool,
    pub(crate) streams: Streams,
    pub(crate) answered: HashMap<Uuid, Answered>,
    pub(crate) events: Vec<Recorded>,
    pub(crate) commands: Vec<CommandRow>,
    pub(crate) rows: Rows,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(tenant: TenantId, zone: Zone, registry: &'a Registry, head: Head, simulated: bool) -> Self {
        Self {
            tenant,
            zone,
            registry,
            head,
            simulated,
            streams: Streams::default(),
            answered: HashMap::new(),
            events: Vec::new(),
            commands: Vec::new(),
            rows: Rows::default(),
        }
    }

    /// The streams that a submission, recorded at an instant, needs and that are not loaded.
    pub(crate) fn wants(&self, submission: &Submission, recorded: Instant) -> Vec<StreamRef> {
        let Some(target) = self.streams.get(&submission.stream) else { return vec![submission.stream] };
        let Verb::Do(command) = &submission.verb else { return vec![] };
        let replaces = submission.correction.and_then(|correction| correction.replaces);
        let mut wanted = target.reads(&**command, self.effective(submission, recorded), replaces, &self.streams);
        wanted.retain(|stream| !self.streams.holds(stream));
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// Decides a submission; an accepted one is seen by those after it.
    pub(crate) fn turn(&mut self, submission: &Submission, clock: Instant) -> Turn {
        let request_hash = submission.request_hash();
        if let Some(answered) = self.answered.get(&submission.command_id) {
            let same = answered.request_hash == request_hash;
            let receipt = Receipt { replayed: true, ..answered.receipt.clone() };
            return Turn::Done(if same { Ok(receipt) } else { Err(Rejection::CommandIdReused) });
        }
        let recorded = match submission.recorded_at {
            Some(_) if !self.simulated || submission.context.source != Source::Simulated => {
                return Turn::Done(Err(Rejection::NotSimulated));
            }
            driven => self.next_instant(driven.unwrap_or(clock)),
        };
        if let Some(effective) = submission.effective_at.filter(|effective| !units::in_calendar(*effective)) {
            return Turn::Done(Err(Rejection::OutOfYears { effective }));
        }
        let wanted = self.wants(submission, recorded);
        if !wanted.is_empty() {
            return Turn::Needs(wanted);
        }
        let effective = self.effective(submission, recorded);
        Turn::Done(self.decide(submission, effective, recorded).map(|decision| {
            let receipt = self.record(submission, decision, recorded);
            self.answered.insert(submission.command_id, Answered { request_hash, receipt: receipt.clone() });
            let row = CommandRow { command_id: submission.command_id, request_hash, receipt, recorded_at: recorded };
            let receipt = row.receipt.clone();
            self.commands.push(row);
            receipt
        }))
    }

    /// Drops the events, commands and rows that it made, and keeps the states they left.
    pub(crate) fn forget_what_would_be_written(&mut self) {
        self.events.clear();
        self.commands.clear();
        self.rows = Rows::default();
    }

    /// Strictly after the last recorded instant, whatever the clock says.
    fn next_instant(&self, clock: Instant) -> Instant {
        let clock = truncated(clock);
        self.head.recorded_at.map_or(clock, |last| clock.max(last + TimeDelta::microseconds(1)))
    }

    /// When a submission is true in the world: as it says; else when that is true which it stands in for; else now.
    fn effective(&self, submission: &Submission, recorded: Instant) -> Instant {
        let replaced = || {
            let position = submission.correction?.replaces?;
            self.streams.get(&submission.stream)?.effective_of(position)
        };
        submission.effective_at.map(truncated).or_else(replaced).unwrap_or(recorded)
    }

    fn decide(&self, submission: &Submission, effective: Instant, recorded: Instant) -> Result<Decision, Rejection> {
        let target = self.streams.get(&submission.stream).expect("the target was loaded before its turn");
        let actual = target.version();
        match submission.expected_version {
            Some(expected) if expected != actual => return Err(Rejection::Conflict { expected, actual }),
            _ => {}
        }
        let order = Order {
            verb: &submission.verb,
            effective,
            recorded,
            replaces: submission.correction.and_then(|correction| correction.replaces),
            corrects: submission.correction.is_some() || submission.context.source == Source::Import,
            beneath: submission.context.source == Source::Import,
        };
        target.decide(&order, &self.streams)
    }

    fn record(&mut self, submission: &Submission, decision: Decision, recorded: Instant) -> Receipt {
        let stream = self.streams.get_mut(&submission.stream).expect("the target was loaded before its turn");
        let first = Position(self.head.position.0 + 1);
        let source_recorded_at = submission.context.source_recorded_at.map(truncated);
        let context = Context { source_recorded_at, ..submission.context.clone() };
        let mut events = Vec::with_capacity(decision.said.len());
        for (position, said) in (first.0..).zip(decision.said) {
            let mut event = Recorded {
                position: Position(position),
                stream_kind: submission.stream.kind.to_owned(),
                stream_id: submission.stream.id,
                stream_version: stream.version() + position - first.0 + 1,
                event_type: said.event_type,
                schema_version: said.schema_version,
                effective_at: decision.effective,
                recorded_at: recorded,
                replaces: decision.replaces,
                command_id: submission.command_id,
                context: context.clone(),
                payload: said.payload,
                sealed: None,
                sealed_key_id: None,
                leaf: hash::NOTHING,
            };
            event.leaf = hash::leaf(self.tenant, &event);
            events.push(event);
        }
        let Some(last) = events.last() else {
            let (stream_id, version) = (submission.stream.id, stream.version());
            return Receipt { stream_id, version, first: None, last: self.head.position, replayed: false };
        };
        let (last, version) = (last.position, last.stream_version);
        let changes = stream.push(&events).expect("what was just written can be read");
        self.rows.take(submission.stream.kind, last, changes);
        if first == Position(1) {
            self.simulated = submission.context.source == Source::Simulated;
        }
        self.head.position = last;
        self.head.recorded_at = Some(recorded);
        self.events.append(&mut events);
        Receipt { stream_id: submission.stream.id, version, first: Some(first), last, replayed: false }
    }
}
