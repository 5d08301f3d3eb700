use crate::{At, Decider};
use chrono::{NaiveDate, TimeDelta};
use std::fmt::Debug;

/// The instants of a decision made at noon (UTC) of a day and taken down then.
pub fn at(day: NaiveDate) -> At {
    let noon = day.and_hms_opt(12, 0, 0).expect("every day has a noon").and_utc();
    At { effective: noon, recorded: noon, day }
}

/// A decider to which these events have happened, one a minute from the first minute of 2000 on.
#[track_caller]
pub fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
    let mut given = Given { state: D::default(), facts: D::Facts::default() };
    let start = at(NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day of the calendar"));
    for (minute, event) in (0_i64..).zip(events) {
        let effective = start.effective + TimeDelta::minutes(minute);
        given.state.fits(&event).expect("the given events must fit one upon the other");
        given.state.evolve(&event, &At { effective, recorded: effective, day: effective.date_naive() });
    }
    given
}

/// The state a test starts from.
pub struct Given<D: Decider> {
    state: D,
    facts: D::Facts,
}

impl<D: Decider> Given<D> {
    /// With these facts of other slices.
    #[must_use]
    pub fn knowing(mut self, facts: D::Facts) -> Self {
        self.facts = facts;
        self
    }

    /// The command, put to it at noon of a day.
    pub fn when(self, day: NaiveDate, command: D::Command) -> When<D> {
        let at = at(day);
        let answer = self.state.decide(&self.facts, &command, &at);
        When { given: self, at, answer }
    }
}

/// The answer a test looks at.
pub struct When<D: Decider> {
    given: Given<D>,
    at: At,
    answer: Result<Vec<D::Event>, D::Refusal>,
}

impl<D: Decider> When<D>
where
    D::Event: Debug,
{
    /// The events it must have answered with; the state goes on from them.
    #[track_caller]
    pub fn then(mut self, events: impl IntoIterator<Item = D::Event>) -> Given<D> {
        let expected: Vec<_> = events.into_iter().collect();
        assert_eq!(self.answer.as_ref(), Ok(&expected));
        for event in &expected {
            self.given.state.fits(event).expect("an event just decided must fit");
            self.given.state.evolve(event, &self.at);
        }
        self.given
    }

    /// The refusal it must have answered with.
    #[track_caller]
    pub fn refused(self, refusal: D::Refusal) -> Given<D> {
        assert_eq!(self.answer, Err(refusal));
        self.given
    }
}
