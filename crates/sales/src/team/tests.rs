use super::decide::{Command, Event, LEVELS_MAX, Refusal, Teams};
use crate::samples;
use chrono::NaiveDate;
use decider::{Decider, at, given};
use units::{Instant, TeamId, Text};
use uuid::Uuid;

#[test]
fn every_event_has_a_sample_that_reads_back() {
    samples::read_back_unchanged::<Event>("team");
}

#[test]
fn a_team_is_formed_once_under_a_team_that_stands() {
    given::<Teams>([])
        .when(july(1), form(1, "EMEA", None))
        .then([formed(1, "EMEA", None, 1)])
        .when(july(2), form(1, "EMEA", None))
        .refused(Refusal::AlreadyFormed)
        .when(july(2), form(2, "Nordics", Some(1)))
        .then([formed(2, "Nordics", Some(1), 2)])
        .when(july(2), form(3, "Baltics", Some(9)))
        .refused(Refusal::UnknownParent);
    given::<Teams>([formed(1, "EMEA", None, 5)])
        .when(july(4), form(2, "Nordics", Some(1)))
        .refused(Refusal::UnknownParent);
}

#[test]
fn nothing_happens_to_a_team_before_it_is_formed_or_after_it_is_disbanded() {
    let events = [formed(1, "EMEA", None, 5), formed(2, "Nordics", Some(1), 5), disbanded(2, 20)];
    for command in [rename(2, "Norden"), move_to(2, None, None)] {
        given::<Teams>(events.clone()).when(july(4), command.clone()).refused(Refusal::NotFormed);
        given::<Teams>(events.clone()).when(july(20), command).refused(Refusal::Disbanded);
    }
    given::<Teams>(events).when(july(4), Command::Disband { team: team(2) }).refused(Refusal::NotFormed);
    given::<Teams>([]).when(july(4), rename(2, "Norden")).refused(Refusal::NotFormed);
}

#[test]
fn what_holds_already_over_the_whole_range_is_not_said_again() {
    let events = [formed(1, "EMEA", None, 1), formed(2, "Nordics", Some(1), 1), disbanded(2, 20)];
    given::<Teams>(events.clone()).when(july(4), rename(2, "Nordics")).then([]);
    given::<Teams>(events.clone()).when(july(4), move_to(2, Some(1), None)).then([]);
    given::<Teams>(events.clone()).when(july(25), Command::Disband { team: team(2) }).then([]);
    given::<Teams>(events).when(july(19), Command::Disband { team: team(2) }).then([disbanded(2, 19)]);
}

#[test]
fn a_team_with_teams_below_is_not_disbanded_now_or_while_some_are_to_come() {
    let disband = Command::Disband { team: team(1) };
    let tree = [formed(1, "EMEA", None, 1), formed(2, "Nordics", Some(1), 10)];
    given::<Teams>(tree.clone()).when(july(5), disband.clone()).refused(Refusal::HasTeamsBelow);
    given::<Teams>(tree.clone()).when(july(12), disband.clone()).refused(Refusal::HasTeamsBelow);
    let away = tree.clone().into_iter().chain([moved(2, None, 12, Some(20))]);
    given::<Teams>(away).when(july(13), disband.clone()).refused(Refusal::HasTeamsBelow);
    given::<Teams>(tree.into_iter().chain([disbanded(2, 20)])).when(july(20), disband).then([disbanded(1, 20)]);
}

#[test]
fn a_parent_stands_for_as_long_as_its_teams_are_to_stand_under_it() {
    let events = [formed(1, "EMEA", None, 1), formed(2, "Nordics", None, 1), disbanded(1, 20)];
    let gone = Refusal::ParentDisbanded { on: july(20) };
    given::<Teams>(events.clone()).when(july(5), form(3, "Baltics", Some(1))).refused(gone.clone());
    given::<Teams>(events.clone()).when(july(5), move_to(2, Some(1), None)).refused(gone);
    given::<Teams>(events.clone()).when(july(5), move_to(2, Some(1), Some(20))).then([moved(2, Some(1), 5, Some(20))]);
    given::<Teams>(events).when(july(20), move_to(2, Some(1), None)).refused(Refusal::UnknownParent);
}

