use super::decide::{Command, Event, Facts, Refusal, Reporting};
use crate::samples;
use chrono::NaiveDate;
use decider::{Decider, Given, at, given};
use units::{Instant, PersonId};
use uuid::Uuid;

#[test]
fn every_event_has_a_sample_that_reads_back() {
    samples::read_back_unchanged::<Event>("reporting");
}

#[test]
fn a_person_reports_to_a_manager_from_an_instant_on() {
    active([]).when(july(2), set(1, Some(2), None)).then([line(1, Some(2), 2, None)]);
    let lines = folded([line(1, Some(2), 2, None), line(3, Some(2), 4, Some(9))]);
    assert_eq!([1, 2].map(|day| lines.manager_at(person(1), noon(day))), [None, Some(person(2))]);
    assert_eq!([3, 4, 9].map(|day| lines.reports_at(person(2), noon(day)).len()), [1, 2, 1]);
    assert_eq!(lines.instants(), [noon(2), noon(4), noon(9)]);
    assert_eq!(lines.lines().count(), 2);
}

#[test]
fn what_holds_already_over_the_whole_range_is_not_said_again() {
    given::<Reporting>([line(1, Some(2), 2, None)]).when(july(3), set(1, Some(2), Some(20))).then([]);
    given::<Reporting>([]).when(july(3), set(1, None, None)).then([]);
    active([line(1, Some(2), 2, None)]).when(july(1), set(1, Some(2), None)).then([line(1, Some(2), 1, None)]);
}

#[test]
fn nobody_manages_themself() {
    active([]).when(july(2), set(1, Some(1), None)).refused(Refusal::ManagesThemself);
}

#[test]
fn person_and_manager_are_employed_when_the_line_begins() {
    let gone = Facts { person_active: false, manager_active: true };
    given::<Reporting>([]).knowing(gone).when(july(2), set(1, Some(2), None)).refused(Refusal::PersonNotActive);
    let unmanaged = Facts { person_active: true, manager_active: false };
    given::<Reporting>([])
        .knowing(unmanaged.clone())
        .when(july(2), set(1, Some(2), None))
        .refused(Refusal::ManagerNotActive);
    given::<Reporting>([line(1, Some(2), 2, None)])
        .knowing(unmanaged)
        .when(july(5), set(1, None, None))
        .then([line(1, None, 5, None)]);
}

#[test]
fn a_line_must_end_after_it_begins() {
    active([]).when(july(2), set(1, Some(2), Some(2))).refused(Refusal::EndsBeforeItBegins);
}

#[test]
fn a_circle_is_refused_at_whatever_instant_it_would_close() {
    let cases: &[(&[Event], Command, Option<u32>)] = &[
        (&[line(1, Some(2), 1, None)], set(2, Some(1), None), Some(5)),
        (&[line(1, Some(2), 1, None), line(2, Some(3), 1, None)], set(3, Some(1), None), Some(5)),
        (&[line(1, Some(2), 1, Some(5))], set(2, Some(1), None), None),
        (&[line(1, Some(2), 1, Some(6))], set(2, Some(1), None), Some(5)),
        (&[line(1, Some(2), 9, None)], set(2, Some(1), None), Some(9)),
        (&[line(1, Some(2), 9, None)], set(2, Some(1), Some(9)), None),
        (&[line(1, Some(2), 9, None)], set(2, Some(1), Some(10)), Some(9)),
        (&[line(1, Some(2), 9, None), line(1, None, 8, None)], set(2, Some(1), None), None),
        (&[line(1, Some(2), 1, Some(9)), line(2, Some(3), 9, None)], set(3, Some(1), None), None),
        (&[line(1, Some(2), 1, Some(9)), line(2, Some(3), 8, None)], set(3, Some(1), None), Some(8)),
        (&[line(1, Some(2), 1, None), line(2, Some(3), 20, Some(21))], set(3, Some(1), None), Some(20)),
        (&[line(1, Some(2), 1, None), line(2, Some(3), 20, Some(21))], set(3, Some(1), Some(20)), None),
    ];
    for (row, (events, command, circle)) in cases.iter().enumerate() {
        let lines = folded(events.iter().cloned());
        let answer = lines.decide(&BOTH, command, &at(july(5))).map(|events| events.len());
        let expected = circle.map_or(Ok(1), |day| Err(Refusal::Circle { on: july(day) }));
        assert_eq!(answer, expected, "row {row}");
    }
}

