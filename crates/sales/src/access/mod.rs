//! Who asks, and what they may see and do.

use std::fmt;
use units::{PersonId, Text};

/// Whose request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Whoever sits at the machine, while the server listens on its loopback only and asks for no keys: may do everything.
    Local,
    /// A person of the tenant.
    Person(PersonId),
    /// A program, under the name that it was given.
    Service(Text),
}

/// As the log names the actor: `local`, `person:` with the person's UUID, `service:` with the service's name.
impl fmt::Display for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => out.write_str("local"),
            Self::Person(person) => write!(out, "person:{person}"),
            Self::Service(name) => write!(out, "service:{}", name.as_str()),
        }
    }
}
