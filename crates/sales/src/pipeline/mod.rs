//! A pipeline: the ordered stages that a deal goes through. A schedule slice.

pub mod decide;
pub mod graphql;
pub mod history;
#[cfg(test)]
mod tests;

pub(crate) use decide::Pipeline as State;
pub use decide::{Command, Event, Pipeline, Refusal, Stage, StageDefaults, StageKind, StageView};
pub use history::{AnyRow, Row, StageRow};
