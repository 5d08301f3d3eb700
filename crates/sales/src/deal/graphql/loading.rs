//! Deals out of their history table, many in one statement.

use crate::{deal::history::Row, graph::view::AtPoint};
use async_graphql::dataloader::Loader;
use logbook::Fault;
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// A deal out of a row that lists its columns in the order of `deals_by_id.sql`.
pub(super) fn row(found: &tokio_postgres::Row) -> Result<Row, Fault> {
    let bad = |error: serde_json::Error| Fault::new("reading a deal", error);
    let word = |column| found.get::<_, Option<String>>(column).map(serde_json::Value::String);
    let assumed = found.get::<_, Vec<String>>("assumed").into_iter().map(serde_json::Value::String);
    Ok(Row {
        status: serde_json::from_value(word("status").unwrap_or_default()).map_err(bad)?,
        name: found.get("name"),
        name_folded: String::new(),
        pipeline_id: found.get("pipeline_id"),
        stage_id: found.get("stage_id"),
        owner_id: found.get("owner_id"),
        account_id: found.get("account_id"),
        product_id: found.get("product_id"),
        amount_minor: found.get("amount_minor"),
        currency: found.get("currency"),
        close_on: found.get("close_on"),
        category: word("category").map(serde_json::from_value).transpose().map_err(bad)?,
        probability_bps: found.get("probability_bps"),
        next_step: found.get("next_step"),
        next_step_due_on: found.get("next_step_due_on"),
        opened_on: found.get("opened_on"),
        closed_on: found.get("closed_on"),
        cycle_days: found.get::<_, Option<i32>>("cycle_days").map(i64::from),
        closed_reason: found.get("closed_reason"),
        competitor: found.get("competitor"),
        merged_into: found.get("merged_into"),
        external_id: found.get("external_id"),
        assumed: assumed.map(serde_json::from_value).collect::<Result<_, _>>().map_err(bad)?,
        dates_conflict: found.get("dates_conflict"),
    })
}

impl Loader<units::DealId> for AtPoint {
    type Value = Arc<Row>;
    type Error = Arc<Fault>;

    async fn load(&self, keys: &[units::DealId]) -> Result<HashMap<units::DealId, Arc<Row>>, Arc<Fault>> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let seen = self.0.seen().await?;
        let sql = include_str!("../sql/deals_by_id.sql");
        let rows = self.0.reads.rows_as_of(sql, seen, &[&ids]).await?;
        let deals = rows.iter().map(|found| Ok((units::DealId(found.get("id")), Arc::new(row(found)?))));
        deals.collect::<Result<_, Fault>>().map_err(Arc::new)
    }
}
