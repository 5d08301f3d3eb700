//! Figures about deals: how many, how much, how often won, how long they took.

use crate::{
    account::graphql::Account,
    deal::graphql::{DealFilter, DealStatus, FilterValues, filter_values},
    graph::{NodeId, View, fault},
    person::graphql::Person,
    pipeline::graphql::Stage,
    product::graphql::Product,
    team::graphql::Team,
};
use async_graphql::{Context, Enum, Error, ErrorExtensions, ID, Object, Result, SimpleObject};
use logbook::Fault;
use rust_decimal::{Decimal, RoundingStrategy, prelude::FromPrimitive};
use std::{collections::BTreeMap, sync::Arc};
use tokio_postgres::{Row, types::ToSql};
use units::{Currency, Int64, Money, split_evenly};
use uuid::Uuid;

/// What figures are grouped by. Groups are those of the instant of the query, and so are their labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DealDimension {
    /// The deal's stage.
    Stage,
    /// Where the deal stands: OPEN, WON, LOST or NO_DECISION.
    Status,
    /// The deal's owner.
    Owner,
    /// The team of the deal's owner.
    Team,
    /// The root of that team's tree.
    Region,
    /// The customer.
    Account,
    /// What is sold.
    Product,
    /// The month of the day it closed on, or else is expected to: YYYY-MM.
    CloseMonth,
    /// The calendar quarter of that day: YYYY-Qn.
    CloseQuarter,
    /// The month it was opened in: YYYY-MM.
    OpenMonth,
}

impl DealDimension {
    fn word(self) -> &'static str {
        match self {
            Self::Stage => "STAGE",
            Self::Status => "STATUS",
            Self::Owner => "OWNER",
            Self::Team => "TEAM",
            Self::Region => "REGION",
            Self::Account => "ACCOUNT",
            Self::Product => "PRODUCT",
            Self::CloseMonth => "CLOSE_MONTH",
            Self::CloseQuarter => "CLOSE_QUARTER",
            Self::OpenMonth => "OPEN_MONTH",
        }
    }
}

/// Figures about the deals that a filter lets through, in whole and by group. Merged deals are in none of them.
#[derive(SimpleObject)]
pub struct DealMetrics {
    /// The figures of all the deals.
    pub total: DealFigures,
    /// The figures of each group that has a deal, by key; empty without `groupBy`. Their counts and amounts sum to
    /// those of `total`.
    pub groups: Vec<DealGroup>,
}

/// A group of deals and its figures.
#[derive(SimpleObject)]
pub struct DealGroup {
    /// What the group's deals have in common, in the order of `groupBy`.
    pub keys: Vec<DealGroupKey>,
    /// Its figures.
    pub figures: DealFigures,
}

/// What the deals of a group have in common.
#[derive(Clone)]
pub struct DealGroupKey {
    dimension: DealDimension,
    value: Option<String>,
    view: Arc<View>,
}

/// What the deals of a group have in common.
#[Object]
impl DealGroupKey {
    /// What they are grouped by.
    async fn dimension(&self) -> DealDimension {
        self.dimension
    }

    /// The UUID of the stage, person, team, account or product, the status, or the period; null for deals that have
    /// none (no customer named, an owner in no team).
    async fn value(&self) -> Option<String> {
        match self.dimension {
            DealDimension::Status => self.value.as_ref().map(|status| status.to_uppercase()),
            _ => self.value.clone(),
        }
    }

    /// The global id of the stage, person, team, account or product; null for other dimensions and for none.
    async fn id(&self) -> Option<ID> {
        let type_name = match self.dimension {
            DealDimension::Stage => "Stage",
            DealDimension::Owner => "Person",
            DealDimension::Team | DealDimension::Region => "Team",
            DealDimension::Account => "Account",
            DealDimension::Product => "Product",
            _ => return None,
        };
        Some(NodeId::of(type_name, self.uuid()?, &self.view.point))
    }

    /// Its name at the instant of the query, or the period; null for none.
    async fn label(&self) -> Option<Result<String>> {
        self.find_label().await.transpose()
    }
}

impl DealGroupKey {
    fn uuid(&self) -> Option<Uuid> {
        self.value.as_ref()?.parse().ok()
    }

    async fn find_label(&self) -> Result<Option<String>> {
        let Some(id) = self.uuid() else { return Ok(self.value.clone()) };
        Ok(match self.dimension {
            DealDimension::Stage => Stage::find(&self.view, id).await?.map(|stage| stage.row.name.clone()),
            DealDimension::Owner => Person::find(&self.view, id).await?.map(|person| person.row.name.clone()),
            DealDimension::Team | DealDimension::Region => {
                Team::find(&self.view, id).await?.map(|team| team.row.name.clone())
            }
            DealDimension::Account => Account::find(&self.view, id).await?.map(|account| account.row.name.clone()),
            DealDimension::Product => Product::find(&self.view, id).await?.map(|product| product.row.name.clone()),
            _ => self.value.clone(),
        })
    }
}

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
    pub value: Option<Decimal>,
    /// Why `value` is null.
    pub null_because: Option<NullBecause>,
    /// What is counted.
    pub numerator: Int64,
    /// What it is counted of.
    pub denominator: Int64,
    /// How many deals the denominator rests on.
    pub n: i64,
}

