//! A deal's way through the stages: its steps, and its visits to stages.

use super::conversion::ConversionOutcome;
use crate::{
    boards::{
        deals_at::{StageBook, word},
        question::Question,
    },
    deal::Status,
    graph::{PeriodDays, fault},
};
use async_graphql::Result;
use logbook::Fault;
use std::cmp::Ordering;
use tokio_postgres::Row;
use units::{Instant, Zone};
use uuid::Uuid;

/// A change of a deal's stage or status.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) at: Instant,
    pub(crate) stage: Uuid,
    pub(crate) status: Status,
}

impl Step {
    fn is_in(&self, stage: Uuid) -> bool {
        self.status == Status::Open && self.stage == stage
    }
}

/// A deal's steps in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Story {
    pub(crate) deal: Uuid,
    pub(crate) steps: Vec<Step>,
}

/// A stay of a deal in an open stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Visit {
    pub(crate) stage: Uuid,
    pub(crate) entered_at: Instant,
    /// `None`: it is there still.
    pub(crate) left_at: Option<Instant>,
}

impl Visit {
    /// Whole calendar days from coming to going; `None`: it is there still.
    pub(crate) fn days(&self, zone: Zone) -> Option<i64> {
        let left_on = zone.day_of(self.left_at?);
        Some((left_on - zone.day_of(self.entered_at)).num_days())
    }
}

/// Instants from one (included) to another (not included).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Within {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

impl Within {
    pub(crate) fn of(period: &PeriodDays, zone: Zone) -> Self {
        Self { from: zone.first_instant(period.from.0), to: zone.first_instant(period.to.0) }
    }

    pub(crate) fn holds(&self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }
}

impl Story {
    /// Its visits to open stages, in the order of time.
    pub(crate) fn visits(&self) -> Vec<Visit> {
        let mut visits: Vec<Visit> = Vec::new();
        for step in &self.steps {
            let current = visits.last_mut().filter(|visit| visit.left_at.is_none());
            if current.as_ref().is_some_and(|visit| step.is_in(visit.stage)) {
                continue;
            }
            if let Some(visit) = current {
                visit.left_at = Some(step.at);
            }
            if step.status == Status::Open {
                visits.push(Visit { stage: step.stage, entered_at: step.at, left_at: None });
            }
        }
        visits
    }

    /// What became of it after it came into a stage within a window; `None`: it did not come.
    pub(crate) fn cohort(&self, stage: Uuid, window: &Within, book: &StageBook) -> Option<ConversionOutcome> {
        let entered = self.visits().into_iter().find(|visit| visit.stage == stage && window.holds(visit.entered_at))?;
        let mut later = self.steps.iter().filter(|step| step.at > entered.entered_at);
        if later.any(|step| compared(step, stage, book) == Some(ConversionOutcome::Reached)) {
            return Some(ConversionOutcome::Reached);
        }
        compared(self.steps.last()?, stage, book)
    }

    /// Where it is at the end of a window, having been in a stage just before it; `None`: it was not.
    pub(crate) fn snapshot(&self, stage: Uuid, window: &Within, book: &StageBook) -> Option<ConversionOutcome> {
        self.steps.iter().rfind(|step| step.at < window.from).filter(|step| step.is_in(stage))?;
        compared(self.steps.iter().rfind(|step| step.at < window.to)?, stage, book)
    }
}

/// Where a step leads, seen from a stage. A stage that is not there at the instants of the query is no further than any.
fn compared(step: &Step, stage: Uuid, book: &StageBook) -> Option<ConversionOutcome> {
    let order = |stage: Uuid| book.get(stage).map(|stage| stage.order);
    match step.status {
        Status::Won => Some(ConversionOutcome::Reached),
        Status::Lost => Some(ConversionOutcome::Lost),
        Status::NoDecision => Some(ConversionOutcome::NoDecision),
        Status::Open => Some(match order(step.stage).zip(order(stage)).map(|(one, two)| one.cmp(&two)) {
            Some(Ordering::Greater) => ConversionOutcome::Reached,
            Some(Ordering::Less) => ConversionOutcome::WentBack,
            Some(Ordering::Equal) | None => ConversionOutcome::Stayed,
        }),
        Status::Merged | Status::Unopened => None,
    }
}

/// The stories of the deals that were open at some time in a period, or until it began.
pub(crate) async fn stories(question: &Question, window: &Within) -> Result<Vec<Story>> {
    let rows = question.rows(include_str!("../sql/deal_steps.sql"), &[&window.from, &window.to]).await?;
    let of_one = rows.chunk_by(|one, two| one.get::<_, Uuid>("id") == two.get::<_, Uuid>("id"));
    let story = |rows: &[Row]| {
        let steps: Result<_, Fault> = rows.iter().map(step).collect();
        Ok(Story { deal: rows[0].get("id"), steps: steps? })
    };
    of_one.map(story).collect::<Result<_, Fault>>().map_err(|error| fault(&error))
}

fn step(row: &Row) -> Result<Step, Fault> {
    Ok(Step { at: row.get("valid_from"), stage: row.get("stage_id"), status: word(row.get("status"))? })
}
