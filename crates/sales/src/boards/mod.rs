//! Questions that span slices: SQL and GraphQL, never an event.

mod deal_figures;
pub mod deal_metrics;
mod deals_at;
mod paged;
pub mod stage_visits;
pub mod waterfall;
