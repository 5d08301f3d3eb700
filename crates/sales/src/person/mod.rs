//! A person of the sales organisation: hired, in a role and a team, on leave, gone, back. A schedule slice.

pub mod decide;
pub mod graphql;
pub mod history;
#[cfg(test)]
mod tests;

pub(crate) use decide::Person as State;
pub use decide::{Command, Employment, Event, Facts, Leave, Person, Refusal, Role};
pub use history::Row;
