//! Teams as the API shows them, the questions about them, and their commands.

use super::{Row, State, decide, decide::Command};
use crate::{
    graph::{
        Asked, Change, CommandFields, EffectiveInput, Key, NodeId, Session, View, Window, changes, fault,
        first_instant,
        listing::{ORDER, Parameter, inputs, listed, prefix, value},
        mutations, stated,
    },
    person::graphql::Person,
};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use std::sync::Arc;
use units::{Int64, Position, TeamId, Text};
use uuid::Uuid;

/// People of a team that are listed with it at most.
const MEMBERS_MAX: usize = 1_000;

/// A team as of the two instants of the query; without a parent it is a region.
#[derive(Clone)]
pub struct Team {
    pub(crate) view: Arc<View>,
    pub(crate) id: Uuid,
    pub(crate) row: Arc<Row>,
}

/// A team as of the two instants of the query; without a parent it is a region.
#[Object]
impl Team {
    /// The global id. Read at other instants, the same team has another one; mutations take that of the present.
    pub async fn id(&self) -> ID {
        NodeId::of("Team", self.id, &self.view.point)
    }

    /// The team's own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.id.to_string()
    }

    /// Its id in the system it was imported from; null when it was not.
    async fn external_id(&self) -> Option<&String> {
        self.row.external_id.as_ref()
    }

    /// The number of the last event of the tenant's whole team tree, for a mutation's `expectedVersion`: the tree is one
    /// stream, so that no two changes can make a circle of it.
    async fn version(&self) -> Option<Result<i32>> {
        crate::graph::log::version(&self.view, super::stream_id()).await.transpose()
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The team above it; null for a region.
    async fn parent(&self) -> Option<Result<Team>> {
        Team::find(&self.view, self.row.parent_id?).await.transpose()
    }

    /// The root of its tree, itself when it has no parent.
    async fn region(&self) -> Option<Result<Team>> {
        let find = async || Team::find(&self.view, self.view.org().await?.region_of(self.id)).await;
        find().await.transpose()
    }

    /// The teams right below it, in the order of their names.
    async fn children(&self) -> Option<Result<Vec<Team>>> {
        let find = async || {
            let mut teams = Team::find_all(&self.view, &self.view.org().await?.teams_below(self.id)).await?;
            teams.sort_by(|one, two| (&one.row.name_folded, one.id).cmp(&(&two.row.name_folded, two.id)));
            Ok(teams)
        };
        Some(find().await)
    }

    /// The people who are in the team itself, in the order of their names, at most 1,000; `people` lists those of the
    /// teams below as well.
    async fn members(&self) -> Option<Result<Vec<Person>>> {
        let find = async || {
            let mut people = Person::find_all(&self.view, &self.view.org().await?.members(self.id)).await?;
            people.sort_by(|one, two| (&one.row.name_folded, one.id).cmp(&(&two.row.name_folded, two.id)));
            people.truncate(MEMBERS_MAX);
            Ok(people)
        };
        Some(find().await)
    }

    /// How many people are in the team or in a team below it.
    async fn all_member_count(&self) -> Option<Result<i32>> {
        let count = async || {
            let people = self.view.org().await?.people_under(&[self.id]);
            Ok(i32::try_from(people.len()).unwrap_or(i32::MAX))
        };
        Some(count().await)
    }

    /// Who changed what about the team, when and why, in the order in which the log took it down.
    async fn changes(&self) -> Option<Result<Vec<Change>>> {
        let read = async || {
            let known = self.view.seen().await?.known.map(|position| position.0);
            let found = changes::of::<State>(self.view.reads(), super::stream_id(), self.id, known).await;
            found.map_err(|error| fault(&error))
        };
        Some(read().await)
    }
}

/// Which teams. Every field that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TeamFilter {
    /// What their name begins with, whatever its case.
    pub name_prefix: Option<String>,
    /// The teams right above them.
    pub parents: Option<Vec<ID>>,
    /// Whether they are regions: without a team above them.
    pub regions: Option<bool>,
}

struct Values {
    prefix: Option<String>,
    prefix_end: Option<String>,
    parents: Option<Vec<Uuid>>,
    regions: Option<bool>,
}

impl Values {
    fn parameters(&self) -> Vec<Parameter<'_>> {
        vec![&self.prefix, &self.prefix_end, &self.parents, &self.regions]
    }
}

impl TeamFilter {
    #[expect(clippy::unused_async, reason = "filters that name teams of others ask the organisation")]
    async fn values(&self, _view: &View) -> Result<Values> {
        let (prefix, prefix_end) = prefix(self.name_prefix.as_ref())?;
        Ok(Values { prefix, prefix_end, parents: Key::all(self.parents.as_ref(), "Team")?, regions: self.regions })
    }
}

listed! {
    Team, TeamId, Row, TeamConnection, TeamEdge, TeamFilter;
    "sql/teams_by_id.sql", "sql/teams_upwards.sql", "sql/teams_downwards.sql", "sql/teams_count.sql"
}

/// Questions about teams.
#[derive(Default)]
pub struct TeamQueries(pub Option<Arc<View>>);

#[Object]
impl TeamQueries {
    /// A team by its id; null when it does not stand at the instant of the query.
    async fn team(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its global id, or its key.")] id: ID,
    ) -> Option<Result<Team>> {
        let find = async || {
            let view = View::of(&self.0, context).await?;
            Team::find(&view, Key::for_reading(&id, "Team")?).await
        };
        find().await.transpose()
    }

