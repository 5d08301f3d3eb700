//! A product: something the tenant sells, at a list price that changes over time.
#![expect(missing_docs, reason = "whole words say most of these names; what they do not say is documented")]

use crate::span::{Span, changes};
use decider::{At, Decider, Steps, instants_of};
use serde::{Deserialize, Serialize};
use units::{Instant, Money, Text};

/// What may be asked of a product. It holds from the command's effective instant, until `until` where there is one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Command {
    /// Launches it, once; without a list price it has none.
    Launch { name: Text, list_price: Option<Money>, external_id: Option<Text> },
    /// Gives it another name; a discontinued product may be renamed too.
    Rename { name: Text },
    /// Changes its list price.
    ChangeListPrice { list_price: Money, until: Option<Instant> },
    /// Sells it no more: no new deals; its id and its history stay.
    Discontinue,
}

/// What has happened to a product. Stored as written here: add a variant, never edit one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "product.launched")]
    Launched {
        name: Text,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        list_price: Option<Money>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<Text>,
        from: Instant,
    },
    #[serde(rename = "product.renamed")]
    Renamed { name: Text, from: Instant },
    #[serde(rename = "product.list_price_changed")]
    ListPriceChanged {
        list_price: Money,
        from: Instant,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Instant>,
    },
    #[serde(rename = "product.discontinued")]
    Discontinued { from: Instant },
}

/// A product as its events leave it, over all time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Product {
    pub launched_at: Option<Instant>,
    /// The first instant at which it is sold no more.
    pub discontinued_at: Option<Instant>,
    pub name: Steps<Text>,
    pub list_price: Steps<Money>,
    pub external_id: Option<Text>,
}

/// Why a product says no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such product at that instant")]
    NotLaunched,
    #[error("the product is launched already")]
    AlreadyLaunched,
    #[error("the product is discontinued by that instant")]
    Discontinued,
    #[error("a list price cannot be below zero")]
    NegativeListPrice,
    #[error("it must end after it begins")]
    EndsBeforeItBegins,
}

impl Decider for Product {
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;
    type Facts = ();

    fn decide(&self, _facts: &(), command: &Command, at: &At) -> Result<Vec<Event>, Refusal> {
        let from = at.effective;
        let event = match command.clone() {
            Command::Launch { name, list_price, external_id } => {
                Event::Launched { name, list_price, external_id, from }
            }
            Command::Rename { name } => Event::Renamed { name, from },
            Command::ChangeListPrice { list_price, until } => Event::ListPriceChanged { list_price, from, to: until },
            Command::Discontinue if self.is_discontinued(from) => return Ok(vec![]),
            Command::Discontinue => Event::Discontinued { from },
        };
        self.fits(&event)?;
        Ok(if self.says(&event) { vec![] } else { vec![event] })
    }

    fn fits(&self, event: &Event) -> Result<(), Refusal> {
        let span = event.span();
        match event {
            Event::Launched { .. } if self.launched_at.is_some() => Err(Refusal::AlreadyLaunched),
            Event::Launched { list_price, .. } => not_negative(*list_price),
            _ if self.launched_at.is_none_or(|at| span.from < at) => Err(Refusal::NotLaunched),
            Event::Renamed { .. } => Ok(()),
            Event::ListPriceChanged { .. } | Event::Discontinued { .. } if self.is_discontinued(span.from) => {
                Err(Refusal::Discontinued)
            }
            Event::ListPriceChanged { .. } if span.is_empty() => Err(Refusal::EndsBeforeItBegins),
            Event::ListPriceChanged { list_price, .. } => not_negative(Some(*list_price)),
            Event::Discontinued { .. } => Ok(()),
        }
    }

    fn evolve(&mut self, event: &Event, _at: &At) {
        match event.clone() {
            Event::Launched { name, list_price, external_id, from } => {
                (self.launched_at, self.external_id) = (Some(from), external_id);
                self.name.set(from, None, Some(name));
                self.list_price.set(from, None, list_price);
            }
            Event::Renamed { name, from } => self.name.set(from, None, Some(name)),
            Event::ListPriceChanged { list_price, from, to } => self.list_price.set(from, to, Some(list_price)),
            Event::Discontinued { from } => {
                self.discontinued_at = Some(self.discontinued_at.map_or(from, |at| at.min(from)));
            }
        }
    }
}

impl Product {
    /// Whether the product is launched and not discontinued at that instant: new deals may name it.
    pub fn sold_at(&self, instant: Instant) -> bool {
        self.launched_at.is_some_and(|at| at <= instant) && !self.is_discontinued(instant)
    }

    /// The instants at which anything about the product changes, earliest first.
    pub fn instants(&self) -> Vec<Instant> {
        let stands = self.launched_at.into_iter().chain(self.discontinued_at);
        instants_of(stands.chain(changes(&self.name)).chain(changes(&self.list_price)))
    }

    /// Whether the event's range lies over a step already said for later than its `from`.
    pub fn overlays(&self, event: &Event) -> bool {
        let Span { from, to } = event.span();
        match event {
            Event::Launched { .. } => false,
            Event::Renamed { .. } => self.name.changes_after(from, to),
            Event::ListPriceChanged { .. } => self.list_price.changes_after(from, to),
            Event::Discontinued { .. } => self.discontinued_at.is_some_and(|discontinued_at| discontinued_at > from),
        }
    }

    fn is_discontinued(&self, instant: Instant) -> bool {
        self.discontinued_at.is_some_and(|discontinued_at| discontinued_at <= instant)
    }

    /// Whether what the event says holds over the whole of its range already.
    fn says(&self, event: &Event) -> bool {
        let Span { from, to } = event.span();
        match event {
            Event::Launched { .. } | Event::Discontinued { .. } => false,
            Event::Renamed { name, .. } => self.name.holds(from, to, Some(name)),
            Event::ListPriceChanged { list_price, .. } => self.list_price.holds(from, to, Some(list_price)),
        }
    }
}

impl Event {
    fn span(&self) -> Span {
        match self {
            Event::Launched { from, .. } | Event::Renamed { from, .. } | Event::Discontinued { from } => {
                Span::new(*from, None)
            }
            Event::ListPriceChanged { from, to, .. } => Span::new(*from, *to),
        }
    }
}

fn not_negative(list_price: Option<Money>) -> Result<(), Refusal> {
    match list_price {
        Some(money) if money.amount_minor < 0 => Err(Refusal::NegativeListPrice),
        _ => Ok(()),
    }
}
