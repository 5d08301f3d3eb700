use serde::{Deserialize, Serialize};
use units::Instant;

/// One step: the value from an instant on, until the next step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step<T> {
    /// The first instant at which the value holds.
    pub from: Instant,
    /// The value; `None` where nothing is said.
    pub value: Option<T>,
}

/// A value over time, as a schedule says it: what is said later lies over what was said before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steps<T> {
    steps: Vec<Step<T>>,
}

impl<T> Default for Steps<T> {
    fn default() -> Self {
        Self { steps: Vec::new() }
    }
}

impl<T: Clone + PartialEq> Steps<T> {
    /// Says the value for [from, to); without `to`, from then on.
    pub fn set(&mut self, from: Instant, to: Option<Instant>, value: Option<T>) {
        if to.is_some_and(|to| to <= from) {
            return;
        }
        let after = to.map(|to| Step { from: to, value: self.at(to).cloned() });
        self.steps.retain(|step| step.from < from || to.is_some_and(|to| step.from > to));
        let place = self.steps.partition_point(|step| step.from < from);
        self.steps.splice(place..place, [Some(Step { from, value }), after].into_iter().flatten());
        self.steps.dedup_by(|later, earlier| later.value == earlier.value);
        if self.steps.first().is_some_and(|first| first.value.is_none()) {
            self.steps.remove(0);
        }
    }

    /// The value at an instant.
    pub fn at(&self, instant: Instant) -> Option<&T> {
        let after = self.steps.partition_point(|step| step.from <= instant);
        self.steps[..after].last().and_then(|step| step.value.as_ref())
    }

    /// Whether the value already holds over the whole of [from, to).
    pub fn holds(&self, from: Instant, to: Option<Instant>, value: Option<&T>) -> bool {
        self.at(from) == value && !self.changes_after(from, to)
    }

    /// Whether a step begins within (from, to): what is said from `from` on would lie over it.
    pub fn changes_after(&self, from: Instant, to: Option<Instant>) -> bool {
        self.steps.iter().any(|step| step.from > from && to.is_none_or(|to| step.from < to))
    }

    /// The steps, earliest first; none begins with nothing, no two neighbours are equal.
    pub fn iter(&self) -> impl Iterator<Item = &Step<T>> {
        self.steps.iter()
    }

    /// Whether nothing was ever said.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// The instants at which any of several values may change, earliest first, each once.
pub fn instants_of(froms: impl IntoIterator<Item = Instant>) -> Vec<Instant> {
    let mut instants: Vec<_> = froms.into_iter().collect();
    instants.sort_unstable();
    instants.dedup();
    instants
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn hour(hour: i64) -> Instant {
        DateTime::from_timestamp(hour * 3_600, 0).unwrap()
    }

    fn shown(steps: &Steps<char>) -> String {
        (0..8).map(|at| steps.at(hour(at)).copied().unwrap_or('.')).collect()
    }

    #[test]
    fn what_is_said_later_lies_over_what_was_said_before() {
        let mut steps = Steps::default();
        steps.set(hour(2), None, Some('a'));
        assert_eq!(shown(&steps), "..aaaaaa");
        steps.set(hour(4), Some(hour(6)), Some('b'));
        assert_eq!(shown(&steps), "..aabbaa");
        steps.set(hour(3), Some(hour(5)), Some('c'));
        assert_eq!(shown(&steps), "..accbaa");
        steps.set(hour(0), Some(hour(3)), None);
        assert_eq!(shown(&steps), "...ccbaa");
        steps.set(hour(1), None, Some('d'));
        assert_eq!(shown(&steps), ".ddddddd");
        assert!(steps.holds(hour(1), None, Some(&'d')));
        assert_eq!(steps.iter().count(), 1);
    }

    #[test]
    fn an_empty_range_says_nothing() {
        let mut steps = Steps::default();
        steps.set(hour(4), Some(hour(4)), Some('a'));
        assert!(steps.is_empty());
    }
}
