//! What an operator did to a tenant's data or its walls: said once, never changed.
#![expect(missing_docs, reason = "whole words say most of these names; what they do not say is documented")]

use decider::{At, Decider};
use serde::{Deserialize, Serialize};
use units::Text;

/// What an operator may have done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Command {
    /// History rows that differed from the log were written anew.
    Rebuild { tables: Vec<Text>, missing: u64, extra: u64, different: u64 },
    /// A login was made that reads the tenant's BI views.
    GrantBi { login: Text },
    /// Such a login was taken away.
    RevokeBi { login: Text },
}

/// What was done. Stored as written here: add a variant, never edit one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "act.rebuilt")]
    Rebuilt {
        /// The tables that differed.
        tables: Vec<Text>,
        /// Rows that were not there.
        missing: u64,
        /// Rows that should not have been there.
        extra: u64,
        /// Rows that said something else.
        different: u64,
    },
    #[serde(rename = "act.bi_granted")]
    BiGranted { login: Text },
    #[serde(rename = "act.bi_revoked")]
    BiRevoked { login: Text },
}

/// An act: not done yet, or done.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Act {
    #[default]
    NotDone,
    Done(Event),
}

/// Why an act is not taken down.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("another act is on the record under this id")]
    AnotherAct,
}

impl Decider for Act {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Facts = ();

    fn decide(&self, (): &(), command: &Command, _at: &At) -> Result<Vec<Event>, Refusal> {
        let event = match command.clone() {
            Command::Rebuild { tables, missing, extra, different } => {
                Event::Rebuilt { tables, missing, extra, different }
            }
            Command::GrantBi { login } => Event::BiGranted { login },
            Command::RevokeBi { login } => Event::BiRevoked { login },
        };
        match self {
            Act::NotDone => Ok(vec![event]),
            Act::Done(done) if *done == event => Ok(vec![]), // said twice, done once
            Act::Done(_) => Err(Refusal::AnotherAct),
        }
    }

    fn fits(&self, _event: &Event) -> Result<(), Refusal> {
        match self {
            Act::NotDone => Ok(()),
            Act::Done(_) => Err(Refusal::AnotherAct),
        }
    }

    fn evolve(&mut self, event: &Event, _at: &At) {
        *self = Act::Done(event.clone());
    }
}
