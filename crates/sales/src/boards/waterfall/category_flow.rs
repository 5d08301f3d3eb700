//! From which forecast category to which deals went between the two ends of a waterfall.

use super::{FlowSum, WaterfallDeal, WaterfallDealConnection, bridge::Bridge};
use crate::{
    boards::paged::PageAsked,
    category::Category,
    flow::{Cause, End, Ends, Prices, Sum, counts_in, waterfall},
};
use async_graphql::{Object, Result};
use std::{collections::BTreeMap, sync::Arc};
use units::Money;
use uuid::Uuid;

/// Where a deal stands at an end: in a category while it counts, else what it came or went by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Counts(Option<Category>),
    Not(Cause),
}

impl Place {
    fn category(self) -> Option<Category> {
        match self {
            Self::Counts(category) => category,
            Self::Not(_) => None,
        }
    }

    fn cause(self) -> Option<Cause> {
        match self {
            Self::Counts(_) => None,
            Self::Not(cause) => Some(cause),
        }
    }
}

/// The deals that went one way between the categories.
#[derive(Clone)]
pub struct CategoryFlowCell {
    bridge: Arc<Bridge>,
    from: Place,
    to: Place,
    before: Sum,
    after: Sum,
    deals: Vec<(Uuid, Option<Money>)>,
}

/// The cells of a waterfall's deals, by the category that they come from and the one that they go to.
pub(super) fn cells(bridge: &Arc<Bridge>) -> Vec<CategoryFlowCell> {
    let mut cells: BTreeMap<(Place, Place), CategoryFlowCell> = BTreeMap::new();
    for ends in &bridge.candidates {
        let Some((from, to)) = way(ends, bridge) else { continue };
        let cell = cells.entry((from, to)).or_insert_with(|| CategoryFlowCell {
            bridge: Arc::clone(bridge),
            from,
            to,
            before: Sum::default(),
            after: Sum::default(),
            deals: Vec::new(),
        });
        let amount = |end: &End| end.deal().and_then(|deal| deal.amount);
        if matches!(from, Place::Counts(_)) {
            cell.before.add(1, amount(&ends.first));
        }
        if matches!(to, Place::Counts(_)) {
            cell.after.add(1, amount(&ends.after));
        }
        let shown = if matches!(to, Place::Counts(_)) { &ends.after } else { &ends.first };
        cell.deals.push((ends.deal, amount(shown)));
    }
    cells.into_values().collect()
}

fn way(ends: &Ends, bridge: &Bridge) -> Option<(Place, Place)> {
    let period = &bridge.asked.period;
    let entries = waterfall(ends.deal, &ends.first, &ends.after, period, &Prices::OWN);
    let by = |count: i64| entries.iter().find(|entry| entry.count == count).map(|entry| entry.cause);
    let place = |end: &End, cause: Option<Cause>| match counts_in(end, period) {
        true => Some(Place::Counts(end.deal().and_then(|deal| deal.category))),
        false => cause.map(Place::Not),
    };
    Some((place(&ends.first, by(1))?, place(&ends.after, by(-1))?))
}

/// The deals that went one way between the categories.
#[Object]
impl CategoryFlowCell {
    /// The forecast category that they were in at the first end: a human's, else their stage's; null where they did not
    /// count then.
    async fn from_category(&self) -> Option<Category> {
        self.from.category()
    }

    /// Why they came in; null where they counted at the first end.
    async fn came_by(&self) -> Option<Cause> {
        self.from.cause()
    }

    /// The forecast category that they are in at the second end: a human's, else their stage's; null where they do not
    /// count then.
    async fn to_category(&self) -> Option<Category> {
        self.to.category()
    }

    /// Why they went out; null where they count at the second end.
    async fn went_by(&self) -> Option<Cause> {
        self.to.cause()
    }

    /// How many deals.
    async fn count(&self) -> i64 {
        i64::try_from(self.deals.len()).unwrap_or(i64::MAX)
    }

    /// What they counted as at the first end.
    async fn before(&self) -> Option<Result<FlowSum>> {
        Some(FlowSum::of(&self.before))
    }

    /// What they count as at the second end.
    async fn after(&self) -> Option<Result<FlowSum>> {
        Some(FlowSum::of(&self.after))
    }

    /// The deals, in the order of their ids, with the amount of the second end (of the first, where they went out).
    async fn deals(
        &self,
        #[graphql(desc = "How many, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Option<Result<WaterfallDealConnection>> {
        let part = |(id, amount): &(Uuid, Option<Money>)| (*id, 0, WaterfallDeal::whole(*id, *amount, &self.bridge));
        let list = (self.from, self.to, self.bridge.since, &self.bridge.asked);
        Some(PageAsked { first, after }.of(&self.bridge.view, &list, self.deals.iter().map(part)).await)
    }
}
