//! How a person becomes rows, and what a person's record reads of others.

use super::decide::{Command, Employment, Event, Facts, Person, Role};
use crate::{facts, schedule};
use logbook::{Chapter, Clocks, Segment, Slice, StreamRef, Streams, Table};
use serde::{Deserialize, Serialize};
use units::Instant;
use uuid::Uuid;

/// The columns of `person_history` beyond its bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// active or departed.
    pub status: String,
    /// The name.
    pub name: String,
    /// The name in lower case, for finding by prefix.
    pub name_folded: String,
    /// The address.
    pub email: Option<String>,
    /// What the person does; none while departed.
    pub role: Option<Role>,
    /// The team.
    pub team_id: Option<Uuid>,
    /// Whether the person is away.
    pub on_leave: bool,
    /// Why.
    pub leave_reason: Option<String>,
    /// Whether the departure was the person's own wish; none while active.
    pub voluntary: Option<bool>,
    /// Whether the departure is regretted; none while active.
    pub regretted: Option<bool>,
    /// The first instant of the person's employment.
    pub hired_at: Instant,
    /// The id in the system it came from.
    pub external_id: Option<String>,
}

impl Row {
    fn at(person: &Person, instant: Instant) -> Option<Self> {
        let name = &person.name.at(instant)?.0;
        let (status, voluntary, regretted) = match person.employment.at(instant)? {
            Employment::Active => ("active", None, None),
            Employment::Departed { voluntary, regretted } => ("departed", *voluntary, *regretted),
        };
        let leave = person.leave_at(instant);
        Some(Self {
            status: status.to_owned(),
            name: name.as_str().to_owned(),
            name_folded: name.folded(),
            email: person.email.at(instant).map(|email| email.0.as_str().to_owned()),
            role: person.role_at(instant),
            team_id: person.team_at(instant).map(|team| team.0),
            on_leave: leave.is_some(),
            leave_reason: leave.and_then(|leave| leave.reason.as_ref()).map(|reason| reason.0.as_str().to_owned()),
            voluntary,
            regretted,
            hired_at: person.hired_at()?,
            external_id: person.external_id.clone().map(String::from),
        })
    }
}

impl Slice for Person {
    const KIND: &'static str = "person";
    const CLOCKS: Clocks = Clocks::Schedule;
    const TABLES: &'static [Table] = &[schedule::table!("person", "history")];
    type Row = Row;

    fn reads(&self, _id: Uuid, command: &Command, _effective: Instant, _streams: &Streams) -> Vec<StreamRef> {
        facts::person_reads(command)
    }

    fn facts(&self, _id: Uuid, command: &Command, effective: Instant, streams: &Streams) -> Facts {
        facts::person(command, effective, streams)
    }

    fn segments(id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<Row>> {
        let Some(Chapter { state, .. }) = story.last() else { return vec![] };
        schedule::segments(0, id, state.instants(), |instant| Row::at(state, instant))
    }

    fn overlays(&self, event: &Event) -> bool {
        Person::overlays(self, event)
    }
}
