//! What the engine promises, one claim a test.

use super::{
    bench::{Bench, OPEN, say, withdraw},
    hour,
    toys::{Ask, No, Plan, Planned, TOYS, Told, bargain, roster},
};
use crate::{
    envelope::{Source, StreamRef},
    refusal::Rejection,
    submission::{Receipt, Submission},
};
use chrono::{NaiveDate, TimeDelta};
use units::{Instant, Position, Zone};

const DEAL: u8 = 1;

fn ask(command_id: u128, ask: Ask) -> Submission {
    say(command_id, bargain(DEAL), ask)
}

fn plan(command_id: u128, plan: Plan) -> Submission {
    say(command_id, roster(0), plan)
}

fn day(month: u32, day: u32) -> Instant {
    Zone::UTC.first_instant(NaiveDate::from_ymd_opt(2026, month, day).unwrap())
}

/// A bench on which a bargain was opened for 100 at hour 1, at position 1.
fn opened() -> Bench {
    let mut bench = Bench::new();
    bench.one(hour(1), ask(1, Ask::Open { amount: 100 })).unwrap();
    bench
}

/// The rows of a table as text, in the order in which they became known.
fn rows(bench: &Bench, table: &str, instant: impl Fn(Instant) -> String, columns: &[&str]) -> Vec<String> {
    let mut rows: Vec<_> = bench.tables.0.get(table).into_iter().flatten().collect();
    rows.sort_by_key(|row| (row.recorded_from, row.valid_from));
    let position = |position: i64| if position == OPEN { "oo".to_owned() } else { position.to_string() };
    let shown = rows.into_iter().map(|row| {
        let to = row.valid_to.map_or("oo".to_owned(), &instant);
        let (closed_at, recorded_to) = (position(row.closed_at), position(row.recorded_to));
        let mut cells = vec![instant(row.valid_from), to, row.recorded_from.to_string(), closed_at, recorded_to];
        cells.extend(columns.iter().map(|column| row.row[*column].to_string().trim_matches('"').to_owned()));
        cells.join(" ")
    });
    shown.collect()
}

fn hourly(bench: &Bench) -> Vec<String> {
    let number = |instant: Instant| (instant - hour(0)).num_hours().to_string();
    rows(bench, "bargain_history", number, &["stage", "amount"])
}

fn refused(answer: Result<Receipt, Rejection>) -> No {
    match answer {
        Err(Rejection::Refused(refusal)) => *(*refusal).as_any().downcast_ref().unwrap(),
        other => panic!("not refused: {other:?}"),
    }
}

fn no_longer_fits(answer: Result<Receipt, Rejection>) -> (i64, No) {
    match answer {
        Err(Rejection::NoLongerFits { position, refusal }) => {
            (position.0, *(*refusal).as_any().downcast_ref().unwrap())
        }
        other => panic!("not refused for what follows: {other:?}"),
    }
}

fn said(log: &Bench) -> Vec<&str> {
    log.events.iter().map(|event| event.event_type.as_str()).collect()
}

#[test]
fn the_example_of_the_design_is_written_row_for_row() {
    let commands = || {
        [
            ask(1, Ask::Open { amount: 100 }).at(day(1, 5)),
            ask(2, Ask::Stage(2)).at(day(2, 1)),
            ask(3, Ask::Amount(120)).at(day(2, 1)),
            ask(4, Ask::Win(Some(120))).at(day(4, 2)),
            ask(5, Ask::Win(Some(150))).at(day(3, 31)).replacing(4),
            withdraw(6, bargain(DEAL), 3),
        ]
    };
    let expected = [
        "05 Jan 01 Feb 1 2 oo S1 100",
        "01 Feb oo 2 oo 3 S2 100",
        "01 Feb 02 Apr 3 4 5 S2 120",
        "02 Apr oo 4 oo 5 won 120",
        "01 Feb 31 Mar 5 5 6 S2 120",
        "31 Mar oo 5 oo oo won 150",
        "01 Feb 31 Mar 6 6 oo S2 100",
    ];
    let date = |instant: Instant| instant.format("%d %b").to_string();
    let shown = |bench: &Bench| rows(bench, "bargain_history", date, &["stage", "amount"]);
    let mut in_six_batches = Bench::new();
    for command in commands() {
        in_six_batches.one(day(6, 1), command).unwrap();
    }
    assert_eq!(shown(&in_six_batches), expected);
    let mut in_one_batch = Bench::new();
    assert!(in_one_batch.batch(day(6, 1), &commands()).iter().all(Result::is_ok));
    assert_eq!(shown(&in_one_batch), expected);
}

