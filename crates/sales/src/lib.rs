//! The sales rules: one folder per concept.

// Concepts.
pub mod account;
pub mod deal;
pub mod person;
pub mod pipeline;
pub mod product;
pub mod reporting;
pub mod team;

// What several concepts share.
mod ascent;
pub mod category;
#[cfg(test)]
mod samples;
mod span;
