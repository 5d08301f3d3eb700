//! What comes of the pipeline a day.

use super::outcomes::tallied;
use crate::{
    boards::{
        deal_figures::{DayStatistics, NullBecause, Ratio, money, statistics_of},
        figure_deals::{FigureDealConnection, page_of},
        paged::PageAsked,
        question::Question,
    },
    deal::Status,
    flow::DealAt,
    graph::{PeriodDays, period::DayRange},
};
use async_graphql::{Object, Result, SimpleObject};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use tokio_postgres::types::ToSql;
use units::{Currency, Money, split_evenly};
use uuid::Uuid;

/// What comes of the pipeline a day.
pub struct Velocity {
    question: Question,
    period: PeriodDays,
    open: Vec<DealAt>,
    closed: Vec<DealAt>,
    win_rate: Ratio,
    cycle: Vec<i64>,
}

/// What comes of the pipeline a day, in one currency.
#[derive(SimpleObject)]
pub struct CurrencyVelocity {
    /// openCount x win rate x average won / median cycle days: money a day, computed from the exact factors and rounded
    /// once, half to even to the minor unit; null when the win rate has no denominator, nothing of the currency was won,
    /// or the median cycle has no day.
    pub per_day: Option<Money>,
    /// Why `perDay` is null.
    pub null_because: Option<NullBecause>,
    /// Open deals at the instant of the query, in the currency.
    pub open_count: i64,
    /// Deals won in the period, in the currency.
    pub won_count: i64,
    /// What they were won for.
    pub won: Money,
    /// The average size won: won / wonCount, rounded half to even to the minor unit; null when nothing was won.
    pub average_won: Option<Money>,
}

/// The factors of one currency.
#[derive(Clone, Copy, Debug, Default)]
struct Factors {
    open: i64,
    won: i64,
    won_minor: i128,
}

impl Velocity {
    pub(super) async fn of(question: Question, period: PeriodDays) -> Result<Self> {
        let none: Option<NaiveDate> = None;
        let any: [&(dyn ToSql + Sync); 2] = [&none, &none];
        let days: [&(dyn ToSql + Sync); 2] = [&period.from.0, &period.to.0];
        let (open, closed) = futures::try_join!(
            question.rows(include_str!("../sql/deals_open.sql"), &any),
            question.rows(include_str!("../sql/deals_closed.sql"), &days),
        )?;
        let open = question.deals(&open, |_| ())?.into_iter().map(|(deal, ())| deal).collect();
        let closed = question.deals(&closed, |row| row.get::<_, Option<i32>>("cycle_days"))?;
        let won = closed.iter().filter(|(deal, _)| deal.status == Status::Won);
        let cycle = won.filter_map(|(_, days)| days.map(i64::from)).collect();
        let closed: Vec<DealAt> = closed.into_iter().map(|(deal, _)| deal).collect();
        let win_rate = tallied(&closed)?.win_rate;
        Ok(Self { question, period, open, closed, win_rate, cycle })
    }

    fn factors(&self) -> BTreeMap<Currency, Factors> {
        let mut factors: BTreeMap<Currency, Factors> = BTreeMap::new();
        for amount in self.open.iter().filter_map(|deal| deal.amount) {
            factors.entry(amount.currency).or_default().open += 1;
        }
        for amount in self.closed.iter().filter(|deal| deal.status == Status::Won).filter_map(|deal| deal.amount) {
            let own = factors.entry(amount.currency).or_default();
            own.won += 1;
            own.won_minor += i128::from(amount.amount_minor);
        }
        factors
    }
}

/// Money a day, in minor units: open x (won / decided) x (sum / count) / median, rounded once. The median is given twice
/// over, so that it is whole.
fn per_day(factors: Factors, win_rate: &Ratio, median_twice: i64) -> Result<i64, NullBecause> {
    let (won, decided) = (win_rate.numerator.0, win_rate.denominator.0);
    if factors.won == 0 {
        return Err(NullBecause::NoDeals);
    }
    let above = i128::from(factors.open) * i128::from(won) * factors.won_minor;
    let below = decided.checked_mul(factors.won).and_then(|below| below.checked_mul(median_twice));
    let doubled = above.checked_mul(2);
    doubled.zip(below).and_then(|(above, below)| split_evenly(above, below)).ok_or(NullBecause::ZeroDenominator)
}

