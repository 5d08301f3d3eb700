//! Pipelines and their stages as the API shows them, and the questions about them.

mod mutations;

pub use mutations::{PipelineErrorCode, PipelineMutations, PipelinePayload, PipelineUserError};

use super::{Row, StageKind, StageRow, State};
use crate::{
    category::Category,
    graph::{
        Change, Key, NodeId, View, Window, changes, fault,
        listing::{self, ORDER, Parameter, listed, prefix},
        view::AtPoint,
    },
};
use async_graphql::{Context, ID, InputObject, Object, Result, dataloader::Loader};
use logbook::Fault;
use std::{collections::HashMap, sync::Arc};
use units::{PipelineId, StageId};
use uuid::Uuid;

/// A pipeline: the ordered stages that a deal goes through, as of the two instants of the query.
#[derive(Clone)]
pub struct Pipeline {
    pub(crate) view: Arc<View>,
    pub(crate) id: Uuid,
    pub(crate) row: Arc<Row>,
}

/// A pipeline: the ordered stages that a deal goes through, as of the two instants of the query.
#[Object]
impl Pipeline {
    /// The global id. Read at other instants, the same pipeline has another one; mutations take that of the present.
    pub async fn id(&self) -> ID {
        NodeId::of("Pipeline", self.id, &self.view.point)
    }

    /// Its own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.id.to_string()
    }

    /// Its id in the system it was imported from; null when it was not.
    async fn external_id(&self) -> Option<&String> {
        self.row.external_id.as_ref()
    }

    /// The number of its last event, for a mutation's `expectedVersion`; as known at the instant of the query.
    async fn version(&self) -> Option<Result<i32>> {
        crate::graph::log::version(&self.view, self.id).await.transpose()
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Its stages in their order, retired ones among them.
    async fn stages(&self) -> Option<Result<Vec<Stage>>> {
        let find = async || {
            let found = self.view.loader.load_one(StagesOf(self.id)).await.map_err(|error| fault(&error))?;
            let stage = |(id, row): (Uuid, Arc<StageRow>)| Stage { view: Arc::clone(&self.view), id, row };
            Ok(found.unwrap_or_default().into_iter().map(stage).collect())
        };
        Some(find().await)
    }

    /// Who changed what about it or its stages, when and why, in the order in which the log took it down; what a stage
    /// was before and after, its own `changes` say.
    async fn changes(&self) -> Option<Result<Vec<Change>>> {
        let read = async || {
            let known = self.view.seen().await?.known.map(|position| position.0);
            changes::of::<State>(self.view.reads(), self.id, self.id, known).await.map_err(|error| fault(&error))
        };
        Some(read().await)
    }
}

/// The key of a pipeline's stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct StagesOf(Uuid);

impl Loader<StagesOf> for AtPoint {
    type Value = Vec<(Uuid, Arc<StageRow>)>;
    type Error = Arc<Fault>;

    async fn load(&self, keys: &[StagesOf]) -> Result<HashMap<StagesOf, Self::Value>, Arc<Fault>> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let sql = include_str!("../sql/stages_of_pipelines.sql");
        let rows = self.0.reads.rows_as_of(sql, self.0.seen().await?, &[&ids]).await?;
        let mut stages: HashMap<StagesOf, Self::Value> = HashMap::new();
        for row in &rows {
            let stage: StageRow = listing::found(row)?;
            stages.entry(StagesOf(stage.pipeline_id)).or_default().push((row.get("id"), Arc::new(stage)));
        }
        Ok(stages)
    }
}

/// A stage of a pipeline as of the two instants of the query. It keeps its id when it is renamed.
#[derive(Clone)]
pub struct Stage {
    pub(crate) view: Arc<View>,
    pub(crate) id: Uuid,
    pub(crate) row: Arc<StageRow>,
}

/// A stage of a pipeline as of the two instants of the query. It keeps its id when it is renamed.
#[Object]
impl Stage {
    /// The global id. Read at other instants, the same stage has another one; mutations take that of the present.
    pub async fn id(&self) -> ID {
        NodeId::of("Stage", self.id, &self.view.point)
    }

