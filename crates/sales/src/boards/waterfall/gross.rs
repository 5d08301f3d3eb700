//! The way between the two ends of a waterfall, step by step, and what shows at neither end.

use super::{FlowSum, WaterfallDeal, WaterfallDealConnection, bridge::Bridge};
use crate::{
    boards::{
        deals_at::{Readings, StageBook, all_rows},
        paged::{PageAsked, paged},
    },
    deal::{Status, graphql::Deal},
    flow::{Cause, DealAt, End, Ledger, Line, Prices, Step, Sum, Version, counts_in, path},
    graph::{fault, scope::ScopeWay},
};
use async_graphql::{Enum, Object, Result, SimpleObject};
use logbook::Fault;
use std::{collections::BTreeMap, sync::Arc};
use tokio_postgres::Row;
use units::{Instant, Int64, Money};
use uuid::Uuid;

/// All steps of all deals within the window of a waterfall.
pub(super) struct Window {
    steps: Vec<Step>,
    ledger: Ledger<Cause>,
    memo: BTreeMap<MemoKind, Vec<(Uuid, Option<Money>)>>,
}

impl Window {
    pub(super) async fn of(bridge: &Arc<Bridge>) -> Result<&Self> {
        bridge.window.get_or_try_init(async || Self::read(bridge).await).await
    }

    async fn read(bridge: &Bridge) -> Result<Self> {
        let asked = &bridge.asked;
        let way = ScopeWay::of(&bridge.view, bridge.since, asked.scope.as_ref(), asked.organisation).await?;
        let book = StageBook::load(&bridge.view).await?;
        let (from, to, owners) = (asked.period.from.0, asked.period.to.0, way.owners());
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] = [&bridge.since, &from, &to, &owners];
        let rows = all_rows(&bridge.view, include_str!("../sql/deals_within.sql"), &parameters).await?;
        let mut window = Self { steps: Vec::new(), ledger: Ledger::default(), memo: BTreeMap::new() };
        for rows in rows.chunk_by(|one, two| one.get::<_, Uuid>("id") == two.get::<_, Uuid>("id")) {
            let versions = versions(rows, &way, bridge.since, &book).map_err(|error| fault(&error))?;
            window.add(rows[0].get("id"), &versions, bridge);
        }
        window.ledger.entries = window.steps.iter().map(|step| step.entry.clone()).collect();
        Ok(window)
    }

    fn add(&mut self, deal: Uuid, versions: &[Version], bridge: &Bridge) {
        let period = &bridge.asked.period;
        let (Some(first), Some(last)) = (versions.first(), versions.last()) else { return };
        let mut counted = Vec::new();
        for (end, sum) in [(&first.end, &mut self.ledger.start), (&last.end, &mut self.ledger.end)] {
            let counts = end.deal().filter(|_| counts_in(end, period));
            counted.push(counts.is_some());
            if let Some(deal) = counts {
                sum.add(1, deal.amount);
            }
        }
        let mut within = versions.iter().filter(|version| counts_in(&version.end, period));
        let within = within.next_back().and_then(|version| version.end.deal());
        let memo = match closed_within(first, last, bridge) {
            Some((kind, closed)) => Some((kind, closed.amount)),
            None if counted == [false, false] => within.map(|deal| (MemoKind::InAndOut, deal.amount)),
            None => None,
        };
        if let Some((kind, amount)) = memo {
            self.memo.entry(kind).or_default().push((deal, amount));
        }
        self.steps.extend(path(deal, versions, period, &Prices::OWN));
    }
}

/// A deal that was opened and closed within the window, in scope, and closed in the period.
fn closed_within<'a>(first: &Version, last: &'a Version, bridge: &Bridge) -> Option<(MemoKind, &'a DealAt)> {
    let closed = last.end.deal().filter(|_| first.end == End::Absent)?;
    let in_period = closed.closed_on.is_some_and(|day| bridge.asked.period.contains(day));
    match closed.status {
        Status::Won if in_period && closed.in_scope => Some((MemoKind::CreatedAndWon, closed)),
        Status::Lost | Status::NoDecision if in_period && closed.in_scope => Some((MemoKind::CreatedAndLost, closed)),
        _ => None,
    }
}

