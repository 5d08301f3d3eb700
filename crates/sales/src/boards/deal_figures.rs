//! The figures themselves: sums, ratios and statistics, and how they are taken.

use crate::{deal::graphql::DealStatus, graph::fault};
use async_graphql::{Enum, Error, ErrorExtensions, Result, SimpleObject};
use logbook::Fault;
use rust_decimal::{Decimal, RoundingStrategy, prelude::FromPrimitive};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use units::{Currency, Exact, Int64, Money, split_evenly};

/// Deals of one status: how many and how much.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct DealSum {
    /// How many there are.
    pub count: i64,
    /// How many of them say no amount: they are counted and are in no amount.
    pub unpriced: i64,
    /// The sum of their amounts, one a currency. For won deals: bookings.
    pub amounts: Vec<Money>,
    /// The mean amount of those that say one, one a currency, rounded half to even to the minor unit.
    pub average: Vec<Money>,
}

/// The figures of some deals.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct DealFigures {
    /// All of them.
    pub all: DealSum,
    /// Those that are open.
    pub open: DealSum,
    /// Those that are won.
    pub won: DealSum,
    /// Those that are lost.
    pub lost: DealSum,
    /// Those on which the customer decided nothing.
    pub no_decision: DealSum,
    /// Win rate by count: won / (won + lost).
    pub win_rate: Ratio,
    /// Win rate by count, broad: won / (won + lost + no decision).
    pub win_rate_broad: Ratio,
    /// Win rate by value, one a currency: amounts won / (amounts won + amounts lost).
    pub win_rate_by_value: Vec<MoneyRatio>,
    /// Win rate by value, broad, one a currency: amounts won / (amounts won + lost + without a decision).
    pub win_rate_broad_by_value: Vec<MoneyRatio>,
    /// Whole calendar days from opening to close. Deals whose dates conflict have none and are left out.
    pub cycle_days: CycleDays,
}

/// Why a figure is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum NullBecause {
    /// There is nothing to divide by.
    ZeroDenominator,
    /// There is nothing to take the figure of.
    NoDeals,
}

/// A part of a whole.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct Ratio {
    /// numerator / denominator, 0 to 1, rounded half to even to 6 decimal places; null when the denominator is 0.
    pub value: Option<Exact>,
    /// Why `value` is null.
    pub null_because: Option<NullBecause>,
    /// What is counted.
    pub numerator: Int64,
    /// What it is counted of.
    pub denominator: Int64,
    /// How many deals the denominator rests on.
    pub n: i64,
    /// How many of the deals that were asked about the denominator does not rest on.
    pub excluded: i64,
}

/// A part of a whole, in one currency.
#[derive(Clone, Debug, SimpleObject)]
pub struct MoneyRatio {
    /// numerator / denominator, 0 to 1, rounded half to even to 6 decimal places; null when the denominator is 0.
    pub value: Option<Exact>,
    /// Why `value` is null.
    pub null_because: Option<NullBecause>,
    /// What is counted.
    pub numerator: Money,
    /// What it is counted of.
    pub denominator: Money,
    /// How many deals the denominator rests on.
    pub n: i64,
    /// How many of the deals that were asked about no denominator of any currency rests on: also those without an amount.
    pub excluded: i64,
}

/// Cycle days of closed deals.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct CycleDays {
    /// Over all closed deals: won, lost and without a decision.
    pub all_closed: DayStatistics,
    /// Over won deals only: another figure than the one above, though both are called the sales cycle.
    pub won_only: DayStatistics,
}

/// Statistics of numbers of days.
#[derive(Clone, Debug, Default, SimpleObject)]
pub struct DayStatistics {
    /// How many deals it rests on.
    pub n: i64,
    /// The arithmetic mean, rounded half to even to 3 decimal places; null when n is 0.
    pub mean: Option<Exact>,
    /// The median (percentile_cont 0.5); null when n is 0.
    pub median: Option<Exact>,
    /// What three of four deals stay within (percentile_cont 0.75); null when n is 0.
    pub p75: Option<Exact>,
    /// What nine of ten deals stay within (percentile_cont 0.9); null when n is 0.
    pub p90: Option<Exact>,
    /// Why the others are null.
    pub null_because: Option<NullBecause>,
}

/// Deals that are summed alike.
pub(super) struct Part {
    deals: i64,
    priced: i64,
    amount_minor: i128,
    currency: Option<Currency>,
}

