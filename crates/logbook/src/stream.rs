//! A stream in memory: its events, which of them stand, the states they leave and the rows of those states.

use crate::{
    envelope::{Context, Recorded, StreamRef, WITHDRAWN, Withdrawn},
    refusal::Rejection,
    slice::{AnyCommand, Chapter, Clocks, Segment, Slice},
    standing::{standing, withdrawn},
    streams::Streams,
    submission::{Order, Verb},
    timeline::{self, RowChange, What},
};
use decider::At;
use serde_json::value::RawValue;
use std::any::Any;
use units::{Instant, Position, Zone};
use uuid::Uuid;

/// The events of one command in one stream.
#[derive(Clone, Debug)]
pub struct Unit<E> {
    /// The command that said it.
    pub command_id: Uuid,
    /// Who said it, and why.
    pub context: Context,
    /// The first position of the unit that it replaces; none when it replaces none.
    pub replaces: Option<Position>,
    /// The position of its first event.
    pub first: Position,
    /// The position of its last event.
    pub last: Position,
    /// The version of the stream after it.
    pub version: i64,
    /// The first position of the unit in whose place it stands; its own when it replaces none.
    pub root: Position,
    /// When it was true in the world.
    pub effective: Instant,
    /// When the log took it down.
    pub recorded: Instant,
    /// What it does.
    pub act: Act<E>,
}

/// What a unit does to its stream.
#[derive(Clone, Debug)]
pub enum Act<E> {
    /// It says events.
    Say(Vec<E>),
    /// It withdraws the unit that holds this position.
    Withdraw(Position),
}

impl<E> Unit<E> {
    /// What it says; nothing when it withdraws.
    pub fn events(&self) -> &[E] {
        match &self.act {
            Act::Say(events) => events,
            Act::Withdraw(_) => &[],
        }
    }
}

/// The place of a command among the units that stand.
struct Place<'a, S: Slice> {
    before: Vec<&'a Unit<S::Event>>,
    after: Vec<&'a Unit<S::Event>>,
    /// The first position of the unit that it stands in for.
    replaced: Option<Position>,
}

/// An event that was decided on and is not yet in the log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) event_type: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) schema_version: i32,
}

/// What deciding came to.
pub(crate) struct Decision {
    pub(crate) said: Vec<Said>,
    pub(crate) effective: Instant,
    pub(crate) replaces: Option<Position>,
}

/// A change of a row, its columns as JSON.
pub(crate) type JsonChange = RowChange<Box<RawValue>>;

/// A stream of any slice.
pub(crate) trait AnyStream: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn version(&self) -> i64;
    /// The streams that deciding needs; `replaces` is the event that the command is to stand in for.
    fn reads(
        &self,
        command: &dyn AnyCommand,
        effective: Instant,
        replaces: Option<Position>,
        streams: &Streams,
    ) -> Vec<StreamRef>;
    fn decide(&self, order: &Order<'_>, streams: &Streams) -> Result<Decision, Rejection>;
    /// When the event at a position is true in the world; `None` when the stream has none there.
    fn effective_of(&self, position: Position) -> Option<Instant>;
    /// Takes in the events of one command, and says what they change in the history tables.
    fn push(&mut self, events: &[Recorded]) -> Result<Vec<JsonChange>, serde_json::Error>;
    /// Takes in what was stored, without asking for rows.
    fn take(&mut self, events: &[Recorded]) -> Result<(), serde_json::Error>;
    fn snapshot(&self) -> Option<Vec<u8>>;
    fn restore(&mut self, version: i64, position: Position, bytes: &[u8]) -> bool;
    /// Whether events need what lies before the snapshot that the stream stands on.
    fn reaches_behind(&self) -> bool;
}

/// A stream of one slice.
#[derive(Clone, Debug)]
pub struct Stream<S: Slice> {
    id: Uuid,
    zone: Zone,
    version: i64,
    base: Option<Base<S>>,
    units: Vec<Unit<S::Event>>,
    timeline: Option<Vec<Segment<S::Row>>>,
}

#[derive(Clone, Debug)]
struct Base<S> {
    position: Position,
    state: S,
}

impl<S: Slice> Stream<S> {
    /// A stream to which nothing has happened.
    pub fn new(id: Uuid, zone: Zone) -> Self {
        Self { id, zone, version: 0, base: None, units: Vec::new(), timeline: None }
    }

    /// A stream of stored events, in the order of their positions.
    ///
    /// # Errors
    /// When a payload cannot be read.
    pub fn of(id: Uuid, zone: Zone, events: &[Recorded]) -> Result<Self, serde_json::Error> {
        let mut stream = Self::new(id, zone);
        stream.take(events)?;
        Ok(stream)
    }

