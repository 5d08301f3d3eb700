//! An account: a customer or prospect, its sector and the account it belongs to, until it is closed.
#![expect(missing_docs, reason = "whole words say most of these names; what they do not say is documented")]

use crate::span::{Span, changes};
use decider::{At, Decider, Steps, instants_of};
use serde::{Deserialize, Serialize};
use units::{AccountId, Instant, Text};

/// What may be asked of an account. It holds from the command's effective instant, until `until` where there is one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Command {
    /// Registers it, once.
    Register { name: Text, parent: Option<AccountId>, sector: Option<Text>, external_id: Option<Text> },
    /// Gives it another name.
    Rename { name: Text },
    /// Says which line of business it is in; `None`: not known.
    ChangeSector { sector: Option<Text>, until: Option<Instant> },
    /// Says which account it belongs to; `None`: to none.
    ChangeParent { parent: Option<AccountId>, until: Option<Instant> },
    /// Closes it: no new deals; its id and its history stay.
    Close,
}

/// What has happened to an account. Stored as written here: add a variant, never edit one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "account.registered")]
    Registered {
        name: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<AccountId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sector: Option<Text>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<Text>,
        from: Instant,
    },
    #[serde(rename = "account.renamed")]
    Renamed { name: Text, from: Instant },
    #[serde(rename = "account.sector_changed")]
    SectorChanged {
        sector: Option<Text>,
        from: Instant,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Instant>,
    },
    #[serde(rename = "account.parent_changed")]
    ParentChanged {
        parent: Option<AccountId>,
        from: Instant,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Instant>,
    },
    #[serde(rename = "account.closed")]
    Closed { from: Instant },
}

/// An account as its events leave it, over all time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    pub registered_at: Option<Instant>,
    /// The first instant at which it is closed.
    pub closed_at: Option<Instant>,
    pub name: Steps<Text>,
    pub parent: Steps<AccountId>,
    pub sector: Steps<Text>,
    pub external_id: Option<Text>,
}

/// Why an account says no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such account at that instant")]
    NotRegistered,
    #[error("the account is registered already")]
    AlreadyRegistered,
    #[error("the account is closed by that instant")]
    Closed,
    #[error("there is no such parent account at that instant")]
    UnknownParent,
    #[error("an account cannot belong to itself")]
    OwnParent,
    #[error("that would close a circle: the parent belongs to this account, now or later, directly or through others")]
    Circle,
    #[error("it must end after it begins")]
    EndsBeforeItBegins,
}

/// What an account needs to know of other accounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Whether the parent named by the command is there and not closed.
    pub parent_known: bool,
    /// That parent and all that it belongs to at any instant of the time that the command speaks of.
    pub ancestors: Vec<AccountId>,
    /// The account itself.
    pub itself: Option<AccountId>,
}

impl Facts {
    fn may_be_parent(&self, parent: Option<AccountId>) -> Result<(), Refusal> {
        match (parent, self.itself) {
            (None, _) => Ok(()),
            (parent, itself) if parent == itself => Err(Refusal::OwnParent),
            _ if !self.parent_known => Err(Refusal::UnknownParent),
            (_, Some(itself)) if self.ancestors.contains(&itself) => Err(Refusal::Circle),
            _ => Ok(()),
        }
    }
}

impl Decider for Account {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Facts = Facts;

    fn decide(&self, facts: &Facts, command: &Command, at: &At) -> Result<Vec<Event>, Refusal> {
        let from = at.effective;
        let event = match command.clone() {
            Command::Register { name, parent, sector, external_id } => {
                facts.may_be_parent(parent)?;
                Event::Registered { name, parent, sector, external_id, from }
            }
            Command::Rename { name } => Event::Renamed { name, from },
            Command::ChangeSector { sector, until } => Event::SectorChanged { sector, from, to: until },
            Command::ChangeParent { parent, until } => Event::ParentChanged { parent, from, to: until },
            Command::Close if self.is_closed(from) => return Ok(vec![]),
            Command::Close => Event::Closed { from },
        };
        self.fits(&event)?;
        match event {
            event if self.says(&event) => Ok(vec![]),
            Event::ParentChanged { parent, .. } => facts.may_be_parent(parent).map(|()| vec![event]),
            event => Ok(vec![event]),
        }
    }

