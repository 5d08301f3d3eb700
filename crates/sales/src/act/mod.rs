//! An act of an operator that is no business of sales and must be on the record: history rows mended, a BI login granted
//! or revoked. A progress slice of one stream an act, without a table: `events` shows it.

pub mod decide;
pub mod history;
#[cfg(test)]
mod tests;

pub use decide::{Act, Command, Event, Refusal};
