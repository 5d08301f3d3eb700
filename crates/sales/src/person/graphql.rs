//! People as the API shows them, the questions about them, and their commands.

use super::{Role, Row, decide};
use crate::{
    graph::{
        Asked, Change, CommandFields, EffectiveInput, Key, NodeId, Session, View, Window, changes, fault,
        first_instant,
        listing::{ORDER, Parameter, inputs, listed, prefix, value},
        mutations,
        view::AtPoint,
    },
    reporting::{self, Reporting},
    team::graphql::Team,
};
use async_graphql::{Context, Enum, ID, InputObject, Object, Result, dataloader::Loader};
use logbook::Fault;
use std::{collections::HashMap, sync::Arc};
use units::{Day, Int64, PersonId, Personal, Position, TeamId, Text};
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

    /// The address; null when none is known.
    async fn email(&self) -> Option<&String> {
        self.row.email.as_ref()
    }

    /// Whether the person is with the organisation.
    async fn status(&self) -> PersonStatus {
        if self.row.status == "departed" { PersonStatus::Departed } else { PersonStatus::Active }
    }

    /// What the person does; null once they have left.
    async fn role(&self) -> Option<Role> {
        self.row.role
    }

    /// The team; null while in none.
    async fn team(&self) -> Option<Result<Team>> {
        Team::find(&self.view, self.row.team_id?).await.transpose()
    }

    /// The root of the team's tree; null while in no team.
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

    /// Who reports to the person directly, at most 1,000, by id.
    async fn reports(&self) -> Option<Result<Vec<Person>>> {
        let find = async || {
            let reports = self.view.loader.load_one(ReportsOf(self.id)).await.map_err(|error| fault(&error))?;
            let ids = reports.unwrap_or_default();
            let found = ids.iter().take(1_000).map(|id| Person::find(&self.view, *id));
            Ok(futures::future::try_join_all(found).await?.into_iter().flatten().collect())
        };
        Some(find().await)
    }

    /// Whether the person is away.
    async fn on_leave(&self) -> bool {
        self.row.on_leave
    }

    /// Why the person is away; null when they are not, or nobody said.
    async fn leave_reason(&self) -> Option<&String> {
        self.row.leave_reason.as_ref()
    }

    /// Whether the departure was the person's own wish; null while they are here, or when nobody said.
    async fn left_voluntarily(&self) -> Option<bool> {
        self.row.voluntary
    }

    /// Whether the departure is regretted; null while they are here, or when nobody said.
    async fn departure_regretted(&self) -> Option<bool> {
        self.row.regretted
    }

    /// The day of the hire.
    async fn hired_on(&self) -> Day {
        Day(self.view.tenant().zone.day_of(self.row.hired_at))
    }

    /// Who changed what about the person, when and why, in the order in which the log took it down.
    async fn changes(&self) -> Option<Result<Vec<Change>>> {
        Some(self.story::<super::State>(self.id).await)
    }

    /// Who changed whom the person reports to, when and why, in the order in which the log took it down.
    async fn manager_changes(&self) -> Option<Result<Vec<Change>>> {
        Some(self.story::<Reporting>(reporting::stream_id()).await)
    }
}

impl Person {
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
        let sql = include_str!("../reporting/sql/managers_of.sql");
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
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let sql = include_str!("../reporting/sql/reports_of.sql");
        let rows = self.0.reads.rows_as_of(sql, self.0.seen().await?, &[&ids]).await?;
        let mut reports: HashMap<ReportsOf, Vec<Uuid>> = HashMap::new();
        for row in &rows {
            reports.entry(ReportsOf(row.get(1))).or_default().push(row.get(0));
        }
        Ok(reports)
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
}

struct Values {
    prefix: Option<String>,
    prefix_end: Option<String>,
    status: Option<Vec<&'static str>>,
    roles: Option<Vec<String>>,
    people: Option<Vec<Uuid>>,
}

impl Values {
    fn parameters(&self) -> Vec<Parameter<'_>> {
        vec![&self.prefix, &self.prefix_end, &self.status, &self.roles, &self.people]
    }
}

impl PersonFilter {
    async fn values(&self, view: &View) -> Result<Values> {
        let (prefix, prefix_end) = prefix(self.name_prefix.as_ref());
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
        })
    }
}

listed! {
    Person, PersonId, Row, PersonConnection, PersonEdge, PersonFilter;
    "sql/people_by_id.sql", "sql/people_upwards.sql", "sql/people_downwards.sql", "sql/people_count.sql"
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
            let window = Window::of(first, after, last, before, ORDER)?;
            PersonConnection::read(View::of(&self.0, context).await?, filter.unwrap_or_default(), &window).await
        };
        Some(read().await)
    }
}

