//! A person of the sales organisation: from the hire through roles, teams and leaves to the departure, and back.
#![expect(missing_docs, reason = "whole words say most of these names; what they do not say is documented")]

use crate::span::{Span, changes};
use decider::{At, Decider, Steps, instants_of};
use serde::{Deserialize, Serialize};
use units::{Instant, Personal, TeamId, Text};

/// What may be asked of a person. It holds from the command's effective instant, until `until` where there is one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Command {
    /// Hires the person, once.
    Hire {
        name: Personal<Text>,
        email: Option<Personal<Text>>,
        role: Role,
        team: Option<TeamId>,
        external_id: Option<Text>,
    },
    /// Gives the person another name.
    Rename { name: Personal<Text> },
    /// Gives the person another address; `None`: none is known.
    ChangeEmail { email: Option<Personal<Text>> },
    /// Gives the person another role.
    AssignRole { role: Role, until: Option<Instant> },
    /// Puts the person into a team; `None`: into none.
    JoinTeam { team: Option<TeamId>, until: Option<Instant> },
    /// The person is away; `until: None`: nobody knows for how long.
    StartLeave { until: Option<Instant>, reason: Option<Personal<Text>> },
    /// The person is back from the leave of that instant.
    EndLeave,
    /// The person leaves the organisation; the instant may lie in the future. `None`: nobody said.
    Depart { voluntary: Option<bool>, regretted: Option<bool> },
    /// The person comes back after a departure: in the role last held, in no team, on no leave.
    Rehire,
}

/// What a person does in the sales organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sells.
    Rep,
    /// Leads those who sell.
    Manager,
    /// Leads those who lead.
    Leader,
    /// Keeps the organisation, its pipelines and its figures in order.
    Operations,
    /// Reads, and changes nothing.
    Auditor,
}

/// What has happened to a person. Stored as written here: add a variant, never edit one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "person.hired")]
    Hired {
        name: Personal<Text>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<Personal<Text>>,
        role: Role,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<Text>,
        from: Instant,
    },
    #[serde(rename = "person.renamed")]
    Renamed { name: Personal<Text>, from: Instant },
    #[serde(rename = "person.email_changed")]
    EmailChanged { email: Option<Personal<Text>>, from: Instant },
    #[serde(rename = "person.role_assigned")]
    RoleAssigned {
        role: Role,
        from: Instant,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Instant>,
    },
    #[serde(rename = "person.team_joined")]
    TeamJoined {
        team: TeamId,
        from: Instant,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Instant>,
    },
    #[serde(rename = "person.team_left")]
    TeamLeft {
        from: Instant,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Instant>,
    },
    #[serde(rename = "person.leave_started")]
    LeaveStarted {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Personal<Text>>,
        from: Instant,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Instant>,
    },
    /// `to` is when the leave would have ended, so that a later leave stays.
    #[serde(rename = "person.leave_ended")]
    LeaveEnded {
        from: Instant,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Instant>,
    },
    #[serde(rename = "person.departed")]
    Departed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        voluntary: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        regretted: Option<bool>,
        from: Instant,
    },
    #[serde(rename = "person.rehired")]
    Rehired { from: Instant },
}

/// Whether a person who was hired is with the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Employment {
    /// With it, on leave or not.
    Active,
    /// Gone; `None`: nobody said.
    Departed { voluntary: Option<bool>, regretted: Option<bool> },
}

/// A time away.
#[derive(Clone, Debug, PartialEq)]
pub struct Leave {
    pub reason: Option<Personal<Text>>,
}

/// A person as the events leave them, over all time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person {
    /// Begins with the hire.
    pub employment: Steps<Employment>,
    pub name: Steps<Personal<Text>>,
    pub email: Steps<Personal<Text>>,
    pub external_id: Option<Text>,
    role: Steps<Role>,
    team: Steps<TeamId>,
    leave: Steps<Leave>,
}

/// Why a person's record says no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("the person is not hired yet at that instant")]
    NotHired,
    #[error("the person is hired already; someone who left is rehired")]
    AlreadyHired,
    #[error("the person has left the organisation by that instant: rehire them first")]
    HasLeft,
    #[error("the person has left by that instant already: correct the departure instead")]
    AlreadyLeft,
    #[error("the person has not left yet at that instant: withdraw the departure instead of rehiring them")]
    NotLeft,
    #[error("there is no such team at that instant")]
    UnknownTeam,
    #[error("it must end after it begins")]
    EndsBeforeItBegins,
}

