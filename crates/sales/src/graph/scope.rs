//! Whose deals a figure counts. What counts follows the organisation; who may look is decided by the access of now.

use super::{
    id::{Key, bad_input},
    org::Org,
    view::{AsOfInput, View, fault},
};
use crate::access::in_scope;
use async_graphql::{Enum, ID, OneofObject, Result};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};
use units::Instant;
use uuid::Uuid;

/// Whose deals a figure counts; everybody's when left out.
#[derive(Clone, Debug, OneofObject)]
pub enum ScopeInput {
    /// Those of this person and of all who report to them, directly or not.
    Person(ID),
    /// Those of the people of this team and of all teams below it.
    Team(ID),
    /// Those of these people.
    Owners(Vec<ID>),
}

/// Which organisation says who reports to whom and who is in which team.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum Organisation {
    /// That of the effective instant of what is read: what was somebody's then counts as theirs.
    #[default]
    Then,
    /// That of now, whatever instant is read: what counts is what is theirs today.
    Today,
}

/// The people whose deals count at two instants.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    counted: Option<HashSet<Uuid>>,
    seen: Option<HashSet<Uuid>>,
}

impl ScopeInput {
    /// The people in scope, in no order: by the organisation as of the view's instants, or of now.
    ///
    /// # Errors
    /// When an id is none, or the organisation cannot be read.
    pub async fn people(&self, view: &Arc<View>, organisation: Organisation) -> Result<Vec<Uuid>> {
        let of = match organisation {
            Organisation::Then => Arc::clone(view),
            Organisation::Today => view.at(AsOfInput::default()),
        };
        match self {
            Self::Person(id) => {
                let person = Key::for_reading(id, "Person")?;
                let below = in_scope(of.reads(), of.seen().await?, &[person]).await.map_err(|error| fault(&error))?;
                Ok(below.into_iter().filter(|below| *below != person).chain([person]).collect())
            }
            Self::Team(id) => Ok(of.org().await?.people_under(&[Key::for_reading(id, "Team")?])),
            Self::Owners(ids) => ids.iter().map(|id| Key::for_reading(id, "Person")).collect(),
        }
    }
}

impl Scope {
    /// Whose deals count at a view's instants, and which of them the login may see.
    ///
    /// # Errors
    /// When an id is none, or the organisation cannot be read.
    pub async fn of(view: &Arc<View>, asked: Option<&ScopeInput>, organisation: Organisation) -> Result<Self> {
        let counted = match asked {
            Some(asked) => Some(asked.people(view, organisation).await?.into_iter().collect()),
            None => None,
        };
        let seen = view.access().await?.visible().map(|people| people.iter().copied().collect());
        Ok(Self { counted, seen })
    }

    /// Whether the deals of an owner count, seen or not.
    pub fn counts(&self, owner: Uuid) -> bool {
        self.counted.as_ref().is_none_or(|people| people.contains(&owner))
    }

    /// Whether the login may see the deals of an owner.
    pub fn may_see(&self, owner: Uuid) -> bool {
        self.seen.as_ref().is_none_or(|people| people.contains(&owner))
    }

    /// The owners whose deals count and may be seen, as statements take them; `None`: everybody's.
    pub fn owners(&self) -> Option<Vec<Uuid>> {
        match (&self.counted, &self.seen) {
            (None, None) => None,
            (Some(people), None) | (None, Some(people)) => Some(people.iter().copied().collect()),
            (Some(counted), Some(seen)) => Some(counted.intersection(seen).copied().collect()),
        }
    }
}

/// Changes of the organisation within a window at most: each is a scope of its own.
const CHANGES_MAX: usize = 2_000;

/// Whose deals count from one instant to another: the scopes that follow each other.
#[derive(Debug)]
pub(crate) struct ScopeWay(Vec<(Instant, Scope)>);

/// Something of the organisation that held from one instant until another.
struct Held {
    id: Uuid,
    from: Instant,
    to: Option<Instant>,
    above: Option<Uuid>,
}

