//! Two small slices: a bargain, whose events tell a story, and a roster, whose events say values over ranges of time.

use crate::{
    envelope::StreamRef,
    registry::Registry,
    slice::{Chapter, Clocks, Segment, Slice, Table},
    streams::Streams,
};
use chrono::NaiveDate;
use decider::{At, Decider, Steps, instants_of};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::LazyLock};
use units::Instant;
use uuid::Uuid;

pub(crate) static TOYS: LazyLock<Registry> = LazyLock::new(|| Registry::default().with::<Bargain>().with::<Roster>());

const fn table(name: &'static str) -> Table {
    Table { name, insert: "", update: "", all: "", delete: "" }
}

/// What is asked of a bargain. No event of it may leave it dear (above 500) at an early stage (below 2).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) enum Ask {
    Open {
        amount: i64,
    },
    Stage(u8),
    Amount(i64),
    /// Both: a command of up to two events.
    Revise(u8, i64),
    /// To another desk's roster.
    Desk(u8),
    /// To whoever sits on this seat of its desk's roster.
    Assign {
        seat: u8,
    },
    Win(Option<i64>),
    Reopen,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Told {
    #[serde(rename = "bargain.opened")]
    Opened { amount: i64 },
    #[serde(rename = "bargain.staged")]
    Staged { stage: u8 },
    #[serde(rename = "bargain.priced")]
    Priced { amount: i64 },
    #[serde(rename = "bargain.moved")]
    Moved { desk: u8 },
    #[serde(rename = "bargain.assigned")]
    Assigned { who: u8 },
    #[serde(rename = "bargain.won")]
    Won { amount: i64 },
    #[serde(rename = "bargain.reopened")]
    Reopened,
}

