//! Visits of deals to stages: how many came, and how long they stayed.

use super::{
    deal_figures::{DayStatistics, statistics},
    deal_metrics::{stage_place, within_our_knowledge},
};
use crate::{
    deal::graphql::{DealFilter, filter_values},
    graph::{View, fault},
    pipeline::graphql::Stage,
};
use async_graphql::{Context, Object, Result, SimpleObject};
use std::sync::Arc;
use uuid::Uuid;

/// The visits of deals to one stage, up to the instant of the query.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct StageVisits {
    /// How often a deal came into the stage; coming back counts again. A deal that is opened there, or closed there,
    /// came into it.
    pub entries: i64,
    /// How many different deals came.
    pub deals: i64,
    /// How many visits had not ended at the instant of the query.
    pub staying: i64,
    /// How long the visits that ended lasted, in calendar days of the tenant's zone. Closing stages are not stayed in:
    /// a visit there lasts 0 days.
    pub days: DayStatistics,
    #[graphql(skip)]
    stage_id: Uuid,
    #[graphql(skip)]
    view: Arc<View>,
}

#[async_graphql::ComplexObject]
impl StageVisits {
    /// The stage, named as of the instant of the query.
    async fn stage(&self) -> Option<Result<Stage>> {
        Stage::find(&self.view, self.stage_id).await.transpose()
    }
}

/// Questions about visits to stages.
#[derive(Default)]
pub struct StageVisitsQueries(pub Option<Arc<View>>);

#[Object]
impl StageVisitsQueries {
    /// The visits to each stage by the deals that a filter lets through at the instant of the query and that the login may
    /// see, by pipeline and in the order of its stages.
    /// Null, with the code BEFORE_OUR_KNOWLEDGE, when asked as known before the log began.
    async fn stage_visits(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which deals; all when left out.")] filter: Option<DealFilter>,
    ) -> Option<Result<Vec<StageVisits>>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            visits(&view, &filter.unwrap_or_default()).await
        };
        Some(read().await)
    }
}

async fn visits(view: &Arc<View>, filter: &DealFilter) -> Result<Vec<StageVisits>> {
    within_our_knowledge(view).await?;
    let values = filter_values(filter, view).await?;
    let zone = view.tenant().zone.to_string();
    let mut parameters = values.parameters();
    parameters.push(&zone);
    let sql = include_str!("sql/stage_visits.sql");
    let rows = view.reads().rows_as_of(sql, view.seen().await?, &parameters).await.map_err(|error| fault(&error))?;
    let visits = rows.iter().map(|row| StageVisits {
        entries: row.get("entries"),
        deals: row.get("deals"),
        staying: row.get("staying"),
        days: statistics(row.get("n"), row.get("days"), row.get("percentiles")),
        stage_id: row.get("stage_id"),
        view: Arc::clone(view),
    });
    let placed = visits.map(async |visits: StageVisits| {
        let place = stage_place(view, visits.stage_id).await?;
        Ok::<_, async_graphql::Error>(((place.0.is_none(), place, visits.stage_id), visits))
    });
    let mut placed = futures::future::try_join_all(placed).await?;
    placed.sort_by(|(one, _), (two, _)| one.cmp(two));
    Ok(placed.into_iter().map(|(_, visits)| visits).collect())
}
