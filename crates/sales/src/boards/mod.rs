//! Questions that span slices: SQL and GraphQL, never an event.

mod deal_figures;
pub mod deal_metrics;
mod deals_at;
pub mod figure_deals;
pub mod funnel;
mod paged;
mod question;
pub mod stage_visits;
pub mod waterfall;
