//! Which deals: one filter for lists, figures and drill-downs.

use super::DealStatus;
use crate::{
    access::in_scope,
    graph::{
        Key, View, fault,
        listing::{all_findable, prefix},
    },
};
use async_graphql::{Error, ErrorExtensions, ID, InputObject, Result};
use chrono::NaiveDate;
use std::collections::HashSet;
use tokio_postgres::types::ToSql;
use units::{Day, MoneyInput};
use uuid::Uuid;

/// Which deals. Every field that is given must hold; a list holds when any of its values does.
#[derive(Clone, Debug, Default, InputObject)]
pub struct DealFilter {
    /// Where they stand.
    pub status: Option<Vec<DealStatus>>,
    /// Their pipelines.
    pub pipelines: Option<Vec<ID>>,
    /// Their stages.
    pub stages: Option<Vec<ID>>,
    /// Their owners.
    pub owners: Option<Vec<ID>>,
    /// The teams that their owners are in, or in a team below, at the instant of the query.
    pub teams: Option<Vec<ID>>,
    /// Whom their owners reported to, directly or not, at the instant of the query; the deals of these people themselves
    /// are not among them.
    pub managers: Option<Vec<ID>>,
    /// Their customers.
    pub accounts: Option<Vec<ID>>,
    /// What is sold.
    pub products: Option<Vec<ID>>,
    /// What their name begins with, whatever its case.
    pub name_prefix: Option<String>,
    /// What they are worth: deals of that currency only.
    pub amount: Option<MoneyRangeInput>,
    /// When they were opened.
    pub opened_on: Option<DayRangeInput>,
    /// When they closed, or else are expected to.
    pub close_date: Option<DayRangeInput>,
    /// Their ids in the system they were imported from.
    pub external_ids: Option<Vec<String>>,
    /// Whether their source says that they closed before they opened.
    pub dates_conflict: Option<bool>,
    /// Whether an import assumed any of their values.
    pub has_assumed: Option<bool>,
}

/// Days from one (included) to another (not included).
#[derive(Clone, Debug, InputObject)]
pub struct DayRangeInput {
    /// The first day; any when left out.
    pub from: Option<Day>,
    /// The day after the last; any when left out.
    pub to: Option<Day>,
}

/// Amounts of one currency, from one (included) to another (not included).
#[derive(Clone, Debug, InputObject)]
pub struct MoneyRangeInput {
    /// The least; any when left out.
    pub from: Option<MoneyInput>,
    /// What it must be below; any when left out.
    pub to: Option<MoneyInput>,
}

/// A filter as the statements take it: `$4` to `$21`.
#[derive(Debug, Default)]
pub(crate) struct FilterValues {
    status: Option<Vec<&'static str>>,
    stages: Option<Vec<Uuid>>,
    owners: Option<Vec<Uuid>>,
    accounts: Option<Vec<Uuid>>,
    products: Option<Vec<Uuid>>,
    pipelines: Option<Vec<Uuid>>,
    prefix: Option<String>,
    prefix_end: Option<String>,
    amount_from: Option<i64>,
    amount_to: Option<i64>,
    currency: Option<String>,
    opened_from: Option<NaiveDate>,
    opened_to: Option<NaiveDate>,
    close_from: Option<NaiveDate>,
    close_to: Option<NaiveDate>,
    external_ids: Option<Vec<String>>,
    dates_conflict: Option<bool>,
    has_assumed: Option<bool>,
}

impl FilterValues {
    /// The parameters from `$4` on.
    pub(crate) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![
            &self.status,
            &self.stages,
            &self.owners,
            &self.accounts,
            &self.products,
            &self.pipelines,
            &self.prefix,
            &self.prefix_end,
            &self.amount_from,
            &self.amount_to,
            &self.currency,
            &self.opened_from,
            &self.opened_to,
            &self.close_from,
            &self.close_to,
            &self.external_ids,
            &self.dates_conflict,
            &self.has_assumed,
        ]
    }
}