    fn fits(&self, event: &Event) -> Result<(), Refusal> {
        let span = event.span();
        match event {
            Event::Registered { .. } if self.registered_at.is_some() => Err(Refusal::AlreadyRegistered),
            Event::Registered { .. } => Ok(()),
            _ if self.registered_at.is_none_or(|at| span.from < at) => Err(Refusal::NotRegistered),
            _ if self.is_closed(span.from) => Err(Refusal::Closed),
            Event::SectorChanged { .. } | Event::ParentChanged { .. } if span.is_empty() => {
                Err(Refusal::EndsBeforeItBegins)
            }
            Event::Renamed { .. }
            | Event::SectorChanged { .. }
            | Event::ParentChanged { .. }
            | Event::Closed { .. } => Ok(()),
        }
    }

    fn evolve(&mut self, event: &Event, _at: &At) {
        match event.clone() {
            Event::Registered { name, parent, sector, external_id, from } => {
                (self.registered_at, self.external_id) = (Some(from), external_id);
                self.name.set(from, None, Some(name));
                self.parent.set(from, None, parent);
                self.sector.set(from, None, sector);
            }
            Event::Renamed { name, from } => self.name.set(from, None, Some(name)),
            Event::SectorChanged { sector, from, to } => self.sector.set(from, to, sector),
            Event::ParentChanged { parent, from, to } => self.parent.set(from, to, parent),
            Event::Closed { from } => self.closed_at = Some(self.closed_at.map_or(from, |at| at.min(from))),
        }
    }
}

impl Account {
    /// Whether the account is registered and not closed at that instant.
    pub fn active_at(&self, instant: Instant) -> bool {
        self.registered_at.is_some_and(|at| at <= instant) && !self.is_closed(instant)
    }

    /// The account that it belongs to at that instant; a closed account keeps it.
    pub fn parent_at(&self, instant: Instant) -> Option<AccountId> {
        self.parent.at(instant).copied()
    }

    /// The instants at which anything about the account changes, earliest first.
    pub fn instants(&self) -> Vec<Instant> {
        let stands = self.registered_at.into_iter().chain(self.closed_at);
        instants_of(stands.chain(changes(&self.name)).chain(changes(&self.parent)).chain(changes(&self.sector)))
    }

    /// Whether the event's range lies over a step already said for later than its `from`.
    pub fn overlays(&self, event: &Event) -> bool {
        let Span { from, to } = event.span();
        match event {
            Event::Registered { .. } => false,
            Event::Renamed { .. } => self.name.changes_after(from, to),
            Event::SectorChanged { .. } => self.sector.changes_after(from, to),
            Event::ParentChanged { .. } => self.parent.changes_after(from, to),
            Event::Closed { .. } => self.closed_at.is_some_and(|closed_at| closed_at > from),
        }
    }

    fn is_closed(&self, instant: Instant) -> bool {
        self.closed_at.is_some_and(|closed_at| closed_at <= instant)
    }

    /// Whether what the event says holds over the whole of its range already.
    fn says(&self, event: &Event) -> bool {
        let Span { from, to } = event.span();
        match event {
            Event::Registered { .. } | Event::Closed { .. } => false,
            Event::Renamed { name, .. } => self.name.holds(from, to, Some(name)),
            Event::SectorChanged { sector, .. } => self.sector.holds(from, to, sector.as_ref()),
            Event::ParentChanged { parent, .. } => self.parent.holds(from, to, parent.as_ref()),
        }
    }
}

impl Event {
    fn span(&self) -> Span {
        match self {
            Event::Registered { from, .. } | Event::Renamed { from, .. } | Event::Closed { from } => {
                Span::new(*from, None)
            }
            Event::SectorChanged { from, to, .. } | Event::ParentChanged { from, to, .. } => Span::new(*from, *to),
        }
    }
}
