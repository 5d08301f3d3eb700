//! The team tree of the organisation: regions at the top, teams below. One stream, so that no circle can close.
#![expect(missing_docs, reason = "whole words say most of these names; what they do not say is documented")]

use crate::{
    ascent::{ascent, circle},
    span::{Span, changes},
};
use chrono::NaiveDate;
use decider::{At, Decider, Steps, instants_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use units::{Instant, TeamId, Text};

/// The most levels that the tree may have; a region is on the first.
pub const LEVELS_MAX: usize = 16;

/// What may be asked of the team tree. It holds from the command's effective instant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Command {
    /// Forms a team, once; without a parent it is a region.
    Form { team: TeamId, name: Text, parent: Option<TeamId>, external_id: Option<Text> },
    /// Gives it another name.
    Rename { team: TeamId, name: Text },
    /// Puts it, and all that stands below it, under another team; `None`: makes it a region.
    Move { team: TeamId, parent: Option<TeamId>, until: Option<Instant> },
    /// Ends it; its history stays, and its id is not used again.
    Disband { team: TeamId },
}

/// What has happened to the team tree. Stored as written here: add a variant, never edit one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "team.formed")]
    Formed {
        team: TeamId,
        name: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<TeamId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<Text>,
        from: Instant,
    },
    #[serde(rename = "team.renamed")]
    Renamed { team: TeamId, name: Text, from: Instant },
    #[serde(rename = "team.moved")]
    Moved {
        team: TeamId,
        parent: Option<TeamId>,
        from: Instant,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Instant>,
    },
    #[serde(rename = "team.disbanded")]
    Disbanded { team: TeamId, from: Instant },
}

/// One team of the tree, over all time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Team {
    pub formed_at: Instant,
    /// The first instant at which it no longer stands.
    pub disbanded_at: Option<Instant>,
    pub name: Steps<Text>,
    pub parent: Steps<TeamId>,
    pub external_id: Option<Text>,
}

/// The team tree as the events leave it, over all time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Teams {
    teams: BTreeMap<TeamId, Team>,
}

/// Why the team tree says no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("the team is formed already")]
    AlreadyFormed,
    #[error("there is no such team at that instant")]
    NotFormed,
    #[error("the team is disbanded by that instant")]
    Disbanded,
    #[error("there is no such parent team at that instant")]
    UnknownParent,
    #[error("the parent team is disbanded from {on} on: choose another one, or end by then")]
    ParentDisbanded { on: NaiveDate },
    #[error("that would close a circle: on {on} the parent stands below that team")]
    Circle { on: NaiveDate },
    #[error("the tree would have more than {LEVELS_MAX} levels")]
    TooDeep,
    #[error("another team under the same parent is called {name}")]
    NameTaken { name: Text },
    #[error("the team still has teams below it: move or disband them first")]
    HasTeamsBelow,
    #[error("it must end after it begins")]
    EndsBeforeItBegins,
}

impl Decider for Teams {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Facts = ();

    fn decide(&self, _facts: &(), command: &Command, at: &At) -> Result<Vec<Event>, Refusal> {
        let from = at.effective;
        let event = match command.clone() {
            Command::Form { team, name, parent, external_id } => {
                Event::Formed { team, name, parent, external_id, from }
            }
            Command::Rename { team, name } => Event::Renamed { team, name, from },
            Command::Move { team, parent, until } => Event::Moved { team, parent, from, to: until },
            Command::Disband { team } if self.is_disbanded(team, from) => return Ok(vec![]),
            Command::Disband { team } => Event::Disbanded { team, from },
        };
        self.fits(&event)?;
        Ok(if self.says(&event) { vec![] } else { vec![event] })
    }

    fn fits(&self, event: &Event) -> Result<(), Refusal> {
        match event {
            Event::Formed { team, .. } if self.teams.contains_key(team) => Err(Refusal::AlreadyFormed),
            Event::Formed { team, name, parent, from, .. } => {
                let formed = Team::formed(name.clone(), *parent, None, *from);
                let span = formed.standing();
                self.may_stand_under(*team, *parent, span)?;
                self.may_be_called(*team, &formed, span)
            }
            Event::Renamed { team, name, from } => {
                let mut renamed = self.standing(*team, *from)?.clone();
                renamed.name.set(*from, None, Some(name.clone()));
                self.may_be_called(*team, &renamed, Span::new(*from, None))
            }
            Event::Moved { from, to, .. } if Span::new(*from, *to).is_empty() => Err(Refusal::EndsBeforeItBegins),
            Event::Moved { team, parent, from, to } => {
                let mut moved = self.standing(*team, *from)?.clone();
                let span = Span::new(*from, *to);
                self.may_stand_under(*team, *parent, span.meet(moved.standing()).unwrap_or(span))?;
                moved.parent.set(*from, *to, *parent);
                self.may_be_called(*team, &moved, span)
            }
            Event::Disbanded { team, from } => {
                self.standing(*team, *from)?;
                let mut below = self.below(*team, Span::new(*from, None));
                if below.next().is_some() { Err(Refusal::HasTeamsBelow) } else { Ok(()) }
            }
        }
    }