#[test]
fn the_events_of_one_command_share_a_row_known_from_the_last_of_them() {
    let mut bench = opened();
    let receipt = bench.one(hour(5), ask(2, Ask::Revise(2, 120))).unwrap();
    assert_eq!((receipt.first, receipt.last, receipt.version), (Some(Position(2)), Position(3), 3));
    assert_eq!(hourly(&bench), ["1 5 1 3 oo S1 100", "5 oo 3 oo oo S2 120"]);
}

#[test]
fn a_later_command_at_the_same_instant_ends_the_row_in_recorded_time() {
    let mut bench = opened();
    bench.batch(hour(9), &[ask(2, Ask::Stage(2)).at(hour(5)), ask(3, Ask::Amount(120)).at(hour(5))]);
    assert_eq!(hourly(&bench), ["1 5 1 2 oo S1 100", "5 oo 2 oo 3 S2 100", "5 oo 3 oo oo S2 120"]);
}

#[test]
fn what_opens_and_closes_at_one_instant_is_seen_once() {
    let mut bench = Bench::new();
    bench.one(hour(9), ask(1, Ask::Open { amount: 100 }).at(hour(3))).unwrap();
    bench.one(hour(9), ask(2, Ask::Win(None)).at(hour(3))).unwrap();
    assert_eq!(hourly(&bench), ["3 oo 1 oo 2 S1 100", "3 oo 2 oo oo won 100"]);
    let seen = |known| bench.tables.0["bargain_history"].iter().filter(|row| row.visible(hour(4), known)).count();
    assert_eq!((seen(0), seen(1), seen(2)), (0, 1, 1));
}

#[test]
fn what_goes_back_to_what_it_was_is_one_row_again() {
    let mut bench = opened();
    bench.one(hour(5), ask(2, Ask::Amount(120))).unwrap();
    bench.one(hour(6), withdraw(3, bargain(DEAL), 2)).unwrap();
    assert_eq!(hourly(&bench), ["1 5 1 2 3 S1 100", "5 oo 2 oo 3 S1 120", "1 oo 3 oo oo S1 100"]);
}

#[test]
fn a_withdrawal_withdrawn_lets_the_event_stand_again() {
    let mut bench = opened();
    bench.one(hour(5), ask(2, Ask::Amount(120))).unwrap();
    bench.one(hour(6), withdraw(3, bargain(DEAL), 2)).unwrap();
    assert_eq!(bench.one(hour(6), withdraw(4, bargain(DEAL), 2)).unwrap().first, None, "it is withdrawn already");
    bench.one(hour(7), withdraw(5, bargain(DEAL), 3)).unwrap();
    assert_eq!(hourly(&bench)[2..], ["1 5 3 4 oo S1 100", "5 oo 4 oo oo S1 120"]);
    assert_eq!(said(&bench), ["bargain.opened", "bargain.priced", "withdrawn", "withdrawn"]);
}

#[test]
fn a_replacement_that_says_no_instant_keeps_that_of_what_it_replaces() {
    let mut bench = opened();
    bench.one(hour(5), ask(2, Ask::Amount(120))).unwrap();
    bench.one(hour(9), ask(3, Ask::Amount(130)).replacing(2)).unwrap();
    assert_eq!(hourly(&bench)[2..], ["5 oo 3 oo oo S1 130"]);
    bench.one(hour(9), ask(4, Ask::Amount(130)).at(hour(7)).replacing(3)).unwrap();
    bench.one(hour(9), ask(5, Ask::Amount(140)).replacing(4)).unwrap();
    assert_eq!(hourly(&bench).last().unwrap(), "7 oo 5 oo oo S1 140");
    let unknown = bench.one(hour(9), ask(6, Ask::Amount(150)).replacing(9));
    assert!(matches!(unknown, Err(Rejection::NotStanding { withdrawing: false, .. })), "{unknown:?}");
    let unknown = bench.one(hour(9), withdraw(7, bargain(DEAL), 9));
    assert!(matches!(unknown, Err(Rejection::NotStanding { withdrawing: true, .. })), "{unknown:?}");
}

#[test]
fn what_was_replaced_cannot_be_replaced_again() {
    let mut bench = opened();
    bench.one(hour(5), ask(2, Ask::Amount(120))).unwrap();
    bench.one(hour(6), ask(3, Ask::Amount(130)).at(hour(5)).replacing(2)).unwrap();
    let again = bench.one(hour(7), ask(4, Ask::Amount(140)).at(hour(5)).replacing(2));
    assert!(matches!(again, Err(Rejection::NotStanding { position: Position(2), .. })), "{again:?}");
    bench.one(hour(7), ask(5, Ask::Amount(140)).at(hour(5)).replacing(3)).unwrap();
    let nothing = bench.one(hour(8), ask(6, Ask::Amount(100)).at(hour(5)).replacing(4));
    assert!(matches!(nothing, Err(Rejection::NothingInItsPlace { position: Position(4) })), "{nothing:?}");
    assert_eq!(hourly(&bench).last().unwrap(), "5 oo 4 oo oo S1 140");
}

