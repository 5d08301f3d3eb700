//! People as the API shows them, and the questions about them.

mod mutations;

pub use mutations::{PersonErrorCode, PersonMutations, PersonPayload, PersonUserError};

use super::{Role, Row};
use crate::{
    graph::{
        Change, Key, NodeId, View, Window, changes, fault,
        listing::{self, ORDER, Parameter, listed, prefix},
        view::AtPoint,
    },
    reporting::{self, Reporting},
    team::graphql::Team,
};
use async_graphql::{Context, Enum, ID, InputObject, Object, Result, dataloader::Loader};
use logbook::Fault;
use std::{collections::HashMap, sync::Arc};
use units::{Day, PersonId};
use uuid::Uuid;

/// Whether a person is with the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PersonStatus {
    /// With it, on leave or not.
    Active,
    /// Gone: what was theirs stays theirs in the history.
    Departed,
}

/// A person of the sales organisation as of the two instants of the query.
#[derive(Clone)]
pub struct Person {
    pub(crate) view: Arc<View>,
    pub(crate) id: Uuid,
    pub(crate) row: Arc<Row>,
}

/// A person of the sales organisation as of the two instants of the query.
#[Object]
impl Person {
    /// The global id. Read at other instants, the same person has another one; mutations take that of the present.
    pub async fn id(&self) -> ID {
        NodeId::of("Person", self.id, &self.view.point)
    }

