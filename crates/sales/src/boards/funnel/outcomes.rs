//! How often deals are won.

use crate::{
    boards::{
        deal_figures::{DealFigures, DealSum, MoneyRatio, Part, Ratio, Tally},
        figure_deals::{FigureDealConnection, page_of},
        paged::PageAsked,
        question::Question,
    },
    deal::{Status, graphql::DealStatus},
    flow::DealAt,
    graph::{PeriodDays, period::DayRange},
};
use async_graphql::{Enum, Object, Result};
use std::sync::Arc;

/// Which deals a win rate is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum WinCohort {
    /// Those that closed in the period.
    #[default]
    Closed,
    /// Those that were opened in the period, whenever they closed.
    Opened,
}

/// The deals of a win rate.
struct Cohort {
    question: Question,
    period: PeriodDays,
    cohort: WinCohort,
    deals: Vec<DealAt>,
}

/// How often deals are won.
pub struct WinRates {
    of: Arc<Cohort>,
    figures: DealFigures,
}

/// The status of a deal as the API names it; `None`: it is in no figure.
pub(super) fn shown(status: Status) -> Option<DealStatus> {
    match status {
        Status::Open => Some(DealStatus::Open),
        Status::Won => Some(DealStatus::Won),
        Status::Lost => Some(DealStatus::Lost),
        Status::NoDecision => Some(DealStatus::NoDecision),
        Status::Merged | Status::Unopened => None,
    }
}

/// What some deals sum to, by status.
pub(super) fn tallied(deals: &[DealAt]) -> Result<DealFigures> {
    let mut tally = Tally::default();
    for deal in deals {
        if let Some(status) = shown(deal.status) {
            tally.add(status, &Part::of(deal.amount));
        }
    }
    tally.figures()
}

impl WinRates {
    pub(super) async fn of(question: Question, period: PeriodDays, cohort: WinCohort) -> Result<Self> {
        let sql = match cohort {
            WinCohort::Closed => include_str!("../sql/deals_closed.sql"),
            WinCohort::Opened => include_str!("../sql/deals_opened.sql"),
        };
        let rows = question.rows(sql, &[&period.from.0, &period.to.0]).await?;
        let deals: Vec<DealAt> = question.deals(&rows, |_| ())?.into_iter().map(|(deal, ())| deal).collect();
        let figures = tallied(&deals)?;
        Ok(Self { of: Arc::new(Cohort { question, period, cohort, deals }), figures })
    }
}

/// How often deals are won.
#[Object]
impl WinRates {
    /// When they closed, or were opened.
    async fn period(&self) -> DayRange {
        self.of.period.into()
    }

    /// Whether they closed in the period or were opened in it.
    async fn cohort(&self) -> WinCohort {
        self.of.cohort
    }

    /// Narrow, by count: won / (won + lost). Excluded are those without a decision, and open ones.
    async fn narrow(&self) -> &Ratio {
        &self.figures.win_rate
    }

    /// Broad, by count: won / (won + lost + no decision). Excluded are open ones.
    async fn broad(&self) -> &Ratio {
        &self.figures.win_rate_broad
    }

    /// Narrow, by value, one a currency: amounts won / (amounts won + lost).
    async fn narrow_by_value(&self) -> &[MoneyRatio] {
        &self.figures.win_rate_by_value
    }

    /// Broad, by value, one a currency: amounts won / (amounts won + lost + without a decision).
    async fn broad_by_value(&self) -> &[MoneyRatio] {
        &self.figures.win_rate_broad_by_value
    }

    /// What the rates are made of, by where the deals stand at the instant of the query: WON, LOST, NO_DECISION, and OPEN
    /// where the cohort is of those opened.
    async fn outcomes(&self) -> Vec<OutcomeSum> {
        let figures = &self.figures;
        let sums = [
            (DealStatus::Won, &figures.won),
            (DealStatus::Lost, &figures.lost),
            (DealStatus::NoDecision, &figures.no_decision),
            (DealStatus::Open, &figures.open),
        ];
        let asked =
            sums.into_iter().filter(|(status, _)| *status != DealStatus::Open || self.of.cohort == WinCohort::Opened);
        asked.map(|(status, sum)| OutcomeSum { of: Arc::clone(&self.of), status, sum: sum.clone() }).collect()
    }
}

/// The deals of one outcome.
pub struct OutcomeSum {
    of: Arc<Cohort>,
    status: DealStatus,
    sum: DealSum,
}

/// The deals of one outcome.
#[Object]
impl OutcomeSum {
    /// Where they stand.
    async fn status(&self) -> DealStatus {
        self.status
    }

    /// How many and how much.
    async fn sum(&self) -> &DealSum {
        &self.sum
    }

    /// The deals, in the order of their ids: they sum to `sum`.
    async fn deals(
        &self,
        #[graphql(desc = "How many, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Option<Result<FigureDealConnection>> {
        let Cohort { question, period, cohort, deals } = &*self.of;
        let own = deals.iter().filter(|deal| shown(deal.status) == Some(self.status));
        let own: Vec<_> = own.map(|deal| (deal.id, deal.amount)).collect();
        let list = ("outcome", self.status, period, cohort, &question.whose);
        Some(page_of(&question.view, PageAsked { first, after }, &list, &own).await)
    }
}