#[test]
fn a_command_said_twice_is_taken_down_once() {
    let mut bench = opened();
    let twice = || [ask(2, Ask::Stage(2)), ask(2, Ask::Stage(2)), ask(2, Ask::Stage(3))];
    for _ in 0..2 {
        let answers = bench.batch(hour(5), &twice());
        assert_eq!(answers[0].as_ref().unwrap().first, Some(Position(2)));
        assert_eq!(answers[1].as_ref().unwrap().first, Some(Position(2)));
        assert!(answers[1].as_ref().unwrap().replayed);
        assert!(matches!(answers[2], Err(Rejection::CommandIdReused)));
    }
    assert_eq!(said(&bench), ["bargain.opened", "bargain.staged"]);
}

#[test]
fn a_command_that_changes_nothing_answers_with_the_head_it_was_decided_on() {
    let mut bench = opened();
    let receipt = bench.one(hour(5), ask(2, Ask::Stage(1))).unwrap();
    assert_eq!((receipt.first, receipt.last, receipt.version), (None, Position(1), 1));
    assert_eq!(bench.events.len(), 1);
}

#[test]
fn a_command_that_expects_another_version_conflicts_even_where_it_would_change_nothing() {
    let mut bench = opened();
    let expecting = |id, version, stage| Submission { expected_version: Some(version), ..ask(id, Ask::Stage(stage)) };
    let answers =
        bench.batch(hour(5), &[expecting(2, 1, 2), expecting(3, 1, 3), expecting(4, 1, 2), expecting(5, 2, 3)]);
    assert!(answers[0].is_ok() && answers[3].is_ok());
    for conflict in &answers[1..3] {
        assert!(matches!(conflict, Err(Rejection::Conflict { expected: 1, actual: 2 })), "{conflict:?}");
    }
}

#[test]
fn what_comes_before_something_later_needs_a_correction() {
    let mut bench = opened();
    bench.one(hour(5), ask(2, Ask::Stage(2))).unwrap();
    let early = bench.one(hour(6), ask(3, Ask::Amount(120)).at(hour(4)));
    assert!(matches!(early, Err(Rejection::NeedsCorrection { effective }) if effective == hour(4)), "{early:?}");
    bench.one(hour(6), ask(4, Ask::Amount(120)).at(hour(5))).unwrap();
    bench.one(hour(6), ask(5, Ask::Amount(110)).at(hour(4)).forgotten()).unwrap();
    let mut import = ask(6, Ask::Amount(105)).at(hour(3));
    import.context.source = Source::Import;
    bench.one(hour(6), import).unwrap();
    let standing: Vec<_> = hourly(&bench).into_iter().filter(|row| row.contains(" oo S")).collect();
    assert_eq!(standing, ["5 oo 3 oo oo S2 120", "4 5 4 4 oo S1 110", "1 3 5 5 oo S1 100", "3 4 5 5 oo S1 105"]);
}

#[test]
fn what_lies_over_a_later_word_of_a_schedule_needs_a_correction() {
    let mut bench = Bench::new();
    let seat = |id, who| plan(id, Plan::Seat { seat: 0, who: Some(who), until: None });
    bench.one(hour(1), seat(1, 1).at(hour(50))).unwrap();
    let over = bench.one(hour(2), seat(2, 2).at(hour(40)));
    assert!(matches!(over, Err(Rejection::NeedsCorrection { .. })), "{over:?}");
    bench.one(hour(2), plan(3, Plan::Seat { seat: 0, who: Some(2), until: Some(hour(50)) }).at(hour(40))).unwrap();
    bench.one(hour(3), seat(4, 3).at(hour(45)).forgotten()).unwrap();
    let number = |instant: Instant| (instant - hour(0)).num_hours().to_string();
    let standing = rows(&bench, "seat_history", number, &["who"]).into_iter().filter(|row| row.contains(" oo "));
    assert_eq!(standing.collect::<Vec<_>>()[1..], ["40 45 3 3 oo 2", "45 oo 3 oo oo 3"]);
}

