//! Whom and what a command names besides the stream that it is put to: the one place that knows all slices' commands.

use crate::{account, deal, login, person, pipeline, product, reporting, team};
use units::DealId;
use uuid::Uuid;

/// What a command is about.
pub(crate) trait Concerning {
    /// The people whose deals it makes or takes.
    fn people(&self) -> Vec<Uuid> {
        vec![]
    }

    /// Another deal that it names.
    fn other_deal(&mut self) -> Option<&mut DealId> {
        None
    }

    /// Another mutation that must be allowed as well, because the command does the same.
    fn also(&self) -> Option<&'static str> {
        None
    }
}

impl Concerning for deal::Command {
    fn people(&self) -> Vec<Uuid> {
        match self {
            Self::Open(opening) => vec![opening.owner.0],
            Self::ChangeOwner { owner } => vec![owner.0],
            _ => vec![],
        }
    }

    fn other_deal(&mut self) -> Option<&mut DealId> {
        match self {
            Self::Merge { into } => Some(into),
            _ => None,
        }
    }
}

impl Concerning for person::Command {
    fn also(&self) -> Option<&'static str> {
        use person::Role;
        match self {
            // Hiring somebody into a role that sees everything gives that role.
            Self::Hire { role: Role::Manager | Role::Leader | Role::Operations | Role::Auditor, .. } => {
                Some("personAssignRole")
            }
            _ => None,
        }
    }
}

impl Concerning for login::Command {
    fn people(&self) -> Vec<Uuid> {
        match self {
            Self::MakeKey { subject: login::Subject::Person(person), .. }
            | Self::Link { subject: login::Subject::Person(person), .. } => vec![person.0],
            Self::MakeKey { .. } | Self::Link { .. } | Self::Revoke => vec![],
        }
    }
}

impl Concerning for account::Command {}
impl Concerning for pipeline::Command {}
impl Concerning for product::Command {}
impl Concerning for reporting::Command {}
impl Concerning for team::Command {}
