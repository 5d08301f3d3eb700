//! How deals come through: how often they are won, how they get from stage to stage, how long it takes, and what comes of
//! it a day.

mod conversion;
mod outcomes;
mod stage_times;
mod velocity;
mod visits;

pub use conversion::{Conversion, ConversionOutcome, ConversionPart, StageConversion, StageConversions};
pub use outcomes::{OutcomeSum, WinCohort, WinRates};
pub use stage_times::{StageTime, StageTimes, StageVisit, StageVisitConnection, StageVisitEdge};
pub use velocity::{CurrencyVelocity, Velocity};

use super::question::{Question, Whose};
use crate::graph::{Organisation, PeriodInput, ScopeInput, View};
use async_graphql::{Context, ID, Object, Result};
use std::sync::Arc;

/// Questions about how deals come through.
#[derive(Default)]
pub struct FunnelQueries(pub Option<Arc<View>>);

#[Object]
impl FunnelQueries {
    /// How often deals are won. Narrow: won / (won + lost). Broad: won / (won + lost + no decision). Each by count and by
    /// value. Of the deals that closed in a period (CLOSED), or of those that were opened in it (OPENED), of which some
    /// are open still and in no rate. The deals are those whose owner at the instant of the query is in scope; merged
    /// ones are in none.
    /// Null, with the code BEFORE_OUR_KNOWLEDGE, when asked as known before the log began.
    async fn win_rates(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "When they closed, or were opened.")] period: PeriodInput,
        #[graphql(desc = "Whether those that closed in the period are meant, or those opened in it.", default)]
        cohort: WinCohort,
        #[graphql(desc = "Whose deals count; everybody's when left out.")] scope: Option<ScopeInput>,
        #[graphql(desc = "Which organisation says who is in scope.", default)] organisation: Organisation,
        #[graphql(desc = "Deals of these pipelines only; of all when left out.")] pipelines: Option<Vec<ID>>,
    ) -> Option<Result<WinRates>> {
        let read = async || {
            let question = Question::of(&self.0, context, Whose { scope, organisation, pipelines }).await?;
            let period = period.resolve(&question.view).await?;
            WinRates::of(question, period, cohort).await
        };
        Some(read().await)
    }

    /// From each open stage, how many deals get further, as a cohort and as a snapshot: the two answer other questions
    /// and are never mixed. Cohort: of the deals that came into the stage in the period, those that reached a later open
    /// stage or were won after it, by the instant of the query; leaving stages out on the way counts. Snapshot: of the
    /// deals that were in the stage when the period began, where they are when it ends, or at the instant of the query if
    /// that comes first. The order of stages is that of the instant of the query, and so is who owns a deal.
    /// Null, with the code BEFORE_OUR_KNOWLEDGE, when asked as known before the log began.
    async fn stage_conversion(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "When they came into the stage; of the snapshot: from when until when.")] period: PeriodInput,
        #[graphql(desc = "Whose deals count; everybody's when left out.")] scope: Option<ScopeInput>,
        #[graphql(desc = "Which organisation says who is in scope.", default)] organisation: Organisation,
        #[graphql(desc = "Deals of these pipelines only; of all when left out.")] pipelines: Option<Vec<ID>>,
    ) -> Option<Result<StageConversions>> {
        let read = async || {
            let question = Question::of(&self.0, context, Whose { scope, organisation, pipelines }).await?;
            let period = period.resolve(&question.view).await?;
            StageConversions::of(question, period).await
        };
        Some(read().await)
    }

    /// How long deals stay in each open stage: the visits that ended in the period, each by itself and, coming back
    /// included, a deal's visits together. Days are calendar days of the tenant's zone.
    /// Null, with the code BEFORE_OUR_KNOWLEDGE, when asked as known before the log began.
    async fn stage_times(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "When the visits ended.")] period: PeriodInput,
        #[graphql(desc = "Whose deals count; everybody's when left out.")] scope: Option<ScopeInput>,
        #[graphql(desc = "Which organisation says who is in scope.", default)] organisation: Organisation,
        #[graphql(desc = "Deals of these pipelines only; of all when left out.")] pipelines: Option<Vec<ID>>,
    ) -> Option<Result<StageTimes>> {
        let read = async || {
            let question = Question::of(&self.0, context, Whose { scope, organisation, pipelines }).await?;
            let period = period.resolve(&question.view).await?;
            StageTimes::of(question, period).await
        };
        Some(read().await)
    }

    /// Sales velocity: open deals x win rate x average size won / median cycle in days. Open deals are those of the
    /// instant of the query; the others come from the deals that closed in the period. Each factor is told.
    /// Null, with the code BEFORE_OUR_KNOWLEDGE, when asked as known before the log began.
    async fn velocity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "When the deals closed that win rate, size and cycle are taken from.")] period: PeriodInput,
        #[graphql(desc = "Whose deals count; everybody's when left out.")] scope: Option<ScopeInput>,
        #[graphql(desc = "Which organisation says who is in scope.", default)] organisation: Organisation,
        #[graphql(desc = "Deals of these pipelines only; of all when left out.")] pipelines: Option<Vec<ID>>,
    ) -> Option<Result<Velocity>> {
        let read = async || {
            let question = Question::of(&self.0, context, Whose { scope, organisation, pipelines }).await?;
            let period = period.resolve(&question.view).await?;
            Velocity::of(question, period).await
        };
        Some(read().await)
    }
}