#[test]
fn a_circle_is_refused_at_whatever_instant_it_would_close() {
    let tree = [formed(1, "A", None, 1), formed(2, "B", Some(1), 1), formed(3, "C", Some(2), 1)];
    given::<Teams>(tree.clone()).when(july(5), move_to(1, Some(1), None)).refused(Refusal::Circle { on: july(5) });
    given::<Teams>(tree.clone()).when(july(5), move_to(1, Some(3), None)).refused(Refusal::Circle { on: july(5) });
    let later = tree.into_iter().chain([moved(3, None, 4, Some(9))]);
    given::<Teams>(later.clone()).when(july(5), move_to(1, Some(3), None)).refused(Refusal::Circle { on: july(9) });
    given::<Teams>(later).when(july(5), move_to(1, Some(3), Some(9))).then([moved(1, Some(3), 5, Some(9))]);
}

#[test]
fn a_move_ends_after_it_begins() {
    given::<Teams>([formed(1, "A", None, 1)])
        .when(july(5), move_to(1, None, Some(5)))
        .refused(Refusal::EndsBeforeItBegins);
}

#[test]
fn the_tree_has_at_most_sixteen_levels_whatever_is_moved() {
    let deepest = u128::try_from(LEVELS_MAX).unwrap();
    let chain: Vec<_> =
        (1..=deepest).map(|id| formed(id, &format!("T{id}"), Some(id - 1).filter(|id| *id > 0), 1)).collect();
    given::<Teams>(chain.clone()).when(july(5), form(50, "below", Some(deepest))).refused(Refusal::TooDeep);
    given::<Teams>(chain.clone()).when(july(5), form(50, "beside", Some(deepest - 1))).then([formed(
        50,
        "beside",
        Some(deepest - 1),
        5,
    )]);
    let with_pair = || chain.iter().cloned().chain([formed(50, "P", None, 1), formed(51, "Q", Some(50), 10)]);
    given::<Teams>(with_pair()).when(july(5), move_to(50, Some(deepest - 1), None)).refused(Refusal::TooDeep);
    given::<Teams>(with_pair()).when(july(5), move_to(50, Some(deepest - 1), Some(10))).then([moved(
        50,
        Some(deepest - 1),
        5,
        Some(10),
    )]);
    given::<Teams>(with_pair()).when(july(5), move_to(50, Some(deepest - 2), None)).then([moved(
        50,
        Some(deepest - 2),
        5,
        None,
    )]);
}

#[test]
fn teams_under_one_parent_have_different_names_whatever_their_case() {
    let tree =
        || [formed(1, "EMEA", None, 1), formed(2, "Nordics", Some(1), 1), formed(3, "Baltics", Some(1), 1)].into_iter();
    let taken = |written: &str| Refusal::NameTaken { name: text(written) };
    given::<Teams>(tree()).when(july(5), form(4, "nordics", Some(1))).refused(taken("nordics"));
    given::<Teams>(tree()).when(july(5), form(4, "Nordics", None)).then([formed(4, "Nordics", None, 5)]);
    given::<Teams>(tree()).when(july(5), form(4, "emea", None)).refused(taken("emea"));
    given::<Teams>(tree()).when(july(5), rename(3, "NORDICS")).refused(taken("NORDICS"));
    given::<Teams>(tree()).when(july(5), rename(2, "NORDICS")).then([renamed(2, "NORDICS", 5)]);
    given::<Teams>(tree().chain([disbanded(2, 5)]))
        .when(july(5), rename(3, "Nordics"))
        .then([renamed(3, "Nordics", 5)]);
    given::<Teams>(tree().chain([renamed(2, "North", 9)]))
        .when(july(5), form(4, "north", Some(1)))
        .refused(taken("north"));
    given::<Teams>(tree().chain([formed(4, "Nordics", None, 5)]))
        .when(july(6), move_to(4, Some(1), None))
        .refused(taken("Nordics"));
}

