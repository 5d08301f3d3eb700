use decider::{Steps, instants_of};
use units::Instant;

/// The instants from `from` until `to`, which is outside; without `to`, from then on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) from: Instant,
    pub(crate) to: Option<Instant>,
}

impl Span {
    pub(crate) fn new(from: Instant, to: Option<Instant>) -> Self {
        Self { from, to }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.to.is_some_and(|to| to <= self.from)
    }

    pub(crate) fn holds(self, instant: Instant) -> bool {
        self.from <= instant && self.to.is_none_or(|to| instant < to)
    }

    /// What it has in common with another one; `None`: nothing.
    pub(crate) fn meet(self, other: Self) -> Option<Self> {
        let to = match (self.to, other.to) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        let met = Self { from: self.from.max(other.from), to };
        (!met.is_empty()).then_some(met)
    }

    /// The values said within it, each with the part of it over which the value holds.
    pub(crate) fn pieces<T: Clone + PartialEq>(self, steps: &Steps<T>) -> impl Iterator<Item = (Self, &T)> {
        let ends = steps.iter().skip(1).map(|next| Some(next.from)).chain([None]);
        let pieces = steps.iter().zip(ends);
        pieces.filter_map(move |(step, to)| Some((self.meet(Self::new(step.from, to))?, step.value.as_ref()?)))
    }

    /// Its first instant and those of the given ones that lie within it, earliest first.
    pub(crate) fn instants(self, changes: impl IntoIterator<Item = Instant>) -> Vec<Instant> {
        instants_of(changes.into_iter().filter(|instant| self.holds(*instant)).chain([self.from]))
    }
}

/// The instants at which a value changes.
pub(crate) fn changes<T: Clone + PartialEq>(steps: &Steps<T>) -> impl Iterator<Item = Instant> {
    steps.iter().map(|step| step.from)
}
