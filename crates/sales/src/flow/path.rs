//! A deal's way through a window, step by step: what the two ends alone do not show.

use super::{Cause, End, Entry, Prices, counts_in, waterfall};
use crate::graph::PeriodDays;
use units::Instant;
use uuid::Uuid;

/// A deal from an instant on, until the next version.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// From when on.
    pub from: Instant,
    /// The position by which the log had it so; `None`: the deal did not change, who counts did.
    pub known_from: Option<i64>,
    /// How it stands then.
    pub end: End,
}

/// What one step of a deal's way changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub at: Instant,
    /// The position by which the log had it so; `None`: the deal did not change, who counts did.
    pub known_from: Option<i64>,
    /// How, and why.
    pub entry: Entry<Cause>,
}

/// What each step of a deal's way through a window changes of the open pipeline of a period. The versions come in their
/// order, the first being that of the window's begin; amounts are told by the prices of the window's ends alone, so that
/// rates that moved within it are one entry of the first step.
pub fn path(deal: Uuid, versions: &[Version], period: &PeriodDays, prices: &Prices<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let by_last = Prices { first: prices.after, ..*prices };
    if let Some(first) = versions.first().filter(|first| counts_in(&first.end, period)) {
        let revalued = waterfall(deal, &first.end, &first.end, period, prices);
        steps.extend(revalued.into_iter().map(|entry| Step { at: first.from, known_from: first.known_from, entry }));
    }
    for (old, new) in versions.iter().zip(versions.iter().skip(1)) {
        let entries = waterfall(deal, &old.end, &new.end, period, &by_last);
        steps.extend(entries.into_iter().map(|entry| Step { at: new.from, known_from: new.known_from, entry }));
    }
    steps
}