impl ScopeWay {
    /// The scopes from an instant to that of a view, by what is known at the view's position.
    pub(crate) async fn of(
        view: &Arc<View>,
        since: Instant,
        asked: Option<&ScopeInput>,
        organisation: Organisation,
    ) -> Result<Self> {
        let window = (since, view.seen().await?.effective);
        let people: Vec<(Instant, HashSet<Uuid>)> = match (asked, organisation) {
            (Some(ScopeInput::Person(id)), Organisation::Then) => {
                let person = Key::for_reading(id, "Person")?;
                let lines = held(view, include_str!("sql/lines_within.sql"), since).await?;
                along(window, &[&lines], |at| below(person, standing(&lines, at)))?
            }
            (Some(ScopeInput::Team(id)), Organisation::Then) => {
                let team = Key::for_reading(id, "Team")?;
                let people = held(view, include_str!("sql/people_within.sql"), since).await?;
                let teams = held(view, include_str!("sql/teams_within.sql"), since).await?;
                along(window, &[&people, &teams], |at| {
                    let teams = standing(&teams, at).map(|(id, above)| (id, (String::new(), above)));
                    let org = Org::of(standing(&people, at), teams.collect());
                    org.people_under(&[team]).into_iter().collect()
                })?
            }
            _ => return Ok(Self(vec![(since, Scope::of(view, asked, organisation).await?)])),
        };
        let seen: Option<HashSet<Uuid>> = Scope::of(view, None, organisation).await?.seen;
        let scope = |counted| Scope { counted: Some(counted), seen: seen.clone() };
        Ok(Self(people.into_iter().map(|(from, people)| (from, scope(people))).collect()))
    }

    /// The owners whose deals count at any time and may be seen; `None`: everybody's.
    pub(crate) fn owners(&self) -> Option<Vec<Uuid>> {
        let each: Option<Vec<Vec<Uuid>>> = self.0.iter().map(|(_, scope)| scope.owners()).collect();
        let all: HashSet<Uuid> = each?.into_iter().flatten().collect();
        Some(all.into_iter().collect())
    }

    /// The scope of an instant, and those that follow it until another.
    pub(crate) fn within(&self, from: Instant, until: Option<Instant>) -> impl Iterator<Item = (Instant, &Scope)> {
        let first = self.0.partition_point(|(begin, _)| *begin <= from).saturating_sub(1);
        let later = self.0.iter().skip(first).map(|(begin, scope)| (*begin, scope));
        later.take_while(move |(begin, _)| *begin <= from || until.is_none_or(|until| *begin < until))
    }
}

async fn held(view: &View, sql: &'static str, since: Instant) -> Result<Vec<Held>> {
    let rows = view.reads().rows_as_of(sql, view.seen().await?, &[&since]).await.map_err(|error| fault(&error))?;
    let held = |row: &tokio_postgres::Row| Held { id: row.get(0), from: row.get(1), to: row.get(2), above: row.get(3) };
    Ok(rows.iter().map(held).collect())
}

fn standing(held: &[Held], at: Instant) -> impl Iterator<Item = (Uuid, Option<Uuid>)> {
    let stands = move |held: &&Held| held.from <= at && held.to.is_none_or(|to| at < to);
    held.iter().filter(stands).map(|held| (held.id, held.above))
}

/// The people in scope at the begin and wherever they change.
fn along(
    (since, until): (Instant, Instant),
    held: &[&[Held]],
    people: impl Fn(Instant) -> HashSet<Uuid>,
) -> Result<Vec<(Instant, HashSet<Uuid>)>> {
    let all = held.iter().flat_map(|held| held.iter());
    let changes = all.flat_map(|held| [Some(held.from), held.to]).flatten().filter(|at| *at > since && *at <= until);
    let changes: BTreeSet<Instant> = changes.collect();
    if changes.len() > CHANGES_MAX {
        return Err(bad_input(&format!(
            "the organisation changes more than {CHANGES_MAX} times: ask for a shorter time"
        )));
    }
    let mut along = vec![(since, people(since))];
    for at in changes {
        let now = people(at);
        if along.last().is_some_and(|(_, last)| *last != now) {
            along.push((at, now));
        }
    }
    Ok(along)
}

/// A person and all below, by who is whose manager.
fn below(person: Uuid, lines: impl Iterator<Item = (Uuid, Option<Uuid>)>) -> HashSet<Uuid> {
    let mut reports: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (report, manager) in lines {
        if let Some(manager) = manager {
            reports.entry(manager).or_default().push(report);
        }
    }
    let (mut found, mut open) = (HashSet::from([person]), vec![person]);
    while let Some(manager) = open.pop() {
        open.extend(reports.get(&manager).into_iter().flatten().filter(|report| found.insert(**report)));
    }
    found
}
