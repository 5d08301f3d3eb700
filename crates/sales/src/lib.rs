//! The sales rules: one folder per concept.

pub mod category;
pub mod deal;
