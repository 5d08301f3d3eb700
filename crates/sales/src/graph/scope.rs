//! Whose deals a figure counts. What counts follows the organisation; who may look is decided by the access of now.

use super::{
    id::Key,
    view::{AsOfInput, View, fault},
};
use crate::access::in_scope;
use async_graphql::{Enum, ID, OneofObject, Result};
use std::{collections::HashSet, sync::Arc};
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
