//! What it is to decide: a state, the commands put to it, the events it answers with. Pure: no I/O, no async, no clock.

mod harness;
mod steps;

pub use harness::{Given, When, at, given};
pub use steps::{Step, Steps, instants_of};

use chrono::NaiveDate;
use serde::{Serialize, de::DeserializeOwned};
use std::{error::Error, fmt::Debug};
use units::Instant;

/// The instants a decision is made at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// When it is true in the world.
    pub effective: Instant,
    /// When the log takes it down. Deadlines, windows and lateness judge this one.
    pub recorded: Instant,
    /// The day of `effective` in the tenant's time zone.
    pub day: NaiveDate,
}

/// A state that decides: the concept's whole rule book. The default is the state before any event.
pub trait Decider: Clone + Debug + Default + Send + Sync + 'static {
    /// What may be asked of it.
    type Command: Clone + Debug + Serialize + Send + Sync + 'static;
    /// What has happened to it: wire names and stored shapes are frozen.
    type Event: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Why it says no, in words fit for a salesperson.
    type Refusal: Error + Clone + PartialEq + Send + Sync + 'static;
    /// What it needs to know of other slices, at the command's effective instant as known at the head.
    type Facts: Clone + Debug + Default + Send;

    /// The events that the command makes true; none when it is already so.
    ///
    /// # Errors
    /// When the command contradicts the state or the facts.
    fn decide(&self, facts: &Self::Facts, command: &Self::Command, at: &At) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Whether the event can stand in its place: the rules that a correction before it may break.
    ///
    /// # Errors
    /// When it contradicts the state that it comes upon.
    fn fits(&self, event: &Self::Event) -> Result<(), Self::Refusal>;

    /// The state after the event. Total: it takes whatever the log holds.
    fn evolve(&mut self, event: &Self::Event, at: &At);
}