#[test]
fn progress_is_not_made_in_the_future() {
    let future = opened().one(hour(5), ask(2, Ask::Stage(2)).at(hour(6)));
    assert!(matches!(future, Err(Rejection::EffectiveInFuture { .. })), "{future:?}");
}

#[test]
fn a_correction_names_the_first_event_that_would_no_longer_fit() {
    let mut bench = opened();
    bench.one(hour(2), ask(2, Ask::Stage(2))).unwrap();
    bench.one(hour(3), ask(3, Ask::Amount(600))).unwrap();
    bench.one(hour(4), ask(4, Ask::Amount(700))).unwrap();
    assert_eq!(no_longer_fits(bench.one(hour(5), withdraw(5, bargain(DEAL), 2))), (3, No::DearAndEarly));
    let won_before = bench.one(hour(5), ask(6, Ask::Win(None)).at(hour(2)).forgotten());
    assert_eq!(no_longer_fits(won_before), (3, No::NotOpen));
    assert_eq!(no_longer_fits(bench.one(hour(5), withdraw(7, bargain(DEAL), 1))), (2, No::NotOpen));
    assert_eq!(bench.events.len(), 4);
}

#[test]
fn an_event_is_not_moved_past_those_that_need_it() {
    let mut bench = opened();
    bench.one(hour(2), ask(2, Ask::Stage(2))).unwrap();
    bench.one(hour(3), ask(3, Ask::Amount(600))).unwrap();
    let moved = bench.one(hour(5), ask(4, Ask::Stage(2)).at(hour(4)).replacing(2));
    assert_eq!(no_longer_fits(moved), (3, No::DearAndEarly));
    bench.one(hour(5), ask(5, Ask::Stage(3)).at(hour(3)).replacing(2)).unwrap(); // it keeps its place among equals
}

#[test]
fn a_rule_younger_than_an_event_binds_others_only() {
    let mut bench = opened();
    bench.one(hour(2), ask(2, Ask::Amount(120))).unwrap();
    bench.events[1].payload = serde_json::to_vec(&Told::Priced { amount: 900 }).unwrap(); // once it might be
    bench.one(hour(3), ask(3, Ask::Desk(1))).unwrap();
    bench.one(hour(4), withdraw(4, bargain(DEAL), 3)).unwrap();
    bench.one(hour(4), ask(5, Ask::Open { amount: 110 }).at(hour(1)).replacing(1)).unwrap();
    let again = bench.one(hour(4), ask(6, Ask::Amount(800)).at(hour(2)).replacing(2));
    assert_eq!(refused(again), No::DearAndEarly);
}

#[test]
fn two_commands_that_together_break_a_rule_are_not_both_accepted() {
    let mut bench = Bench::new();
    let hire = |id, seat| plan(id, Plan::Hire { seat, who: 7, rate: 1 });
    let mut answers = bench.batch(hour(1), &[hire(1, 0), hire(2, 1)]);
    assert_eq!(refused(answers.pop().unwrap()), No::SitsElsewhere);
    assert!(answers[0].is_ok());
    assert_eq!(refused(bench.one(hour(1), hire(3, 1))), No::SitsElsewhere);
}

#[test]
fn a_command_sees_those_before_it_in_its_batch() {
    let mut bench = opened();
    let assign = |id| ask(id, Ask::Assign { seat: 0 });
    let hire = plan(3, Plan::Hire { seat: 0, who: 7, rate: 1 }).at(hour(2));
    let mut answers = bench.batch(hour(5), &[assign(2), hire, assign(4)]);
    assert!(answers.remove(2).is_ok());
    assert_eq!(refused(answers.remove(0)), No::NobodyThere);
}

#[test]
fn a_replacement_knows_what_was_known_in_its_place() {
    let mut bench = opened();
    for (command_id, desk, who) in [(2, 0, 1), (3, 1, 2)] {
        let hire = Plan::Hire { seat: 0, who, rate: 1 };
        bench.one(hour(1), say(command_id, roster(desk), hire).at(hour(0))).unwrap();
    }
    let first = bench.head.position.0 + 1;
    bench.one(hour(5), ask(4, Ask::Assign { seat: 0 }).at(hour(2))).unwrap();
    bench.one(hour(5), ask(5, Ask::Desk(1)).at(hour(2))).unwrap();
    // At hour 2 the bargain is at desk 1, but where the assignment stands it was at desk 0 still.
    let again = bench.one(hour(6), ask(6, Ask::Assign { seat: 1 }).at(hour(2)).replacing(first));
    assert_eq!(refused(again), No::NobodyThere);
    let hire = say(7, roster(0), Plan::Hire { seat: 1, who: 3, rate: 1 }).at(hour(0));
    bench.one(hour(6), hire).unwrap();
    bench.one(hour(6), ask(8, Ask::Assign { seat: 1 }).at(hour(2)).replacing(first)).unwrap();
    let told = bench.events.last().unwrap();
    assert_eq!(serde_json::from_slice::<Told>(&told.payload).unwrap(), Told::Assigned { who: 3 });
}