/// The owners whose deals a filter lets through and the login may see; `None`: all.
///
/// What counts (teams, managers) is of the view's instants; what may be seen is of now.
async fn owners(filter: &DealFilter, view: &View) -> Result<Option<Vec<Uuid>>> {
    let mut owners = Key::all(filter.owners.as_ref(), "Person")?;
    if let Some(teams) = Key::all(filter.teams.as_ref(), "Team")? {
        owners = both(owners, &view.org().await?.people_under(&teams));
    }
    if let Some(managers) = Key::all(filter.managers.as_ref(), "Person")? {
        let below = in_scope(view.reads(), view.seen().await?, &managers).await.map_err(|error| fault(&error))?;
        owners = both(owners, &below);
    }
    if let Some(visible) = view.access().await?.visible() {
        owners = both(owners, visible);
    }
    Ok(owners)
}

/// Those who are among the owners so far, if any are named, and among others.
fn both(owners: Option<Vec<Uuid>>, others: &[Uuid]) -> Option<Vec<Uuid>> {
    let Some(owners) = owners else { return Some(others.to_vec()) };
    let others: HashSet<&Uuid> = others.iter().collect();
    Some(owners.into_iter().filter(|owner| others.contains(owner)).collect())
}

/// The values of a filter at a view's instants, for a login: the one door of lists, counts and figures to deals.
pub(crate) async fn filter_values(filter: &DealFilter, view: &View) -> Result<FilterValues> {
    let owners = owners(filter, view).await?;
    let (prefix, prefix_end) = prefix(filter.name_prefix.as_ref())?;
    all_findable(filter.external_ids.as_ref(), "externalIds")?;
    let (amount_from, amount_to, currency) = amounts(filter.amount.as_ref(), view)?;
    let days = |range: &Option<DayRangeInput>| match range {
        Some(DayRangeInput { from, to }) => (from.map(|day| day.0), to.map(|day| day.0)),
        None => (None, None),
    };
    let ((opened_from, opened_to), (close_from, close_to)) = (days(&filter.opened_on), days(&filter.close_date));
    Ok(FilterValues {
        status: filter.status.as_ref().map(|status| status.iter().map(|status| status.stored()).collect()),
        stages: Key::all(filter.stages.as_ref(), "Stage")?,
        owners,
        accounts: Key::all(filter.accounts.as_ref(), "Account")?,
        products: Key::all(filter.products.as_ref(), "Product")?,
        pipelines: Key::all(filter.pipelines.as_ref(), "Pipeline")?,
        prefix,
        prefix_end,
        amount_from,
        amount_to,
        currency,
        opened_from,
        opened_to,
        close_from,
        close_to,
        external_ids: filter.external_ids.clone(),
        dates_conflict: filter.dates_conflict,
        has_assumed: filter.has_assumed,
    })
}

type Amounts = (Option<i64>, Option<i64>, Option<String>);

fn amounts(range: Option<&MoneyRangeInput>, view: &View) -> Result<Amounts> {
    let bad =
        |message: String| Error::new(message).extend_with(|_, extensions| extensions.set("code", "BAD_USER_INPUT"));
    let own = view.tenant().currency;
    let money = |input: Option<&MoneyInput>| {
        input.map(|input| input.money(own)).transpose().map_err(|error| bad(format!("amount: {error}")))
    };
    let Some(MoneyRangeInput { from, to }) = range else { return Ok((None, None, None)) };
    let (from, to) = (money(from.as_ref())?, money(to.as_ref())?);
    let currency = from.or(to).map(|money| money.currency);
    if to.is_some_and(|to| Some(to.currency) != currency) {
        return Err(bad("amount: both ends of the range must be of one currency".to_owned()));
    }
    Ok((from.map(|money| money.amount_minor), to.map(|money| money.amount_minor), currency.map(String::from)))
}
