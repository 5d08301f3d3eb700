use super::decide::{Command, Event, Facts, Person, Refusal, Role};
use crate::samples;
use chrono::NaiveDate;
use decider::{At, Decider, Given, at, given};
use units::{Instant, Personal, TeamId, Text};
use uuid::Uuid;

#[test]
fn every_event_has_a_sample_that_reads_back() {
    samples::read_back_unchanged::<Event>("person");
}

#[test]
fn a_person_is_hired_once() {
    given::<Person>([])
        .when(july(1), hire(None))
        .then([hired(1)])
        .when(july(2), hire(None))
        .refused(Refusal::AlreadyHired);
}

#[test]
fn a_hire_into_a_team_needs_the_team() {
    given::<Person>([]).when(july(1), hire(Some(team(1)))).refused(Refusal::UnknownTeam);
    let event = Event::Hired {
        name: name("Ada"),
        email: None,
        role: Role::Rep,
        team: Some(team(1)),
        external_id: None,
        from: noon(1),
    };
    given::<Person>([]).knowing(Facts { team_known: true }).when(july(1), hire(Some(team(1)))).then([event]);
}

#[test]
fn nothing_happens_to_a_person_before_the_hire() {
    for command in every_command_but_hire() {
        given::<Person>([]).when(july(1), command.clone()).refused(Refusal::NotHired);
        given::<Person>([hired(5)]).when(july(4), command).refused(Refusal::NotHired);
    }
}

#[test]
fn what_holds_already_over_the_whole_range_is_not_said_again() {
    given::<Person>([hired(1)]).when(july(2), Command::Rename { name: name("Ada") }).then([]);
    given::<Person>([hired(1)]).when(july(2), Command::ChangeEmail { email: None }).then([]);
    given::<Person>([hired(1)]).when(july(2), assign(Role::Rep, Some(20))).then([]);
    given::<Person>([hired(1)]).when(july(2), join(None, None)).then([]);
    given::<Person>([hired(1)]).when(july(2), Command::EndLeave).then([]);
    given::<Person>([hired(1)]).when(july(2), Command::Rehire).then([]);
    given::<Person>([hired(1), departed(9)]).when(july(20), depart()).then([]);
    known([hired(1)])
        .when(july(2), join(Some(1), None))
        .then([joined(1, 2, None)])
        .when(july(3), join(Some(1), None))
        .then([]);
}

#[test]
fn what_holds_only_over_a_part_of_the_range_is_said() {
    let acting = assigned(Role::Manager, 10, Some(20));
    given::<Person>([hired(1), acting.clone()]).when(july(2), assign(Role::Rep, Some(10))).then([]);
    given::<Person>([hired(1), acting]).when(july(2), assign(Role::Rep, None)).then([assigned(Role::Rep, 2, None)]);
}

#[test]
fn a_role_for_a_time_gives_way_to_the_one_before_it() {
    let ada = folded([hired(1), assigned(Role::Manager, 10, Some(20))]);
    assert_eq!(ada.role_at(noon(9)), Some(Role::Rep));
    assert_eq!(ada.role_at(noon(10)), Some(Role::Manager));
    assert_eq!(ada.role_at(noon(20)), Some(Role::Rep));
    assert_eq!(ada.instants(), [noon(1), noon(10), noon(20)]);
}

#[test]
fn a_range_must_end_after_it_begins() {
    given::<Person>([hired(1)]).when(july(9), assign(Role::Rep, Some(9))).refused(Refusal::EndsBeforeItBegins);
    known([hired(1)]).when(july(9), join(Some(1), Some(8))).refused(Refusal::EndsBeforeItBegins);
    given::<Person>([hired(1)]).when(july(9), leave(Some(8))).refused(Refusal::EndsBeforeItBegins);
}