/// What a person's record needs to know of other slices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Whether the team named by the command is there.
    pub team_known: bool,
}

impl Decider for Person {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Facts = Facts;

    fn decide(&self, facts: &Facts, command: &Command, at: &At) -> Result<Vec<Event>, Refusal> {
        let from = at.effective;
        let event = match command.clone() {
            Command::Hire { team: Some(_), .. } if !facts.team_known => return Err(Refusal::UnknownTeam),
            Command::Hire { name, email, role, team, external_id } => {
                Event::Hired { name, email, role, team, external_id, from }
            }
            Command::Rename { name } => Event::Renamed { name, from },
            Command::ChangeEmail { email } => Event::EmailChanged { email, from },
            Command::AssignRole { role, until } => Event::RoleAssigned { role, from, to: until },
            Command::JoinTeam { team: Some(team), until } => Event::TeamJoined { team, from, to: until },
            Command::JoinTeam { team: None, until } => Event::TeamLeft { from, to: until },
            Command::StartLeave { until, reason } => Event::LeaveStarted { reason, from, to: until },
            Command::EndLeave if self.hired_by(from) && self.leave_at(from).is_none() => return Ok(vec![]),
            Command::EndLeave => Event::LeaveEnded { from, to: changes(&self.leave).find(|change| *change > from) },
            Command::Depart { voluntary, regretted } => Event::Departed { voluntary, regretted, from },
            Command::Rehire => Event::Rehired { from },
        };
        if self.says(&event) {
            return Ok(vec![]);
        }
        self.fits(&event)?;
        match event {
            Event::TeamJoined { .. } if !facts.team_known => Err(Refusal::UnknownTeam),
            event => Ok(vec![event]),
        }
    }

    fn fits(&self, event: &Event) -> Result<(), Refusal> {
        let span = event.span();
        let active = self.active_at(span.from);
        match event {
            Event::Hired { .. } if self.employment.is_empty() => Ok(()),
            Event::Hired { .. } => Err(Refusal::AlreadyHired),
            _ if !self.hired_by(span.from) => Err(Refusal::NotHired),
            _ if span.is_empty() => Err(Refusal::EndsBeforeItBegins),
            Event::Renamed { .. } | Event::EmailChanged { .. } | Event::TeamLeft { .. } | Event::LeaveEnded { .. } => {
                Ok(())
            }
            Event::RoleAssigned { .. } | Event::TeamJoined { .. } | Event::LeaveStarted { .. } if active => Ok(()),
            Event::RoleAssigned { .. } | Event::TeamJoined { .. } | Event::LeaveStarted { .. } => Err(Refusal::HasLeft),
            Event::Departed { .. } if active => Ok(()),
            Event::Departed { .. } => Err(Refusal::AlreadyLeft),
            Event::Rehired { .. } if active => Err(Refusal::NotLeft),
            Event::Rehired { .. } => Ok(()),
        }
    }

    fn evolve(&mut self, event: &Event, _at: &At) {
        match event.clone() {
            Event::Hired { name, email, role, team, external_id, from } => {
                self.external_id = external_id;
                self.employment.set(from, None, Some(Employment::Active));
                self.name.set(from, None, Some(name));
                self.email.set(from, None, email);
                self.role.set(from, None, Some(role));
                self.team.set(from, None, team);
            }
            Event::Renamed { name, from } => self.name.set(from, None, Some(name)),
            Event::EmailChanged { email, from } => self.email.set(from, None, email),
            Event::RoleAssigned { role, from, to } => self.role.set(from, to, Some(role)),
            Event::TeamJoined { team, from, to } => self.team.set(from, to, Some(team)),
            Event::TeamLeft { from, to } => self.team.set(from, to, None),
            Event::LeaveStarted { reason, from, to } => self.leave.set(from, to, Some(Leave { reason })),
            Event::LeaveEnded { from, to } => self.leave.set(from, to, None),
            Event::Departed { voluntary, regretted, from } => {
                self.employment.set(from, None, Some(Employment::Departed { voluntary, regretted }));
            }
            Event::Rehired { from } => {
                self.employment.set(from, None, Some(Employment::Active));
                self.team.set(from, None, None);
                self.leave.set(from, None, None);
            }
        }
    }
}