    /// Teams that stand, a page at a time, in the order of their names.
    async fn teams(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which teams; all when left out.")] filter: Option<TeamFilter>,
        #[graphql(desc = "How many from the front, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the page ends.")] before: Option<String>,
    ) -> Option<Result<TeamConnection>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            let filter = filter.unwrap_or_default();
            let order = view.order("teams", ORDER, &filter).await?;
            let window = Window::of(first, after, last, before, &order)?;
            TeamConnection::read(view, filter, &window).await
        };
        Some(read().await)
    }
}

mutations! {
    Team, "Team", team: TeamErrorCode, TeamUserError, TeamPayload;
    /// The team was formed already.
    AlreadyFormed,
    /// There is no such team at that instant.
    NotFormed,
    /// The team is disbanded by that instant.
    Disbanded,
    /// There is no such team to be below of at that instant.
    UnknownParent,
    /// The team above does not stand for all of the time.
    ParentDisbanded,
    /// A team would come to be below itself.
    Circle,
    /// The tree would have more than 16 levels.
    TooDeep,
    /// Another team under the same one has that name.
    NameTaken,
    /// Teams stand below it.
    HasTeamsBelow,
    /// It must end after it begins.
    EndsBeforeItBegins,
}

inputs! {
    /// Forms a team from `effectiveAt` on.
    TeamFormInput {
        /// What it is called.
        name: String,
        /// The team above it; left out for a region.
        parent: Option<ID>,
        /// Its id in another system.
        external_id: Option<String>,
    }
    /// Gives a team another name from `effectiveAt` on.
    TeamRenameInput {
        /// The team.
        id: ID,
        /// Its new name.
        name: String,
    }
    /// Puts a team below another one from `effectiveAt` on.
    TeamMoveInput {
        /// The team.
        id: ID,
        /// The team above it; null makes it a region.
        parent: MaybeUndefined<ID>,
        /// The instant from which the earlier place holds again; null: it does not.
        until: Option<EffectiveInput>,
    }
    /// Disbands a team at `effectiveAt`.
    TeamDisbandInput {
        /// The team.
        id: ID,
    }
    /// Says that an event of a team should not be there. It can still be read as it was believed.
    TeamWithdrawInput {
        /// The team.
        id: ID,
        /// The position of the event. Those of the same command go with it. That of a withdrawal undoes it.
        event: Int64,
    }
}

async fn put(context: &Context<'_>, team: Uuid, fields: CommandFields, verb: Asked<Command>) -> Result<TeamPayload> {
    perform(context, Some(super::stream_id()), Some(team), fields, verb).await
}

fn name_of(written: &str, field: &str) -> Result<Text, TeamUserError> {
    Text::new(written).map_err(|error| TeamUserError::invalid(field, &error))
}

/// Commands of teams.
#[derive(Default)]
pub struct TeamMutations;

/// Commands of teams.
#[Object]
impl TeamMutations {
    /// Forms a team. Its id is made from the commandId, so that sending it again means the same team.
    async fn team_form(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: TeamFormInput,
    ) -> Option<Result<TeamPayload>> {
        TeamPayload::told(async {
            let name = value!(TeamPayload, name_of(&input.name, "name"));
            let external_id = input.external_id.as_ref().map(|id| name_of(id, "externalId")).transpose();
            let external_id = value!(TeamPayload, external_id);
            let parent = input.parent.map(|id| Key::given(&id, "Team", "parent")).transpose()?.map(TeamId);
            let team = crate::graph::made_from(&input.command, "team")?;
            let form = Command::Form { team: TeamId(team), name, parent, external_id };
            put(context, team, input.command, Asked::Do(form)).await
        })
        .await
    }

    /// Gives a team another name.
    async fn team_rename(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: TeamRenameInput,
    ) -> Option<Result<TeamPayload>> {
        TeamPayload::told(async {
            let name = value!(TeamPayload, name_of(&input.name, "name"));
            let team = Key::given(&input.id, "Team", "id")?;
            put(context, team, input.command, Asked::Do(Command::Rename { team: TeamId(team), name })).await
        })
        .await
    }

    /// Puts a team below another one, or makes it a region.
    async fn team_move(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: TeamMoveInput,
    ) -> Option<Result<TeamPayload>> {
        TeamPayload::told(async {
            let session = Session::of(context)?;
            let until = input.until.map(|until| first_instant(session, &until)).transpose()?;
            let parent =
                stated(input.parent, "parent")?.map(|id| Key::given(&id, "Team", "parent")).transpose()?.map(TeamId);
            let team = Key::given(&input.id, "Team", "id")?;
            put(context, team, input.command, Asked::Do(Command::Move { team: TeamId(team), parent, until })).await
        })
        .await
    }

    /// Disbands a team that has no team below it. Whoever is still in it is in no team from then on.
    async fn team_disband(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: TeamDisbandInput,
    ) -> Option<Result<TeamPayload>> {
        TeamPayload::told(async {
            let team = Key::given(&input.id, "Team", "id")?;
            put(context, team, input.command, Asked::Do(Command::Disband { team: TeamId(team) })).await
        })
        .await
    }

    /// Says that an event of a team should not be there.
    async fn team_withdraw(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What the command says.")] input: TeamWithdrawInput,
    ) -> Option<Result<TeamPayload>> {
        TeamPayload::told(async {
            let team = Key::given(&input.id, "Team", "id")?;
            put(context, team, input.command, Asked::Withdraw(Position(input.event.0))).await
        })
        .await
    }
}
