//! The days that a figure is about.

use super::{id::bad_input, view::View};
use async_graphql::{InputObject, OneofObject, Result, SimpleObject};
use chrono::NaiveDate;
use units::Day;

/// The period that a figure is about.
#[derive(Clone, Debug, OneofObject)]
pub enum PeriodInput {
    /// Days from one (included) to another (not included): 2026-01-01 to 2026-04-01 is the first quarter of 2026.
    Days(PeriodDaysInput),
}

/// Days from one (included) to another (not included).
#[derive(Clone, Debug, InputObject)]
pub struct PeriodDaysInput {
    /// The first day.
    pub from: Day,
    /// The day after the last.
    pub to: Day,
}

/// The days of a period, from one (included) to another (not included).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodDays {
    /// The first day.
    pub from: Day,
    /// The day after the last.
    pub to: Day,
}

/// Days from one (included) to another (not included).
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
pub struct DayRange {
    /// The first day.
    pub from: Day,
    /// The day after the last.
    pub to: Day,
}

impl From<PeriodDays> for DayRange {
    fn from(PeriodDays { from, to }: PeriodDays) -> Self {
        Self { from, to }
    }
}

/// How a day lies to a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before its first day.
    Before,
    /// Within it.
    Within,
    /// After its last day.
    After,
}

impl PeriodInput {
    /// The days that are meant, at the view's instants.
    ///
    /// # Errors
    /// When the period has no day.
    pub async fn resolve(&self, _view: &View) -> Result<PeriodDays> {
        match self {
            Self::Days(PeriodDaysInput { from, to }) if from < to => Ok(PeriodDays { from: *from, to: *to }),
            Self::Days(_) => {
                Err(bad_input("period.days: `to` is the day after the last one: it must lie after `from`"))
            }
        }
    }
}

impl PeriodDays {
    /// How a day lies to the period.
    pub fn place(&self, day: NaiveDate) -> Place {
        if day < self.from.0 {
            Place::Before
        } else if day < self.to.0 {
            Place::Within
        } else {
            Place::After
        }
    }

    /// Whether a day lies within.
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.place(day) == Place::Within
    }
}