#[test]
fn the_tree_is_read_as_it_stands_at_an_instant() {
    let tree =
        [formed(1, "A", None, 1), formed(2, "B", None, 1), formed(3, "C", Some(1), 1), formed(4, "D", Some(3), 5)];
    let teams = folded(tree.into_iter().chain([moved(3, Some(2), 10, Some(20)), disbanded(4, 25)]));
    assert_eq!(
        [4, 5, 10, 20, 25].map(|day| teams.root_of(team(4), noon(day))),
        [None, Some(1), Some(2), Some(1), None].map(|id| id.map(team))
    );
    assert_eq!(teams.path_at(team(4), noon(10)), [4, 3, 2].map(team));
    assert_eq!(teams.children_at(None, noon(10)), [1, 2].map(team));
    assert_eq!(teams.children_at(Some(team(2)), noon(10)), [team(3)]);
    assert_eq!(teams.parent_at(team(4), noon(25)), None);
    assert_eq!(teams.instants(), [1, 5, 10, 20, 25].map(noon));
    assert_eq!(teams.iter().count(), 4);
    assert!(teams.get(team(4)).is_some() && teams.get(team(9)).is_none());
}

#[test]
fn what_lies_over_a_later_step_overlays_it() {
    let tree = [
        formed(1, "A", None, 1),
        formed(2, "B", None, 1),
        moved(2, Some(1), 10, None),
        renamed(2, "C", 10),
        disbanded(2, 20),
    ];
    let teams = folded(tree);
    assert!(teams.overlays(&moved(2, Some(1), 5, None)) && !teams.overlays(&moved(2, Some(1), 5, Some(10))));
    assert!(teams.overlays(&renamed(2, "E", 5)) && !teams.overlays(&renamed(2, "E", 10)));
    assert!(teams.overlays(&disbanded(2, 19)) && !teams.overlays(&disbanded(1, 19)));
    assert!(!teams.overlays(&formed(7, "F", None, 1)));
}

#[test]
fn the_tree_survives_a_snapshot() {
    let teams =
        folded([formed(1, "A", None, 1), formed(2, "B", Some(1), 1), moved(2, None, 5, Some(9)), disbanded(2, 20)]);
    let bytes = serde_json::to_vec(&teams).unwrap();
    assert_eq!(serde_json::from_slice::<Teams>(&bytes).unwrap(), teams);
}

fn folded(events: impl IntoIterator<Item = Event>) -> Teams {
    let mut teams = Teams::default();
    events.into_iter().for_each(|event| teams.evolve(&event, &at(july(1))));
    teams
}

fn form(id: u128, name: &str, parent: Option<u128>) -> Command {
    Command::Form { team: team(id), name: text(name), parent: parent.map(team), external_id: None }
}

fn formed(id: u128, name: &str, parent: Option<u128>, day: u32) -> Event {
    Event::Formed { team: team(id), name: text(name), parent: parent.map(team), external_id: None, from: noon(day) }
}

fn rename(id: u128, name: &str) -> Command {
    Command::Rename { team: team(id), name: text(name) }
}

fn renamed(id: u128, name: &str, day: u32) -> Event {
    Event::Renamed { team: team(id), name: text(name), from: noon(day) }
}

fn move_to(id: u128, parent: Option<u128>, until: Option<u32>) -> Command {
    Command::Move { team: team(id), parent: parent.map(team), until: until.map(noon) }
}

fn moved(id: u128, parent: Option<u128>, from: u32, to: Option<u32>) -> Event {
    Event::Moved { team: team(id), parent: parent.map(team), from: noon(from), to: to.map(noon) }
}

fn disbanded(id: u128, day: u32) -> Event {
    Event::Disbanded { team: team(id), from: noon(day) }
}

fn text(written: &str) -> Text {
    Text::new(written).unwrap()
}

fn team(id: u128) -> TeamId {
    TeamId(Uuid::from_u128(id))
}

fn july(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, day).unwrap()
}

fn noon(day: u32) -> Instant {
    at(july(day)).effective
}