/// A part of a whole, in one currency.
#[derive(Clone, Debug, SimpleObject)]
pub struct MoneyRatio {
    /// numerator / denominator, 0 to 1, rounded half to even to 6 decimal places; null when the denominator is 0.
    pub value: Option<Decimal>,
    /// Why `value` is null.
    pub null_because: Option<NullBecause>,
    /// What is counted.
    pub numerator: Money,
    /// What it is counted of.
    pub denominator: Money,
    /// How many deals the denominator rests on.
    pub n: i64,
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
    pub mean: Option<Decimal>,
    /// The median (percentile_cont 0.5); null when n is 0.
    pub median: Option<Decimal>,
    /// What three of four deals stay within (percentile_cont 0.75); null when n is 0.
    pub p75: Option<Decimal>,
    /// What nine of ten deals stay within (percentile_cont 0.9); null when n is 0.
    pub p90: Option<Decimal>,
    /// Why the others are null.
    pub null_because: Option<NullBecause>,
}

/// Questions for figures about deals.
#[derive(Default)]
pub struct DealMetricsQueries(pub Option<Arc<View>>);

#[Object]
impl DealMetricsQueries {
    /// Figures about the deals that `deals` with the same filter lists, merged ones left out. Null, with the code
    /// BEFORE_OUR_KNOWLEDGE, when asked as known before the log began.
    async fn deal_metrics(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which deals; all when left out.")] filter: Option<DealFilter>,
        #[graphql(desc = "Up to two dimensions; only `total` is filled when left out.", default)] group_by: Vec<
            DealDimension,
        >,
    ) -> Option<Result<DealMetrics>> {
        let read = async || {
            let view = View::of(&self.0, context).await?;
            let cycles = context.look_ahead();
            let cycles = [cycles.field("total"), cycles.field("groups").field("figures")];
            let cycles = cycles.iter().any(|figures| figures.field("cycleDays").exists());
            measured(&view, &filter.unwrap_or_default(), &group_by, cycles).await
        };
        Some(read().await)
    }
}

/// A figure that is asked as known before the log knew anything is null, never zero.
pub(crate) async fn within_our_knowledge(view: &View) -> Result<()> {
    match view.seen().await?.known {
        Some(position) if position.0 <= 0 => Err(Error::new("the log did not know anything at that instant yet")
            .extend_with(|_, extensions| extensions.set("code", "BEFORE_OUR_KNOWLEDGE"))),
        _ => Ok(()),
    }
}

type Keys = (Option<String>, Option<String>);

async fn measured(
    view: &Arc<View>,
    filter: &DealFilter,
    dimensions: &[DealDimension],
    cycles: bool,
) -> Result<DealMetrics> {
    within_our_knowledge(view).await?;
    if dimensions.len() > 2 || (dimensions.len() == 2 && dimensions[0] == dimensions[1]) {
        return Err(Error::new("groupBy takes up to two different dimensions")
            .extend_with(|_, extensions| extensions.set("code", "BAD_USER_INPUT")));
    }
    let values = filter_values(filter, view).await?;
    let asked = Asked::of(view, dimensions).await?;
    let (sums, cycle_days) = asked.rows(view, &values, cycles).await?;
    let mut total = Tally::default();
    let mut groups: BTreeMap<Keys, Tally> = BTreeMap::new();
    for row in &sums {
        let (status, part) = part(row)?;
        total.add(status, &part);
        groups.entry((row.get("first_key"), row.get("second_key"))).or_default().add(status, &part);
    }
    for row in &cycle_days {
        let days = cycle_days_of(row);
        if row.get("whole") {
            total.cycle_days = days;
        } else {
            groups.entry((row.get("first_key"), row.get("second_key"))).or_default().cycle_days = days;
        }
    }
    let key = |dimension: &DealDimension, value: Option<String>| DealGroupKey {
        dimension: *dimension,
        value,
        view: Arc::clone(view),
    };
    let group = |((first, second), tally): (Keys, Tally)| DealGroup {
        keys: dimensions.iter().zip([first, second]).map(|(dimension, value)| key(dimension, value)).collect(),
        figures: tally.figures(),
    };
    let groups = if dimensions.is_empty() { vec![] } else { groups.into_iter().map(group).collect() };
    Ok(DealMetrics { total: total.figures(), groups })
}

struct Asked {
    first: Option<&'static str>,
    second: Option<&'static str>,
    people: Vec<Uuid>,
    teams: Vec<Uuid>,
    regions: Vec<Uuid>,
}

impl Asked {
    async fn of(view: &View, dimensions: &[DealDimension]) -> Result<Self> {
        let word = |index: usize| dimensions.get(index).copied().map(DealDimension::word);
        let of_teams = |dimension: &DealDimension| matches!(dimension, DealDimension::Team | DealDimension::Region);
        let (people, teams, regions) = if dimensions.iter().any(of_teams) {
            let org = view.org().await?;
            let ((people, teams), (_, regions)) = (org.groups(false), org.groups(true));
            (people, teams, regions)
        } else {
            Default::default()
        };
        Ok(Self { first: word(0), second: word(1), people, teams, regions })
    }

