//! A deal (opportunity): from its opening through stages, amounts and owners to its close. A progress slice.

pub mod decide;
pub mod facts;
pub mod graphql;
pub mod history;
#[cfg(test)]
mod tests;

pub(crate) use decide::Deal as State;
pub use decide::{Assumed, Command, Deal, Event, Opening, Refusal, Status};
pub use facts::{Facts, StageFact, StageRole};
pub use history::Row;
