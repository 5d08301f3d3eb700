//! The reporting lines of the organisation: who reports to whom, when. One stream, so that no circle can close.
#![expect(missing_docs, reason = "whole words say most of these names; what they do not say is documented")]

use crate::{
    ascent::circle,
    span::{Span, changes},
};
use chrono::NaiveDate;
use decider::{At, Decider, Steps, instants_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use units::{Instant, PersonId};

/// What may be asked of the reporting lines.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Command {
    /// From the effective instant until `until`, the person reports to the manager; `None`: to nobody.
    SetManager { person: PersonId, manager: Option<PersonId>, until: Option<Instant> },
}

/// What has happened to the reporting lines. Stored as written here: add a variant, never edit one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "reporting.manager_set")]
    ManagerSet {
        person: PersonId,
        manager: Option<PersonId>,
        from: Instant,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Instant>,
    },
}

/// The reporting lines as the events leave them, over all time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reporting {
    lines: BTreeMap<PersonId, Steps<PersonId>>,
}

/// Why the reporting lines say no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("nobody reports to themself")]
    ManagesThemself,
    #[error("the person is not with the organisation at that instant")]
    PersonNotActive,
    #[error("the manager is not with the organisation at that instant")]
    ManagerNotActive,
    #[error("that would close a circle: on {on} the manager reports to that person, directly or through others")]
    Circle { on: NaiveDate },
    #[error("it must end after it begins")]
    EndsBeforeItBegins,
}

/// What the reporting lines need to know of other slices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Whether the person named by the command is employed.
    pub person_active: bool,
    /// Whether the manager named by the command is employed.
    pub manager_active: bool,
}

impl Decider for Reporting {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Facts = Facts;

    fn decide(&self, facts: &Facts, command: &Command, at: &At) -> Result<Vec<Event>, Refusal> {
        let Command::SetManager { person, manager, until } = *command;
        let span = Span::new(at.effective, until);
        if self.says(person, manager, span) {
            return Ok(vec![]);
        }
        if !facts.person_active {
            return Err(Refusal::PersonNotActive);
        }
        if manager.is_some() && !facts.manager_active {
            return Err(Refusal::ManagerNotActive);
        }
        let event = Event::ManagerSet { person, manager, from: span.from, to: span.to };
        self.fits(&event)?;
        Ok(vec![event])
    }

    fn fits(&self, event: &Event) -> Result<(), Refusal> {
        let Event::ManagerSet { person, manager, from, to } = *event;
        let span = Span::new(from, to);
        let levels_max = self.lines.len() + 1;
        match manager {
            _ if span.is_empty() => Err(Refusal::EndsBeforeItBegins),
            None => Ok(()),
            Some(manager) if manager == person => Err(Refusal::ManagesThemself),
            Some(manager) => match circle(|below| self.lines.get(&below), person, manager, span, levels_max) {
                Some(instant) => Err(Refusal::Circle { on: instant.date_naive() }),
                None => Ok(()),
            },
        }
    }

    fn evolve(&mut self, event: &Event, _at: &At) {
        let Event::ManagerSet { person, manager, from, to } = *event;
        self.lines.entry(person).or_default().set(from, to, manager);
    }
}

impl Reporting {
    /// Whom the person reports to at that instant.
    pub fn manager_at(&self, person: PersonId, instant: Instant) -> Option<PersonId> {
        self.lines.get(&person).and_then(|line| line.at(instant)).copied()
    }

    /// Who reports directly to the manager at that instant, in the order of their ids.
    pub fn reports_at(&self, manager: PersonId, instant: Instant) -> Vec<PersonId> {
        let reports = self.lines.iter().filter(|(_, line)| line.at(instant) == Some(&manager));
        reports.map(|(person, _)| *person).collect()
    }

    /// Everybody's line over all time, in the order of their ids.
    pub fn lines(&self) -> impl Iterator<Item = (PersonId, &Steps<PersonId>)> {
        self.lines.iter().map(|(person, line)| (*person, line))
    }

    /// The instants at which any line changes, earliest first.
    pub fn instants(&self) -> Vec<Instant> {
        instants_of(self.lines.values().flat_map(changes))
    }

    /// Whether the event's range lies over a step already said for later than its `from`.
    pub fn overlays(&self, event: &Event) -> bool {
        let Event::ManagerSet { person, from, to, .. } = *event;
        self.lines.get(&person).is_some_and(|line| line.changes_after(from, to))
    }

    /// Whether the person reports to the manager over the whole of the span already.
    fn says(&self, person: PersonId, manager: Option<PersonId>, span: Span) -> bool {
        let holds = |line: &Steps<_>| line.holds(span.from, span.to, manager.as_ref());
        !span.is_empty() && self.lines.get(&person).map_or(manager.is_none(), holds)
    }
}