pub use commands::{PersonErrorCode, PersonMutations, PersonPayload, PersonUserError};

mod commands {
    use super::*;
    use crate::person::{State, decide::Command};

    mutations! {
        Person, "Person", person: PersonErrorCode, PersonUserError, PersonPayload;
        /// The person is not hired yet at that instant.
        NotHired,
        /// The person is hired already.
        AlreadyHired,
        /// The person has left by that instant.
        HasLeft,
        /// The person has left by that instant already: correct the departure instead.
        AlreadyLeft,
        /// The person has not left yet at that instant.
        NotLeft,
        /// There is no such team at that instant.
        UnknownTeam,
        /// It must end after it begins.
        EndsBeforeItBegins,
    }

    inputs! {
        /// Hires a person, once; `effectiveAt` is the first instant of the employment.
        PersonHireInput {
            /// The name.
            name: String,
            /// The address.
            email: Option<String>,
            /// What the person does.
            role: Role,
            /// The team.
            team: Option<ID>,
            /// The id in another system.
            external_id: Option<String>,
        }
        /// Gives a person another name from `effectiveAt` on.
        PersonRenameInput {
            /// The person.
            id: ID,
            /// The name.
            name: String,
        }
        /// Gives a person another address from `effectiveAt` on.
        PersonChangeEmailInput {
            /// The person.
            id: ID,
            /// The address; null: none is known.
            email: Option<String>,
        }
        /// Gives a person another role from `effectiveAt` on.
        PersonAssignRoleInput {
            /// The person.
            id: ID,
            /// The role.
            role: Role,
            /// The instant from which the earlier role holds again; null: it does not.
            until: Option<EffectiveInput>,
        }
        /// Puts a person into a team from `effectiveAt` on.
        PersonJoinTeamInput {
            /// The person.
            id: ID,
            /// The team; null: into none.
            team: Option<ID>,
            /// The instant from which the earlier team holds again; null: it does not.
            until: Option<EffectiveInput>,
        }
        /// Says that a person is away from `effectiveAt` on.
        PersonStartLeaveInput {
            /// The person.
            id: ID,
            /// The instant at which the person is back; null: nobody knows.
            until: Option<EffectiveInput>,
            /// Why.
            leave_reason: Option<String>,
        }
        /// Says that a person is back at `effectiveAt`.
        PersonEndLeaveInput {
            /// The person.
            id: ID,
        }
        /// Says that a person leaves the organisation at `effectiveAt`.
        PersonDepartInput {
            /// The person.
            id: ID,
            /// Whether it was the person's own wish; null: nobody said.
            voluntary: Option<bool>,
            /// Whether it is regretted; null: nobody said.
            regretted: Option<bool>,
        }
        /// Says that a person who left is back at `effectiveAt`.
        PersonRehireInput {
            /// The person.
            id: ID,
        }
        /// Says whom a person reports to from `effectiveAt` on.
        PersonSetManagerInput {
            /// The person.
            id: ID,
            /// The manager; null: nobody.
            manager: Option<ID>,
            /// The instant from which the earlier line holds again; null: it does not.
            until: Option<EffectiveInput>,
        }
        /// Says that an event of a person should not be there. It can still be read as it was believed.
        PersonWithdrawInput {
            /// The person.
            id: ID,
            /// The position of the event. Those of the same command go with it. That of a withdrawal undoes it.
            event: Int64,
        }
    }

    type Problem = PersonUserError;

    fn text(written: &str, field: &str) -> Result<Personal<Text>, Problem> {
        Text::new(written).map(Personal).map_err(|error| Problem::invalid(field, &error))
    }

    fn maybe(written: Option<&String>, field: &str) -> Result<Option<Personal<Text>>, Problem> {
        written.map(|written| text(written, field)).transpose()
    }

    fn until(context: &Context<'_>, until: Option<EffectiveInput>) -> Result<Option<units::Instant>> {
        let session = Session::of(context)?;
        Ok(until.map(|until| first_instant(session, &until)))
    }

    async fn put(context: &Context<'_>, id: &ID, fields: CommandFields, command: Command) -> Result<PersonPayload> {
        perform(context, Some(Key::of(id, "Person")?), None, fields, Asked::Do(command)).await
    }

    /// Commands of people.
    #[derive(Default)]
    pub struct PersonMutations;

