//! A login: how a person or a program of the tenant shows who it is. A progress slice.

pub mod decide;
pub mod graphql;
pub mod history;
// A seventh file: what a key looks like is no rule of the log, and the server that checks keys needs it alone.
mod key;
#[cfg(test)]
mod tests;

pub(crate) use decide::Login as State;
pub use decide::{Command, Event, Facts, Refusal, Status, Subject};
pub use history::Row;
pub use key::{ApiKey, SECRET_BYTES};

use uuid::Uuid;

/// The id of the one stream of a token's subject: a subject stands for one person or service of a tenant at a time.
pub fn link_id(issuer: &str, subject_claim: &str) -> Uuid {
    let name = format!("quarterdeck login\0{issuer}\0{subject_claim}");
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}

/// A login's own id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginId(pub Uuid);

impl From<Uuid> for LoginId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}
