//! Questions that span slices: SQL and GraphQL, never an event.

mod deal_figures;
pub mod deal_metrics;
pub mod stage_visits;