#[test]
fn no_circle_ever_closes_and_none_is_refused_that_would_not() {
    let mut chance = 20_260_710_u64;
    let mut below = |bound: u32| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(chance >> 40).unwrap() % bound
    };
    let (mut lines, mut refused) = (Reporting::default(), 0);
    for _ in 0..1_500 {
        let (from, days, id) = (1 + below(20), below(10), u128::from(below(7)));
        let manager = Some(u128::from(below(8))).filter(|manager| *manager < 7 && *manager != id);
        let event = line(id, manager, from, Some(from + days).filter(|to| *to > from));
        let mut after = lines.clone();
        after.evolve(&event, &at(july(1)));
        let circle = (1..=31).any(|day| (0..7).any(|id| in_circle(&after, id, day)));
        assert_eq!(lines.fits(&event).is_err(), circle, "{event:?} on {lines:?}");
        if circle { refused += 1 } else { lines = after }
    }
    assert!((200..1_300).contains(&refused), "{refused} of 1,500 refused: the cases are lopsided");
}

#[test]
fn a_chain_of_thousands_closes_no_circle() {
    let chain = (0..5_000).map(|id| line(id, Some(id + 1), 1, None));
    let lines = folded(chain);
    assert_eq!(lines.fits(&line(5_000, Some(0), 9, None)), Err(Refusal::Circle { on: july(9) }));
    assert_eq!(lines.fits(&line(6_000, Some(0), 9, None)), Ok(()));
}

#[test]
fn what_lies_over_a_later_step_overlays_it() {
    let lines = folded([line(1, Some(2), 9, None)]);
    assert!(lines.overlays(&line(1, Some(3), 5, None)));
    assert!(!lines.overlays(&line(1, Some(3), 5, Some(9))));
    assert!(!lines.overlays(&line(1, Some(3), 9, None)));
    assert!(!lines.overlays(&line(3, Some(2), 5, None)));
}

#[test]
fn the_lines_survive_a_snapshot() {
    let lines = folded([line(1, Some(2), 9, Some(12)), line(3, Some(2), 4, None)]);
    let bytes = serde_json::to_vec(&lines).unwrap();
    assert_eq!(serde_json::from_slice::<Reporting>(&bytes).unwrap(), lines);
}

const BOTH: Facts = Facts { person_active: true, manager_active: true };

fn active(events: impl IntoIterator<Item = Event>) -> Given<Reporting> {
    given::<Reporting>(events).knowing(BOTH)
}

fn in_circle(lines: &Reporting, id: u128, day: u32) -> bool {
    let above = |person: &PersonId| lines.manager_at(*person, noon(day));
    std::iter::successors(above(&person(id)), above).take(8).any(|above| above == person(id))
}

fn folded(events: impl IntoIterator<Item = Event>) -> Reporting {
    let mut lines = Reporting::default();
    events.into_iter().for_each(|event| lines.evolve(&event, &at(july(1))));
    lines
}

fn set(id: u128, manager: Option<u128>, until: Option<u32>) -> Command {
    Command::SetManager { person: person(id), manager: manager.map(person), until: until.map(noon) }
}

fn line(id: u128, manager: Option<u128>, from: u32, to: Option<u32>) -> Event {
    Event::ManagerSet { person: person(id), manager: manager.map(person), from: noon(from), to: to.map(noon) }
}

fn person(id: u128) -> PersonId {
    PersonId(Uuid::from_u128(id))
}

fn july(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, day).unwrap()
}

fn noon(day: u32) -> Instant {
    at(july(day)).effective
}
