//! The measures Quarterdeck counts in: money, currencies, shares, days, instants, texts and typed ids.
//!
//! Every type refuses what it cannot mean at its door, so that code behind it need not ask again.

mod id;
mod money;
mod share;
mod text;
mod time;

#[cfg(feature = "graphql")]
mod graphql;

pub use id::{AccountId, DealId, PersonId, PipelineId, Position, ProductId, StageId, TeamId, TenantId};
pub use money::{Currency, Money, MoneyError, split_evenly};
pub use share::{Share, ShareError};
pub use text::{Personal, TEXT_CHARS_MAX, Text, TextError, folded};
pub use time::{Instant, TimeZone, Zone, ZoneError, in_calendar, truncated};

#[cfg(feature = "graphql")]
pub use graphql::{Day, Exact, Int64, MoneyInput};
