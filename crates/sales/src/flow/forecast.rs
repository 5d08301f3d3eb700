//! What moved in a forecast between two ends: deals, what they count as, and what was added by hand.

use super::{
    DealAt, End, Ends, Entry, Ledger, Prices, Sum,
    entries::{Entries, less},
};
use crate::{
    category::Category,
    deal::Status,
    graph::{PeriodDays, Place},
};
use async_graphql::Enum;
use chrono::NaiveDate;
use std::collections::BTreeSet;
use units::{Money, split_evenly};
use uuid::Uuid;

/// Why a forecast is another one at the second end. The order is fixed: what was learned later, other rates, other
/// definitions, and then the deal itself; for a deal that begins or ceases to count the first cause that holds is the one,
/// and the change of its amount stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum)]
pub enum ForecastCause {
    /// Its part at the first end, as it is known at the second, less that which was known at the first: what was learned
    /// later about how things stood.
    Restated,
    /// What was there at the first end is worth another amount in the reporting currency by the rates of the second. It
    /// counts no deals.
    ExchangeRates,
    /// Its stage's forecast category or probability is another by the definitions of the second end.
    Definitions,
    /// In: it was opened since.
    New,
    /// In: it was closed before and is open, or was closed once more. Out, or to another weight: it was won before and is open.
    Reopened,
    /// In: it belonged to somebody out of scope before.
    OwnerAdded,
    /// In: its owner, who is the same, was out of scope before: the organisation changed.
    HierarchyAdded,
    /// It was won: in, where its category was not counted before; out, where won deals are not counted; else to its full
    /// amount, which counts no deals.
    Won,
    /// In: it was expected to close after the period.
    PulledIn,
    /// In: it was expected to close before the period.
    PushedIn,
    /// In: nobody had said when it would close.
    Dated,
    /// In: its forecast category was not one that counts.
    CategoryIn,
    /// Its probability is another. It counts no deals.
    Probability,
    /// Its amount rose. It counts no deals.
    Increased,
    /// Its amount fell. It counts no deals.
    Decreased,
    /// Out: it was merged into another one, or its opening was withdrawn.
    Deleted,
    /// Out: it belongs to somebody out of scope now.
    OwnerRemoved,
    /// Out: its owner, who is the same, is out of scope now: the organisation changed.
    HierarchyRemoved,
    /// Out: it was lost; the reason is the deal's.
    Lost,
    /// Out: the customer decided nothing.
    NoDecision,
    /// Out: it is expected to close after the period now, or was won after it.
    PushedOut,
    /// Out: it is expected to close before the period now, or was won before it.
    PulledOut,
    /// Out: nobody says any more when it will close.
    Undated,
    /// Out: its forecast category is not one that counts.
    CategoryOut,
    /// An adjustment, or what a call says above what it was made of, is another. It counts no deals.
    Adjusted,
}

/// Which deals of a period a forecast is made of, and by how much.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The categories in which open deals count that are expected to close in the period.
    pub categories: BTreeSet<Category>,
    /// Whether those count that were won in the period.
    pub won: bool,
    /// Whether open deals count by their probability, each rounded half to even; else by their whole amount.
    pub weighted: bool,
}

impl Measure {
    /// What is in one category alone; CLOSED: what is won.
    pub fn single(category: Category) -> Self {
        let won = category == Category::Closed;
        Self { categories: BTreeSet::from([category]), won, weighted: false }
    }

    /// What is won, and what is at least as sure as a category.
    pub fn cumulative(category: Category) -> Self {
        let all = [
            Category::Omitted,
            Category::Pipeline,
            Category::BestCase,
            Category::MostLikely,
            Category::Commit,
            Category::Closed,
        ];
        let categories = all.into_iter().filter(|other| *other >= category).collect();
        Self { categories, won: true, weighted: false }
    }

