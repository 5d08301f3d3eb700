//! What happened to one thing: its stream, folded event by event, with what each command changed.

use async_graphql::{Enum, SimpleObject};
use logbook::{Act, Fault, Reads, Recorded, Segment, Slice, Source, Stream, Unit};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashSet;
use units::{Instant, Int64, Position};
use uuid::Uuid;

/// One command's change of an object: who, when, what, before and after.
#[derive(Clone, Debug, SimpleObject)]
pub struct Change {
    /// The position in the log of the command's first event; what a correction's `replaces` names.
    pub position: Int64,
    /// The `version` of the object's stream after it.
    pub version: i32,
    /// The types of its events, such as `deal.stage_changed`.
    pub types: Vec<String>,
    /// When it was true in the world.
    pub effective_at: Instant,
    /// When the log took it down.
    pub recorded_at: Instant,
    /// Who did it.
    pub actor: String,
    /// For whom, when not for themselves.
    pub on_behalf_of: Option<String>,
    /// Where it came from.
    pub source: ChangeSource,
    /// Why, in the words of whoever did it.
    pub reason: Option<String>,
    /// The position of the event that it stands in for; null when it corrects none.
    pub replaces: Option<Int64>,
    /// The position of the event that it withdraws; null when it withdraws none.
    pub withdraws: Option<Int64>,
    /// Whether it still stands: neither replaced nor withdrawn later. A withdrawal stands until it is withdrawn itself.
    pub standing: bool,
    /// What it changed, by what the log knew right before and right after it: each field from the instant on from which it
    /// is another one. What moves an event to another day, or takes one back, changes fields at several instants.
    pub fields: Vec<FieldChange>,
}

/// A field before and after a change.
#[derive(Clone, Debug, SimpleObject)]
pub struct FieldChange {
    /// The field, as the history table names its column.
    pub field: String,
    /// Its value before, as JSON; null when there was none.
    pub before: Option<String>,
    /// Its value after, as JSON; null when there is none.
    pub after: Option<String>,
    /// The instant from which this difference holds.
    pub at: Instant,
    /// The instant from which it no longer holds, because another one does or none; null while it lasts.
    pub until: Option<Instant>,
}

/// Where an event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ChangeSource {
    /// Through this API.
    Api,
    /// Out of the files of another system.
    Import,
    /// A rule answered an event.
    Rule,
    /// Made up for a demonstration.
    Simulated,
}

impl From<Source> for ChangeSource {
    fn from(source: Source) -> Self {
        match source {
            Source::Api => Self::Api,
            Source::Import => Self::Import,
            Source::Rule => Self::Rule,
            Source::Simulated => Self::Simulated,
        }
    }
}

/// The changes of a thing that lies in a stream, in the order in which the log took them down, up to a known position.
///
/// # Errors
/// When the stream cannot be read.
pub(crate) async fn of<S: Slice>(
    reads: &Reads,
    stream: Uuid,
    thing: Uuid,
    known: Option<i64>,
) -> Result<Vec<Change>, Fault> {
    let mut events = reads.stream_events(stream).await?;
    if let Some(known) = known {
        events.retain(|event| event.position.0 <= known);
    }
    let unreadable = |error| Fault::new("reading a stream", error);
    let zone = reads.tenant().zone;
    let whole: Stream<S> = Stream::of(stream, zone, &events).map_err(unreadable)?;
    let concerning = (stream != thing).then(|| concerning(whole.units(), &events, thing));
    let (standing, withdrawn) = (whole.standing(), whole.withdrawn());
    let standing: HashSet<_> = standing.iter().map(|unit| unit.first).collect();
    let mut growing: Stream<S> = Stream::new(stream, zone);
    let mut before = Vec::new();
    let mut changes = Vec::new();
    let mut upto = 0;
    for unit in whole.units() {
        let from = upto;
        upto += events[from..].iter().take_while(|event| event.position <= unit.last).count();
        growing.read_on(&events[from..upto]).map_err(unreadable)?;
        if concerning.as_ref().is_some_and(|concerning| !concerning.contains(&unit.first)) {
            continue;
        }
        let after = versions(&growing.segments(), thing);
        let fields = differences(&before, &after);
        before = after;
        let (stands, withdraws) = match unit.act {
            Act::Say(_) => (standing.contains(&unit.first), None),
            Act::Withdraw(position) => (!withdrawn.contains(&unit.first), Some(Int64(position.0))),
        };
        let about_others = stream != thing && fields.is_empty();
        if let (false, Some(first)) = (about_others, events.get(from)) {
            changes.push(change(first, &events[from..upto], withdraws, stands, fields));
        }
    }
    Ok(changes)
}

/// The units of a stream of many things that may change one of them: those that name it, and those that replace or
/// withdraw such a one. The others are not folded for it, or the story of each thing would cost the square of the stream.
fn concerning<E>(units: &[Unit<E>], events: &[Recorded], thing: Uuid) -> HashSet<Position> {
    let name = thing.to_string();
    let names = |event: &&Recorded| event.payload.windows(name.len()).any(|part| part == name.as_bytes());
    let naming: HashSet<Position> = events.iter().filter(names).map(|event| event.position).collect();
    let mut concerning = HashSet::new();
    for unit in units {
        let target = match unit.act {
            Act::Withdraw(position) => Some(position),
            Act::Say(_) => unit.replaces,
        };
        let target = target.and_then(|target| units.iter().find(|unit| unit.first <= target && target <= unit.last));
        let says = (unit.first.0..=unit.last.0).any(|position| naming.contains(&Position(position)));
        if says || target.is_some_and(|target| concerning.contains(&target.first)) {
            concerning.insert(unit.first);
        }
    }
    concerning
}

