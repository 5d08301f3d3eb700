//! Questions that span slices: SQL and GraphQL, never an event.

pub mod deal_metrics;
pub mod stage_visits;