    /// What is open, but for what is omitted.
    pub fn open() -> Self {
        let mut open = Self { won: false, ..Self::cumulative(Category::Pipeline) };
        open.categories.remove(&Category::Closed);
        open
    }

    /// What is won, and what is open, by its probability.
    pub fn weighted() -> Self {
        Self { weighted: true, ..Self::cumulative(Category::Pipeline) }
    }

    fn counts(&self, deal: &DealAt, category: Option<Category>, period: &PeriodDays) -> bool {
        let within = day_of(deal).is_some_and(|day| period.contains(day));
        let included = match deal.status {
            Status::Open => category.is_some_and(|category| self.categories.contains(&category)),
            Status::Won => self.won,
            Status::Unopened | Status::Lost | Status::NoDecision | Status::Merged => false,
        };
        deal.in_scope && within && included
    }
}

/// The day that says in which period a deal is.
fn day_of(deal: &DealAt) -> Option<NaiveDate> {
    deal.closed_on.filter(|_| deal.status != Status::Open).or(deal.close_on)
}

/// What a stage makes of the deals in it of which nobody said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// Their forecast category.
    pub category: Category,
    /// Their probability in basis points.
    pub probability_bps: i32,
}

/// What stages mean. `None`: the stage is not there; the deal keeps what its own end says, and a probability of 0.
#[derive(Clone, Copy)]
pub struct Definitions<'a> {
    /// At the first end, as known at the first end.
    pub believed: &'a dyn Fn(Uuid) -> Option<Meaning>,
    /// At the first end, as known at the end after it.
    pub first: &'a dyn Fn(Uuid) -> Option<Meaning>,
    /// At the end after it.
    pub after: &'a dyn Fn(Uuid) -> Option<Meaning>,
}

/// What a comparison of forecasts is made by.
pub struct Terms<'a> {
    /// Which deals count, and by how much.
    pub measure: &'a Measure,
    /// The period.
    pub period: &'a PeriodDays,
    /// What stages mean at the ends.
    pub definitions: Definitions<'a>,
    /// What amounts are counted as.
    pub prices: Prices<'a>,
}

/// A deal as a forecast takes it: whether it counts, and by which share of its amount.
struct Stand<'a> {
    deal: Option<&'a DealAt>,
    counts: bool,
    weight_bps: i32,
}

impl<'a> Stand<'a> {
    fn of(end: &'a End, terms: &Terms<'_>, meaning: &dyn Fn(Uuid) -> Option<Meaning>) -> Self {
        let Some(deal) = end.deal() else { return Self { deal: None, counts: false, weight_bps: 0 } };
        let stage = meaning(deal.stage);
        let category = stage.map(|stage| stage.category).filter(|_| !deal.category_by_hand).or(deal.category);
        let probability_bps = deal.probability_bps.or(stage.map(|stage| stage.probability_bps)).unwrap_or(0);
        let weight_bps = if terms.measure.weighted && deal.status == Status::Open { probability_bps } else { 10_000 };
        Self { deal: Some(deal), counts: terms.measure.counts(deal, category, terms.period), weight_bps }
    }

    fn amount(&self) -> Option<Money> {
        self.deal.and_then(|deal| deal.amount)
    }

    fn won(&self) -> bool {
        self.deal.is_some_and(|deal| deal.status == Status::Won)
    }

    /// Its part in the figure; `None`: it does not count.
    fn part(&self, price: &dyn Fn(Money) -> Option<Money>) -> Option<Option<Money>> {
        self.counts.then(|| weighed(self.amount().and_then(price), self.weight_bps))
    }
}

fn weighed(amount: Option<Money>, weight_bps: i32) -> Option<Money> {
    let amount = amount?;
    let amount_minor = split_evenly(i128::from(amount.amount_minor) * i128::from(weight_bps), 10_000)?;
    Some(Money { amount_minor, ..amount })
}