    /// Commands of people.
    #[Object]
    impl PersonMutations {
        /// Hires a person, once.
        async fn person_hire(&self, context: &Context<'_>, input: PersonHireInput) -> Result<PersonPayload> {
            let name = value!(PersonPayload, text(&input.name, "name"));
            let email = value!(PersonPayload, maybe(input.email.as_ref(), "email"));
            let external_id = value!(PersonPayload, maybe(input.external_id.as_ref(), "externalId")).map(|id| id.0);
            let team = input.team.map(|id| Key::of(&id, "Team")).transpose()?.map(TeamId);
            let hire = Command::Hire { name, email, role: input.role, team, external_id };
            perform(context, None, None, input.command, Asked::Do(hire)).await
        }

        /// Gives a person another name.
        async fn person_rename(&self, context: &Context<'_>, input: PersonRenameInput) -> Result<PersonPayload> {
            let name = value!(PersonPayload, text(&input.name, "name"));
            put(context, &input.id, input.command, Command::Rename { name }).await
        }

        /// Gives a person another address.
        async fn person_change_email(
            &self,
            context: &Context<'_>,
            input: PersonChangeEmailInput,
        ) -> Result<PersonPayload> {
            let email = value!(PersonPayload, maybe(input.email.as_ref(), "email"));
            put(context, &input.id, input.command, Command::ChangeEmail { email }).await
        }

        /// Gives a person another role.
        async fn person_assign_role(
            &self,
            context: &Context<'_>,
            input: PersonAssignRoleInput,
        ) -> Result<PersonPayload> {
            let until = until(context, input.until)?;
            put(context, &input.id, input.command, Command::AssignRole { role: input.role, until }).await
        }

        /// Puts a person into a team, or into none.
        async fn person_join_team(&self, context: &Context<'_>, input: PersonJoinTeamInput) -> Result<PersonPayload> {
            let until = until(context, input.until)?;
            let team = input.team.map(|id| Key::of(&id, "Team")).transpose()?.map(TeamId);
            put(context, &input.id, input.command, Command::JoinTeam { team, until }).await
        }

        /// Says that a person is away.
        async fn person_start_leave(
            &self,
            context: &Context<'_>,
            input: PersonStartLeaveInput,
        ) -> Result<PersonPayload> {
            let until = until(context, input.until)?;
            let reason = value!(PersonPayload, maybe(input.leave_reason.as_ref(), "leaveReason"));
            put(context, &input.id, input.command, Command::StartLeave { until, reason }).await
        }

        /// Says that a person is back.
        async fn person_end_leave(&self, context: &Context<'_>, input: PersonEndLeaveInput) -> Result<PersonPayload> {
            put(context, &input.id, input.command, Command::EndLeave).await
        }

        /// Says that a person leaves the organisation. What was theirs stays theirs in the history.
        async fn person_depart(&self, context: &Context<'_>, input: PersonDepartInput) -> Result<PersonPayload> {
            let (voluntary, regretted) = (input.voluntary, input.regretted);
            put(context, &input.id, input.command, Command::Depart { voluntary, regretted }).await
        }

        /// Says that a person who left is back.
        async fn person_rehire(&self, context: &Context<'_>, input: PersonRehireInput) -> Result<PersonPayload> {
            put(context, &input.id, input.command, Command::Rehire).await
        }

        /// Says whom a person reports to. Nobody may come to report to themselves, at any instant.
        async fn person_set_manager(
            &self,
            context: &Context<'_>,
            input: PersonSetManagerInput,
        ) -> Result<reporting::graphql::ManagerPayload> {
            let until = until(context, input.until)?;
            let manager = input.manager.map(|id| Key::of(&id, "Person")).transpose()?.map(PersonId);
            let person = Key::of(&input.id, "Person")?;
            let set = reporting::Command::SetManager { person: PersonId(person), manager, until };
            reporting::graphql::put(context, person, input.command, Asked::Do(set)).await
        }

        /// Says that an event of a person should not be there.
        async fn person_withdraw(&self, context: &Context<'_>, input: PersonWithdrawInput) -> Result<PersonPayload> {
            let id = Some(Key::of(&input.id, "Person")?);
            perform(context, id, None, input.command, Asked::Withdraw(Position(input.event.0))).await
        }

        /// Says that an event about whom a person reports to should not be there.
        async fn person_withdraw_manager(
            &self,
            context: &Context<'_>,
            input: PersonWithdrawInput,
        ) -> Result<reporting::graphql::ManagerPayload> {
            let withdraw = Asked::Withdraw(Position(input.event.0));
            reporting::graphql::put(context, Key::of(&input.id, "Person")?, input.command, withdraw).await
        }
    }
}