fn change(
    first: &Recorded,
    events: &[Recorded],
    withdraws: Option<Int64>,
    standing: bool,
    fields: Vec<FieldChange>,
) -> Change {
    let version = events.last().map_or(first.stream_version, |last| last.stream_version);
    Change {
        position: Int64(first.position.0),
        version: i32::try_from(version).unwrap_or(i32::MAX),
        types: events.iter().map(|event| event.event_type.clone()).collect(),
        effective_at: first.effective_at,
        recorded_at: first.recorded_at,
        actor: first.context.actor.clone(),
        on_behalf_of: first.context.on_behalf_of.clone(),
        source: first.context.source.into(),
        reason: first.context.reason.clone(),
        replaces: first.replaces.map(|position| Int64(position.0)),
        withdraws,
        standing,
        fields,
    }
}

/// What holds of a thing over a stretch of time: the columns of its row.
struct Version {
    from: Instant,
    to: Option<Instant>,
    row: Map<String, Value>,
}

impl Version {
    fn holds(&self, instant: Instant) -> bool {
        self.from <= instant && self.to.is_none_or(|to| instant < to)
    }
}

fn versions<R: Serialize>(segments: &[Segment<R>], thing: Uuid) -> Vec<Version> {
    let own = segments.iter().filter(|segment| segment.id == thing);
    let version = |segment: &Segment<R>| match serde_json::to_value(&segment.row) {
        Ok(Value::Object(row)) => Version { from: segment.from, to: segment.to, row },
        _ => Version { from: segment.from, to: segment.to, row: Map::new() },
    };
    own.map(version).collect()
}

/// The fields in which the versions before and after differ, each with the stretch of time over which it does.
fn differences(before: &[Version], after: &[Version]) -> Vec<FieldChange> {
    let both = || before.iter().chain(after);
    let mut instants: Vec<Instant> = both().flat_map(|version| [Some(version.from), version.to]).flatten().collect();
    instants.sort_unstable();
    instants.dedup();
    let nothing = Map::new();
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    let mut found: Vec<FieldChange> = Vec::new();
    let mut going_on: Vec<usize> = Vec::new();
    for at in instants {
        while old.next_if(|version| version.to.is_some_and(|to| to <= at)).is_some() {}
        while new.next_if(|version| version.to.is_some_and(|to| to <= at)).is_some() {}
        let was = old.peek().filter(|version| version.holds(at)).map_or(&nothing, |version| &version.row);
        let is = new.peek().filter(|version| version.holds(at)).map_or(&nothing, |version| &version.row);
        let mut still = Vec::new();
        for (field, before, after) in differing(was, is) {
            let same = |index: &usize| {
                let going: &FieldChange = &found[*index];
                going.field == field && going.before == before && going.after == after
            };
            still.push(going_on.iter().copied().find(same).unwrap_or(found.len()));
            if still.last() == Some(&found.len()) {
                found.push(FieldChange { field, before, after, at, until: None });
            }
        }
        for ended in going_on.iter().filter(|index| !still.contains(index)) {
            found[*ended].until = Some(at);
        }
        going_on = still;
    }
    found
}

fn differing(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<(String, Option<String>, Option<String>)> {
    let shown = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(Value::to_string);
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| !name.ends_with("_folded") && !name.ends_with("_sha256"))
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| (name.clone(), shown(before.get(name)), shown(after.get(name))))
        .filter(|(_, before, after)| before != after)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(hour: i64) -> Instant {
        chrono::DateTime::from_timestamp(hour * 3_600, 0).unwrap()
    }

    fn story(versions: &[(i64, Option<i64>, &str)]) -> Vec<Version> {
        let version = |(from, to, stage): &(i64, Option<i64>, &str)| {
            let Value::Object(row) = json!({ "stage": stage, "stage_folded": stage }) else { unreachable!() };
            Version { from: at(*from), to: to.map(at), row }
        };
        versions.iter().map(version).collect()
    }

    #[test]
    fn a_difference_is_told_once_for_as_long_as_it_lasts() {
        let cases = [
            (story(&[]), story(&[(1, None, "a")]), "1..: ->a"),
            (story(&[(1, None, "a")]), story(&[(1, Some(5), "a"), (5, None, "b")]), "5..: a->b"),
            (story(&[(1, Some(5), "a"), (5, None, "b")]), story(&[(1, Some(9), "a"), (9, None, "b")]), "5..9: b->a"),
            (story(&[(1, Some(5), "a"), (5, None, "b")]), story(&[(3, Some(5), "a"), (5, None, "b")]), "1..3: a->"),
            (
                story(&[(1, Some(5), "a"), (5, None, "b")]),
                story(&[(1, Some(3), "a"), (3, Some(5), "c"), (5, None, "d")]),
                "3..5: a->c, 5..: b->d",
            ),
            (story(&[(1, Some(5), "a"), (5, None, "a")]), story(&[(1, Some(3), "b"), (3, None, "b")]), "1..: a->b"),
            (story(&[(1, None, "a")]), story(&[(1, None, "a")]), ""),
        ];
        for (before, after, expected) in cases {
            let hour = |instant: Instant| (instant.timestamp() / 3_600).to_string();
            let word = |value: &Option<String>| value.clone().unwrap_or_default().replace('"', "");
            let told: Vec<_> = differences(&before, &after)
                .iter()
                .map(|told| {
                    let until = told.until.map(hour).unwrap_or_default();
                    format!("{}..{until}: {}->{}", hour(told.at), word(&told.before), word(&told.after))
                })
                .collect();
            assert_eq!(told.join(", "), expected);
        }
    }
}