    /// Takes in the stored events that come next.
    ///
    /// # Errors
    /// When a payload cannot be read.
    pub fn read_on(&mut self, events: &[Recorded]) -> Result<(), serde_json::Error> {
        self.take(events)
    }

    /// Its units, in the order of their positions.
    pub fn units(&self) -> &[Unit<S::Event>] {
        &self.units
    }

    /// The number of its last event.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The units that stand, in the order in which they fold: replaced and withdrawn ones do not.
    pub fn standing(&self) -> Vec<&Unit<S::Event>> {
        standing::<S>(&self.units)
    }

    /// The first positions of the units that a standing withdrawal takes out.
    pub fn withdrawn(&self) -> Vec<Position> {
        withdrawn(&self.units)
    }

    /// The units that say something in one place and are not withdrawn, last first: when one of them is withdrawn, the
    /// next stands again.
    pub fn layers(&self, root: Position) -> Vec<Position> {
        let dead = withdrawn(&self.units);
        let said = |unit: &&Unit<S::Event>| {
            matches!(unit.act, Act::Say(_)) && unit.root == root && !dead.contains(&unit.first)
        };
        self.units.iter().rev().filter(said).map(|unit| unit.first).collect()
    }

    /// The state at an instant: of a schedule, all that is said of any instant.
    pub fn state_at(&self, effective: Instant) -> Option<S> {
        let standing = self.standing();
        if standing.is_empty() && self.base.is_none() {
            return None;
        }
        let upto = |unit: &&&Unit<S::Event>| S::CLOCKS == Clocks::Schedule || unit.effective <= effective;
        Some(self.fold(standing.iter().filter(upto).copied()))
    }

    /// The state before its units.
    fn begun(&self) -> S {
        self.base.as_ref().map(|base| base.state.clone()).unwrap_or_default()
    }

