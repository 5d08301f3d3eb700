//! A waterfall as the API shows it.

use super::{
    CategoryFlowCell, GrossWaterfall, MemoLine,
    bridge::Bridge,
    category_flow,
    gross::{self, Window},
};
use crate::{
    boards::{
        deal_figures::money,
        paged::{PageAsked, paged},
    },
    deal::graphql::Deal,
    flow::{Cause, Entry, Line, Sum},
    graph::{View, period::DayRange},
};
use async_graphql::{Object, Result, SimpleObject};
use std::{collections::BTreeMap, sync::Arc};
use units::Money;
use uuid::Uuid;

/// Deals, or changes of them, summed.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct FlowSum {
    /// How many deals.
    pub count: i64,
    /// How many of them are in no amount, because nobody said what they are worth.
    pub unpriced: i64,
    /// How much, one a currency, those that come to nothing left out.
    pub amounts: Vec<Money>,
}

impl FlowSum {
    pub(in crate::boards) fn of(sum: &Sum) -> Result<Self> {
        let amounts = sum.amounts.iter().filter(|(_, amount)| **amount != 0);
        let amounts = amounts.map(|(currency, amount)| money(*amount, *currency)).collect::<Result<_>>()?;
        Ok(Self { count: sum.count, unpriced: sum.unpriced.abs(), amounts })
    }
}

/// Why the open pipeline of a period is another one than it was.
#[derive(Clone)]
pub struct PipelineWaterfall(pub(super) Arc<Bridge>);

/// Why the open pipeline of a period is another one than it was.
#[Object]
impl PipelineWaterfall {
    /// The days in which the deals are expected to close.
    async fn period(&self) -> DayRange {
        self.0.asked.period.into()
    }

    /// The open pipeline at the first end, as it was known then.
    async fn start(&self) -> Option<Result<FlowSum>> {
        Some(FlowSum::of(&self.0.ledger.start))
    }

    /// The open pipeline at the second end.
    async fn end(&self) -> Option<Result<FlowSum>> {
        Some(FlowSum::of(&self.0.ledger.end))
    }

    /// What leads from start to end, one line a cause, in the order of WaterfallCause; causes without a deal are left
    /// out.
    async fn lines(&self) -> Vec<WaterfallLine> {
        let line = |line| WaterfallLine { bridge: Arc::clone(&self.0), line };
        self.0.ledger.lines().into_iter().map(line).collect()
    }

    /// end - start - lines: no deal, and no amount in any currency. It is computed, not assumed.
    async fn residual(&self) -> Option<Result<FlowSum>> {
        Some(FlowSum::of(&self.0.ledger.residual()))
    }

    /// From which forecast category to which the deals went, and by which cause those came and went that did not count at
    /// the other end; by what is known at the second end. The cells with a `fromCategory` sum to the pipeline of the
    /// first end, those with a `toCategory` to that of the second.
    async fn category_flow(&self) -> Vec<CategoryFlowCell> {
        category_flow::cells(&self.0)
    }

    /// The same way step by step, by what is known at the second end: a deal that went out and came back is in both
    /// lines. Null when it cannot be read.
    async fn gross(&self) -> Option<Result<GrossWaterfall>> {
        Some(Window::of(&self.0).await.map(|_| GrossWaterfall(Arc::clone(&self.0))))
    }

    /// What happened within the window and shows at neither end: no line contains it. Null when it cannot be read.
    async fn memo(&self) -> Option<Result<Vec<MemoLine>>> {
        Some(Window::of(&self.0).await.map(|window| gross::memo(&self.0, window)))
    }
}

/// The deals of one cause.
#[derive(Clone)]
pub struct WaterfallLine {
    bridge: Arc<Bridge>,
    line: Line<Cause>,
}

/// The deals of one cause.
#[Object]
impl WaterfallLine {
    /// Why.
    async fn cause(&self) -> Cause {
        self.line.cause
    }

    /// By how many deals the pipeline changes: below zero where they go out, 0 where only amounts change.
    async fn count(&self) -> i64 {
        self.line.sum.count
    }

    /// How many of them are in no amount, because nobody said what they are worth.
    async fn unpriced(&self) -> i64 {
        self.line.sum.unpriced.abs()
    }

    /// By how much the pipeline changes, one a currency: below zero where deals go out. Deals come in with their amount of
    /// the first end (NEW and those that the login could not see: of the second), and go out with that of the second; what
    /// it changed by in between is in INCREASED and DECREASED.
    async fn amounts(&self) -> Option<Result<Vec<Money>>> {
        Some(FlowSum::of(&self.line.sum).map(|sum| sum.amounts))
    }

    /// Its deals, in the order of their ids: their counts and amounts sum to those of the line.
    async fn deals(
        &self,
        #[graphql(desc = "How many, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Option<Result<WaterfallDealConnection>> {
        let entries = self.bridge.ledger.entries.iter().filter(|entry| entry.cause == self.line.cause);
        let mut parts: BTreeMap<Uuid, WaterfallDeal> = BTreeMap::new();
        for Entry { deal, count, amount, .. } in entries {
            let empty = || WaterfallDeal::empty(*deal, self.line.cause, &self.bridge);
            let part = parts.entry(*deal).or_insert_with(empty);
            part.count += count;
            part.amounts.extend(*amount);
        }
        let things = parts.into_iter().map(|(id, part)| (id, 0, part));
        let list = (self.line.cause, self.bridge.since, &self.bridge.asked);
        Some(PageAsked { first, after }.of(&self.bridge.view, &list, things).await)
    }
}

paged!(WaterfallDealConnection, WaterfallDealEdge, WaterfallDeal);

/// A deal's part in a line.
#[derive(Clone)]
pub struct WaterfallDeal {
    id: Uuid,
    count: i64,
    amounts: Vec<Money>,
    before: Arc<View>,
    after: Arc<View>,
}

impl WaterfallDeal {
    fn empty(id: Uuid, cause: Cause, bridge: &Bridge) -> Self {
        let (before, after) = match (&bridge.believed, cause) {
            (Some(believed), Cause::Restated) => (believed, &bridge.first),
            _ => (&bridge.first, &bridge.view),
        };
        let (before, after) = (Arc::clone(before), Arc::clone(after));
        Self { id, count: 0, amounts: Vec::new(), before, after }
    }

    pub(super) fn whole(id: Uuid, amount: Option<Money>, bridge: &Bridge) -> Self {
        let empty = Self::empty(id, Cause::New, bridge);
        Self { count: 1, amounts: amount.into_iter().collect(), ..empty }
    }
}

/// A deal's part in a line.
#[Object]
impl WaterfallDeal {
    /// The deal's own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.id.to_string()
    }

    /// How it stands at the second end (RESTATED: at the first, as is known at the second); null when it is not there
    /// then, or belongs to somebody whose deals the login may not see.
    async fn deal(&self) -> Option<Result<Deal>> {
        Deal::find(&self.after, self.id).await.transpose()
    }

    /// How it stood at the first end, as is known at the second (RESTATED: as was known at the first); null when it was
    /// not there then, or belonged to somebody whose deals the login may not see.
    async fn before(&self) -> Option<Result<Deal>> {
        Deal::find(&self.before, self.id).await.transpose()
    }

    /// By how many deals it changes the pipeline: 1, -1 or 0.
    async fn count(&self) -> i64 {
        self.count
    }

    /// By how much it changes the pipeline; empty when nobody said what it is worth.
    async fn amounts(&self) -> &[Money] {
        &self.amounts
    }
}