#[test]
fn recorded_at_goes_on_though_the_clock_goes_back() {
    let mut bench = opened();
    bench.one(hour(0), ask(2, Ask::Stage(2))).unwrap();
    bench.batch(hour(1), &[ask(3, Ask::Amount(120)), ask(4, Ask::Amount(130))]);
    let recorded: Vec<_> =
        bench.events.iter().map(|event| (event.recorded_at - hour(1)).num_microseconds().unwrap()).collect();
    assert_eq!(recorded, [0, 1, 2, 3]);
}

#[test]
fn only_a_log_that_began_as_simulated_takes_a_driven_clock() {
    let driven = |id, asked, at| {
        let mut submission = Submission { recorded_at: Some(at), ..ask(id, asked) };
        submission.context.source = Source::Simulated;
        submission
    };
    let mut simulated = Bench::new();
    simulated.one(hour(50), driven(1, Ask::Open { amount: 1 }, hour(2))).unwrap();
    simulated.one(hour(50), driven(2, Ask::Stage(2), hour(3))).unwrap();
    simulated.one(hour(50), driven(3, Ask::Stage(3), hour(1))).unwrap();
    let recorded: Vec<_> = simulated.events.iter().map(|event| event.recorded_at).collect();
    assert_eq!(recorded, [hour(2), hour(3), hour(3) + TimeDelta::microseconds(1)]);
    let by_hand = Submission { recorded_at: Some(hour(4)), ..ask(4, Ask::Stage(2)) };
    assert!(matches!(simulated.one(hour(50), by_hand), Err(Rejection::NotSimulated)));

    let later = opened().one(hour(50), driven(2, Ask::Stage(2), hour(3)));
    assert!(matches!(later, Err(Rejection::NotSimulated)));
    let mut fresh = Bench::new();
    let answers = fresh.batch(hour(1), &[ask(1, Ask::Open { amount: 1 }), driven(2, Ask::Stage(2), hour(3))]);
    assert!(answers[0].is_ok() && matches!(answers[1], Err(Rejection::NotSimulated)), "{answers:?}");
}

#[test]
fn a_snapshot_holds_what_the_events_before_it_said() {
    let mut bench = Bench::new();
    for (command_id, who) in (1..).zip([1, 2, 3, 4]) {
        let seat = plan(command_id, Plan::Seat { seat: 0, who: Some(who), until: None });
        bench.one(hour(1), seat.at(hour(command_id as i64))).unwrap();
    }
    let StreamRef { kind, id } = roster(0);
    let load = |events: &[_]| {
        let mut stream = TOYS.empty(kind, id, Zone::UTC);
        stream.take(events).unwrap();
        stream
    };
    let (full, half) = (load(&bench.events), load(&bench.events[..2]));
    let restored = |tail: &[_]| {
        let mut stream = TOYS.empty(kind, id, Zone::UTC);
        assert!(stream.restore(2, Position(2), &half.snapshot().unwrap()));
        stream.take(tail).unwrap();
        stream
    };
    let mut upon = restored(&bench.events[2..]);
    assert_eq!((upon.snapshot(), upon.version()), (full.snapshot(), full.version()));
    assert!(!upon.reaches_behind());
    let next = Planned::Seated { seat: 0, who: None, from: hour(9), to: None };
    let mut event = bench.events[3].clone();
    (event.position, event.stream_version, event.command_id) = (Position(5), 5, id);
    event.payload = serde_json::to_vec(&next).unwrap();
    let changed = |changes: Vec<crate::stream::JsonChange>| format!("{changes:?}");
    let events = [event.clone()];
    assert_eq!(changed(upon.push(&events).unwrap()), changed(load(&bench.events).push(&events).unwrap()));
    for (position, behind) in [(2, true), (3, false)] {
        event.replaces = Some(Position(position));
        assert_eq!(restored(&[&bench.events[2..], &[event.clone()]].concat()).reaches_behind(), behind);
        let payload = format!(r#"{{"type":"withdrawn","event":{position}}}"#).into_bytes();
        let withdrawal =
            crate::Recorded { event_type: crate::WITHDRAWN.to_owned(), payload, replaces: None, ..event.clone() };
        assert_eq!(restored(&[&bench.events[2..], &[withdrawal]].concat()).reaches_behind(), behind);
    }
}