    fn fold<'a>(&'a self, units: impl Iterator<Item = &'a Unit<S::Event>>) -> S {
        let mut state = self.begun();
        for unit in units {
            self.evolve(&mut state, unit);
        }
        state
    }

    fn evolve(&self, state: &mut S, unit: &Unit<S::Event>) {
        let at = self.at(unit);
        for event in unit.events() {
            state.evolve(event, &at);
        }
    }

    fn at(&self, unit: &Unit<S::Event>) -> At {
        At { effective: unit.effective, recorded: unit.recorded, day: self.zone.day_of(unit.effective) }
    }

    /// Its rows over effective time, as known after its last unit.
    pub fn segments(&self) -> Vec<Segment<S::Row>> {
        timeline::canonical(S::segments(self.id, &self.story(&self.standing())))
    }

    fn story(&self, standing: &[&Unit<S::Event>]) -> Vec<Chapter<S>> {
        let mut state = self.begun();
        let mut story: Vec<Chapter<S>> = Vec::new();
        for (index, unit) in standing.iter().enumerate() {
            self.evolve(&mut state, unit);
            let last_of_instant = standing.get(index + 1).is_none_or(|next| next.effective > unit.effective);
            if S::CLOCKS == Clocks::Progress && last_of_instant {
                story.push(Chapter { from: unit.effective, state: state.clone() });
            }
        }
        if S::CLOCKS == Clocks::Schedule && (!standing.is_empty() || self.base.is_some()) {
            story.push(Chapter { from: Instant::UNIX_EPOCH, state });
        }
        story
    }

    fn unit_at(&self, position: Position) -> Result<&Unit<S::Event>, Rejection> {
        let found = self.units.iter().find(|unit| unit.first <= position && position <= unit.last);
        let why = "the stream has no event there";
        found.ok_or(Rejection::NotStanding { position, why, withdrawing: false })
    }

    fn standing_at(&self, position: Position, standing: &[&Unit<S::Event>]) -> Result<&Unit<S::Event>, Rejection> {
        let unit = self.unit_at(position)?;
        if standing.iter().any(|stands| stands.first == unit.first) {
            Ok(unit)
        } else {
            let why = "what is there was replaced or withdrawn";
            Err(Rejection::NotStanding { position, why, withdrawing: false })
        }
    }

    fn withdraw(&self, order: &Order<'_>, position: Position) -> Result<Decision, Rejection> {
        let to_withdraw = |rejection| match rejection {
            Rejection::NotStanding { position, why, .. } => Rejection::NotStanding { position, why, withdrawing: true },
            rejection => rejection,
        };
        let unit = self.unit_at(position).map_err(to_withdraw)?;
        let dead = withdrawn::<S::Event>(&self.units);
        let nothing = Decision { said: vec![], effective: order.recorded, replaces: None };
        if dead.contains(&unit.first) {
            return Ok(nothing);
        }
        if matches!(unit.act, Act::Say(_)) && !order.beneath {
            self.standing_at(position, &self.standing()).map_err(to_withdraw)?;
        }
        let mut after = self.units.clone();
        after.push(Unit {
            command_id: Uuid::nil(),
            context: unit.context.clone(),
            replaces: None,
            first: Position::OPEN,
            last: Position::OPEN,
            version: self.version + 1,
            root: Position::OPEN,
            effective: order.recorded,
            recorded: order.recorded,
            act: Act::Withdraw(unit.first),
        });
        self.still_fits(self.begun(), standing::<S>(&after).into_iter())?;
        let payload = Withdrawn { event_type: WITHDRAWN.to_owned(), event: unit.first };
        let payload = serde_json::to_vec(&payload).expect("a position is JSON");
        let said = Said { event_type: WITHDRAWN.to_owned(), payload, schema_version: 1 };
        Ok(Decision { said: vec![said], ..nothing })
    }

    /// Whether the units fit one upon the other. One that does not fit where it stands already, because its rule is
    /// younger than it is, binds nobody.
    fn still_fits<'a>(&self, state: S, units: impl Iterator<Item = &'a Unit<S::Event>>) -> Result<(), Rejection> {
        let misfits = self.misfits(state, units);
        if misfits.is_empty() {
            return Ok(());
        }
        let before: Vec<_> = self.misfits(self.begun(), self.standing().into_iter());
        match misfits.into_iter().find(|(first, _)| before.iter().all(|(known, _)| known != first)) {
            None => Ok(()),
            Some((position, refusal)) => Err(Rejection::NoLongerFits { position, refusal: Box::new(refusal) }),
        }
    }

    fn misfits<'a>(
        &self,
        mut state: S,
        units: impl Iterator<Item = &'a Unit<S::Event>>,
    ) -> Vec<(Position, S::Refusal)> {
        let mut misfits = Vec::new();
        for unit in units {
            let at = self.at(unit);
            for (event, position) in unit.events().iter().zip(unit.first.0..) {
                misfits.extend(state.fits(event).err().map(|refusal| (Position(position), refusal)));
                state.evolve(event, &at);
            }
        }
        misfits
    }

    /// Where in the story a command belongs that is true at an instant, and stands in for an event or for none.
    fn place(&self, effective: Instant, replaces: Option<Position>) -> Result<Place<'_, S>, Rejection> {
        let mut standing = self.standing();
        let replaced = replaces.map(|position| self.standing_at(position, &standing)).transpose()?;
        let root = replaced.map_or(Position::OPEN, |unit| unit.root);
        standing.retain(|unit| unit.root != root);
        let before = |unit: &&Unit<S::Event>| match S::CLOCKS {
            Clocks::Progress => (unit.effective, unit.root) < (effective, root),
            Clocks::Schedule => unit.root < root,
        };
        let after = standing.split_off(standing.partition_point(before));
        Ok(Place { before: standing, after, replaced: replaced.map(|unit| unit.first) })
    }

    fn say(&self, order: &Order<'_>, command: &S::Command, streams: &Streams) -> Result<Decision, Rejection> {
        let effective = order.effective;
        if S::CLOCKS == Clocks::Progress && effective > order.recorded {
            return Err(Rejection::EffectiveInFuture { effective });
        }
        let Place { before, after, replaced } = self.place(effective, order.replaces)?;
        if S::CLOCKS == Clocks::Progress && !order.corrects && !after.is_empty() {
            return Err(Rejection::NeedsCorrection { effective });
        }
        if replaced.is_some() {
            self.still_fits(self.begun(), before.iter().copied())?; // what was said later may move past them
        }
        let mut state = self.fold(before.into_iter());
        let at = At { effective, recorded: order.recorded, day: self.zone.day_of(effective) };
        let facts = state.facts(self.id, command, effective, streams);
        let events = state.decide(&facts, command, &at).map_err(|refusal| Rejection::Refused(Box::new(refusal)))?;
        if let (Some(position), true) = (replaced, events.is_empty()) {
            return Err(Rejection::NothingInItsPlace { position });
        }
        let mut said = Vec::with_capacity(events.len());
        for event in &events {
            if S::CLOCKS == Clocks::Schedule && !order.corrects && state.overlays(event) {
                return Err(Rejection::NeedsCorrection { effective });
            }
            state.fits(event).map_err(|refusal| Rejection::Refused(Box::new(refusal)))?;
            state.evolve(event, &at);
            said.push(spoken(event));
        }
        self.still_fits(state, after.into_iter())?;
        Ok(Decision { said, effective, replaces: replaced })
    }
}