/// A deal's part in a forecast at an end, by the definitions and prices of that end; `None`: it does not count.
pub fn forecast_part(
    end: &End,
    terms: &Terms<'_>,
    meaning: &dyn Fn(Uuid) -> Option<Meaning>,
    price: &dyn Fn(Money) -> Option<Money>,
) -> Option<Option<Money>> {
    Stand::of(end, terms, meaning).part(price)
}

/// A forecast at two ends, and every entry between them.
pub fn forecast_difference(candidates: &[Ends], terms: &Terms<'_>) -> Ledger<ForecastCause> {
    let (definitions, prices) = (&terms.definitions, &terms.prices);
    let mut ledger = Ledger::default();
    for ends in candidates {
        let start = match &ends.believed {
            Some(believed) => forecast_part(believed, terms, definitions.believed, prices.believed),
            None => forecast_part(&ends.first, terms, definitions.first, prices.first),
        };
        if let Some(amount) = start {
            ledger.start.add(1, amount);
        }
        if let Some(amount) = forecast_part(&ends.after, terms, definitions.after, prices.after) {
            ledger.end.add(1, amount);
        }
        ledger.entries.extend(forecast_entries(ends, terms));
    }
    ledger
}

/// Why one deal changes a forecast between two ends.
pub fn forecast_entries(ends: &Ends, terms: &Terms<'_>) -> Vec<Entry<ForecastCause>> {
    let (definitions, prices) = (&terms.definitions, &terms.prices);
    let mut entries = Entries::of(ends.deal);
    let first = Stand::of(&ends.first, terms, definitions.first);
    if let Some(believed) = &ends.believed {
        let believed = Stand::of(believed, terms, definitions.believed).part(prices.believed);
        entries.replace(believed, first.part(prices.first), ForecastCause::Restated);
    }
    let revalued = first.part(prices.after);
    entries.replace(first.part(prices.first), revalued, ForecastCause::ExchangeRates);
    let redefined = Stand::of(&ends.first, terms, definitions.after);
    entries.replace(revalued, redefined.part(prices.after), ForecastCause::Definitions);
    moved(&mut entries, ends, (&redefined, &Stand::of(&ends.after, terms, definitions.after)), terms);
    entries.entries
}

/// The step that is the deal's own: both sides by the definitions and prices of the second end.
fn moved(entries: &mut Entries<ForecastCause>, ends: &Ends, (was, is): (&Stand<'_>, &Stand<'_>), terms: &Terms<'_>) {
    let worth = |of: &Stand<'_>, weight_bps| weighed(of.amount().and_then(terms.prices.after), weight_bps);
    match (was.counts, is.counts) {
        (false, false) => {}
        (false, true) => {
            let new = worth(is, is.weight_bps);
            // What was not there, or not to be seen, says no amount that could have changed.
            let old = if was.deal.is_some() { worth(was, is.weight_bps) } else { new };
            entries.add(inwards(&ends.first, is, terms.period), 1, old);
            entries.change(old, new, amount);
        }
        (true, true) => {
            let old = worth(was, is.weight_bps);
            let cause = match (was.won(), is.won()) {
                (false, true) => ForecastCause::Won,
                (true, false) => ForecastCause::Reopened,
                (true, true) | (false, false) => ForecastCause::Probability,
            };
            entries.change(worth(was, was.weight_bps), old, |_| cause);
            entries.change(old, worth(is, is.weight_bps), amount);
        }
        (true, false) => {
            let old = worth(was, was.weight_bps);
            let new = if is.deal.is_some() { worth(is, was.weight_bps) } else { old };
            entries.change(old, new, amount);
            entries.add(outwards(was, &ends.after, terms.period), -1, new.map(less));
        }
    }
}

fn amount(change: Money) -> ForecastCause {
    if change.amount_minor > 0 { ForecastCause::Increased } else { ForecastCause::Decreased }
}

