//! What happened to one thing: its stream, folded event by event, with what each command changed.

use async_graphql::{Enum, SimpleObject};
use logbook::{Act, Fault, Reads, Recorded, Segment, Slice, Source, Stream};
use serde_json::Value;
use units::{Instant, Int64};
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
    /// Whether it still stands: neither replaced nor withdrawn later.
    pub standing: bool,
    /// What it changed, at the instant at which it is true, by what the log knew right before and right after it.
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
    let standing: Vec<_> = whole.standing().iter().map(|unit| unit.first).collect();
    let mut changes = Vec::new();
    let mut before = Vec::new();
    let mut upto = 0;
    for unit in whole.units() {
        let from = upto;
        upto += events[from..].iter().take_while(|event| event.position <= unit.last).count();
        let after = Stream::<S>::of(stream, zone, &events[..upto]).map_err(unreadable)?.segments();
        let (effective, withdraws) = match unit.act {
            Act::Say(_) => (unit.effective, None),
            Act::Withdraw(position) => {
                let target = whole.units().iter().find(|target| target.first == position);
                (target.map_or(unit.effective, |target| target.effective), Some(Int64(position.0)))
            }
        };
        let fields = differing(row_at(&before, thing, effective), row_at(&after, thing, effective));
        before = after;
        let stands = standing.contains(&unit.first) || withdraws.is_some();
        let about_others = stream != thing && fields.is_empty();
        if let (false, Some(first)) = (about_others, events.get(from)) {
            changes.push(change(first, &events[from..upto], withdraws, stands, fields));
        }
    }
    Ok(changes)
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

fn row_at<R: serde::Serialize>(segments: &[Segment<R>], thing: Uuid, at: Instant) -> Value {
    let found = segments
        .iter()
        .find(|segment| segment.id == thing && segment.from <= at && segment.to.is_none_or(|to| at < to));
    found.and_then(|segment| serde_json::to_value(&segment.row).ok()).unwrap_or(Value::Null)
}

fn differing(before: Value, after: Value) -> Vec<FieldChange> {
    let fields = |value: Value| match value {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (fields(before), fields(after));
    let shown = |value: Option<&Value>| value.filter(|value| !value.is_null()).map(Value::to_string);
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| !name.ends_with("_folded"))
        .map(|name| (name, shown(before.get(name)), shown(after.get(name))))
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| FieldChange { field: name.clone(), before, after })
        .collect()
}
