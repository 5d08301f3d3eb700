//! The schema, put together from the slices' roots.

use async_graphql::{Context, EmptySubscription, MergedObject, Object, Result, SDLExportOptions, Schema};
use sales::{
    account::graphql::{AccountMutations, AccountQueries},
    boards::{
        deal_metrics::DealMetricsQueries, funnel::FunnelQueries, stage_visits::StageVisitsQueries,
        waterfall::WaterfallQueries,
    },
    deal::graphql::{DealMutations, DealQueries},
    graph::{
        AsOfInput, Session, View,
        log::{LogQueries, SnapshotInfo},
        node::NodeQueries,
    },
    login::graphql::{LoginMutations, LoginQueries, ViewerQueries},
    person::graphql::{PersonMutations, PersonQueries},
    pipeline::graphql::{PipelineMutations, PipelineQueries},
    product::graphql::{ProductMutations, ProductQueries},
    team::graphql::{TeamMutations, TeamQueries},
};
use std::sync::Arc;

/// The schema that the server serves.
pub type Quarterdeck = Schema<Query, Mutation, EmptySubscription>;

/// The questions: as things stand now, or through `asOf` as they stood at two instants.
#[derive(MergedObject, Default)]
pub struct Query(
    AsOfQueries,
    DealQueries,
    DealMetricsQueries,
    StageVisitsQueries,
    WaterfallQueries,
    FunnelQueries,
    PersonQueries,
    TeamQueries,
    AccountQueries,
    ProductQueries,
    PipelineQueries,
    LoginQueries,
    ViewerQueries,
    NodeQueries,
    LogQueries,
);

/// The same questions as those of Query, answered as of two instants: when it was true in the world, and what the log
/// knew. Write fragments on Snapshot to show one screen of now and of then.
#[derive(MergedObject)]
pub struct Snapshot(
    SnapshotInfo,
    DealQueries,
    DealMetricsQueries,
    StageVisitsQueries,
    WaterfallQueries,
    FunnelQueries,
    PersonQueries,
    TeamQueries,
    AccountQueries,
    ProductQueries,
    PipelineQueries,
    LoginQueries,
    NodeQueries,
    LogQueries,
);

/// The commands, one mutation each. A broken rule is told in `userErrors`, and nothing was written; a fault is a GraphQL
/// error.
#[derive(MergedObject, Default)]
pub struct Mutation(
    DealMutations,
    PersonMutations,
    TeamMutations,
    AccountMutations,
    ProductMutations,
    PipelineMutations,
    LoginMutations,
);

impl Snapshot {
    fn of(view: &Arc<View>) -> Self {
        let view = || Some(Arc::clone(view));
        Self(
            SnapshotInfo(view()),
            DealQueries(view()),
            DealMetricsQueries(view()),
            StageVisitsQueries(view()),
            WaterfallQueries(view()),
            FunnelQueries(view()),
            PersonQueries(view()),
            TeamQueries(view()),
            AccountQueries(view()),
            ProductQueries(view()),
            PipelineQueries(view()),
            LoginQueries(view()),
            NodeQueries(view()),
            LogQueries(view()),
        )
    }
}

/// The door to other instants.
#[derive(Default)]
pub struct AsOfQueries;

#[Object]
impl AsOfQueries {
    /// Everything as of two instants: what was true then (`effective`), by what the log knew then (`known`). What we
    /// believed on 31 March is both of them that day; what we now know was true on 31 March is `effective` alone.
    async fn as_of(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The two instants; each is now when left out.")] at: Option<AsOfInput>,
    ) -> Result<Snapshot> {
        let now = Session::of(context)?.now().await;
        Ok(Snapshot::of(&now.at(at.unwrap_or_default())))
    }
}

/// The schema, ready to be executed with a [`Session`] among a request's data. Its limits stand before it: whoever
/// executes it admits the document first.
pub fn schema() -> Quarterdeck {
    walled(true, true)
}

/// The schema as a server shows it.
pub fn walled(introspection: bool, suggestions: bool) -> Quarterdeck {
    let mut schema = Schema::build(Query::default(), Mutation::default(), EmptySubscription);
    if !introspection {
        schema = schema.disable_introspection();
    }
    if !suggestions {
        schema = schema.disable_suggestions();
    }
    schema.finish()
}

/// The schema's definition: the contract that is committed.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_arguments().sorted_enum_items().include_specified_by();
    let mut sdl = schema().sdl_with_options(options);
    while sdl.ends_with('\n') {
        sdl.pop();
    }
    sdl.push('\n');
    sdl
}
