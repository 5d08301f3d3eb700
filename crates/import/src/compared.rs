//! What of a wanted story the log holds already, what people said instead, and what must be said so that it holds the rest.

use crate::{
    plan::{Importer, actor},
    wanted::{self, Cell, CellOf, Change, How, Place, Story},
};
use logbook::{Act, AnyCommand, Correction, Slice, Source, Stream, StreamRef, Submission, Unit, Verb};
use std::collections::{HashMap, HashSet, VecDeque};
use units::Position;
use uuid::Uuid;

/// What a submission does to the log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Said,
    Replaced,
    Withdrawn,
}

const REWRITTEN: &str = "the source says it otherwise now";
const UNSAID: &str = "the source no longer says it";

/// A submission, and where it is from.
pub(crate) struct Step {
    pub(crate) effect: Effect,
    pub(crate) submission: Submission,
    pub(crate) place: Place,
    pub(crate) cell: Cell,
}

/// What comparing came to.
pub(crate) struct Compared<S: Slice> {
    /// Whether anything of the stream stands.
    pub(crate) was_there: bool,
    /// The places of what the log holds.
    pub(crate) known: Vec<Place>,
    /// What people said otherwise.
    pub(crate) kept: Vec<(Place, Cell, String)>,
    pub(crate) waiting: VecDeque<Step>,
    pub(crate) cells: Vec<CellOf<S>>,
}

/// Compares a story with its stream.
pub(crate) fn compared<S: Slice>(importer: &Importer<'_>, stream: Option<&Stream<S>>, story: Story<S>) -> Compared<S>
where
    S::Command: AnyCommand,
{
    let log = Log::of(importer, stream);
    let mut left = log.own.clone();
    let Story { id, changes, stood_on, unsaid, cells, .. } = story;
    let (mut known, mut kept, mut waiting) = (Vec::new(), Vec::new(), VecDeque::new());
    let mut wanted = Vec::new();
    for mut change in changes {
        if let (true, How::Like(like)) = (stood_on, &change.how)
            && let Some(begun) = left.iter().find(|unit| says(unit, |event| like(event, &change.command)))
        {
            change.effective = change.effective.min(begun.effective);
        }
        let base = wanted::base::<S>(importer.source, id, &change);
        match log.said(base).filter(|_| matches!(change.how, How::Like(_) | How::Also(_))) {
            Some(first) => {
                left.retain(|unit| unit.first != first);
                known.push(change.place);
            }
            None => wanted.push((base, change)),
        }
    }
    let place = wanted.first().map(|(_, change)| change.place.clone()).or_else(|| known.first().cloned());
    let key = StreamRef { kind: S::KIND, id };
    for (base, change) in wanted {
        let replaces = match &change.how {
            How::Like(like) | How::Also(like) => {
                let found = left.iter().position(|unit| says(unit, |event| like(event, &change.command)));
                found.map(|found| left.remove(found).first)
            }
            How::InPlaceOf(position) => {
                left.retain(|unit| unit.first != *position);
                Some(*position)
            }
            How::New => None,
        };
        if let (None, Some(rule)) = (replaces, log.kept(&change)) {
            kept.push((change.place, change.cell, rule));
            continue;
        }
        waiting.push_back(log.step(importer, key, base, replaces, change));
    }
    for unit in left.into_iter().filter(|unit| says(unit, &unsaid)) {
        // What it stood in for would stand again: all of the place is withdrawn, last first.
        for position in log.layers(unit.root).into_iter().rev() {
            let base = Uuid::new_v5(&id, format!("{} withdraws {position}", importer.source).as_bytes());
            let command = log.unused(base, None);
            let submission = importer.submission(key, command, Verb::Withdraw(position), Some(UNSAID));
            let (place, cell) = (place.clone().unwrap_or_default(), Cell::default());
            waiting.push_front(Step { effect: Effect::Withdrawn, submission, place, cell });
        }
    }
    Compared { was_there: !log.standing.is_empty(), known, kept, waiting, cells }
}

fn says<E>(unit: &Unit<E>, like: impl Fn(&E) -> bool) -> bool {
    unit.events().first().is_some_and(like)
}

/// A stream as an importer looks at it.
struct Log<'a, S: Slice> {
    stream: Option<&'a Stream<S>>,
    actor: String,
    units: &'a [Unit<S::Event>],
    standing: Vec<&'a Unit<S::Event>>,
    /// What the importer said and still stands.
    own: Vec<&'a Unit<S::Event>>,
    by_command: HashMap<Uuid, Position>,
    used: HashSet<Uuid>,
    /// In whose places the own ones stand.
    replaced: HashSet<Option<i64>>,
}

