//! What moved between two instants, and why: pure, without I/O. A figure's two ends are told apart into entries of one
//! cause each, so that start + entries = end holds for counts and for amounts, in every currency, to the minor unit.
//!
//! Whoever asks fetches the candidates (deals that count at either end) and their states at both ends; sorting them by
//! cause and summing them happens here, so that a line and its drill-down are one predicate.

mod deal_at;
mod entries;
mod forecast;
mod ledger;
mod path;
mod waterfall;

#[cfg(test)]
mod tests;

pub use deal_at::{DealAt, End, Ends, Prices};
pub use forecast::{
    Adjusted, Definitions, ForecastCause, Meaning, Measure, Terms, adjust, forecast_difference, forecast_entries,
    forecast_part,
};
pub use ledger::{Entry, Ledger, Line, Sum};
pub use path::{Step, Version, path};
pub use waterfall::{Cause, bridge, counts_in, restated, waterfall};
