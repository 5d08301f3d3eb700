//! A deal (opportunity): from its opening through stages, amounts and owners to its close. A progress slice.

pub mod decide;
pub mod graphql;
pub mod history;
#[cfg(test)]
mod tests;

pub(crate) use decide::Deal as State;
pub use decide::{Assumed, Command, Deal, Event, Facts, Opening, Refusal, StageFact, StageRole, Status};
pub use history::Row;