#[test]
fn a_team_must_be_there_to_be_joined_but_not_to_be_left() {
    given::<Person>([hired(1)]).when(july(2), join(Some(1), None)).refused(Refusal::UnknownTeam);
    given::<Person>([hired(1), joined(1, 2, None)])
        .when(july(3), join(None, Some(20)))
        .then([Event::TeamLeft { from: noon(3), to: Some(noon(20)) }]);
}

#[test]
fn a_departure_may_lie_in_the_future_and_until_then_all_goes_on() {
    let leaving = given::<Person>([hired(1)]).when(july(20), depart()).then([departed(20)]);
    leaving
        .when(july(10), assign(Role::Manager, None))
        .then([assigned(Role::Manager, 10, None)])
        .when(july(20), assign(Role::Leader, None))
        .refused(Refusal::HasLeft);
}

#[test]
fn who_has_left_gets_no_role_team_or_leave_but_may_be_renamed() {
    for command in [assign(Role::Rep, None), join(Some(1), None), leave(None)] {
        known([hired(1), departed(9)]).when(july(9), command).refused(Refusal::HasLeft);
    }
    let rename = Command::Rename { name: name("Ada King") };
    given::<Person>([hired(1), departed(9)])
        .when(july(10), rename)
        .then([Event::Renamed { name: name("Ada King"), from: noon(10) }]);
    given::<Person>([hired(1), joined(1, 2, None), departed(9)]).when(july(10), join(None, None)).then([]);
}

#[test]
fn a_departed_person_keeps_the_history_and_has_no_role_since() {
    let ada = folded([hired(1), joined(1, 2, None), started(5, None), departed(9)]);
    assert!(ada.active_at(noon(8)) && !ada.active_at(noon(9)));
    assert_eq!((ada.role_at(noon(8)), ada.role_at(noon(9))), (Some(Role::Rep), None));
    assert_eq!((ada.team_at(noon(8)), ada.team_at(noon(9))), (Some(team(1)), None));
    assert_eq!((ada.leave_at(noon(8)).is_some(), ada.leave_at(noon(9))), (true, None));
    assert_eq!(ada.name.at(noon(20)), Some(&name("Ada")));
    assert_eq!(ada.hired_at(), Some(noon(1)));
}

#[test]
fn a_departure_is_not_said_differently_later() {
    let regretted = Command::Depart { voluntary: Some(true), regretted: Some(true) };
    given::<Person>([hired(1), departed(9)]).when(july(10), regretted).refused(Refusal::AlreadyLeft);
}

#[test]
fn who_comes_back_has_the_role_last_held_no_team_and_no_leave() {
    let events = [hired(1), joined(1, 2, None), started(5, None), departed(9)];
    given::<Person>(events.clone()).when(july(8), Command::Rehire).refused(Refusal::NotLeft);
    given::<Person>(events.clone()).when(july(20), Command::Rehire).then([Event::Rehired { from: noon(20) }]);
    let ada = folded(events.into_iter().chain([Event::Rehired { from: noon(20) }]));
    assert_eq!((ada.active_at(noon(19)), ada.active_at(noon(20))), (false, true));
    assert_eq!((ada.role_at(noon(20)), ada.team_at(noon(20)), ada.leave_at(noon(20))), (Some(Role::Rep), None, None));
}

#[test]
fn ending_a_leave_leaves_a_later_one_alone() {
    let ended = Event::LeaveEnded { from: noon(8), to: Some(noon(10)) };
    given::<Person>([hired(1), started(5, Some(10)), started(20, Some(25))])
        .when(july(8), Command::EndLeave)
        .then([ended.clone()])
        .when(july(8), Command::EndLeave)
        .then([])
        .when(july(22), Command::EndLeave)
        .then([Event::LeaveEnded { from: noon(22), to: Some(noon(25)) }]);
    let ada = folded([hired(1), started(5, Some(10)), started(20, Some(25)), ended]);
    assert_eq!([7, 8, 9, 22].map(|day| ada.leave_at(noon(day)).is_some()), [true, false, false, true]);
}

