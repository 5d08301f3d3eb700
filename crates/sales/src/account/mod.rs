//! An account: a customer or prospect, and the account it belongs to. A schedule slice.

pub mod decide;
pub mod graphql;
pub mod history;
#[cfg(test)]
mod tests;

pub(crate) use decide::Account as State;
pub use decide::{Account, Command, Event, Facts, Refusal};
pub use history::Row;