fn spoken<E: serde::Serialize>(event: &E) -> Said {
    #[derive(serde::Deserialize)]
    struct Tag {
        #[serde(rename = "type")]
        event_type: String,
    }
    let payload = serde_json::to_vec(event).expect("an event holds nothing that JSON cannot say");
    let tag: Tag = serde_json::from_slice(&payload).expect("an event is an object tagged by its type");
    Said { event_type: tag.event_type, payload, schema_version: 1 }
}

impl<S: Slice> AnyStream for Stream<S> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn reads(
        &self,
        command: &dyn AnyCommand,
        effective: Instant,
        replaces: Option<Position>,
        streams: &Streams,
    ) -> Vec<StreamRef> {
        match (command.as_any().downcast_ref::<S::Command>(), self.place(effective, replaces)) {
            (Some(command), Ok(place)) => {
                self.fold(place.before.into_iter()).reads(self.id, command, effective, streams)
            }
            _ => Vec::new(),
        }
    }

    fn decide(&self, order: &Order<'_>, streams: &Streams) -> Result<Decision, Rejection> {
        match order.verb {
            Verb::Withdraw(position) => self.withdraw(order, *position),
            Verb::Do(command) => {
                let command = (**command).as_any().downcast_ref::<S::Command>();
                self.say(order, command.expect("a command is put to a stream of its own slice"), streams)
            }
        }
    }

    fn effective_of(&self, position: Position) -> Option<Instant> {
        self.unit_at(position).ok().map(|unit| unit.effective)
    }

    fn push(&mut self, events: &[Recorded]) -> Result<Vec<JsonChange>, serde_json::Error> {
        let before = self.timeline.take().unwrap_or_else(|| self.segments());
        self.take(events)?;
        let after = self.segments();
        let changes = timeline::changes(&before, &after).into_iter().map(as_json).collect();
        self.timeline = Some(after);
        changes
    }

    fn take(&mut self, events: &[Recorded]) -> Result<(), serde_json::Error> {
        for event in events {
            let root = event.replaces.and_then(|replaced| self.units.iter().find(|unit| unit.first == replaced));
            let root = root.map_or(event.replaces.unwrap_or(event.position), |unit| unit.root);
            if event.event_type == WITHDRAWN {
                let withdrawn: Withdrawn = serde_json::from_slice(&event.payload)?;
                self.units.push(unit_of(event, event.position, Act::Withdraw(withdrawn.event)));
            } else {
                let said = S::read(&event.event_type, event.schema_version, &event.payload)?;
                match self.units.last_mut() {
                    Some(Unit { command_id, last, version, act: Act::Say(unit), .. })
                        if *command_id == event.command_id =>
                    {
                        (*last, *version) = (event.position, event.stream_version);
                        unit.push(said);
                    }
                    _ => self.units.push(unit_of(event, root, Act::Say(vec![said]))),
                }
            }
            self.version = event.stream_version;
        }
        self.timeline = None;
        Ok(())
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        self.state_at(Instant::UNIX_EPOCH)?.snapshot()
    }

    fn restore(&mut self, version: i64, position: Position, bytes: &[u8]) -> bool {
        let restored = S::restore(bytes);
        if let Some(state) = restored {
            (self.base, self.version) = (Some(Base { position, state }), version);
        }
        self.base.is_some()
    }

    fn reaches_behind(&self) -> bool {
        let Some(base) = &self.base else { return false };
        self.units.iter().any(|unit| match unit.act {
            Act::Withdraw(position) => position <= base.position,
            Act::Say(_) => unit.root <= base.position,
        })
    }
}

fn unit_of<E>(event: &Recorded, root: Position, act: Act<E>) -> Unit<E> {
    Unit {
        command_id: event.command_id,
        context: event.context.clone(),
        replaces: event.replaces,
        first: event.position,
        last: event.position,
        version: event.stream_version,
        root,
        effective: event.effective_at,
        recorded: event.recorded_at,
        act,
    }
}

fn as_json<R: serde::Serialize>(change: RowChange<R>) -> Result<JsonChange, serde_json::Error> {
    let RowChange { table, id, from, what } = change;
    let what = match what {
        What::End => What::End,
        What::Close { to } => What::Close { to },
        What::Stand { to, row } => What::Stand { to, row: serde_json::value::to_raw_value(&row)? },
    };
    Ok(RowChange { table, id, from, what })
}
