//! A product: something the tenant sells, at a list price. A schedule slice.

pub mod decide;
pub mod graphql;
pub mod history;
#[cfg(test)]
mod tests;

pub(crate) use decide::Product as State;
pub use decide::{Command, Event, Product, Refusal};
pub use history::Row;
