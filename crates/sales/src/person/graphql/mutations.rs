//! The commands of a person as mutations: one each. That of the reporting lines is among them.

use super::Person;
use crate::{
    graph::{
        Asked, CommandFields, EffectiveInput, Key, Session, first_instant,
        listing::{inputs, value},
        mutations, stated,
    },
    person::{Role, State, decide, decide::Command},
    reporting::{self, graphql::ManagerPayload},
};
use async_graphql::{Context, ID, MaybeUndefined, Object, Result};
use units::{Int64, PersonId, Personal, Position, TeamId, Text};

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
        email: MaybeUndefined<String>,
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
        team: MaybeUndefined<ID>,
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
        manager: MaybeUndefined<ID>,
        /// The instant from which the earlier line holds again; null: it does not.
        until: Option<EffectiveInput>,
    }
    /// Says that an event about whom a person reports to should not be there. It can still be read as it was believed.
    PersonWithdrawManagerInput {
        /// The person.
        id: ID,
        /// The position of the event, as `managerChanges` tells it. That of a withdrawal undoes it.
        event: Int64,
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
    until.map(|until| first_instant(session, &until)).transpose()
}

async fn put(context: &Context<'_>, id: &ID, fields: CommandFields, command: Command) -> Result<PersonPayload> {
    perform(context, Some(Key::given(id, "Person", "id")?), None, fields, Asked::Do(command)).await
}

/// Commands of people.
#[derive(Default)]
pub struct PersonMutations;

/// Commands of people.
#[Object]
impl PersonMutations {
    /// Hires a person, once.
    async fn person_hire(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonHireInput,
    ) -> Option<Result<PersonPayload>> {
        PersonPayload::told(async {
            let name = value!(PersonPayload, text(&input.name, "name"));
            let email = value!(PersonPayload, maybe(input.email.as_ref(), "email"));
            let external_id = value!(PersonPayload, maybe(input.external_id.as_ref(), "externalId")).map(|id| id.0);
            let team = input.team.map(|id| Key::given(&id, "Team", "team")).transpose()?.map(TeamId);
            let hire = Command::Hire { name, email, role: input.role, team, external_id };
            perform(context, None, None, input.command, Asked::Do(hire)).await
        })
        .await
    }

    /// Gives a person another name.
    async fn person_rename(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonRenameInput,
    ) -> Option<Result<PersonPayload>> {
        PersonPayload::told(async {
            let name = value!(PersonPayload, text(&input.name, "name"));
            put(context, &input.id, input.command, Command::Rename { name }).await
        })
        .await
    }

    /// Gives a person another address.
    async fn person_change_email(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonChangeEmailInput,
    ) -> Option<Result<PersonPayload>> {
        PersonPayload::told(async {
            let email = value!(PersonPayload, maybe(stated(input.email, "email")?.as_ref(), "email"));
            put(context, &input.id, input.command, Command::ChangeEmail { email }).await
        })
        .await
    }

    /// Gives a person another role.
    async fn person_assign_role(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonAssignRoleInput,
    ) -> Option<Result<PersonPayload>> {
        PersonPayload::told(async {
            let until = until(context, input.until)?;
            put(context, &input.id, input.command, Command::AssignRole { role: input.role, until }).await
        })
        .await
    }

    /// Puts a person into a team, or into none.
    async fn person_join_team(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonJoinTeamInput,
    ) -> Option<Result<PersonPayload>> {
        PersonPayload::told(async {
            let until = until(context, input.until)?;
            let team = stated(input.team, "team")?.map(|id| Key::given(&id, "Team", "team")).transpose()?.map(TeamId);
            put(context, &input.id, input.command, Command::JoinTeam { team, until }).await
        })
        .await
    }

    /// Says that a person is away.
    async fn person_start_leave(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonStartLeaveInput,
    ) -> Option<Result<PersonPayload>> {
        PersonPayload::told(async {
            let until = until(context, input.until)?;
            let reason = value!(PersonPayload, maybe(input.leave_reason.as_ref(), "leaveReason"));
            put(context, &input.id, input.command, Command::StartLeave { until, reason }).await
        })
        .await
    }

    /// Says that a person is back.
    async fn person_end_leave(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonEndLeaveInput,
    ) -> Option<Result<PersonPayload>> {
        PersonPayload::told(async { put(context, &input.id, input.command, Command::EndLeave).await }).await
    }

    /// Says that a person leaves the organisation. What was theirs stays theirs in the history.
    async fn person_depart(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonDepartInput,
    ) -> Option<Result<PersonPayload>> {
        PersonPayload::told(async {
            let (voluntary, regretted) = (input.voluntary, input.regretted);
            put(context, &input.id, input.command, Command::Depart { voluntary, regretted }).await
        })
        .await
    }

    /// Says that a person who left is back.
    async fn person_rehire(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonRehireInput,
    ) -> Option<Result<PersonPayload>> {
        PersonPayload::told(async { put(context, &input.id, input.command, Command::Rehire).await }).await
    }

    /// Says whom a person reports to. Nobody may come to report to themselves, at any instant.
    async fn person_set_manager(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonSetManagerInput,
    ) -> Option<Result<ManagerPayload>> {
        ManagerPayload::told(async {
            let until = until(context, input.until)?;
            let manager = stated(input.manager, "manager")?
                .map(|id| Key::given(&id, "Person", "manager"))
                .transpose()?
                .map(PersonId);
            let person = Key::given(&input.id, "Person", "id")?;
            let set = reporting::Command::SetManager { person: PersonId(person), manager, until };
            reporting::graphql::put(context, person, input.command, Asked::Do(set)).await
        })
        .await
    }

    /// Says that an event of a person should not be there.
    async fn person_withdraw(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonWithdrawInput,
    ) -> Option<Result<PersonPayload>> {
        PersonPayload::told(async {
            let id = Some(Key::given(&input.id, "Person", "id")?);
            perform(context, id, None, input.command, Asked::Withdraw(Position(input.event.0))).await
        })
        .await
    }

    /// Says that an event about whom a person reports to should not be there.
    async fn person_withdraw_manager(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: PersonWithdrawManagerInput,
    ) -> Option<Result<ManagerPayload>> {
        ManagerPayload::told(async {
            let withdraw = Asked::Withdraw(Position(input.event.0));
            reporting::graphql::put(context, Key::given(&input.id, "Person", "id")?, input.command, withdraw).await
        })
        .await
    }
}
