//! Deals as they stand at two instants, as figures take them: with the stage's own values of the same instants, and with
//! whether their owner is in scope.

use crate::{
    category::Category,
    deal::Status,
    flow::{DealAt, End},
    graph::{PeriodDays, Scope, View, fault},
    pipeline::StageKind,
};
use async_graphql::{Error, ErrorExtensions, Result};
use logbook::Fault;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use tokio_postgres::{Row, types::ToSql};
use units::{Currency, Money};
use uuid::Uuid;

/// Rows of one statement at most, as the statements say.
const ROWS_MAX: usize = 1_000_000;

/// What a stage says of its deals.
#[derive(Clone, Debug)]
#[expect(
    dead_code,
    reason = "figures that weigh deals, or follow them from stage to stage, read what the waterfall does not"
)]
pub(crate) struct StageAt {
    pub(crate) pipeline: Uuid,
    pub(crate) order: i32,
    pub(crate) kind: StageKind,
    pub(crate) probability_bps: i32,
    pub(crate) category: Category,
}

/// The stages of all pipelines, as they stand at a view's instants.
#[derive(Debug, Default)]
pub(crate) struct StageBook(HashMap<Uuid, StageAt>);

impl StageBook {
    pub(crate) async fn load(view: &View) -> Result<Self> {
        let sql = include_str!("sql/stages_of_tenant.sql");
        let rows = view.reads().rows_as_of(sql, view.seen().await?, &[]).await.map_err(|error| fault(&error))?;
        let stages: Result<_, Fault> = rows.iter().map(|row| Ok((row.get("id"), stage_at(row)?))).collect();
        stages.map(Self).map_err(|error| fault(&error))
    }

    pub(crate) fn get(&self, stage: Uuid) -> Option<&StageAt> {
        self.0.get(&stage)
    }
}

fn stage_at(row: &Row) -> Result<StageAt, Fault> {
    Ok(StageAt {
        pipeline: row.get("pipeline_id"),
        order: row.get("stage_order"),
        kind: word(row.get("kind"))?,
        probability_bps: row.get("probability_bps"),
        category: word(row.get("category"))?,
    })
}

/// The value of a stored word.
pub(crate) fn word<T: serde::de::DeserializeOwned>(word: &str) -> Result<T, Fault> {
    serde_json::from_value(word.into()).map_err(|error| Fault::new("reading a figure's deals", error))
}

/// Deals out of rows that list the columns of `deals_at.sql`.
pub(crate) struct Readings<'a> {
    pub(crate) book: &'a StageBook,
    pub(crate) scope: &'a Scope,
    currencies: Vec<(String, Currency)>,
}

impl<'a> Readings<'a> {
    pub(crate) fn new(book: &'a StageBook, scope: &'a Scope) -> Self {
        Self { book, scope, currencies: Vec::new() }
    }

    fn money(&mut self, row: &Row) -> Result<Option<Money>, Fault> {
        let (Some(amount_minor), Some(code)) = (row.get("amount_minor"), row.get::<_, Option<&str>>("currency")) else {
            return Ok(None);
        };
        let currency = match self.currencies.iter().find(|(known, _)| known == code) {
            Some((_, currency)) => *currency,
            None => {
                let parsed = code.parse().map_err(|error| Fault::new("reading a figure's deals", error))?;
                self.currencies.push((code.to_owned(), parsed));
                parsed
            }
        };
        Ok(Some(Money { amount_minor, currency }))
    }

    pub(crate) fn deal(&mut self, row: &Row) -> Result<DealAt, Fault> {
        let (owner, stage): (Uuid, Uuid) = (row.get("owner_id"), row.get("stage_id"));
        let status: Status = word(row.get("status"))?;
        let own = row.get::<_, Option<&str>>("category").filter(|_| status == Status::Open);
        Ok(DealAt {
            id: row.get("id"),
            owner,
            status,
            amount: self.money(row)?,
            close_on: row.get("close_on"),
            closed_on: row.get("closed_on"),
            opened_on: row.get("opened_on"),
            pipeline: row.get("pipeline_id"),
            stage,
            category: match own {
                Some(own) => Some(word(own)?),
                None => self.book.get(stage).map(|stage| stage.category),
            },
            category_by_hand: own.is_some(),
            probability_bps: row.get("probability_bps"),
            since: row.get("valid_from"),
            in_scope: self.scope.counts(owner),
        })
    }

    /// The deal as far as the login may see it.
    pub(crate) fn end(&mut self, row: &Row) -> Result<End, Fault> {
        match self.scope.may_see(row.get("owner_id")) {
            true => Ok(End::Seen(self.deal(row)?)),
            false => Ok(End::Unseen),
        }
    }
}

/// Rows of a statement that may not be cut off unnoticed.
pub(crate) async fn all_rows(view: &View, sql: &'static str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
    let rows = view.reads().rows_as_of(sql, view.seen().await?, parameters).await.map_err(|error| fault(&error))?;
    if rows.len() >= ROWS_MAX {
        let told = "this figure would rest on more than a million rows: ask for a smaller scope or a shorter time";
        return Err(Error::new(told).extend_with(|_, extensions| extensions.set("code", "TOO_MUCH_AT_ONCE")));
    }
    Ok(rows)
}

/// Deals at the instants of a view, for those in scope.
pub(crate) struct DealsAt {
    pub(crate) view: Arc<View>,
    pub(crate) scope: Scope,
    pub(crate) book: StageBook,
}

impl DealsAt {
    pub(crate) async fn of(view: &Arc<View>, scope: Scope) -> Result<Self> {
        Ok(Self { view: Arc::clone(view), scope, book: StageBook::load(view).await? })
    }

    async fn read(&self, sql: &'static str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        all_rows(&self.view, sql, parameters).await
    }

    /// The open deals in scope that are expected to close in a period, in the order of their ids.
    pub(crate) async fn due(&self, period: &PeriodDays) -> Result<Vec<DealAt>> {
        let owners = self.scope.owners();
        let sql = include_str!("sql/deals_due.sql");
        let rows = self.read(sql, &[&period.from.0, &period.to.0, &owners]).await?;
        let mut readings = Readings::new(&self.book, &self.scope);
        let deals: Result<_, Fault> = rows.iter().map(|row| readings.deal(row)).collect();
        deals.map_err(|error| fault(&error))
    }

    /// How some deals stand, in scope or not; those that are not there are absent from the map.
    pub(crate) async fn ends(&self, ids: &BTreeSet<Uuid>) -> Result<HashMap<Uuid, End>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<Uuid> = ids.iter().copied().collect();
        let rows = self.read(include_str!("sql/deals_at.sql"), &[&ids]).await?;
        let mut readings = Readings::new(&self.book, &self.scope);
        let ends: Result<_, Fault> = rows.iter().map(|row| Ok((row.get("id"), readings.end(row)?))).collect();
        ends.map_err(|error| fault(&error))
    }
}
