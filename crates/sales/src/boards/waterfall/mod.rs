//! Why the open pipeline of a period is another one than it was: net, between two instants, and gross, step by step.

mod bridge;
mod category_flow;
mod gross;
mod shown;

pub use category_flow::CategoryFlowCell;
pub use gross::{GrossLine, GrossStep, GrossStepConnection, GrossStepEdge, GrossWaterfall, MemoKind, MemoLine};
pub use shown::{FlowSum, PipelineWaterfall, WaterfallDeal, WaterfallDealConnection, WaterfallDealEdge, WaterfallLine};

use crate::graph::{AsOfInput, Organisation, PeriodInput, ScopeInput, View};
use async_graphql::{Context, Object, Result};
use bridge::{Asked, Bridge};
use std::sync::Arc;

/// Questions about what moved in the pipeline.
#[derive(Default)]
pub struct WaterfallQueries(pub Option<Arc<View>>);

#[Object]
impl WaterfallQueries {
    /// The waterfall of the open pipeline of a period, from one pair of instants to that of the query: start + lines =
    /// end, for counts and for amounts, in every currency. A deal counts while it is open, its owner is in scope, and it
    /// is expected to close in the period; each deal that begins or ceases to count has one cause, the first that holds
    /// in the order of WaterfallCause. Where the two ends are known at different positions, the line RESTATED carries
    /// what was learned later about the first: start is what was believed then, and the other lines lead from what is
    /// known now to have been. Only deals that the login may see now are counted.
    /// Null, with the code BEFORE_OUR_KNOWLEDGE, when either end is asked as known before the log began, and with
    /// BAD_USER_INPUT when the first end lies after the second.
    async fn pipeline_waterfall(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The first end; the second one is the pair of instants of the query.")] from: AsOfInput,
        #[graphql(desc = "In which the deals are expected to close.")] period: PeriodInput,
        #[graphql(desc = "Whose deals count; everybody's when left out.")] scope: Option<ScopeInput>,
        #[graphql(desc = "Which organisation says who is in scope.", default)] organisation: Organisation,
    ) -> Option<Result<PipelineWaterfall>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            let asked = Asked { period: period.resolve(&view).await?, scope, organisation };
            Ok(PipelineWaterfall(Arc::new(Bridge::of(&view, from, asked).await?)))
        };
        Some(read().await)
    }
}
