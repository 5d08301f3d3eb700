//! The reporting lines of the organisation: who reports to whom, when. A schedule slice of one stream a tenant.

pub mod decide;
pub mod graphql;
pub mod history;
#[cfg(test)]
mod tests;

pub(crate) use decide::Reporting as State;
pub use decide::{Command, Event, Facts, Refusal, Reporting};
pub use history::Row;

/// The id of the one stream of a tenant's reporting lines.
pub fn stream_id() -> uuid::Uuid {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, b"quarterdeck reporting")
}
