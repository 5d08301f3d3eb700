//! A log and its tables in memory: batches are decided by the engine, and applied as the statements of `append` do.

use super::toys::TOYS;
use crate::{
    batch::{Answered, Batch, Head, Turn},
    envelope::{Context, Recorded, Source, StreamRef},
    hash,
    refusal::Rejection,
    rows::{self, Rows},
    slice::AnyCommand,
    submission::{Correction, Receipt, Submission, Verb},
    verify::Sealed,
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use units::{Instant, Position, TenantId, Zone};
use uuid::Uuid;

pub(crate) const TENANT: TenantId = TenantId(Uuid::from_u128(1));
pub(crate) const OPEN: i64 = i64::MAX;

/// A row of a history table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) id: Uuid,
    pub(crate) valid_from: Instant,
    /// `None`: infinity.
    pub(crate) valid_to: Option<Instant>,
    pub(crate) recorded_from: i64,
    pub(crate) closed_at: i64,
    pub(crate) recorded_to: i64,
    pub(crate) row: Map<String, Value>,
}

impl Stored {
    /// The predicate of the two clocks, as design.md writes it.
    pub(crate) fn visible(&self, effective: Instant, known: i64) -> bool {
        self.valid_from <= effective
            && self.recorded_from <= known
            && known < self.recorded_to
            && (self.valid_to.is_none_or(|to| effective < to) || known < self.closed_at)
    }

    fn key(&self) -> (Uuid, Instant, i64) {
        (self.id, self.valid_from, self.recorded_from)
    }

    pub(crate) fn of_json(json: Value) -> Self {
        let Value::Object(mut row) = json else { panic!("{json} is no row") };
        let mut take = |name: &str| row.remove(name).unwrap_or_else(|| panic!("a row without {name}"));
        let position = |value: Value| value.as_i64().expect("a position");
        Self {
            id: take("id").as_str().expect("an id").parse().expect("an id"),
            valid_from: instant(&take("valid_from")).expect("an instant"),
            valid_to: instant(&take("valid_to")),
            recorded_from: position(take("recorded_from")),
            closed_at: position(take("closed_at")),
            recorded_to: position(take("recorded_to")),
            row,
        }
    }
}

fn instant(value: &Value) -> Option<Instant> {
    let text = value.as_str().expect("an instant is a text");
    (text != "infinity").then(|| text.parse().expect("an instant"))
}

/// The history tables, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tables(pub(crate) BTreeMap<&'static str, Vec<Stored>>);

impl Tables {
    /// What `append` does with a batch's rows: a table's updates, then its inserts, under the table's keys and checks.
    pub(crate) fn apply(&mut self, rows: &Rows) {
        for ((kind, table), rows) in &rows.tables {
            let stored = self.0.entry(TOYS.entry(kind).tables[*table].name).or_default();
            for update in &rows.updates {
                let change = serde_json::to_value(update).expect("an update is JSON");
                let id: Uuid = change["id"].as_str().expect("an id").parse().expect("an id");
                let from = instant(&change["valid_from"]).expect("an instant");
                let found =
                    stored.iter_mut().filter(|row| (row.id, row.valid_from, row.recorded_to) == (id, from, OPEN));
                let [row] = &mut found.collect::<Vec<_>>()[..] else { panic!("{change} touches not one row") };
                if !change["valid_to"].is_null() {
                    row.valid_to = instant(&change["valid_to"]);
                }
                row.closed_at = change["closed_at"].as_i64().unwrap_or(row.closed_at);
                row.recorded_to = change["recorded_to"].as_i64().unwrap_or(row.recorded_to);
            }
            let json: Value = serde_json::from_str(&rows::inserts_as_json(&rows.inserts)).expect("JSON");
            let Value::Array(inserts) = json else { panic!("the rows to insert are no array") };
            stored.extend(inserts.into_iter().map(Stored::of_json));
            stored.sort_by_key(Stored::key);
            check(stored);
        }
    }
}

/// The primary key, the unique index over standing rows, and the checks of a history table.
fn check(stored: &[Stored]) {
    for row in stored {
        assert!(row.valid_to.is_none_or(|to| row.valid_from < to), "an empty range: {row:?}");
        assert!(row.recorded_from < row.recorded_to, "known for no time: {row:?}");
        assert!(row.recorded_from <= row.closed_at, "closed before it was known: {row:?}");
        assert_eq!(row.valid_to.is_none(), row.closed_at == OPEN, "{row:?}");
    }
    for pair in stored.windows(2) {
        assert_ne!(pair[0].key(), pair[1].key(), "two rows of one key");
    }
    let standing: Vec<_> = stored.iter().filter(|row| row.recorded_to == OPEN).collect();
    for pair in standing.windows(2) {
        assert_ne!((pair[0].id, pair[0].valid_from), (pair[1].id, pair[1].valid_from), "two rows stand at one instant");
    }
}

/// The version and the position that it was taken at, and the state.
type Snapshot = (i64, Position, Vec<u8>);

