use super::decide::{Account, Command, Event, Facts, Refusal};
use crate::samples;
use chrono::NaiveDate;
use decider::{Decider, at, given};
use units::{AccountId, Instant, Text};
use uuid::Uuid;

#[test]
fn every_event_has_a_sample_that_reads_back() {
    samples::read_back_unchanged::<Event>("account");
}

#[test]
fn an_account_is_registered_once() {
    given::<Account>([])
        .when(july(1), register(None))
        .then([registered(None, 1)])
        .when(july(2), register(None))
        .refused(Refusal::AlreadyRegistered);
}

#[test]
fn nothing_happens_to_an_account_before_it_is_registered_or_after_it_is_closed() {
    for command in [rename("Muggia"), sector(None, None), belong(None, None)] {
        given::<Account>([]).when(july(4), command.clone()).refused(Refusal::NotRegistered);
        given::<Account>([registered(None, 5)]).when(july(4), command.clone()).refused(Refusal::NotRegistered);
        given::<Account>([registered(None, 5), closed(9)]).when(july(9), command).refused(Refusal::Closed);
    }
    given::<Account>([registered(None, 5)]).when(july(4), Command::Close).refused(Refusal::NotRegistered);
}

#[test]
fn what_holds_already_over_the_whole_range_is_not_said_again() {
    let events = || [registered(Some(2), 1), closed(20)];
    given::<Account>(events()).when(july(5), rename("Trieste")).then([]);
    given::<Account>(events()).when(july(5), sector(None, Some(9))).then([]);
    given::<Account>(events()).when(july(5), belong(Some(2), None)).then([]);
    given::<Account>(events()).when(july(20), Command::Close).then([]);
    given::<Account>(events()).when(july(19), Command::Close).then([closed(19)]);
}

#[test]
fn a_range_must_end_after_it_begins() {
    given::<Account>([registered(None, 1)]).when(july(5), sector(None, Some(5))).refused(Refusal::EndsBeforeItBegins);
    given::<Account>([registered(None, 1)]).when(july(5), belong(None, Some(4))).refused(Refusal::EndsBeforeItBegins);
}

#[test]
fn a_parent_is_a_known_account_that_does_not_belong_to_this_one() {
    let cases = [
        (2, false, vec![], Some(Refusal::UnknownParent)),
        (1, true, vec![1], Some(Refusal::OwnParent)),
        (2, true, vec![2, 1], Some(Refusal::Circle)),
        (2, true, vec![2, 3, 1, 4], Some(Refusal::Circle)),
        (2, true, vec![2, 3], None),
    ];
    for (parent, parent_known, above, refusal) in cases {
        let facts =
            Facts { parent_known, ancestors: above.into_iter().map(account).collect(), itself: Some(account(1)) };
        let moving =
            given::<Account>([registered(None, 1)]).knowing(facts.clone()).when(july(5), belong(Some(parent), None));
        let registering = given::<Account>([]).knowing(facts).when(july(5), register(Some(parent)));
        match refusal {
            Some(refusal) => (moving.refused(refusal.clone()), registering.refused(refusal)),
            None => (moving.then([belonging(Some(parent), 5, None)]), registering.then([registered(Some(parent), 5)])),
        };
    }
}

#[test]
fn an_account_belongs_to_none_without_asking_for_facts() {
    given::<Account>([registered(Some(2), 1)]).when(july(5), belong(None, Some(9))).then([belonging(None, 5, Some(9))]);
}

#[test]
fn an_account_is_read_as_it_is_at_an_instant() {
    let account_then = folded([registered(Some(2), 1), belonging(Some(3), 5, Some(9)), closed(20)]);
    assert_eq!([1, 5, 9, 25].map(|day| account_then.parent_at(noon(day))), [2, 3, 2, 2].map(|id| Some(account(id))));
    assert_eq!([1, 19, 20].map(|day| account_then.active_at(noon(day))), [true, true, false]);
    assert_eq!(account_then.instants(), [1, 5, 9, 20].map(noon));
}

#[test]
fn what_lies_over_a_later_step_overlays_it() {
    let renamed = Event::Renamed { name: text("Muggia"), from: noon(10) };
    let said = Event::SectorChanged { sector: Some(text("Ports")), from: noon(10), to: None };
    let state = folded([registered(Some(2), 1), belonging(None, 10, None), renamed, said, closed(20)]);
    let cases = [
        (belonging(Some(3), 5, None), true),
        (belonging(Some(3), 5, Some(10)), false),
        (Event::Renamed { name: text("Koper"), from: noon(5) }, true),
        (Event::Renamed { name: text("Koper"), from: noon(10) }, false),
        (Event::SectorChanged { sector: None, from: noon(5), to: None }, true),
        (closed(19), true),
        (registered(None, 1), false),
    ];
    for (event, overlays) in cases {
        assert_eq!(state.overlays(&event), overlays, "{event:?}");
    }
}

fn folded(events: impl IntoIterator<Item = Event>) -> Account {
    let mut state = Account::default();
    events.into_iter().for_each(|event| state.evolve(&event, &at(july(1))));
    state
}

fn register(parent: Option<u128>) -> Command {
    Command::Register { name: text("Trieste"), parent: parent.map(account), sector: None, external_id: None }
}

fn registered(parent: Option<u128>, day: u32) -> Event {
    Event::Registered {
        name: text("Trieste"),
        parent: parent.map(account),
        sector: None,
        external_id: None,
        from: noon(day),
    }
}

fn rename(name: &str) -> Command {
    Command::Rename { name: text(name) }
}

fn sector(sector: Option<&str>, until: Option<u32>) -> Command {
    Command::ChangeSector { sector: sector.map(text), until: until.map(noon) }
}

fn belong(parent: Option<u128>, until: Option<u32>) -> Command {
    Command::ChangeParent { parent: parent.map(account), until: until.map(noon) }
}

fn belonging(parent: Option<u128>, from: u32, to: Option<u32>) -> Event {
    Event::ParentChanged { parent: parent.map(account), from: noon(from), to: to.map(noon) }
}

fn closed(day: u32) -> Event {
    Event::Closed { from: noon(day) }
}

fn text(written: &str) -> Text {
    Text::new(written).unwrap()
}

fn account(id: u128) -> AccountId {
    AccountId(Uuid::from_u128(id))
}

fn july(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 7, day).unwrap()
}

fn noon(day: u32) -> Instant {
    at(july(day)).effective
}