fn inwards(first: &End, is: &Stand<'_>, period: &PeriodDays) -> ForecastCause {
    let deal = match first {
        End::Absent => return ForecastCause::New,
        End::Unseen => return ForecastCause::OwnerAdded,
        End::Seen(deal) => deal,
    };
    if deal.status != Status::Open && !(deal.status == Status::Won && is.won() && !deal.in_scope) {
        return ForecastCause::Reopened;
    }
    if !deal.in_scope {
        let same = is.deal.is_some_and(|after| after.owner == deal.owner);
        return if same { ForecastCause::HierarchyAdded } else { ForecastCause::OwnerAdded };
    }
    if is.won() {
        return ForecastCause::Won;
    }
    match deal.close_on.map(|day| period.place(day)) {
        None => ForecastCause::Dated,
        Some(Place::After) => ForecastCause::PulledIn,
        Some(Place::Before) => ForecastCause::PushedIn,
        Some(Place::Within) => ForecastCause::CategoryIn,
    }
}

fn outwards(was: &Stand<'_>, after: &End, period: &PeriodDays) -> ForecastCause {
    let deal = match after {
        End::Absent => return ForecastCause::Deleted,
        End::Unseen => return ForecastCause::OwnerRemoved,
        End::Seen(deal) => deal,
    };
    if matches!(deal.status, Status::Merged | Status::Unopened) {
        return ForecastCause::Deleted;
    }
    if !deal.in_scope {
        let same = was.deal.is_some_and(|before| before.owner == deal.owner);
        return if same { ForecastCause::HierarchyRemoved } else { ForecastCause::OwnerRemoved };
    }
    match deal.status {
        Status::Lost => return ForecastCause::Lost,
        Status::NoDecision => return ForecastCause::NoDecision,
        Status::Open if was.won() => return ForecastCause::Reopened,
        _ => {}
    }
    match day_of(deal).map(|day| period.place(day)) {
        None => ForecastCause::Undated,
        Some(Place::After) => ForecastCause::PushedOut,
        Some(Place::Before) => ForecastCause::PulledOut,
        Some(Place::Within) if deal.status == Status::Won => ForecastCause::Won,
        Some(Place::Within) => ForecastCause::CategoryOut,
    }
}

/// What is in a forecast and is no deal's: an adjustment, or what a call says above what it was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjusted {
    /// The adjustment, or the submission.
    pub id: Uuid,
    /// At the first end, as known at the first end; `None`: both ends are known at the same position.
    pub believed: Option<Option<Money>>,
    /// At the first end, as known at the end after it; `None`: it is not there.
    pub first: Option<Money>,
    /// At the end after it; `None`: it is not there.
    pub after: Option<Money>,
}

/// Adds to a forecast what is no deal's. Its entries name the adjustment where those of deals name the deal, and count
/// nothing; what has no rate is unpriced.
pub fn adjust(ledger: &mut Ledger<ForecastCause>, adjustments: &[Adjusted], prices: &Prices<'_>) {
    let count = |sum: &mut Sum, said: Option<Money>, price: &dyn Fn(Money) -> Option<Money>| {
        let priced = said.and_then(price);
        sum.add(0, priced);
        sum.unpriced += i64::from(said.is_some() && priced.is_none());
    };
    for Adjusted { id, believed, first, after } in adjustments {
        let mut entries = Entries::of(*id);
        let known = first.and_then(prices.first);
        match believed {
            Some(believed) => {
                count(&mut ledger.start, *believed, prices.believed);
                entries.change(believed.and_then(prices.believed), known, |_| ForecastCause::Restated);
            }
            None => count(&mut ledger.start, *first, prices.first),
        }
        count(&mut ledger.end, *after, prices.after);
        let revalued = first.and_then(prices.after);
        entries.change(known, revalued, |_| ForecastCause::ExchangeRates);
        entries.change(revalued, after.and_then(prices.after), |_| ForecastCause::Adjusted);
        ledger.entries.extend(entries.entries);
    }
}