    fn evolve(&mut self, event: &Event, _at: &At) {
        if let Event::Formed { team, name, parent, external_id, from } = event.clone() {
            self.teams.insert(team, Team::formed(name, parent, external_id, from));
            return;
        }
        let Some(known) = self.teams.get_mut(&event.team()) else { return };
        match event.clone() {
            Event::Formed { .. } => {}
            Event::Renamed { name, from, .. } => known.name.set(from, None, Some(name)),
            Event::Moved { parent, from, to, .. } => known.parent.set(from, to, parent),
            Event::Disbanded { from, .. } => {
                known.disbanded_at = Some(known.disbanded_at.map_or(from, |at| at.min(from)))
            }
        }
    }
}

impl Teams {
    /// A team that was formed at some instant.
    pub fn get(&self, team: TeamId) -> Option<&Team> {
        self.teams.get(&team)
    }

    /// All teams that were ever formed, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (TeamId, &Team)> {
        self.teams.iter().map(|(id, team)| (*id, team))
    }

    /// Whether the team is formed and not disbanded at that instant.
    pub fn stands_at(&self, team: TeamId, instant: Instant) -> bool {
        self.teams.get(&team).is_some_and(|team| team.stands_at(instant))
    }

    /// The team directly above at that instant; `None` for a region, and for a team that does not stand.
    pub fn parent_at(&self, team: TeamId, instant: Instant) -> Option<TeamId> {
        let team = self.teams.get(&team).filter(|team| team.stands_at(instant))?;
        team.parent.at(instant).copied()
    }

    /// The team and all above it at that instant, up to its region; empty when it does not stand.
    pub fn path_at(&self, team: TeamId, instant: Instant) -> Vec<TeamId> {
        let start = Some(team).filter(|team| self.stands_at(*team, instant));
        std::iter::successors(start, |team| self.parent_at(*team, instant)).take(LEVELS_MAX).collect()
    }

    /// The region the team belongs to at that instant: itself, if it is one; `None` when it does not stand.
    pub fn root_of(&self, team: TeamId, instant: Instant) -> Option<TeamId> {
        self.path_at(team, instant).last().copied()
    }

    /// The teams that stand directly under another one at that instant, or the regions, in the order of their ids.
    pub fn children_at(&self, parent: Option<TeamId>, instant: Instant) -> Vec<TeamId> {
        let standing = self.teams.iter().filter(|(_, team)| team.stands_at(instant));
        standing.filter(|(_, team)| team.parent.at(instant).copied() == parent).map(|(id, _)| *id).collect()
    }

    /// The instants at which anything about the tree changes, earliest first.
    pub fn instants(&self) -> Vec<Instant> {
        instants_of(self.teams.values().flat_map(Team::changes))
    }

    /// Whether the event's range lies over a step already said for later than its `from`.
    pub fn overlays(&self, event: &Event) -> bool {
        self.teams.get(&event.team()).is_some_and(|team| match event {
            Event::Formed { .. } => false,
            Event::Renamed { from, .. } => team.name.changes_after(*from, None),
            Event::Moved { from, to, .. } => team.parent.changes_after(*from, *to),
            Event::Disbanded { from, .. } => team.disbanded_at.is_some_and(|disbanded_at| disbanded_at > *from),
        })
    }

    fn is_disbanded(&self, team: TeamId, instant: Instant) -> bool {
        self.teams.get(&team).is_some_and(|team| team.disbanded_at.is_some_and(|at| at <= instant))
    }

    fn standing(&self, team: TeamId, instant: Instant) -> Result<&Team, Refusal> {
        let known = self.teams.get(&team).filter(|team| team.formed_at <= instant).ok_or(Refusal::NotFormed)?;
        if known.stands_at(instant) { Ok(known) } else { Err(Refusal::Disbanded) }
    }

    /// Whether the team may stand under the parent over the whole span.
    fn may_stand_under(&self, team: TeamId, parent: Option<TeamId>, span: Span) -> Result<(), Refusal> {
        let mut levels_above = vec![(span, 0)];
        if let Some(parent) = parent {
            let above =
                self.teams.get(&parent).filter(|above| above.stands_at(span.from)).ok_or(Refusal::UnknownParent)?;
            if let Some(disbanded_at) = above.disbanded_at.filter(|disbanded_at| span.holds(*disbanded_at)) {
                return Err(Refusal::ParentDisbanded { on: disbanded_at.date_naive() });
            }
            let line = |id| self.teams.get(&id).map(|team: &Team| &team.parent);
            if let Some(instant) = circle(line, team, parent, span, LEVELS_MAX + 1) {
                return Err(Refusal::Circle { on: instant.date_naive() });
            }
            levels_above.extend(ascent(line, parent, span, LEVELS_MAX + 1).map(|stop| (stop.span, stop.level)));
        }
        let levels_below = self.levels_below(team, span);
        let too_deep = |(span, above): &(Span, usize)| {
            levels_below
                .iter()
                .any(|(below_span, below)| above + below > LEVELS_MAX && span.meet(*below_span).is_some())
        };
        if levels_above.iter().any(too_deep) { Err(Refusal::TooDeep) } else { Ok(()) }
    }

    /// Whether no other team that stands is called as the team is in the span, under the same parent.
    fn may_be_called(&self, id: TeamId, team: &Team, span: Span) -> Result<(), Refusal> {
        let names: Vec<_> = span.pieces(&team.name).map(|(_, name)| name.folded()).collect();
        for (_, other) in self.teams.iter().filter(|(other, _)| **other != id) {
            if !span.pieces(&other.name).any(|(_, name)| names.contains(&name.folded())) {
                continue;
            }
            for instant in span.instants(team.changes().chain(other.changes())) {
                let name = team.name.at(instant);
                let alike = name.map(Text::folded) == other.name.at(instant).map(Text::folded)
                    && team.parent.at(instant) == other.parent.at(instant);
                if let Some(name) = name.filter(|_| alike && team.stands_at(instant) && other.stands_at(instant)) {
                    return Err(Refusal::NameTaken { name: name.clone() });
                }
            }
        }
        Ok(())
    }

    /// The teams that stand directly below within the span, each with the part of it over which it does.
    fn below(&self, parent: TeamId, span: Span) -> impl Iterator<Item = (TeamId, Span)> {
        self.teams.iter().filter_map(move |(id, team)| Some((*id, team, span.meet(team.standing())?))).flat_map(
            move |(id, team, span)| {
                span.pieces(&team.parent).filter(move |(_, above)| **above == parent).map(move |(span, _)| (id, span))
            },
        )
    }

    /// How many levels the team and what stands below it take up, and when.
    fn levels_below(&self, team: TeamId, span: Span) -> Vec<(Span, usize)> {
        let mut levels = vec![(span, 1)];
        let mut open = vec![(team, span, 1)];
        while let Some((team, span, level)) = open.pop() {
            if level <= LEVELS_MAX {
                for (below, span) in self.below(team, span) {
                    levels.push((span, level + 1));
                    open.push((below, span, level + 1));
                }
            }
        }
        levels
    }

    /// Whether what the event says holds over the whole of its range already.
    fn says(&self, event: &Event) -> bool {
        self.teams.get(&event.team()).is_some_and(|team| match event {
            Event::Formed { .. } | Event::Disbanded { .. } => false,
            Event::Renamed { name, from, .. } => team.name.holds(*from, None, Some(name)),
            Event::Moved { parent, from, to, .. } => team.parent.holds(*from, *to, parent.as_ref()),
        })
    }
}

impl Team {
    /// Whether it is formed and not disbanded at that instant.
    pub fn stands_at(&self, instant: Instant) -> bool {
        self.standing().holds(instant)
    }

    fn formed(name: Text, parent: Option<TeamId>, external_id: Option<Text>, from: Instant) -> Self {
        let (mut names, mut parents) = (Steps::default(), Steps::default());
        names.set(from, None, Some(name));
        parents.set(from, None, parent);
        Self { formed_at: from, disbanded_at: None, name: names, parent: parents, external_id }
    }

    fn standing(&self) -> Span {
        Span::new(self.formed_at, self.disbanded_at)
    }

    fn changes(&self) -> impl Iterator<Item = Instant> {
        let stands = [Some(self.formed_at), self.disbanded_at].into_iter().flatten();
        stands.chain(changes(&self.name)).chain(changes(&self.parent))
    }
}

impl Event {
    fn team(&self) -> TeamId {
        match self {
            Event::Formed { team, .. }
            | Event::Renamed { team, .. }
            | Event::Moved { team, .. }
            | Event::Disbanded { team, .. } => *team,
        }
    }
}