impl Person {
    /// When the person was first hired.
    pub fn hired_at(&self) -> Option<Instant> {
        changes(&self.employment).next()
    }

    /// Whether the person is employed at that instant, on leave or not.
    pub fn active_at(&self, instant: Instant) -> bool {
        self.employment.at(instant) == Some(&Employment::Active)
    }

    /// The role at that instant; `None` while the person is not employed.
    pub fn role_at(&self, instant: Instant) -> Option<Role> {
        self.role.at(instant).copied().filter(|_| self.active_at(instant))
    }

    /// The team at that instant; `None` while the person is in none, or not employed.
    pub fn team_at(&self, instant: Instant) -> Option<TeamId> {
        self.team.at(instant).copied().filter(|_| self.active_at(instant))
    }

    /// The leave at that instant; `None` while the person is not away, or not employed.
    pub fn leave_at(&self, instant: Instant) -> Option<&Leave> {
        self.leave.at(instant).filter(|_| self.active_at(instant))
    }

    /// The instants at which anything about the person changes, earliest first.
    pub fn instants(&self) -> Vec<Instant> {
        let said = changes(&self.employment).chain(changes(&self.name)).chain(changes(&self.email));
        instants_of(said.chain(changes(&self.role)).chain(changes(&self.team)).chain(changes(&self.leave)))
    }

    /// Whether the event's range lies over a step already said for later than its `from`.
    pub fn overlays(&self, event: &Event) -> bool {
        let Span { from, to } = event.span();
        match event {
            Event::Hired { .. } => false,
            Event::Renamed { .. } => self.name.changes_after(from, to),
            Event::EmailChanged { .. } => self.email.changes_after(from, to),
            Event::RoleAssigned { .. } => self.role.changes_after(from, to),
            Event::TeamJoined { .. } | Event::TeamLeft { .. } => self.team.changes_after(from, to),
            Event::LeaveStarted { .. } | Event::LeaveEnded { .. } => self.leave.changes_after(from, to),
            Event::Departed { .. } | Event::Rehired { .. } => self.employment.changes_after(from, to),
        }
    }

    fn hired_by(&self, instant: Instant) -> bool {
        self.employment.at(instant).is_some()
    }

    /// Whether what the event says holds over the whole of its range already.
    fn says(&self, event: &Event) -> bool {
        let Span { from, to } = event.span();
        let there = self.hired_by(from) && !event.span().is_empty();
        let active = self.active_at(from);
        there
            && match event {
                Event::Hired { .. } => false,
                Event::Renamed { name, .. } => self.name.holds(from, to, Some(name)),
                Event::EmailChanged { email, .. } => self.email.holds(from, to, email.as_ref()),
                Event::RoleAssigned { role, .. } => active && self.role.holds(from, to, Some(role)),
                Event::TeamJoined { team, .. } => active && self.team.holds(from, to, Some(team)),
                Event::TeamLeft { .. } => {
                    let gone = !active && !self.employment.changes_after(from, to);
                    gone || self.team.holds(from, to, None)
                }
                Event::LeaveStarted { reason, .. } => {
                    active && self.leave.holds(from, to, Some(&Leave { reason: reason.clone() }))
                }
                Event::LeaveEnded { .. } => self.leave.holds(from, to, None),
                Event::Departed { voluntary, regretted, .. } => {
                    let departed = Employment::Departed { voluntary: *voluntary, regretted: *regretted };
                    self.employment.holds(from, to, Some(&departed))
                }
                Event::Rehired { .. } => self.employment.holds(from, to, Some(&Employment::Active)),
            }
    }
}

impl Event {
    fn span(&self) -> Span {
        match self {
            Event::Hired { from, .. }
            | Event::Renamed { from, .. }
            | Event::EmailChanged { from, .. }
            | Event::Departed { from, .. }
            | Event::Rehired { from } => Span::new(*from, None),
            Event::RoleAssigned { from, to, .. }
            | Event::TeamJoined { from, to, .. }
            | Event::TeamLeft { from, to }
            | Event::LeaveStarted { from, to, .. }
            | Event::LeaveEnded { from, to } => Span::new(*from, *to),
        }
    }
}
