//! What is true at an instant, as known at a position, said naively: out of the stored events alone, by the rules of
//! design.md, section 3. It uses nothing of the engine but the envelope.

use super::{bench::Stored, toys::seat_id};
use crate::envelope::Recorded;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use units::Instant;
use uuid::Uuid;

/// The events of one command.
pub(crate) struct Said {
    stream: Uuid,
    kind: String,
    first: i64,
    last: i64,
    effective: Instant,
    replaces: Option<i64>,
    withdraws: Option<i64>,
    events: Vec<Value>,
}

/// The rows that are seen: one a table and id.
pub(crate) type Seen = BTreeMap<(&'static str, Uuid), Map<String, Value>>;

pub(crate) fn said(log: &[Recorded]) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    let mut last_command = None;
    for event in log {
        let payload: Value = serde_json::from_slice(&event.payload).expect("a payload is JSON");
        let withdraws = (event.event_type == "withdrawn").then(|| payload["event"].as_i64().expect("a position"));
        if last_command == Some(event.command_id) {
            let same = all.last_mut().expect("the command has begun");
            same.last = event.position.0;
            same.events.push(payload);
            continue;
        }
        last_command = Some(event.command_id);
        all.push(Said {
            stream: event.stream_id,
            kind: event.stream_kind.clone(),
            first: event.position.0,
            last: event.position.0,
            effective: event.effective_at,
            replaces: event.replaces.map(|position| position.0),
            withdraws,
            events: vec![payload],
        });
    }
    all
}

impl Said {
    fn holds(&self, position: i64) -> bool {
        (self.first..=self.last).contains(&position)
    }
}

fn alive(said: &Said, known: &[&Said]) -> bool {
    let withdrawn = |other: &&&Said| other.withdraws.is_some_and(|position| said.holds(position));
    !known.iter().filter(withdrawn).any(|other| alive(other, known))
}

fn root(said: &Said, known: &[&Said]) -> i64 {
    let replaced = |position| known.iter().find(|other| other.holds(position)).expect("what was replaced is known");
    said.replaces.map_or(said.first, |position| root(replaced(position), known))
}

/// The commands that stand at a known position, in the order in which they fold.
fn standing<'a>(all: &'a [Said], known: i64) -> Vec<&'a Said> {
    let known: Vec<&Said> = all.iter().filter(|said| said.last <= known).collect();
    let mut last_of_root: BTreeMap<i64, &'a Said> = BTreeMap::new();
    for said in known.iter().filter(|said| said.withdraws.is_none() && alive(said, &known)) {
        last_of_root.insert(root(said, &known), said);
    }
    let mut standing: Vec<_> = last_of_root.into_iter().collect();
    standing.sort_by_key(|(root, said)| (if said.kind == "bargain" { Some(said.effective) } else { None }, *root));
    standing.into_iter().map(|(_, said)| said).collect()
}

/// All that is known at a position.
pub(crate) struct Known<'a> {
    standing: Vec<&'a Said>,
}

impl<'a> Known<'a> {
    pub(crate) fn at(all: &'a [Said], position: i64) -> Self {
        Self { standing: standing(all, position) }
    }

    /// The rows that must be seen at an instant.
    pub(crate) fn effective(&self, instant: Instant) -> Seen {
        let mut streams: Vec<_> = self.standing.iter().map(|said| (said.stream, said.kind.as_str())).collect();
        streams.sort_unstable();
        streams.dedup();
        let mut seen = Seen::new();
        for (stream, kind) in streams {
            let own = self.standing.iter().copied().filter(|said| said.stream == stream);
            if kind == "bargain" {
                let row = told(own.filter(|said| said.effective <= instant));
                seen.extend(row.map(|row| (("bargain_history", stream), row)));
            } else {
                planned(stream, own, instant, &mut seen);
            }
        }
        seen
    }

    /// Whether every standing event of every bargain keeps the rules, and nobody sits on two seats.
    pub(crate) fn keeps_the_rules(&self, instants: &[Instant]) -> bool {
        let mut bargains: Vec<_> = self.standing.iter().filter(|said| said.kind == "bargain").collect();
        bargains.sort_by_key(|said| said.stream); // stable: the order in which they fold stays
        let kept = bargains.chunk_by(|one, next| one.stream == next.stream).all(|own| {
            let (mut status, mut stage, mut amount) = ("unopened", 0, 0);
            own.iter().flat_map(|said| &said.events).all(|event| {
                let (before, kind) = (status, event["type"].as_str().expect("a type"));
                stage = event["stage"].as_i64().unwrap_or(if kind == "bargain.opened" { 1 } else { stage });
                amount = event["amount"].as_i64().unwrap_or(amount);
                status = if kind == "bargain.won" { "won" } else { "open" };
                let dear = stage < 2 && amount > 500 && ["bargain.staged", "bargain.priced"].contains(&kind);
                !dear
                    && match kind {
                        "bargain.opened" => before == "unopened",
                        "bargain.reopened" => before == "won",
                        _ => before == "open",
                    }
            })
        });
        let sits_once = |instant: &Instant| {
            let mut sitting: Vec<_> = self
                .effective(*instant)
                .into_iter()
                .filter(|((table, _), _)| *table == "seat_history")
                .map(|((_, id), row)| (id.as_u128() / 10, row["who"].as_u64()))
                .collect();
            let all = sitting.len();
            sitting.sort_unstable();
            sitting.dedup();
            sitting.len() == all
        };
        kept && instants.iter().all(sits_once)
    }
}