pub(super) fn part(row: &Row) -> Result<(DealStatus, Part)> {
    let broken = |error: String| fault(&Fault::new("reading a figure", error));
    let currency: Option<&str> = row.get("currency");
    let currency =
        currency.map(str::parse).transpose().map_err(|error: units::MoneyError| broken(error.to_string()))?;
    let amount_minor = row.get::<_, &str>("amount_minor").parse().map_err(|_| broken("no number".to_owned()))?;
    let part = Part { deals: row.get("deals"), priced: row.get("priced"), amount_minor, currency };
    Ok((DealStatus::from_stored(row.get("status"))?, part))
}

impl Part {
    /// One deal.
    pub(super) fn of(amount: Option<Money>) -> Self {
        Self {
            deals: 1,
            priced: i64::from(amount.is_some()),
            amount_minor: amount.map_or(0, |amount| i128::from(amount.amount_minor)),
            currency: amount.map(|amount| amount.currency),
        }
    }
}

#[derive(Default)]
struct Sum {
    deals: i64,
    priced: i64,
    by_currency: BTreeMap<Currency, (i64, i128)>,
}

impl Sum {
    fn add(&mut self, part: &Part) {
        self.deals += part.deals;
        self.priced += part.priced;
        if let Some(currency) = part.currency {
            let (count, amount) = self.by_currency.entry(currency).or_default();
            *count += part.priced;
            *amount += part.amount_minor;
        }
    }

    fn shown(&self) -> Result<DealSum> {
        let amounts = self.by_currency.iter().map(|(currency, (_, amount))| money(*amount, *currency));
        let amounts = amounts.collect::<Result<_>>()?;
        let average = self.by_currency.iter().filter_map(|(currency, (count, amount))| {
            split_evenly(*amount, *count).map(|mean| Money { amount_minor: mean, currency: *currency })
        });
        Ok(DealSum { count: self.deals, unpriced: self.deals - self.priced, amounts, average: average.collect() })
    }
}

/// A sum that no Money holds is told, never cut.
pub(super) fn money(amount: i128, currency: Currency) -> Result<Money> {
    let beyond = |_| {
        Error::new(format!("a sum of amounts in {currency} is beyond what Money holds: ask for fewer deals at a time"))
            .extend_with(|_, extensions| extensions.set("code", "AMOUNT_OUT_OF_RANGE"))
    };
    Ok(Money { amount_minor: i64::try_from(amount).map_err(beyond)?, currency })
}

#[derive(Default)]
pub(super) struct Tally {
    all: Sum,
    open: Sum,
    won: Sum,
    lost: Sum,
    no_decision: Sum,
    pub(super) cycle_days: CycleDays,
}

impl Tally {
    pub(super) fn add(&mut self, status: DealStatus, part: &Part) {
        let sum = match status {
            DealStatus::Open => &mut self.open,
            DealStatus::Won => &mut self.won,
            DealStatus::Lost => &mut self.lost,
            DealStatus::NoDecision => &mut self.no_decision,
            DealStatus::Merged => return,
        };
        sum.add(part);
        self.all.add(part);
    }

    pub(super) fn figures(self) -> Result<DealFigures> {
        let (won, lost, none) = (self.won.deals, self.lost.deals, self.no_decision.deals);
        let mut cycle_days = self.cycle_days;
        for days in [&mut cycle_days.all_closed, &mut cycle_days.won_only] {
            days.null_because = (days.n == 0).then_some(NullBecause::NoDeals);
        }
        Ok(DealFigures {
            all: self.all.shown()?,
            open: self.open.shown()?,
            won: self.won.shown()?,
            lost: self.lost.shown()?,
            no_decision: self.no_decision.shown()?,
            win_rate: ratio(won, won + lost, self.all.deals),
            win_rate_broad: ratio(won, won + lost + none, self.all.deals),
            win_rate_by_value: by_value(&self.won, &[&self.lost], self.all.deals)?,
            win_rate_broad_by_value: by_value(&self.won, &[&self.lost, &self.no_decision], self.all.deals)?,
            cycle_days,
        })
    }
}

pub(super) fn quotient(numerator: i128, denominator: i128) -> Option<Exact> {
    let value = Decimal::from_i128(numerator)?.checked_div(Decimal::from_i128(denominator)?)?;
    Some(Exact(value.round_dp_with_strategy(6, RoundingStrategy::MidpointNearestEven).normalize()))
}

