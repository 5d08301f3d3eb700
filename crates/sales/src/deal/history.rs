//! How a deal becomes its rows, and what it reads of others.

use super::{
    decide::{Assumed, Command, Deal, Status},
    facts::Facts,
};
use crate::{category::Category, facts, schedule};
use chrono::NaiveDate;
use logbook::{Chapter, Clocks, Segment, Slice, StreamRef, Streams, Table};
use serde::{Deserialize, Serialize};
use units::Instant;
use uuid::Uuid;

/// The columns of `deal_history` beyond its bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// open, won, lost, no_decision, merged.
    pub status: Status,
    /// Its name.
    pub name: String,
    /// Its name in lower case, for finding by prefix.
    pub name_folded: String,
    /// Its pipeline.
    pub pipeline_id: Uuid,
    /// Its stage.
    pub stage_id: Uuid,
    /// Its owner.
    pub owner_id: Uuid,
    /// Its customer.
    pub account_id: Option<Uuid>,
    /// What is sold.
    pub product_id: Option<Uuid>,
    /// What it is worth, in the minor unit of `currency`.
    pub amount_minor: Option<i64>,
    /// The currency of `amount_minor`.
    pub currency: Option<String>,
    /// When it is expected to close, as its people say.
    pub close_on: Option<NaiveDate>,
    /// A human's forecast category.
    pub category: Option<Category>,
    /// A human's probability, in basis points.
    pub probability_bps: Option<i32>,
    /// What is done next.
    pub next_step: Option<String>,
    /// By when.
    pub next_step_due_on: Option<NaiveDate>,
    /// The day it was opened on.
    pub opened_on: NaiveDate,
    /// The day it closed on.
    pub closed_on: Option<NaiveDate>,
    /// Whole days from opening to close; null while open, and where the source's dates contradict each other.
    pub cycle_days: Option<i64>,
    /// Why it was lost, or why nothing was decided.
    pub closed_reason: Option<String>,
    /// Who won it instead.
    pub competitor: Option<String>,
    /// The deal that lives on.
    pub merged_into: Option<Uuid>,
    /// Its id in the system it came from.
    pub external_id: Option<String>,
    /// What an import assumed.
    pub assumed: Vec<Assumed>,
    /// The source says that it closed before it opened.
    pub dates_conflict: bool,
}

impl Row {
    /// The row of a deal; `None` before its opening.
    pub fn of(deal: &Deal) -> Option<Self> {
        let (Status::Open | Status::Won | Status::Lost | Status::NoDecision | Status::Merged) = deal.status else {
            return None;
        };
        let name = deal.name.as_ref()?;
        let opened_on = deal.opened_on?;
        let cycle = deal.closed_on.map(|closed_on| (closed_on - opened_on).num_days());
        Some(Self {
            status: deal.status,
            name: name.as_str().to_owned(),
            name_folded: name.folded(),
            pipeline_id: deal.pipeline?.0,
            stage_id: deal.stage?.0,
            owner_id: deal.owner?.0,
            account_id: deal.account.map(|account| account.0),
            product_id: deal.product.map(|product| product.0),
            amount_minor: deal.amount.map(|amount| amount.amount_minor),
            currency: deal.amount.map(|amount| amount.currency.to_string()),
            close_on: deal.close_on,
            category: deal.category,
            probability_bps: deal.probability.map(units::Share::bps),
            next_step: deal.next_step.clone().map(String::from),
            next_step_due_on: deal.next_step_due_on,
            opened_on,
            closed_on: deal.closed_on,
            cycle_days: cycle.filter(|_| !deal.dates_conflict),
            closed_reason: deal.closed_reason.clone().map(String::from),
            competitor: deal.competitor.clone().map(String::from),
            merged_into: deal.merged_into.map(|into| into.0),
            external_id: deal.external_id.clone().map(String::from),
            assumed: deal.assumed.clone(),
            dates_conflict: deal.dates_conflict,
        })
    }
}

impl Slice for Deal {
    const KIND: &'static str = "deal";
    const CLOCKS: Clocks = Clocks::Progress;
    const TABLES: &'static [Table] = &[schedule::table!("deal", "history")];
    type Row = Row;

    fn reads(&self, _id: Uuid, command: &Command, _effective: Instant, _streams: &Streams) -> Vec<StreamRef> {
        facts::deal_reads(self, command)
    }

    fn facts(&self, id: Uuid, command: &Command, effective: Instant, streams: &Streams) -> Facts {
        facts::deal(self, id, command, effective, streams)
    }

    fn segments(id: Uuid, story: &[Chapter<Self>]) -> Vec<Segment<Row>> {
        let ends = story.iter().skip(1).map(|chapter| Some(chapter.from)).chain([None]);
        let rows = story.iter().zip(ends);
        rows.filter_map(|(Chapter { from, state }, to)| {
            Row::of(state).map(|row| Segment { table: 0, id, from: *from, to, row })
        })
        .collect()
    }
}