    /// The person's own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.id.to_string()
    }

    /// The id in the system the person was imported from; null when they were not.
    async fn external_id(&self) -> Option<&String> {
        self.row.external_id.as_ref()
    }

    /// The number of the person's last event, for a mutation's `expectedVersion`; as known at the instant of the query.
    async fn version(&self) -> Option<Result<i32>> {
        crate::graph::log::version(&self.view, self.id).await.transpose()
    }

    /// The name.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The address; null when none is known. Private.
    async fn email(&self) -> Option<Result<&String>> {
        self.private(self.row.email.as_ref()).await
    }

    /// Whether the person is with the organisation.
    async fn status(&self) -> PersonStatus {
        if self.row.status == "departed" { PersonStatus::Departed } else { PersonStatus::Active }
    }

    /// What the person does; null once they have left.
    async fn role(&self) -> Option<Role> {
        self.row.role
    }

    /// The team; null while in none that stands: one that was disbanded has no members.
    async fn team(&self) -> Option<Result<Team>> {
        Team::find(&self.view, self.row.team_id?).await.transpose()
    }

    /// The root of the team's tree; null while in no team that stands.
    async fn region(&self) -> Option<Result<Team>> {
        let find = async || {
            let Some(team) = self.row.team_id else { return Ok(None) };
            Team::find(&self.view, self.view.org().await?.region_of(team)).await
        };
        find().await.transpose()
    }

    /// Whom the person reports to; null when to nobody.
    async fn manager(&self) -> Option<Result<Person>> {
        let find = async || {
            let manager = self.view.loader.load_one(ManagerOf(self.id)).await.map_err(|error| fault(&error))?;
            match manager {
                Some(manager) => Person::find(&self.view, manager).await,
                None => Ok(None),
            }
        };
        find().await.transpose()
    }

    /// Who reports to the person directly, in the order of their names, at most 1,000. Somebody who left is among them
    /// as long as nobody said otherwise.
    async fn reports(&self) -> Option<Result<Vec<Person>>> {
        let find = async || {
            let reports = self.view.loader.load_one(ReportsOf(self.id)).await.map_err(|error| fault(&error))?;
            Person::find_all(&self.view, &reports.unwrap_or_default()).await
        };
        Some(find().await)
    }

    /// The number of the last event of the tenant's reporting lines, for the `expectedVersion` of `personSetManager` and
    /// `personWithdrawManager`: they are one stream, so that no two changes can make a circle of them. Null when nobody
    /// reports to anybody yet.
    async fn manager_version(&self) -> Option<Result<i32>> {
        crate::graph::log::version(&self.view, reporting::stream_id()).await.transpose()
    }

    /// Whether the person is away.
    async fn on_leave(&self) -> bool {
        self.row.on_leave
    }

    /// Why the person is away; null when they are not, or nobody said. Private.
    async fn leave_reason(&self) -> Option<Result<&String>> {
        self.private(self.row.leave_reason.as_ref()).await
    }

    /// Whether the departure was the person's own wish; null while they are here, or when nobody said. Private.
    async fn left_voluntarily(&self) -> Option<Result<bool>> {
        self.private(self.row.voluntary).await
    }

    /// Whether the departure is regretted; null while they are here, or when nobody said. Private.
    async fn departure_regretted(&self) -> Option<Result<bool>> {
        self.private(self.row.regretted).await
    }

    /// The day of the hire.
    async fn hired_on(&self) -> Day {
        Day(self.view.tenant().zone.day_of(self.row.hired_at))
    }

    /// Who changed what about the person, when and why, in the order in which the log took it down. Private.
    async fn changes(&self) -> Option<Result<Vec<Change>>> {
        match self.is_open().await {
            Ok(true) => Some(self.story::<super::State>(self.id).await),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Who changed whom the person reports to, when and why, in the order in which the log took it down. Private.
    async fn manager_changes(&self) -> Option<Result<Vec<Change>>> {
        match self.is_open().await {
            Ok(true) => Some(self.story::<Reporting>(reporting::stream_id()).await),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The names of the fields that are null because they are private: shown to the person, to managers above them in the
    /// reporting lines of now, to leaders, operations and auditors.
    async fn hidden(&self) -> Result<Vec<&'static str>> {
        Ok(if self.is_open().await? { vec![] } else { PRIVATE.to_vec() })
    }
}

/// The private fields of a person.
const PRIVATE: &[&str] =
    &["email", "leaveReason", "leftVoluntarily", "departureRegretted", "changes", "managerChanges"];

impl Person {
    /// Whether the login may see what is private of the person.
    async fn is_open(&self) -> Result<bool> {
        Ok(self.view.access().await?.may_see_private(self.id))
    }

    async fn private<T>(&self, value: Option<T>) -> Option<Result<T>> {
        let value = value?;
        match self.is_open().await {
            Ok(true) => Some(Ok(value)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    async fn story<S: logbook::Slice>(&self, stream: Uuid) -> Result<Vec<Change>> {
        let known = self.view.seen().await?.known.map(|position| position.0);
        changes::of::<S>(self.view.reads(), stream, self.id, known).await.map_err(|error| fault(&error))
    }
}

/// The key of a person's manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ManagerOf(Uuid);

impl Loader<ManagerOf> for AtPoint {
    type Value = Uuid;
    type Error = Arc<Fault>;

    async fn load(&self, keys: &[ManagerOf]) -> Result<HashMap<ManagerOf, Uuid>, Arc<Fault>> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let sql = include_str!("../../reporting/sql/managers_of.sql");
        let rows = self.0.reads.rows_as_of(sql, self.0.seen().await?, &[&ids]).await?;
        Ok(rows.iter().map(|row| (ManagerOf(row.get(0)), row.get(1))).collect())
    }
}

/// The key of a person's direct reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ReportsOf(Uuid);

impl Loader<ReportsOf> for AtPoint {
    type Value = Vec<Uuid>;
    type Error = Arc<Fault>;

    async fn load(&self, keys: &[ReportsOf]) -> Result<HashMap<ReportsOf, Vec<Uuid>>, Arc<Fault>> {
        let ids = keys.iter().map(|key| key.0).collect();
        listing::grouped(self, include_str!("../../reporting/sql/reports_of.sql"), ids, ReportsOf).await
    }
}

/// Which people. Every field that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PersonFilter {
    /// What their name begins with, whatever its case.
    pub name_prefix: Option<String>,
    /// Whether they are with the organisation.
    pub status: Option<Vec<PersonStatus>>,
    /// What they do.
    pub roles: Option<Vec<Role>>,
    /// The teams that they are in, or in a team below.
    pub teams: Option<Vec<ID>>,
    /// Whom they report to directly.
    pub managers: Option<Vec<ID>>,
}

struct Values {
    prefix: Option<String>,
    prefix_end: Option<String>,
    status: Option<Vec<&'static str>>,
    roles: Option<Vec<String>>,
    people: Option<Vec<Uuid>>,
    managers: Option<Vec<Uuid>>,
}

impl Values {
    fn parameters(&self) -> Vec<Parameter<'_>> {
        vec![&self.prefix, &self.prefix_end, &self.status, &self.roles, &self.people, &self.managers]
    }
}

impl PersonFilter {
    async fn values(&self, view: &View) -> Result<Values> {
        let (prefix, prefix_end) = prefix(self.name_prefix.as_ref())?;
        let status = |status: &PersonStatus| if *status == PersonStatus::Active { "active" } else { "departed" };
        let role = |role: &Role| format!("{role:?}").to_lowercase();
        let people = match Key::all(self.teams.as_ref(), "Team")? {
            Some(teams) => Some(view.org().await?.people_under(&teams)),
            None => None,
        };
        Ok(Values {
            prefix,
            prefix_end,
            status: self.status.as_ref().map(|all| all.iter().map(status).collect()),
            roles: self.roles.as_ref().map(|all| all.iter().map(role).collect()),
            people,
            managers: Key::all(self.managers.as_ref(), "Person")?,
        })
    }
}

listed! {
    Person, PersonId, Row, PersonConnection, PersonEdge, PersonFilter;
    "../sql/people_by_id.sql", "../sql/people_upwards.sql", "../sql/people_downwards.sql", "../sql/people_count.sql"
}

/// Questions about people.
#[derive(Default)]
pub struct PersonQueries(pub Option<Arc<View>>);

#[Object]
impl PersonQueries {
    /// A person by id; null when there is none at the instant of the query.
    async fn person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The global id, or the key.")] id: ID,
    ) -> Option<Result<Person>> {
        let find = async || {
            let view = View::of(&self.0, context).await?;
            Person::find(&view, Key::for_reading(&id, "Person")?).await
        };
        find().await.transpose()
    }

    /// People, a page at a time, in the order of their names; those who left are among them.
    async fn people(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which people; all when left out.")] filter: Option<PersonFilter>,
        #[graphql(desc = "How many from the front, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the page ends.")] before: Option<String>,
    ) -> Option<Result<PersonConnection>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            let filter = filter.unwrap_or_default();
            let order = view.order("people", ORDER, &filter).await?;
            let window = Window::of(first, after, last, before, &order)?;
            PersonConnection::read(view, filter, &window).await
        };
        Some(read().await)
    }
}