    async fn rows(&self, view: &View, values: &FilterValues, cycles: bool) -> Result<(Vec<Row>, Vec<Row>)> {
        let mut parameters = values.parameters();
        let own: [&(dyn ToSql + Sync); 5] = [&self.first, &self.second, &self.people, &self.teams, &self.regions];
        parameters.extend(own);
        let seen = view.seen().await?;
        let sums = view.reads().rows_as_of(include_str!("sql/deal_sums.sql"), seen, &parameters);
        let days = async {
            match cycles {
                true => view.reads().rows_as_of(include_str!("sql/cycle_days.sql"), seen, &parameters).await,
                false => Ok(vec![]),
            }
        };
        futures::try_join!(sums, days).map_err(|error| fault(&error))
    }
}

struct Part {
    deals: i64,
    priced: i64,
    amount_minor: i128,
    currency: Option<Currency>,
}

fn part(row: &Row) -> Result<(DealStatus, Part)> {
    let broken = |error: String| fault(&Fault::new("reading a figure", error));
    let currency: Option<&str> = row.get("currency");
    let currency =
        currency.map(str::parse).transpose().map_err(|error: units::MoneyError| broken(error.to_string()))?;
    let amount_minor = row.get::<_, &str>("amount_minor").parse().map_err(|_| broken("no number".to_owned()))?;
    let part = Part { deals: row.get("deals"), priced: row.get("priced"), amount_minor, currency };
    Ok((DealStatus::from_stored(row.get("status"))?, part))
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

    fn shown(&self) -> DealSum {
        let money = |currency: &Currency, amount: i128| {
            let amount_minor = i64::try_from(amount).unwrap_or(i64::MAX);
            Money { amount_minor, currency: *currency }
        };
        let amounts = self.by_currency.iter().map(|(currency, (_, amount))| money(currency, *amount)).collect();
        let average = self.by_currency.iter().filter_map(|(currency, (count, amount))| {
            split_evenly(*amount, *count).map(|mean| Money { amount_minor: mean, currency: *currency })
        });
        DealSum { count: self.deals, unpriced: self.deals - self.priced, amounts, average: average.collect() }
    }
}

#[derive(Default)]
struct Tally {
    all: Sum,
    open: Sum,
    won: Sum,
    lost: Sum,
    no_decision: Sum,
    cycle_days: CycleDays,
}

impl Tally {
    fn add(&mut self, status: DealStatus, part: &Part) {
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

    fn figures(self) -> DealFigures {
        let (won, lost, none) = (self.won.deals, self.lost.deals, self.no_decision.deals);
        let mut cycle_days = self.cycle_days;
        for days in [&mut cycle_days.all_closed, &mut cycle_days.won_only] {
            days.null_because = (days.n == 0).then_some(NullBecause::NoDeals);
        }
        DealFigures {
            all: self.all.shown(),
            open: self.open.shown(),
            won: self.won.shown(),
            lost: self.lost.shown(),
            no_decision: self.no_decision.shown(),
            win_rate: ratio(won, won + lost),
            win_rate_broad: ratio(won, won + lost + none),
            win_rate_by_value: by_value(&self.won, &self.lost),
            cycle_days,
        }
    }
}

fn quotient(numerator: i128, denominator: i128) -> Option<Decimal> {
    let value = Decimal::from_i128(numerator)?.checked_div(Decimal::from_i128(denominator)?)?;
    Some(value.round_dp_with_strategy(6, RoundingStrategy::MidpointNearestEven))
}

fn ratio(numerator: i64, denominator: i64) -> Ratio {
    Ratio {
        value: quotient(i128::from(numerator), i128::from(denominator)),
        null_because: (denominator == 0).then_some(NullBecause::ZeroDenominator),
        numerator: Int64(numerator),
        denominator: Int64(denominator),
        n: denominator,
    }
}

fn by_value(won: &Sum, lost: &Sum) -> Vec<MoneyRatio> {
    let mut currencies: Vec<Currency> = won.by_currency.keys().chain(lost.by_currency.keys()).copied().collect();
    currencies.sort_unstable();
    currencies.dedup();
    let of = |sum: &Sum, currency| sum.by_currency.get(&currency).copied().unwrap_or_default();
    let ratio = |currency| {
        let ((won_n, won), (lost_n, lost)) = (of(won, currency), of(lost, currency));
        let money = |amount: i128| Money { amount_minor: i64::try_from(amount).unwrap_or(i64::MAX), currency };
        MoneyRatio {
            value: quotient(won, won + lost),
            null_because: (won + lost == 0).then_some(NullBecause::ZeroDenominator),
            numerator: money(won),
            denominator: money(won + lost),
            n: won_n + lost_n,
        }
    };
    currencies.into_iter().map(ratio).collect()
}

fn cycle_days_of(row: &Row) -> CycleDays {
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
    let rounded = |value: Decimal| value.round_dp_with_strategy(3, RoundingStrategy::MidpointNearestEven);
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
