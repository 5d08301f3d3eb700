//! The entries of one deal, as they are found.

use super::Entry;
use units::Money;
use uuid::Uuid;

/// The entries of one deal.
pub(super) struct Entries<C> {
    deal: Uuid,
    pub(super) entries: Vec<Entry<C>>,
}

impl<C: Copy> Entries<C> {
    pub(super) fn of(deal: Uuid) -> Self {
        Self { deal, entries: Vec::new() }
    }

    /// The deal comes in, or goes out, with an amount.
    pub(super) fn add(&mut self, cause: C, count: i64, amount: Option<Money>) {
        self.entries.push(Entry { cause, deal: self.deal, count, amount });
    }

    /// The deal stays, and its amount is another: one entry a currency.
    pub(super) fn change(&mut self, old: Option<Money>, new: Option<Money>, cause: impl Fn(Money) -> C) {
        for amount in changes(old, new) {
            self.add(cause(amount), 0, Some(amount));
        }
    }

    /// From one part in the figure to another, all of it for one cause; `None`: the deal does not count.
    pub(super) fn replace(&mut self, old: Option<Option<Money>>, new: Option<Option<Money>>, cause: C) {
        match (old, new) {
            (None, None) => {}
            (None, Some(new)) => self.add(cause, 1, new),
            (Some(old), None) => self.add(cause, -1, old.map(less)),
            (Some(old), Some(new)) => self.change(old, new, |_| cause),
        }
    }
}

/// The same amount, taken away. No amount is the smallest number, whose opposite Money does not hold.
pub(super) fn less(money: Money) -> Money {
    Money { amount_minor: money.amount_minor.saturating_neg(), ..money }
}

/// What must be added to one amount to make the other: one amount a currency, none where nothing changes; two where it is
/// more than Money holds.
fn changes(old: Option<Money>, new: Option<Money>) -> Vec<Money> {
    let difference = |old: Money, new: Money| {
        let alike = old.currency == new.currency;
        let amount_minor = new.amount_minor.checked_sub(old.amount_minor).filter(|_| alike)?;
        Some(Money { amount_minor, ..old })
    };
    let found = match old.zip(new).and_then(|(old, new)| difference(old, new)) {
        Some(difference) => vec![difference],
        None => old.map(less).into_iter().chain(new).collect(),
    };
    found.into_iter().filter(|money| money.amount_minor != 0).collect()
}