fn told<'a>(own: impl Iterator<Item = &'a Said>) -> Option<Map<String, Value>> {
    let (mut stage, mut open) = (json!("S1"), true);
    let mut row: Option<Map<String, Value>> = None;
    for said in own {
        for event in &said.events {
            let kind = event["type"].as_str().expect("a type");
            if kind == "bargain.opened" {
                let opened_on = said.effective.date_naive();
                let fresh = json!({ "stage": "S1", "amount": 0, "who": null, "opened_on": opened_on });
                row = fresh.as_object().cloned();
                (stage, open) = (json!("S1"), true);
            }
            let Some(row) = row.as_mut() else { continue }; // told of what is not opened: `keeps_the_rules` says so
            if let Some(number) = event.get("stage") {
                stage = json!(format!("S{number}"));
            }
            for told in ["amount", "who"] {
                if let Some(value) = event.get(told) {
                    row.insert(told.to_owned(), value.clone());
                }
            }
            open = if kind == "bargain.won" { false } else { open || kind == "bargain.reopened" };
            row.insert("stage".to_owned(), if open { stage.clone() } else { json!("won") });
        }
    }
    row
}

/// For each seat, what was said last of a range that holds the instant.
fn planned<'a>(desk: Uuid, own: impl Iterator<Item = &'a Said>, instant: Instant, seen: &mut Seen) {
    let mut seats: BTreeMap<u8, (Value, Value)> = BTreeMap::new();
    for event in own.flat_map(|said| &said.events) {
        let bound = |name: &str| event[name].as_str().map(|text| text.parse::<Instant>().expect("an instant"));
        let holds = bound("from").is_some_and(|from| from <= instant) && bound("to").is_none_or(|to| instant < to);
        if holds {
            let number = event["seat"].as_u64().and_then(|seat| seat.try_into().ok()).expect("a seat");
            let (who, rate) = seats.entry(number).or_default();
            *(if event["type"] == "roster.seated" { &mut *who } else { &mut *rate }) =
                event.get("who").or(event.get("rate")).cloned().unwrap_or_default();
        }
    }
    seats.retain(|_, (who, _)| !who.is_null());
    let taken = seats.len();
    for (number, (who, rate)) in seats {
        let row = json!({ "who": who, "rate": rate }).as_object().cloned().expect("an object");
        seen.insert(("seat_history", seat_id(desk, number)), row);
    }
    if taken > 0 {
        seen.insert(("desk_history", desk), json!({ "taken": taken }).as_object().cloned().expect("an object"));
    }
}

/// The rows that the predicate of the two clocks shows; more than one of a table and id is an error.
pub(crate) fn shown(
    tables: &BTreeMap<&'static str, Vec<Stored>>,
    instant: Instant,
    known: i64,
) -> Result<Seen, String> {
    let mut seen = Seen::new();
    for (table, rows) in tables {
        for row in rows.iter().filter(|row| row.visible(instant, known)) {
            if seen.insert((table, row.id), row.row.clone()).is_some() {
                return Err(format!("two rows of {} are seen in {table} at {instant} as known at {known}", row.id));
            }
        }
    }
    Ok(seen)
}

/// Every instant at which anything begins or ends, and the last microsecond before it.
pub(crate) fn instants(log: &[Recorded], tables: &BTreeMap<&'static str, Vec<Stored>>) -> Vec<Instant> {
    let mut instants: Vec<Instant> = log.iter().map(|event| event.effective_at).collect();
    for event in log {
        let payload: Value = serde_json::from_slice(&event.payload).expect("a payload is JSON");
        let bounds = ["from", "to"].into_iter().filter_map(|name| payload[name].as_str());
        instants.extend(bounds.map(|text| text.parse::<Instant>().expect("an instant")));
    }
    for row in tables.values().flatten() {
        instants.extend([Some(row.valid_from), row.valid_to].into_iter().flatten());
    }
    let before: Vec<_> = instants.iter().map(|instant| *instant - chrono::TimeDelta::microseconds(1)).collect();
    instants.extend(before);
    instants.sort_unstable();
    instants.dedup();
    instants
}
