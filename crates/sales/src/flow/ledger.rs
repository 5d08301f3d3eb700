//! Entries, what they sum to, and what is left over: nothing.

use std::collections::BTreeMap;
use units::{Currency, Money};
use uuid::Uuid;

/// One deal's part in one cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<C> {
    /// Why.
    pub cause: C,
    /// The deal.
    pub deal: Uuid,
    /// By how many deals the count changes: 1 in, -1 out, 0 when only its amount changes.
    pub count: i64,
    /// By how much the amount changes; `None`: nobody said what the deal is worth, or there is no rate.
    pub amount: Option<Money>,
}

/// Deals, or changes of them, summed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sum {
    /// How many.
    pub count: i64,
    /// How many of them are in no amount.
    pub unpriced: i64,
    /// How much, in minor units, one sum a currency.
    pub amounts: BTreeMap<Currency, i128>,
}

impl Sum {
    /// Adds one deal, or a change of one.
    pub fn add(&mut self, count: i64, amount: Option<Money>) {
        self.count += count;
        match amount {
            Some(money) => *self.amounts.entry(money.currency).or_default() += i128::from(money.amount_minor),
            None => self.unpriced += i64::from(count != 0),
        }
    }

    /// What it differs by from the sum of others: counts and amounts, without currencies that cancel out.
    fn less(&self, other: &Self) -> Self {
        let mut amounts = self.amounts.clone();
        for (currency, amount) in &other.amounts {
            *amounts.entry(*currency).or_default() -= amount;
        }
        amounts.retain(|_, amount| *amount != 0);
        Self { count: self.count - other.count, unpriced: 0, amounts }
    }
}

/// The entries of one cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<C> {
    /// Why.
    pub cause: C,
    /// What they sum to.
    pub sum: Sum,
    /// The deals, each once, in the order of their ids.
    pub deals: Vec<Uuid>,
}

/// A figure at its two ends, and the entries between them.
#[derive(Clone, Debug)]
pub struct Ledger<C> {
    /// The figure at the first end, summed from the deals that count there.
    pub start: Sum,
    /// The figure at the end after it, summed from the deals that count there.
    pub end: Sum,
    /// Why they differ.
    pub entries: Vec<Entry<C>>,
}

impl<C> Default for Ledger<C> {
    fn default() -> Self {
        Self { start: Sum::default(), end: Sum::default(), entries: Vec::new() }
    }
}

impl<C: Copy + Ord> Ledger<C> {
    /// The entries by cause, in the order of the causes; causes without an entry are left out.
    pub fn lines(&self) -> Vec<Line<C>> {
        let mut lines: BTreeMap<C, Line<C>> = BTreeMap::new();
        for entry in &self.entries {
            let empty = || Line { cause: entry.cause, sum: Sum::default(), deals: Vec::new() };
            let line = lines.entry(entry.cause).or_insert_with(empty);
            line.sum.add(entry.count, entry.amount);
            line.deals.push(entry.deal);
        }
        let mut lines: Vec<Line<C>> = lines.into_values().collect();
        for line in &mut lines {
            line.deals.sort_unstable();
            line.deals.dedup();
        }
        lines
    }

    /// end - start - entries: 0 in count and without any currency, always.
    pub fn residual(&self) -> Sum {
        let mut moved = Sum::default();
        for entry in &self.entries {
            moved.add(entry.count, entry.amount);
        }
        self.end.less(&self.start).less(&moved)
    }
}