/// Twice the median of numbers of days, which is whole; 0 when there are none.
fn median_twice(days: &[i64]) -> i64 {
    let mut sorted = days.to_vec();
    sorted.sort_unstable();
    let middle = |index: usize| sorted.get(index).copied().unwrap_or_default();
    match sorted.len() {
        0 => 0,
        n => middle((n - 1) / 2) + middle(n / 2),
    }
}

/// What comes of the pipeline a day.
#[Object]
impl Velocity {
    /// When the deals closed that win rate, size and cycle are taken from.
    async fn period(&self) -> DayRange {
        self.period.into()
    }

    /// The velocity and its own factors, one a currency. Win rate and median cycle are those of all deals, whatever their
    /// currency.
    async fn by_currency(&self) -> Option<Result<Vec<CurrencyVelocity>>> {
        let median = median_twice(&self.cycle);
        let shown = |(currency, factors): (Currency, Factors)| {
            let found = per_day(factors, &self.win_rate, median);
            let of = |amount_minor| Money { amount_minor, currency };
            Ok(CurrencyVelocity {
                per_day: found.ok().map(of),
                null_because: found.err(),
                open_count: factors.open,
                won_count: factors.won,
                won: money(factors.won_minor, currency)?,
                average_won: split_evenly(factors.won_minor, factors.won).map(of),
            })
        };
        Some(self.factors().into_iter().map(shown).collect())
    }

    /// The win rate by count of the deals that closed in the period, narrow: won / (won + lost).
    async fn win_rate(&self) -> &Ratio {
        &self.win_rate
    }

    /// Cycle days of the deals won in the period; those whose dates conflict have none.
    async fn cycle_days(&self) -> DayStatistics {
        statistics_of(self.cycle.clone())
    }

    /// Open deals that say no amount, and so are in no velocity.
    async fn open_unpriced(&self) -> i64 {
        i64::try_from(self.open.iter().filter(|deal| deal.amount.is_none()).count()).unwrap_or(i64::MAX)
    }

    /// The open deals, in the order of their ids.
    async fn open_deals(
        &self,
        #[graphql(desc = "How many, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Option<Result<FigureDealConnection>> {
        Some(self.page("open", &self.open, PageAsked { first, after }).await)
    }

    /// The deals that closed in the period, in the order of their ids: won, lost and without a decision.
    async fn closed_deals(
        &self,
        #[graphql(desc = "How many, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Option<Result<FigureDealConnection>> {
        Some(self.page("closed", &self.closed, PageAsked { first, after }).await)
    }
}

impl Velocity {
    async fn page(&self, which: &str, deals: &[DealAt], asked: PageAsked) -> Result<FigureDealConnection> {
        let deals: Vec<(Uuid, Option<Money>)> = deals.iter().map(|deal| (deal.id, deal.amount)).collect();
        let list = ("velocity", which, &self.period, &self.question.whose);
        page_of(&self.question.view, asked, &list, &deals).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_between_two_days_stays_whole_when_it_is_doubled() {
        assert_eq!(
            [median_twice(&[]), median_twice(&[7]), median_twice(&[4, 9]), median_twice(&[9, 1, 4])],
            [0, 14, 13, 8]
        );
    }

    /// 3 open, 1 of 2 decided won, 100.00 on average, half of 13 days: 3 x 0.5 x 100 / 6.5 = 23.0769 a day.
    #[test]
    fn velocity_is_rounded_once() {
        let win_rate = crate::boards::deal_figures::ratio(1, 2, 2);
        let factors = Factors { open: 3, won: 1, won_minor: 10_000 };
        assert_eq!(per_day(factors, &win_rate, 13), Ok(2_308));
        assert_eq!(per_day(factors, &win_rate, 0), Err(NullBecause::ZeroDenominator));
        assert_eq!(per_day(Factors::default(), &win_rate, 13), Err(NullBecause::NoDeals));
    }
}
