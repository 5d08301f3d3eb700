//! The waterfall of a pipeline: one cause a deal, the first that holds, and its change of amount beside it.

use super::{
    DealAt, End, Ends, Entry, Ledger, Prices,
    entries::{Entries, less},
};
use crate::{
    deal::Status,
    graph::{PeriodDays, Place},
};
use async_graphql::Enum;
use units::Money;
use uuid::Uuid;

/// Why the open pipeline of a period is another one at the second end. A deal counts while it is open, in scope, and
/// expected to close in the period. For each deal that begins or ceases to count the first cause that holds is the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum)]
#[graphql(name = "WaterfallCause")]
pub enum Cause {
    /// Its figure at the first end, as it is known at the second, less that which was known at the first: what was learned
    /// later about how things stood.
    Restated,
    /// In: it was opened since.
    New,
    /// In: it was closed before, and was reopened.
    Reopened,
    /// In: its owner was out of scope before: it changed hands, or its owner moved in the organisation.
    OwnerAdded,
    /// In: it was expected to close after the period.
    PulledIn,
    /// In: it was expected to close before the period.
    PushedIn,
    /// In: nobody had said when it would close.
    Dated,
    /// Its amount rose. It counts no deals.
    Increased,
    /// Its amount fell. It counts no deals.
    Decreased,
    /// Out: it was merged into another one, or its opening was withdrawn.
    Deleted,
    /// Out: its owner is out of scope: it changed hands, or its owner moved in the organisation.
    OwnerRemoved,
    /// Out: it was won.
    Won,
    /// Out: it was lost; the reason is the deal's.
    Lost,
    /// Out: the customer decided nothing.
    NoDecision,
    /// Out: it is expected to close after the period now.
    PushedOut,
    /// Out: it is expected to close before the period now.
    PulledOut,
    /// Out: nobody says any more when it will close.
    Undated,
    /// What was there at the first end is worth another amount in the reporting currency by the rates of the second. It
    /// counts no deals.
    ExchangeRates,
}

/// Whether a deal counts: open, in scope, and expected to close in the period.
pub fn counts_in(end: &End, period: &PeriodDays) -> bool {
    let counts = |deal: &DealAt| {
        deal.in_scope && deal.status == Status::Open && deal.close_on.is_some_and(|day| period.contains(day))
    };
    end.deal().is_some_and(counts)
}

/// The open pipeline of a period at two ends, and every entry between them.
pub fn bridge(candidates: &[Ends], period: &PeriodDays, prices: &Prices<'_>) -> Ledger<Cause> {
    let mut ledger = Ledger::default();
    for Ends { deal, believed, first, after } in candidates {
        let (start, by) = match believed {
            Some(believed) => (believed, prices.believed),
            None => (first, prices.first),
        };
        if let Some(counted) = start.deal().filter(|_| counts_in(start, period)) {
            ledger.start.add(1, counted.amount.and_then(by));
        }
        if let Some(counted) = after.deal().filter(|_| counts_in(after, period)) {
            ledger.end.add(1, counted.amount.and_then(prices.after));
        }
        if let Some(believed) = believed {
            ledger.entries.extend(restated(*deal, believed, first, period, prices));
        }
        ledger.entries.extend(waterfall(*deal, first, after, period, prices));
    }
    ledger
}

/// Why one deal changes the open pipeline of a period between two ends.
pub fn waterfall(deal: Uuid, first: &End, after: &End, period: &PeriodDays, prices: &Prices<'_>) -> Vec<Entry<Cause>> {
    let mut entries = Entries::of(deal);
    let worth = |end: &End| end.deal().and_then(|deal| deal.amount);
    let priced = |amount: Option<Money>| amount.and_then(prices.after);
    match (counts_in(first, period), counts_in(after, period)) {
        (false, false) => {}
        (false, true) => {
            let new = priced(worth(after));
            // What was not there, or not to be seen, says no amount that could have changed.
            let (cause, known) = (inwards(first, period), first.deal().is_some());
            let old = if known { priced(worth(first)) } else { new };
            entries.add(cause, 1, old);
            entries.change(old, new, amount);
        }
        (true, true) => {
            entries.change(worth(first).and_then(prices.first), priced(worth(first)), |_| Cause::ExchangeRates);
            entries.change(priced(worth(first)), priced(worth(after)), amount);
        }
        (true, false) => {
            entries.change(worth(first).and_then(prices.first), priced(worth(first)), |_| Cause::ExchangeRates);
            let old = priced(worth(first));
            let new = if after.deal().is_some() { priced(worth(after)) } else { old };
            entries.change(old, new, amount);
            entries.add(outwards(after, period), -1, new.map(less));
        }
    }
    entries.entries
}

/// How one deal's part in the figure at the first end was restated: between what was known of that instant at the first
/// end and what is known of it at the second.
pub fn restated(
    deal: Uuid,
    believed: &End,
    known: &End,
    period: &PeriodDays,
    prices: &Prices<'_>,
) -> Vec<Entry<Cause>> {
    let part = |end: &End, price: &dyn Fn(Money) -> Option<Money>| {
        let counted = end.deal().filter(|_| counts_in(end, period));
        counted.map(|deal| deal.amount.and_then(price))
    };
    let mut entries = Entries::of(deal);
    entries.replace(part(believed, prices.believed), part(known, prices.first), Cause::Restated);
    entries.entries
}

fn amount(change: Money) -> Cause {
    if change.amount_minor > 0 { Cause::Increased } else { Cause::Decreased }
}

fn inwards(first: &End, period: &PeriodDays) -> Cause {
    let deal = match first {
        End::Absent => return Cause::New,
        End::Unseen => return Cause::OwnerAdded,
        End::Seen(deal) => deal,
    };
    if deal.status != Status::Open {
        return Cause::Reopened;
    }
    if !deal.in_scope {
        return Cause::OwnerAdded;
    }
    match deal.close_on.map(|day| period.place(day)) {
        Some(Place::After) => Cause::PulledIn,
        Some(Place::Before) => Cause::PushedIn,
        // Within the period, an open deal in scope counts: only one without a day is left.
        Some(Place::Within) | None => Cause::Dated,
    }
}

fn outwards(after: &End, period: &PeriodDays) -> Cause {
    let deal = match after {
        End::Absent => return Cause::Deleted,
        End::Unseen => return Cause::OwnerRemoved,
        End::Seen(deal) => deal,
    };
    match deal.status {
        Status::Merged | Status::Unopened => return Cause::Deleted,
        _ if !deal.in_scope => return Cause::OwnerRemoved,
        Status::Won => return Cause::Won,
        Status::Lost => return Cause::Lost,
        Status::NoDecision => return Cause::NoDecision,
        Status::Open => {}
    }
    match deal.close_on.map(|day| period.place(day)) {
        Some(Place::After) => Cause::PushedOut,
        Some(Place::Before) => Cause::PulledOut,
        Some(Place::Within) | None => Cause::Undated,
    }
}