impl<'a, S: Slice> Log<'a, S>
where
    S::Command: AnyCommand,
{
    fn of(importer: &Importer<'_>, stream: Option<&'a Stream<S>>) -> Self {
        let actor = actor(importer.source);
        let units = stream.map(Stream::units).unwrap_or_default();
        let standing = stream.map(Stream::standing).unwrap_or_default();
        let own: Vec<_> = standing.iter().copied().filter(|unit| unit.context.actor == actor).collect();
        Self {
            used: units.iter().map(|unit| unit.command_id).collect(),
            by_command: own.iter().map(|unit| (unit.command_id, unit.first)).collect(),
            replaced: own.iter().map(|unit| unit.replaces.map(|position| position.0)).collect(),
            stream,
            actor,
            units,
            standing,
            own,
        }
    }

    /// Where the log holds a command.
    fn said(&self, base: Uuid) -> Option<Position> {
        self.replaced.iter().find_map(|replaces| {
            (0..=self.units.len() - self.own.len())
                .find_map(|again| self.by_command.get(&wanted::command(base, *replaces, again)).copied())
        })
    }

    fn layers(&self, root: Position) -> Vec<Position> {
        self.stream.map(|stream| stream.layers(root)).unwrap_or_default()
    }

    /// The id of a command that was not used yet.
    fn unused(&self, base: Uuid, replaces: Option<Position>) -> Uuid {
        let ids = (0..).map(|again| wanted::command(base, replaces.map(|position| position.0), again));
        ids.into_iter().find(|id| !self.used.contains(id)).unwrap_or(base)
    }

    fn step(
        &self,
        importer: &Importer<'_>,
        key: StreamRef,
        base: Uuid,
        replaces: Option<Position>,
        change: Change<S>,
    ) -> Step {
        let (id, reason) = (self.unused(base, replaces), replaces.map(|_| REWRITTEN));
        let mut submission = importer.submission(key, id, Verb::Do(Box::new(change.command)), reason);
        submission.effective_at = Some(change.effective);
        submission.correction = replaces.map(|replaces| Correction { replaces: Some(replaces) });
        let effect = if replaces.is_some() { Effect::Replaced } else { Effect::Said };
        Step { effect, submission, place: change.place, cell: change.cell }
    }

    /// What people said in the place of a change; `None` when it may be said.
    fn kept(&self, change: &Change<S>) -> Option<String> {
        let (like, alone) = match &change.how {
            How::Like(like) => (like, true),
            How::Also(like) => (like, false),
            How::New | How::InPlaceOf(_) => return None,
        };
        let alike = |unit: &&Unit<S::Event>| says(unit, |event| like(event, &change.command));
        let mine = self.units.iter().rfind(|unit| unit.context.actor == self.actor && alike(unit));
        if let Some(mine) = mine {
            match self.standing.iter().find(|unit| unit.root == mine.root) {
                Some(other) if other.context.actor != self.actor => {
                    let (who, position) = (&other.context.actor, other.first);
                    return Some(format!("{who} corrected what was imported (position {position}), and that stands"));
                }
                Some(_) => {}
                None => {
                    let by_people = self.withdrawal_of(mine).filter(|unit| unit.context.source != Source::Import);
                    if let Some(by) = by_people {
                        let (who, position) = (&by.context.actor, by.first);
                        return Some(format!("{who} withdrew what was imported (position {position})"));
                    }
                }
            }
        }
        let other = self.standing.iter().find(|unit| alone && unit.context.actor != self.actor && alike(unit))?;
        Some(format!("{} said so by hand (position {}), and that stands", other.context.actor, other.first))
    }

    /// The last withdrawal of a unit.
    fn withdrawal_of(&self, unit: &Unit<S::Event>) -> Option<&'a Unit<S::Event>> {
        self.units.iter().rfind(
            |other| matches!(other.act, Act::Withdraw(position) if unit.first <= position && position <= unit.last),
        )
    }
}
