//! A deal as it stands at one end of a question between two instants.

use crate::{category::Category, deal::Status};
use chrono::NaiveDate;
use units::{Instant, Money};
use uuid::Uuid;

/// A deal as it stands at an end.
#[derive(Clone, Debug, PartialEq)]
pub struct DealAt {
    /// The deal.
    pub id: Uuid,
    /// Whose it is.
    pub owner: Uuid,
    /// Where it stands.
    pub status: Status,
    /// What it is worth; `None`: nobody said.
    pub amount: Option<Money>,
    /// When it is expected to close; `None`: nobody said.
    pub close_on: Option<NaiveDate>,
    /// The day it closed on; `None`: it is open.
    pub closed_on: Option<NaiveDate>,
    /// The day it was opened on.
    pub opened_on: NaiveDate,
    /// Its pipeline.
    pub pipeline: Uuid,
    /// Its stage.
    pub stage: Uuid,
    /// The forecast category that counts: a human's while it is open, else its stage's; `None`: its stage is not there.
    pub category: Option<Category>,
    /// Whether a human set that category: another default of the stage does not change it then.
    pub category_by_hand: bool,
    /// A human's probability in basis points; `None`: nobody set one.
    pub probability_bps: Option<i32>,
    /// From when on it stands like this.
    pub since: Instant,
    /// Whether its owner is among those whose deals count.
    pub in_scope: bool,
}

/// A deal at an end, as far as whoever asks may see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum End {
    /// It is not there: not opened yet, or its opening was withdrawn.
    #[default]
    Absent,
    /// It is there, and belongs to somebody whose deals the login may not see: out of scope, whatever it is worth.
    Unseen,
    /// It is there.
    Seen(DealAt),
}

impl End {
    /// The deal, if it is there and may be seen.
    pub fn deal(&self) -> Option<&DealAt> {
        match self {
            Self::Seen(deal) => Some(deal),
            Self::Absent | Self::Unseen => None,
        }
    }
}

/// What an amount is counted as: itself, or what it is in a reporting currency by the rates of an end. `None`: there is
/// no rate, so that the deal is counted and is in no amount.
#[derive(Clone, Copy)]
pub struct Prices<'a> {
    /// By the rates of the first end, as known at the first end.
    pub believed: &'a dyn Fn(Money) -> Option<Money>,
    /// By the rates of the first end, as known at the end after it.
    pub first: &'a dyn Fn(Money) -> Option<Money>,
    /// By the rates of the end after it.
    pub after: &'a dyn Fn(Money) -> Option<Money>,
}

impl Prices<'_> {
    /// Every amount in its own currency.
    pub const OWN: Prices<'static> = Prices { believed: &Some, first: &Some, after: &Some };
}

/// A candidate: a deal at both ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ends {
    /// The deal.
    pub deal: Uuid,
    /// At the first end, as known at the first end; `None`: both ends are known at the same position.
    pub believed: Option<End>,
    /// At the first end, as known at the end after it.
    pub first: End,
    /// At the end after it.
    pub after: End,
}