/// A part of a whole, out of so many deals that were asked about.
pub(super) fn ratio(numerator: i64, denominator: i64, asked: i64) -> Ratio {
    Ratio {
        value: quotient(i128::from(numerator), i128::from(denominator)),
        null_because: (denominator == 0).then_some(NullBecause::ZeroDenominator),
        numerator: Int64(numerator),
        denominator: Int64(denominator),
        n: denominator,
        excluded: asked - denominator,
    }
}

fn by_value(won: &Sum, others: &[&Sum], asked: i64) -> Result<Vec<MoneyRatio>> {
    let mut whole: BTreeMap<Currency, (i64, i128)> = BTreeMap::new();
    let parts = [won].into_iter().chain(others.iter().copied()).flat_map(|sum| sum.by_currency.iter());
    for (currency, (count, amount)) in parts {
        let (counted, summed) = whole.entry(*currency).or_default();
        *counted += count;
        *summed += amount;
    }
    let n: i64 = whole.values().map(|(count, _)| count).sum();
    let ratio = |(currency, (n_own, amount)): (&Currency, &(i64, i128))| {
        let (_, won) = won.by_currency.get(currency).copied().unwrap_or_default();
        Ok(MoneyRatio {
            value: quotient(won, *amount),
            null_because: (*amount == 0).then_some(NullBecause::ZeroDenominator),
            numerator: money(won, *currency)?,
            denominator: money(*amount, *currency)?,
            n: *n_own,
            excluded: asked - n,
        })
    };
    whole.iter().map(ratio).collect()
}

pub(super) fn cycle_days_of(row: &Row) -> CycleDays {
    let statistics = |n: &str, days: &str, percentiles: &str| {
        let (n, days) = (row.get::<_, i64>(n), row.get::<_, Option<i64>>(days));
        statistics(n, days, row.get::<_, Option<Vec<f64>>>(percentiles))
    };
    CycleDays {
        all_closed: statistics("closed", "closed_days", "closed_percentiles"),
        won_only: statistics("won", "won_days", "won_percentiles"),
    }
}

/// Statistics out of what a statement says: how many, their sum, and the percentiles 0.5, 0.75 and 0.9.
pub(crate) fn statistics(n: i64, days: Option<i64>, percentiles: Option<Vec<f64>>) -> DayStatistics {
    let rounded =
        |value: Decimal| Exact(value.round_dp_with_strategy(3, RoundingStrategy::MidpointNearestEven).normalize());
    let mean = days.and_then(|days| Decimal::from(days).checked_div(Decimal::from(n)));
    let percentile = |index: usize| {
        let value = percentiles.as_ref().and_then(|values| values.get(index).copied());
        value.and_then(Decimal::from_f64).map(rounded)
    };
    DayStatistics {
        n,
        mean: mean.map(rounded),
        median: percentile(0),
        p75: percentile(1),
        p90: percentile(2),
        null_because: (n == 0).then_some(NullBecause::NoDeals),
    }
}

/// Statistics of whole numbers of days, as percentile_cont takes them.
pub(super) fn statistics_of(mut days: Vec<i64>) -> DayStatistics {
    days.sort_unstable();
    let rounded =
        |value: Decimal| Exact(value.round_dp_with_strategy(3, RoundingStrategy::MidpointNearestEven).normalize());
    let sum: i64 = days.iter().sum();
    let n = i64::try_from(days.len()).unwrap_or(i64::MAX);
    DayStatistics {
        n,
        mean: Decimal::from(sum).checked_div(Decimal::from(n)).map(rounded),
        median: percentile(&days, 50).map(rounded),
        p75: percentile(&days, 75).map(rounded),
        p90: percentile(&days, 90).map(rounded),
        null_because: (n == 0).then_some(NullBecause::NoDeals),
    }
}

/// What so many hundredths of sorted values stay within: between two of them where none stands (percentile_cont).
pub(super) fn percentile(sorted: &[i64], hundredths: usize) -> Option<Decimal> {
    let place = hundredths * sorted.len().checked_sub(1)?;
    let (low, beyond) = (*sorted.get(place / 100)?, place % 100);
    let high = sorted.get(place / 100 + 1).copied().unwrap_or(low);
    let share = Decimal::new(i64::try_from(beyond).ok()?, 2);
    Some(Decimal::from(low) + Decimal::from(high - low) * share)
}