#[test]
fn a_leave_is_prolonged_by_saying_so() {
    given::<Person>([hired(1), started(5, Some(10))]).when(july(5), leave(Some(20))).then([started(5, Some(20))]);
    given::<Person>([hired(1), started(5, Some(10))]).when(july(6), leave(Some(9))).then([]);
}

#[test]
fn what_lies_over_a_later_step_overlays_it() {
    let ada = folded([hired(1), assigned(Role::Manager, 10, Some(20)), joined(1, 10, None), departed(25)]);
    let cases = [
        (assigned(Role::Leader, 5, None), true),
        (assigned(Role::Leader, 5, Some(10)), false),
        (assigned(Role::Leader, 10, Some(20)), false),
        (assigned(Role::Leader, 12, None), true),
        (joined(2, 5, None), true),
        (Event::TeamLeft { from: noon(10), to: None }, false),
        (started(5, None), false),
        (departed(24), true),
        (Event::Rehired { from: noon(26) }, false),
        (Event::Renamed { name: name("Ada King"), from: noon(3) }, false),
    ];
    for (event, overlays) in cases {
        assert_eq!(ada.overlays(&event), overlays, "{event:?}");
    }
}

#[test]
fn an_event_no_longer_fits_once_the_hire_is_later_than_it() {
    let ada = folded([hired(15)]);
    assert_eq!(ada.fits(&assigned(Role::Manager, 10, None)), Err(Refusal::NotHired));
    assert_eq!(ada.fits(&hired(3)), Err(Refusal::AlreadyHired));
    assert_eq!(ada.fits(&assigned(Role::Manager, 15, None)), Ok(()));
}

fn every_command_but_hire() -> Vec<Command> {
    vec![
        Command::Rename { name: name("Ada King") },
        Command::ChangeEmail { email: None },
        assign(Role::Rep, None),
        join(None, None),
        leave(None),
        Command::EndLeave,
        depart(),
        Command::Rehire,
    ]
}

fn known(events: impl IntoIterator<Item = Event>) -> Given<Person> {
    given::<Person>(events).knowing(Facts { team_known: true })
}

fn folded(events: impl IntoIterator<Item = Event>) -> Person {
    let mut person = Person::default();
    events.into_iter().for_each(|event| person.evolve(&event, &moment(1)));
    person
}

fn hire(team: Option<TeamId>) -> Command {
    Command::Hire { name: name("Ada"), email: None, role: Role::Rep, team, external_id: None }
}

fn hired(day: u32) -> Event {
    Event::Hired { name: name("Ada"), email: None, role: Role::Rep, team: None, external_id: None, from: noon(day) }
}

fn assign(role: Role, until: Option<u32>) -> Command {
    Command::AssignRole { role, until: until.map(noon) }
}

fn assigned(role: Role, from: u32, to: Option<u32>) -> Event {
    Event::RoleAssigned { role, from: noon(from), to: to.map(noon) }
}

fn join(id: Option<u128>, until: Option<u32>) -> Command {
    Command::JoinTeam { team: id.map(team), until: until.map(noon) }
}

fn joined(id: u128, from: u32, to: Option<u32>) -> Event {
    Event::TeamJoined { team: team(id), from: noon(from), to: to.map(noon) }
}

fn leave(until: Option<u32>) -> Command {
    Command::StartLeave { until: until.map(noon), reason: None }
}

fn started(from: u32, to: Option<u32>) -> Event {
    Event::LeaveStarted { reason: None, from: noon(from), to: to.map(noon) }
}

fn depart() -> Command {
    Command::Depart { voluntary: None, regretted: None }
}

fn departed(day: u32) -> Event {
    Event::Departed { voluntary: None, regretted: None, from: noon(day) }
}

fn name(written: &str) -> Personal<Text> {
    Personal(Text::new(written).unwrap())
}

fn team(id: u128) -> TeamId {
    TeamId(Uuid::from_u128(id))
}

fn july(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, day).unwrap()
}

fn moment(day: u32) -> At {
    at(july(day))
}

fn noon(day: u32) -> Instant {
    moment(day).effective
}
