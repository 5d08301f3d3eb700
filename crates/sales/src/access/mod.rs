//! Who asks, and what they may see and do. What is allowed stands in one table (`table.rs`); who stands where in it comes
//! from the person's role and the reporting lines as they are now, never from the instant that is read.

mod admission;
mod concerning;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use admission::admit;
pub(crate) use concerning::Concerning;
pub use table::{ACTIONS, Group, OBJECTS, RULES, Relation, Role, Rule, allowed, printed};

use crate::{graph::fault, graph::view::Point, person};
use async_graphql::{Error, ErrorExtensions, Result};
use logbook::{Fault, Reads, Seen};
use std::{collections::HashSet, fmt, sync::Arc};
use units::{PersonId, Text};
use uuid::Uuid;

/// Whose request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Whoever sits at the machine, while the server listens on its loopback only and asks for no keys: may do everything.
    Local,
    /// A person of the tenant.
    Person(PersonId),
    /// A program, under the name that it was given.
    Service(Text),
}

/// As the log names the actor: `local`, `person:` with the person's UUID, `service:` with the service's name.
impl fmt::Display for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => out.write_str("local"),
            Self::Person(person) => write!(out, "person:{person}"),
            Self::Service(name) => write!(out, "service:{}", name.as_str()),
        }
    }
}

/// What a login may see and do, by its role and the reporting lines as they stand now.
#[derive(Clone, Debug)]
pub struct Access {
    role: Option<Role>,
    person: Option<Uuid>,
    below: HashSet<Uuid>,
    visible: Option<Vec<Uuid>>,
}

impl Access {
    /// The access of a login, read at the present.
    pub(crate) async fn load(login: &Login, now: &Point) -> Result<Self, Fault> {
        let person = match login {
            Login::Local => return Ok(Self::of(Some(Role::Local), None, HashSet::new())),
            Login::Service(_) => return Ok(Self::of(Some(Role::Service), None, HashSet::new())),
            Login::Person(person) => person.0,
        };
        let seen = now.seen().await?;
        let rows = now.reads.rows_as_of(include_str!("sql/role_of.sql"), seen, &[&person]).await?;
        let word = rows.first().and_then(|row| row.get::<_, Option<String>>(0));
        let role = word.map(|word| serde_json::from_value::<person::Role>(word.into())).transpose();
        let role = role.map_err(|error| Fault::new("reading a role", error))?.map(Role::from);
        // The lines are asked for by those alone whose sight they widen.
        let below = match role {
            Some(role) if !sees(role, Relation::Other) && sees(role, Relation::Subtree) => {
                in_scope(&now.reads, seen, &[person]).await?.into_iter().collect()
            }
            _ => HashSet::new(),
        };
        Ok(Self::of(role, Some(person), below))
    }

    /// The access of a role, a person and those who report to them, directly or not.
    pub fn of(role: Option<Role>, person: Option<Uuid>, mut below: HashSet<Uuid>) -> Self {
        if let Some(person) = person {
            below.remove(&person);
        }
        let access = Self { role, person, below, visible: None };
        let mut visible: Vec<Uuid> =
            access.person.iter().chain(&access.below).copied().filter(|owner| access.may_see(*owner)).collect();
        visible.sort_unstable();
        let all = access.may("Deal", Relation::Other);
        Self { visible: (!all).then_some(visible), ..access }
    }

    /// The role; none when the person has left, or has no role now: then nothing is allowed.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// Whose deals may be seen, in the order of the ids; `None`: everybody's.
    pub fn visible(&self) -> Option<&[Uuid]> {
        self.visible.as_deref()
    }

    /// How a person stands to the login now.
    pub fn relation(&self, person: Uuid) -> Relation {
        match self.person {
            Some(own) if own == person => Relation::Own,
            _ if self.below.contains(&person) => Relation::Subtree,
            _ => Relation::Other,
        }
    }

    /// Whether an action of the table is allowed on what is of that relation.
    pub fn may(&self, action: &str, relation: Relation) -> bool {
        self.role.is_some_and(|role| allowed(role, relation, action))
    }

    /// Whether the deals of an owner may be seen.
    pub fn may_see(&self, owner: Uuid) -> bool {
        self.may("Deal", self.relation(owner))
    }

    /// Whether what is private of a person may be seen.
    pub fn may_see_private(&self, person: Uuid) -> bool {
        self.may("Person.private", self.relation(person))
    }

    /// Of the people whose logins are asked for, those whose logins may be seen; `None`: everybody's, and those of services.
    pub(crate) fn logins_of(&self, people: Option<Vec<Uuid>>) -> Option<Vec<Uuid>> {
        if self.may("Login", Relation::Other) {
            return people;
        }
        let own = self.person.filter(|own| people.as_ref().is_none_or(|people| people.contains(own)));
        Some(own.filter(|own| self.may_see_login(Some(*own))).into_iter().collect())
    }

    /// Whether the login of a person may be seen; of `None`, a service.
    pub(crate) fn may_see_login(&self, person: Option<Uuid>) -> bool {
        self.may("Login", person.map_or(Relation::Other, |person| self.relation(person)))
    }

    /// The names of the mutations that are allowed on anything at all.
    pub fn may_do(&self) -> Vec<String> {
        let anywhere = |action: &str| Relation::ALL.into_iter().any(|relation| self.may(action, relation));
        let mutations = ACTIONS.iter().flat_map(|(_, actions)| *actions).filter(|action| table::is_mutation(action));
        mutations.filter(|action| anywhere(action)).map(|action| (*action).to_owned()).collect()
    }

    /// Nothing is answered to who has no role.
    ///
    /// # Errors
    /// FORBIDDEN, to a person who has left or has no role.
    pub fn admitted(&self) -> Result<()> {
        match self.role {
            Some(_) => Ok(()),
            None => Err(forbidden("your login has no role in the organisation now")),
        }
    }

    /// Whether a part of the log itself may be read.
    pub(crate) fn admitted_to(&self, object: &str) -> Result<()> {
        match self.may(object, Relation::Other) {
            true => Ok(()),
            false => Err(forbidden("your role does not read the log itself")),
        }
    }
}

/// Whether a role sees the deals of people of that relation.
fn sees(role: Role, relation: Relation) -> bool {
    allowed(role, relation, "Deal")
}

/// Who reported to some people, directly or not, at two instants: what counts as theirs then. Who may look is another
/// question, and asks the lines of now.
///
/// # Errors
/// When the lines cannot be read.
pub async fn in_scope(reads: &Reads, seen: Seen, managers: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    let rows = reads.rows_as_of(include_str!("sql/below.sql"), seen, &[&managers]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The error of what is there, but not for this login.
pub(crate) fn forbidden(message: &str) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", "FORBIDDEN"))
}

/// Who asks in one transaction, and what they may, found out once when it is first needed.
pub struct Viewer {
    login: Login,
    now: Point,
    access: tokio::sync::OnceCell<Arc<Access>>,
}

impl Viewer {
    pub(crate) fn new(login: Login, now: Point) -> Self {
        Self { login, now, access: tokio::sync::OnceCell::new() }
    }

    /// What the login may see and do.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn access(&self) -> Result<Arc<Access>> {
        let load = async || Access::load(&self.login, &self.now).await.map(Arc::new);
        self.access.get_or_try_init(load).await.map(Arc::clone).map_err(|error| fault(&error))
    }
}