/// A deal's versions from the begin of the window on, and wherever its owner came into scope or went out of it.
fn versions(rows: &[Row], way: &ScopeWay, since: Instant, book: &StageBook) -> Result<Vec<Version>, Fault> {
    let begins: Vec<Instant> = rows.iter().map(|row| row.get::<_, Instant>("valid_from").max(since)).collect();
    let mut versions = Vec::new();
    if begins[0] > since {
        versions.push(Version { from: since, known_from: None, end: End::Absent });
    }
    for (index, row) in rows.iter().enumerate() {
        let until = begins.get(index + 1).copied();
        let scopes = way.within(begins[index], until);
        let mut known_from = Some(row.get::<_, i64>("recorded_from"));
        let mut counted = None;
        for (from, scope) in scopes {
            if counted.replace(scope.counts(row.get("owner_id"))) == Some(scope.counts(row.get("owner_id"))) {
                continue;
            }
            let end = Readings::new(book, scope).end(row)?;
            versions.push(Version { from: from.max(begins[index]), known_from: known_from.take(), end });
        }
    }
    Ok(versions)
}

/// The way from start to end, step by step. The steps of a deal that changed several times within the window are all in
/// it, where the net waterfall shows only what is left of them.
#[derive(Clone)]
pub struct GrossWaterfall(pub(super) Arc<Bridge>);

impl GrossWaterfall {
    /// It is shown only once it was read.
    fn window(&self) -> Option<&Window> {
        self.0.window.get()
    }

    fn sum(&self, of: impl Fn(&Ledger<Cause>) -> Sum) -> Result<FlowSum> {
        FlowSum::of(&self.window().map(|window| of(&window.ledger)).unwrap_or_default())
    }
}

/// The way from start to end, step by step. The steps of a deal that changed several times within the window are all in
/// it, where the net waterfall shows only what is left of them.
#[Object]
impl GrossWaterfall {
    /// The open pipeline at the first end, as it is known at the second.
    async fn start(&self) -> Option<Result<FlowSum>> {
        Some(self.sum(|ledger| ledger.start.clone()))
    }

    /// The open pipeline at the second end.
    async fn end(&self) -> Option<Result<FlowSum>> {
        Some(self.sum(|ledger| ledger.end.clone()))
    }

    /// What leads from start to end, one line a cause, in the order of WaterfallCause.
    async fn lines(&self) -> Vec<GrossLine> {
        let lines = self.window().map(|window| window.ledger.lines()).unwrap_or_default();
        lines.into_iter().map(|line| GrossLine { bridge: Arc::clone(&self.0), line }).collect()
    }

    /// end - start - lines: no deal, and no amount in any currency. It is computed, not assumed.
    async fn residual(&self) -> Option<Result<FlowSum>> {
        Some(self.sum(Ledger::residual))
    }
}

/// The steps of one cause.
#[derive(Clone)]
pub struct GrossLine {
    bridge: Arc<Bridge>,
    line: Line<Cause>,
}

/// The steps of one cause.
#[Object]
impl GrossLine {
    /// Why.
    async fn cause(&self) -> Cause {
        self.line.cause
    }

    /// By how many deals the pipeline changes: every time that one goes out counts -1, every time that it comes in 1.
    async fn count(&self) -> i64 {
        self.line.sum.count
    }

    /// How many different deals took such a step.
    async fn deals(&self) -> i64 {
        i64::try_from(self.line.deals.len()).unwrap_or(i64::MAX)
    }

    /// By how much the pipeline changes, one a currency.
    async fn amounts(&self) -> Option<Result<Vec<Money>>> {
        Some(FlowSum::of(&self.line.sum).map(|sum| sum.amounts))
    }