/// A tenant's log in memory.
pub(crate) struct Bench {
    pub(crate) events: Vec<Recorded>,
    pub(crate) sealed: Vec<Sealed>,
    pub(crate) head: Head,
    pub(crate) tables: Tables,
    answered: HashMap<Uuid, Answered>,
    /// Long streams are loaded upon these, when there are any.
    snapshots: Option<HashMap<StreamRef, Snapshot>>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            events: Vec::new(),
            sealed: Vec::new(),
            head: Head { position: Position(0), recorded_at: None, hash: hash::NOTHING, epoch: 1 },
            tables: Tables::default(),
            answered: HashMap::new(),
            snapshots: None,
        }
    }

    pub(crate) fn with_snapshots() -> Self {
        Self { snapshots: Some(HashMap::new()), ..Self::new() }
    }

    pub(crate) fn open(&self) -> Batch<'static> {
        let simulated = self.events.first().is_none_or(|event| event.context.source == Source::Simulated);
        let mut batch = Batch::new(TENANT, Zone::UTC, &TOYS, self.head.clone(), simulated);
        batch.answered = self.answered.clone();
        batch
    }

    /// Puts a submission to a batch. `corrects`: some submission of the batch corrects, so that streams are read in full.
    pub(crate) fn put(
        &self,
        batch: &mut Batch<'static>,
        submission: &Submission,
        clock: Instant,
        corrects: bool,
    ) -> Result<Receipt, Rejection> {
        loop {
            match batch.turn(submission, clock) {
                Turn::Done(answer) => return answer,
                Turn::Needs(streams) => streams.into_iter().for_each(|stream| self.load(batch, stream, corrects)),
            }
        }
    }

    fn load(&self, batch: &mut Batch<'static>, stream: StreamRef, corrects: bool) {
        let own: Vec<_> = self.events.iter().filter(|event| event.stream_id == stream.id).cloned().collect();
        let mut loaded = TOYS.empty(stream.kind, stream.id, Zone::UTC);
        let snapshot = self.snapshots.as_ref().and_then(|snapshots| snapshots.get(&stream));
        if let Some((version, position, state)) = snapshot.filter(|_| !corrects) {
            assert!(loaded.restore(*version, *position, state));
            let tail: Vec<_> = own.iter().filter(|event| event.stream_version > *version).cloned().collect();
            loaded.take(&tail).expect("what was written can be read");
            if loaded.reaches_behind() {
                loaded = TOYS.empty(stream.kind, stream.id, Zone::UTC);
                loaded.take(&own).expect("what was written can be read");
            }
        } else {
            loaded.take(&own).expect("what was written can be read");
        }
        batch.streams.put(stream, loaded);
    }

    /// Writes what the batch made.
    pub(crate) fn close(&mut self, batch: Batch<'static>) {
        self.tables.apply(&batch.rows);
        for row in &batch.commands {
            let answered = Answered { request_hash: row.request_hash, receipt: row.receipt.clone() };
            assert!(self.answered.insert(row.command_id, answered).is_none(), "a command was taken down twice");
        }
        if let (Some(first), Some(last)) = (batch.events.first(), batch.events.last()) {
            let root = hash::root(&batch.events.iter().map(|event| event.leaf).collect::<Vec<_>>());
            let (first, recorded_at, epoch, previous_hash) =
                (first.position, last.recorded_at, batch.head.epoch, self.head.hash);
            let hash = hash::batch(TENANT, epoch, first, last.position, &previous_hash, &root);
            self.sealed.push(Sealed { first, last: last.position, epoch, recorded_at, previous_hash, root, hash });
            self.head = Head { hash, ..batch.head };
        }
        if let Some(snapshots) = &mut self.snapshots {
            for event in batch.events.iter().filter(|event| event.stream_version % 2 == 0) {
                let kind = TOYS.kind_of(&event.stream_kind).expect("a toy");
                let stream = StreamRef { kind, id: event.stream_id };
                let loaded = batch.streams.get(&stream).expect("what was written to was loaded");
                let taken = loaded.snapshot().map(|state| (loaded.version(), self.head.position, state));
                snapshots.extend(taken.map(|snapshot| (stream, snapshot)));
            }
        }
        self.events.extend(batch.events);
    }

    /// A batch of these, each put at the clock's instant.
    pub(crate) fn batch(&mut self, clock: Instant, submissions: &[Submission]) -> Vec<Result<Receipt, Rejection>> {
        let mut batch = self.open();
        let corrects =
            |submission: &Submission| submission.correction.is_some() || matches!(submission.verb, Verb::Withdraw(_));
        let corrects = submissions.iter().any(corrects);
        let answers = submissions.iter().map(|submission| self.put(&mut batch, submission, clock, corrects)).collect();
        self.close(batch);
        answers
    }

    /// A batch of one.
    #[track_caller]
    pub(crate) fn one(&mut self, clock: Instant, submission: Submission) -> Result<Receipt, Rejection> {
        self.batch(clock, &[submission]).pop().expect("an answer to each submission")
    }
}

/// A plain command.
pub(crate) fn say(command_id: u128, stream: StreamRef, command: impl AnyCommand) -> Submission {
    Submission {
        command_id: Uuid::from_u128(command_id),
        stream,
        fresh: false,
        verb: Verb::Do(Box::new(command)),
        expected_version: None,
        effective_at: None,
        correction: None,
        context: Context {
            actor: "local".to_owned(),
            on_behalf_of: None,
            source: Source::Api,
            reason: None,
            correlation_id: None,
            causation_id: None,
            source_recorded_at: None,
        },
        recorded_at: None,
    }
}

/// A withdrawal.
pub(crate) fn withdraw(command_id: u128, stream: StreamRef, position: i64) -> Submission {
    Submission { verb: Verb::Withdraw(Position(position)), ..say(command_id, stream, ()) }
}

impl Submission {
    pub(crate) fn at(self, effective: Instant) -> Self {
        Self { effective_at: Some(effective), ..self }
    }

    pub(crate) fn forgotten(self) -> Self {
        Self { correction: Some(Correction { replaces: None }), ..self }
    }

    pub(crate) fn replacing(self, position: i64) -> Self {
        Self { correction: Some(Correction { replaces: Some(Position(position)) }), ..self }
    }
}