    /// Its own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.id.to_string()
    }

    /// The number of the last event of its pipeline, for a mutation's `expectedVersion`: a stage changes with its pipeline.
    async fn version(&self) -> Option<Result<i32>> {
        crate::graph::log::version(&self.view, self.row.pipeline_id).await.transpose()
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Its pipeline.
    async fn pipeline(&self) -> Option<Result<Pipeline>> {
        Pipeline::find(&self.view, self.row.pipeline_id).await.transpose()
    }

    /// Its place in the pipeline, 1 to 1,000; there may be gaps.
    async fn order(&self) -> i32 {
        self.row.stage_order
    }

    /// Whether its deals are open, won or lost. It never changes.
    async fn kind(&self) -> StageKind {
        self.row.kind
    }

    /// The probability of winning that its deals have unless a human says otherwise, in basis points (10,000 is certain).
    async fn probability_bps(&self) -> i32 {
        self.row.probability_bps
    }

    /// The forecast category that its deals have unless a human says otherwise.
    async fn category(&self) -> Category {
        self.row.category
    }

    /// Whether no deal enters it any more; those in it stay.
    async fn retired(&self) -> bool {
        self.row.retired
    }

    /// Who changed what about it, when and why, in the order in which the log took it down.
    async fn changes(&self) -> Option<Result<Vec<Change>>> {
        let read = async || {
            let known = self.view.seen().await?.known.map(|position| position.0);
            let found = changes::of::<State>(self.view.reads(), self.row.pipeline_id, self.id, known).await;
            found.map_err(|error| fault(&error))
        };
        Some(read().await)
    }
}

impl Stage {
    /// The stage at the view's instants; none when it is not there then.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn find(view: &Arc<View>, id: Uuid) -> Result<Option<Self>> {
        let row = view.loader.load_one(StageId(id)).await.map_err(|error| fault(&error))?;
        Ok(row.map(|row| Self { view: Arc::clone(view), id, row }))
    }
}

impl Loader<StageId> for AtPoint {
    type Value = Arc<StageRow>;
    type Error = Arc<Fault>;

    async fn load(&self, keys: &[StageId]) -> Result<HashMap<StageId, Arc<StageRow>>, Arc<Fault>> {
        listing::by_id(self, include_str!("../sql/stages_by_id.sql"), keys.iter().map(|key| key.0).collect()).await
    }
}

/// Which pipelines. Every field that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PipelineFilter {
    /// What their name begins with, whatever its case.
    pub name_prefix: Option<String>,
}

struct Values {
    prefix: Option<String>,
    prefix_end: Option<String>,
}

impl Values {
    fn parameters(&self) -> Vec<Parameter<'_>> {
        vec![&self.prefix, &self.prefix_end]
    }
}

impl PipelineFilter {
    #[expect(clippy::unused_async, reason = "other filters ask the organisation")]
    async fn values(&self, _view: &View) -> Result<Values> {
        let (prefix, prefix_end) = prefix(self.name_prefix.as_ref())?;
        Ok(Values { prefix, prefix_end })
    }
}

listed! {
    Pipeline, PipelineId, Row, PipelineConnection, PipelineEdge, PipelineFilter;
    "../sql/pipelines_by_id.sql", "../sql/pipelines_upwards.sql", "../sql/pipelines_downwards.sql",
    "../sql/pipelines_count.sql"
}

/// Questions about pipelines.
#[derive(Default)]
pub struct PipelineQueries(pub Option<Arc<View>>);

#[Object]
impl PipelineQueries {
    /// A pipeline by its id; null when there is none at the instant of the query.
    async fn pipeline(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its global id, or its key.")] id: ID,
    ) -> Option<Result<Pipeline>> {
        let find = async || {
            let view = View::of(&self.0, context).await?;
            Pipeline::find(&view, Key::for_reading(&id, "Pipeline")?).await
        };
        find().await.transpose()
    }

    /// Pipelines, a page at a time, in the order of their names.
    async fn pipelines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which pipelines; all when left out.")] filter: Option<PipelineFilter>,
        #[graphql(desc = "How many from the front, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the page ends.")] before: Option<String>,
    ) -> Option<Result<PipelineConnection>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            let filter = filter.unwrap_or_default();
            let order = view.order("pipelines", ORDER, &filter).await?;
            let window = Window::of(first, after, last, before, &order)?;
            PipelineConnection::read(view, filter, &window).await
        };
        Some(read().await)
    }

    /// A stage by its id; null when there is none at the instant of the query.
    async fn stage(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its global id, or its key.")] id: ID,
    ) -> Option<Result<Stage>> {
        let find = async || {
            let view = View::of(&self.0, context).await?;
            Stage::find(&view, Key::for_reading(&id, "Stage")?).await
        };
        find().await.transpose()
    }
}