#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(crate) enum No {
    #[error("it is open already")]
    Opened,
    #[error("it is not open")]
    NotOpen,
    #[error("it is not won")]
    NotWon,
    #[error("it is dear, and that is early")]
    DearAndEarly,
    #[error("nobody sits there")]
    NobodyThere,
    #[error("they sit elsewhere then")]
    SitsElsewhere,
    #[error("it ends before it begins")]
    EndsBeforeItBegins,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Status {
    #[default]
    Unopened,
    Open,
    Won,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bargain {
    status: Status,
    stage: u8,
    amount: i64,
    desk: u8,
    who: Option<u8>,
    opened_on: Option<NaiveDate>,
}

/// The stream of a desk's roster.
pub(crate) fn roster(desk: u8) -> StreamRef {
    StreamRef { kind: Roster::KIND, id: Uuid::from_u128(100 + u128::from(desk)) }
}

/// The stream of a bargain.
pub(crate) fn bargain(number: u8) -> StreamRef {
    StreamRef { kind: Bargain::KIND, id: Uuid::from_u128(200 + u128::from(number)) }
}

impl Decider for Bargain {
    type Command = Ask;
    type Event = Told;
    type Refusal = No;
    /// Who sits on the seat that the command names.
    type Facts = Option<u8>;

    fn decide(&self, facts: &Option<u8>, command: &Ask, _at: &At) -> Result<Vec<Told>, No> {
        let staged = |stage| (stage != self.stage).then_some(Told::Staged { stage });
        let priced = |amount| (amount != self.amount).then_some(Told::Priced { amount });
        match (self.status, command) {
            (Status::Unopened, Ask::Open { amount }) => Ok(vec![Told::Opened { amount: *amount }]),
            (_, Ask::Open { .. }) => Err(No::Opened),
            (Status::Open, Ask::Stage(stage)) => Ok(staged(*stage).into_iter().collect()),
            (Status::Open, Ask::Amount(amount)) => Ok(priced(*amount).into_iter().collect()),
            (Status::Open, Ask::Revise(stage, amount)) => {
                Ok(staged(*stage).into_iter().chain(priced(*amount)).collect())
            }
            (Status::Open, Ask::Desk(desk)) if *desk == self.desk => Ok(vec![]),
            (Status::Open, Ask::Desk(desk)) => Ok(vec![Told::Moved { desk: *desk }]),
            (Status::Open, Ask::Assign { .. }) => match facts {
                None => Err(No::NobodyThere),
                who if *who == self.who => Ok(vec![]),
                Some(who) => Ok(vec![Told::Assigned { who: *who }]),
            },
            (Status::Open, Ask::Win(amount)) => Ok(vec![Told::Won { amount: amount.unwrap_or(self.amount) }]),
            (Status::Won, Ask::Win(amount)) if amount.is_none_or(|amount| amount == self.amount) => Ok(vec![]),
            (Status::Won, Ask::Reopen) => Ok(vec![Told::Reopened]),
            (Status::Open, Ask::Reopen) => Ok(vec![]),
            (Status::Unopened | Status::Won, _) => Err(No::NotOpen),
        }
    }

    fn fits(&self, event: &Told) -> Result<(), No> {
        match (self.status, event) {
            (Status::Unopened, Told::Opened { .. }) => Ok(()),
            (_, Told::Opened { .. }) => Err(No::Opened),
            (Status::Won, Told::Reopened) => Ok(()),
            (Status::Open, Told::Staged { stage }) if *stage < 2 && self.amount > 500 => Err(No::DearAndEarly),
            (Status::Open, Told::Priced { amount }) if self.stage < 2 && *amount > 500 => Err(No::DearAndEarly),
            (Status::Open, Told::Reopened) => Err(No::NotWon),
            (Status::Open, _) => Ok(()),
            (Status::Unopened | Status::Won, _) => Err(No::NotOpen),
        }
    }

    fn evolve(&mut self, event: &Told, at: &At) {
        match event {
            Told::Opened { amount } => {
                let (status, opened_on) = (Status::Open, Some(at.day));
                *self = Self { status, stage: 1, amount: *amount, opened_on, ..Self::default() };
            }
            Told::Staged { stage } => self.stage = *stage,
            Told::Priced { amount } => self.amount = *amount,
            Told::Moved { desk } => self.desk = *desk,
            Told::Assigned { who } => self.who = Some(*who),
            Told::Won { amount } => (self.status, self.amount) = (Status::Won, *amount),
            Told::Reopened => self.status = Status::Open,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct BargainRow {
    stage: String,
    amount: i64,
    who: Option<u8>,
    opened_on: Option<NaiveDate>,
}

impl Slice for Bargain {
    const KIND: &'static str = "bargain";
    const CLOCKS: Clocks = Clocks::Progress;
    const TABLES: &'static [Table] = &[table("bargain_history")];
    type Row = BargainRow;

    fn reads(&self, _id: Uuid, command: &Ask, _effective: Instant, _streams: &Streams) -> Vec<StreamRef> {
        match command {
            Ask::Assign { .. } => vec![roster(self.desk)],
            _ => vec![],
        }
    }

    fn facts(&self, _id: Uuid, command: &Ask, effective: Instant, streams: &Streams) -> Option<u8> {
        let Ask::Assign { seat } = command else { return None };
        streams.state::<Roster>(roster(self.desk).id, effective)?.seats.get(seat)?.who.at(effective).copied()
    }

    fn segments(id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<BargainRow>> {
        let ends = story.iter().skip(1).map(|chapter| Some(chapter.from)).chain([None]);
        let told = story.iter().zip(ends).filter(|(chapter, _)| chapter.state.status != Status::Unopened);
        told.map(|(Chapter { from, state }, to)| {
            let stage = if state.status == Status::Won { "won".to_owned() } else { format!("S{}", state.stage) };
            let row = BargainRow { stage, amount: state.amount, who: state.who, opened_on: state.opened_on };
            Segment { table: 0, id, from: *from, to, row }
        })
        .collect()
    }
}

/// What is said of a desk's seats: nobody sits on two of them at once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) enum Plan {
    Seat {
        seat: u8,
        who: Option<u8>,
        until: Option<Instant>,
    },
    Rate {
        seat: u8,
        rate: Option<i64>,
        until: Option<Instant>,
    },
    /// Both, from then on: a command of two events.
    Hire {
        seat: u8,
        who: u8,
        rate: i64,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Planned {
    #[serde(rename = "roster.seated")]
    Seated { seat: u8, who: Option<u8>, from: Instant, to: Option<Instant> },
    #[serde(rename = "roster.rated")]
    Rated { seat: u8, rate: Option<i64>, from: Instant, to: Option<Instant> },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Roster {
    seats: BTreeMap<u8, Seat>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seat {
    who: Steps<u8>,
    rate: Steps<i64>,
}

impl Decider for Roster {
    type Command = Plan;
    type Event = Planned;
    type Refusal = No;
    type Facts = ();

    fn decide(&self, _facts: &(), command: &Plan, at: &At) -> Result<Vec<Planned>, No> {
        let from = at.effective;
        let seated = |seat: u8, who: Option<u8>, to| {
            let already = self.seats.get(&seat).map_or(who.is_none(), |said| said.who.holds(from, to, who.as_ref()));
            (!already).then_some(Planned::Seated { seat, who, from, to })
        };
        let rated = |seat: u8, rate: Option<i64>, to| {
            let already = self.seats.get(&seat).map_or(rate.is_none(), |said| said.rate.holds(from, to, rate.as_ref()));
            (!already).then_some(Planned::Rated { seat, rate, from, to })
        };
        Ok(match *command {
            Plan::Seat { seat, who, until } => seated(seat, who, until).into_iter().collect(),
            Plan::Rate { seat, rate, until } => rated(seat, rate, until).into_iter().collect(),
            Plan::Hire { seat, who, rate } => {
                seated(seat, Some(who), None).into_iter().chain(rated(seat, Some(rate), None)).collect()
            }
        })
    }

    fn fits(&self, event: &Planned) -> Result<(), No> {
        let (Planned::Seated { from, to, .. } | Planned::Rated { from, to, .. }) = *event;
        if to.is_some_and(|to| to <= from) {
            return Err(No::EndsBeforeItBegins);
        }
        let Planned::Seated { seat, who: Some(who), .. } = *event else { return Ok(()) };
        let sits = |said: &Seat| {
            let begins = |at: Instant| at > from && to.is_none_or(|to| at < to);
            let mut steps = said.who.iter();
            said.who.at(from) == Some(&who) || steps.any(|step| begins(step.from) && step.value == Some(who))
        };
        let mut others = self.seats.iter().filter(|(other, _)| **other != seat);
        if others.any(|(_, said)| sits(said)) { Err(No::SitsElsewhere) } else { Ok(()) }
    }

    fn evolve(&mut self, event: &Planned, _at: &At) {
        match *event {
            Planned::Seated { seat, who, from, to } => self.seats.entry(seat).or_default().who.set(from, to, who),
            Planned::Rated { seat, rate, from, to } => self.seats.entry(seat).or_default().rate.set(from, to, rate),
        }
    }
}

/// The rows of two tables.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum RosterRow {
    Seat { who: u8, rate: Option<i64> },
    Desk { taken: usize },
}

/// The id of a seat's rows.
pub(crate) fn seat_id(desk: Uuid, seat: u8) -> Uuid {
    Uuid::from_u128(desk.as_u128() * 10 + u128::from(seat))
}

impl Slice for Roster {
    const KIND: &'static str = "roster";
    const CLOCKS: Clocks = Clocks::Schedule;
    const TABLES: &'static [Table] = &[table("seat_history"), table("desk_history")];
    type Row = RosterRow;

    fn reads(&self, _id: Uuid, _command: &Plan, _effective: Instant, _streams: &Streams) -> Vec<StreamRef> {
        vec![]
    }

    fn facts(&self, _id: Uuid, _command: &Plan, _effective: Instant, _streams: &Streams) {}

    fn segments(id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<RosterRow>> {
        let Some(Chapter { state, .. }) = story.last() else { return vec![] };
        let froms = |seat: &Seat| -> Vec<Instant> {
            seat.who.iter().map(|step| step.from).chain(seat.rate.iter().map(|step| step.from)).collect()
        };
        let instants = instants_of(state.seats.values().flat_map(froms));
        let ends = instants.iter().skip(1).copied().map(Some).chain([None]);
        let mut segments = Vec::new();
        for (from, to) in instants.iter().copied().zip(ends) {
            let mut taken = 0;
            for (number, seat) in &state.seats {
                let Some(who) = seat.who.at(from).copied() else { continue };
                taken += 1;
                let row = RosterRow::Seat { who, rate: seat.rate.at(from).copied() };
                segments.push(Segment { table: 0, id: seat_id(id, *number), from, to, row });
            }
            if taken > 0 {
                segments.push(Segment { table: 1, id, from, to, row: RosterRow::Desk { taken } });
            }
        }
        segments
    }

    fn overlays(&self, event: &Planned) -> bool {
        match *event {
            Planned::Seated { seat, from, to, .. } => {
                self.seats.get(&seat).is_some_and(|said| said.who.changes_after(from, to))
            }
            Planned::Rated { seat, from, to, .. } => {
                self.seats.get(&seat).is_some_and(|said| said.rate.changes_after(from, to))
            }
        }
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    fn restore(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