    /// Its steps, in the order of the deals' ids and of time: they sum to the line.
    async fn steps(
        &self,
        #[graphql(desc = "How many, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Option<Result<GrossStepConnection>> {
        let steps = self.bridge.window.get().map(|window| window.steps.as_slice()).unwrap_or_default();
        let own = steps.iter().filter(|step| step.entry.cause == self.line.cause);
        let own: Vec<GrossStep> =
            own.map(|step| GrossStep { bridge: Arc::clone(&self.bridge), step: step.clone() }).collect();
        let numbered = (0..).zip(own).map(|(number, step): (i64, _)| (step.step.entry.deal, number, step));
        let numbered: Vec<_> = numbered.collect();
        let list = ("gross", self.line.cause, self.bridge.since, &self.bridge.asked);
        Some(PageAsked { first, after }.of(&self.bridge.view, &list, numbered.into_iter()).await)
    }
}

paged!(GrossStepConnection, GrossStepEdge, GrossStep);

/// One step of a deal.
#[derive(Clone)]
pub struct GrossStep {
    bridge: Arc<Bridge>,
    step: Step,
}

/// One step of a deal.
#[Object]
impl GrossStep {
    /// The deal's own id, a UUID: the same at all instants.
    async fn key(&self) -> String {
        self.step.entry.deal.to_string()
    }

    /// The deal as it stands at the second end; null when the login may not see it there.
    async fn deal(&self) -> Option<Result<Deal>> {
        Deal::find(&self.bridge.view, self.step.entry.deal).await.transpose()
    }

    /// When it took the step.
    async fn at(&self) -> Instant {
        self.step.at
    }

    /// The position by which the log had it so; null where the deal itself did not change, because its owner moved in the
    /// organisation.
    async fn known_from(&self) -> Option<Int64> {
        self.step.known_from.map(Int64)
    }

    /// By how many deals it changes the pipeline: 1, -1 or 0.
    async fn count(&self) -> i64 {
        self.step.entry.count
    }

    /// By how much it changes the pipeline; null when nobody said what the deal is worth.
    async fn amount(&self) -> Option<Money> {
        self.step.entry.amount
    }
}

/// What happened within the window and shows at neither end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum)]
pub enum MemoKind {
    /// Opened since the first end, and won with a close date in the period.
    CreatedAndWon,
    /// Opened since the first end, and lost or left undecided with a close date in the period.
    CreatedAndLost,
    /// Counted for some time within the window, and at neither end.
    InAndOut,
}

/// Deals that came and went within the window: start, end and the lines between them are without them.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct MemoLine {
    /// What happened to them. A deal is in one line: the first that holds.
    pub kind: MemoKind,
    /// How many deals.
    pub count: i64,
    #[graphql(skip)]
    bridge: Arc<Bridge>,
    #[graphql(skip)]
    parts: Vec<(Uuid, Option<Money>)>,
}

pub(super) fn memo(bridge: &Arc<Bridge>, window: &Window) -> Vec<MemoLine> {
    let line = |(kind, parts): (&MemoKind, &Vec<(Uuid, Option<Money>)>)| MemoLine {
        kind: *kind,
        count: i64::try_from(parts.len()).unwrap_or(i64::MAX),
        bridge: Arc::clone(bridge),
        parts: parts.clone(),
    };
    window.memo.iter().map(line).collect()
}

#[async_graphql::ComplexObject]
impl MemoLine {
    /// How much, one a currency: what they were closed for; IN_AND_OUT: their amount when they last counted.
    async fn amounts(&self) -> Option<Result<Vec<Money>>> {
        let mut sum = Sum::default();
        self.parts.iter().for_each(|(_, amount)| sum.add(1, *amount));
        Some(FlowSum::of(&sum).map(|sum| sum.amounts))
    }

    /// Its deals, in the order of their ids: they sum to the line.
    async fn deals(
        &self,
        #[graphql(desc = "How many, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Option<Result<WaterfallDealConnection>> {
        let part = |(id, amount): &(Uuid, Option<Money>)| (*id, 0, WaterfallDeal::whole(*id, *amount, &self.bridge));
        let list = (self.kind, self.bridge.since, &self.bridge.asked);
        Some(PageAsked { first, after }.of(&self.bridge.view, &list, self.parts.iter().map(part)).await)
    }
}
