//! The team tree of the organisation: regions and the teams below them. A schedule slice of one stream a tenant.

pub mod decide;
pub mod graphql;
pub mod history;
#[cfg(test)]
mod tests;

pub(crate) use decide::Teams as State;
pub use decide::{Command, Event, LEVELS_MAX, Refusal, Team, Teams};
pub use history::Row;

/// The id of the one stream of a tenant's team tree.
pub fn stream_id() -> uuid::Uuid {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, b"quarterdeck team")
}
