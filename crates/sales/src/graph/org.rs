//! The organisation at two instants: who is in which team, and under which region.

use logbook::{Fault, Reads, Seen};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Levels of teams that are followed upwards.
const LEVELS_MAX: usize = 32;

/// People and teams as they stood. Whoever is said to be in a team that does not stand, because it was disbanded or its
/// forming withdrawn, is in none.
#[derive(Debug, Default)]
pub struct Org {
    team_of: BTreeMap<Uuid, Option<Uuid>>,
    teams: BTreeMap<Uuid, (String, Option<Uuid>)>,
}

impl Org {
    /// The organisation at two instants.
    pub(crate) async fn load(reads: &Reads, seen: Seen) -> Result<Self, Fault> {
        let people = reads.rows_as_of(include_str!("sql/org_people.sql"), seen, &[]);
        let teams = reads.rows_as_of(include_str!("sql/org_teams.sql"), seen, &[]);
        let (people, teams) = futures::try_join!(people, teams)?;
        let teams = teams.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
        Ok(Self::of(people.iter().map(|row| (row.get(0), row.get(1))), teams))
    }

    /// The organisation of people, each with a team, and of teams, each with its name and the team above it.
    pub(crate) fn of(
        people: impl Iterator<Item = (Uuid, Option<Uuid>)>,
        mut teams: BTreeMap<Uuid, (String, Option<Uuid>)>,
    ) -> Self {
        let stand: BTreeSet<Uuid> = teams.keys().copied().collect();
        let standing = |team: Option<Uuid>| team.filter(|team| stand.contains(team));
        for (_, parent) in teams.values_mut() {
            *parent = standing(*parent);
        }
        let team_of = people.map(|(person, team)| (person, standing(team))).collect();
        Self { team_of, teams }
    }

    /// The team of a person; `None`: in none that stands.
    pub fn team_of(&self, person: Uuid) -> Option<Uuid> {
        self.team_of.get(&person).copied().flatten()
    }

    /// The root of a team's tree: its region, itself when it has no parent.
    pub fn region_of(&self, team: Uuid) -> Uuid {
        let parent = |team: &Uuid| self.teams.get(team).and_then(|(_, parent)| *parent);
        std::iter::successors(Some(team), parent).take(LEVELS_MAX).last().unwrap_or(team)
    }

    /// The name of a team.
    pub fn team_name(&self, team: Uuid) -> Option<&str> {
        self.teams.get(&team).map(|(name, _)| name.as_str())
    }

    /// The teams right below a team.
    pub fn teams_below(&self, team: Uuid) -> Vec<Uuid> {
        self.teams.iter().filter(|(_, (_, parent))| *parent == Some(team)).map(|(id, _)| *id).collect()
    }

    /// The people of a team itself.
    pub fn members(&self, team: Uuid) -> Vec<Uuid> {
        self.team_of.iter().filter(|(_, own)| **own == Some(team)).map(|(person, _)| *person).collect()
    }

    /// Each person who is in a team, with that team, or with its region.
    pub fn groups(&self, regions: bool) -> (Vec<Uuid>, Vec<Uuid>) {
        let in_teams = self.team_of.iter().filter_map(|(person, team)| team.map(|team| (*person, team)));
        in_teams.map(|(person, team)| (person, if regions { self.region_of(team) } else { team })).unzip()
    }

    /// The people of teams and of all teams below them.
    pub fn people_under(&self, teams: &[Uuid]) -> Vec<Uuid> {
        let wanted: BTreeSet<&Uuid> = teams.iter().collect();
        let parent = |team: &Uuid| self.teams.get(team).and_then(|(_, parent)| *parent);
        let under =
            |team: Uuid| std::iter::successors(Some(team), parent).take(LEVELS_MAX).any(|team| wanted.contains(&team));
        let people = self.team_of.iter().filter(|(_, team)| team.is_some_and(under));
        people.map(|(person, _)| *person).collect()
    }
}
