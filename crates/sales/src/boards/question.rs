//! What figures are asked about: whose deals, of which pipelines, at which instants.

use super::deals_at::{Readings, StageBook, all_rows};
use crate::{
    boards::deal_metrics::within_our_knowledge,
    flow::DealAt,
    graph::{Key, Organisation, Scope, ScopeInput, View, fault},
};
use async_graphql::{Context, ID, Result};
use logbook::Fault;
use std::sync::Arc;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

/// Whose deals are asked about, as the caller says it.
#[derive(Clone, Debug)]
pub(super) struct Whose {
    pub(super) scope: Option<ScopeInput>,
    pub(super) organisation: Organisation,
    pub(super) pipelines: Option<Vec<ID>>,
}

/// Whose deals are asked about at the two instants of a view.
pub(super) struct Question {
    pub(super) view: Arc<View>,
    pub(super) scope: Scope,
    pub(super) book: StageBook,
    pub(super) whose: Whose,
    pipelines: Option<Vec<Uuid>>,
}

impl Question {
    pub(super) async fn of(carried: &Option<Arc<View>>, context: &Context<'_>, whose: Whose) -> Result<Self> {
        let view = View::of(carried, context).await?;
        Self::at(view, whose).await
    }

    pub(super) async fn at(view: Arc<View>, whose: Whose) -> Result<Self> {
        within_our_knowledge(&view).await?;
        let scope = Scope::of(&view, whose.scope.as_ref(), whose.organisation).await?;
        let pipelines = Key::all(whose.pipelines.as_ref(), "Pipeline")?;
        let book = StageBook::load(&view).await?;
        Ok(Self { view, scope, book, whose, pipelines })
    }

    /// The rows of a statement that takes the owners who count as `$4`, the pipelines as `$5`, and what is its own from
    /// `$6` on.
    pub(super) async fn rows(&self, sql: &'static str, own: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let owners = self.scope.owners();
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&owners, &self.pipelines];
        parameters.extend(own);
        all_rows(&self.view, sql, &parameters).await
    }

    /// The deals of rows that list the columns of `deals_at.sql`, each with what else is read of its row.
    pub(super) fn deals<T>(&self, rows: &[Row], of: impl Fn(&Row) -> T) -> Result<Vec<(DealAt, T)>> {
        let mut readings = Readings::new(&self.book, &self.scope);
        let deals: Result<_, Fault> = rows.iter().map(|row| Ok((readings.deal(row)?, of(row)))).collect();
        deals.map_err(|error| fault(&error))
    }
}
