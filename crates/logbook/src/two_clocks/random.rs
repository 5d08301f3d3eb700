//! Rows equal the fold, at every instant as known at every position, over random logs.

use super::{
    bench::{Bench, OPEN, Stored, Tables, say, withdraw},
    hour, oracle,
    toys::{Ask, Plan, TOYS, bargain, roster},
};
use crate::{
    batch::Batch,
    envelope::{Recorded, StreamRef},
    replay::Replay,
    rows::{self, Rows},
    submission::Submission,
    verify::Walk,
};
use chrono::TimeDelta;
use proptest::{collection::vec, option, prelude::*, test_runner::TestCaseError};
use std::collections::BTreeMap;
use units::Zone;

#[derive(Clone, Debug)]
enum Asked {
    Bargain(u8, Ask),
    Roster(u8, Plan),
}

#[derive(Clone, Debug)]
enum When {
    Now,
    Hour(i64),
    /// At the effective instant of the stream's last event.
    Same,
}

#[derive(Clone, Debug)]
enum How {
    Plain,
    Forgotten,
    /// In place of some event of the stream, standing or not.
    Replacing(usize),
    /// Not the command, but a withdrawal of some event of the stream, a withdrawal perhaps.
    Withdrawing(usize),
}

#[derive(Clone, Debug)]
struct Op {
    asked: Asked,
    when: When,
    how: How,
    /// Minutes by which the clock goes on, or back.
    minutes: i64,
}

fn asked() -> impl Strategy<Value = Asked> {
    let amount = prop_oneof![Just(100_i64), Just(120), Just(600)];
    let ask = prop_oneof![
        2 => amount.clone().prop_map(|amount| Ask::Open { amount }),
        3 => (1..4_u8).prop_map(Ask::Stage),
        3 => amount.clone().prop_map(Ask::Amount),
        2 => (1..4_u8, amount.clone()).prop_map(|(stage, amount)| Ask::Revise(stage, amount)),
        1 => (0..2_u8).prop_map(Ask::Desk),
        2 => (0..2_u8).prop_map(|seat| Ask::Assign { seat }),
        2 => option::of(amount).prop_map(Ask::Win),
        1 => Just(Ask::Reopen),
    ];
    let until = option::of((0..30_i64).prop_map(hour));
    let rate = prop_oneof![Just(1_i64), Just(2)];
    let plan = prop_oneof![
        4 => (0..2_u8, option::weighted(0.8, 1..4_u8), until.clone())
            .prop_map(|(seat, who, until)| Plan::Seat { seat, who, until }),
        2 => (0..2_u8, option::weighted(0.8, rate.clone()), until)
            .prop_map(|(seat, rate, until)| Plan::Rate { seat, rate, until }),
        2 => (0..2_u8, 1..4_u8, rate).prop_map(|(seat, who, rate)| Plan::Hire { seat, who, rate }),
    ];
    prop_oneof![
        3 => (0..2_u8, ask).prop_map(|(number, ask)| Asked::Bargain(number, ask)),
        2 => (0..2_u8, plan).prop_map(|(desk, plan)| Asked::Roster(desk, plan)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let when = prop_oneof![3 => Just(When::Now), 3 => (0..12_i64).prop_map(When::Hour), 2 => Just(When::Same)];
    let how = prop_oneof![
        5 => Just(How::Plain),
        4 => Just(How::Forgotten),
        4 => any::<usize>().prop_map(How::Replacing),
        3 => any::<usize>().prop_map(How::Withdrawing),
    ];
    (asked(), when, how, -20..60_i64).prop_map(|(asked, when, how, minutes)| Op { asked, when, how, minutes })
}

/// Batches of commands; two bargains are opened first, so that most have something to stand on.
fn batches() -> impl Strategy<Value = Vec<Vec<Op>>> {
    let opening = |number| Op {
        asked: Asked::Bargain(number, Ask::Open { amount: 100 }),
        when: When::Hour(1),
        how: How::Plain,
        minutes: 1,
    };
    vec(vec(op(), 1..8), 1..8).prop_map(move |mut batches| {
        batches[0].splice(0..0, [opening(0), opening(1)]);
        batches
    })
}

impl Op {
    fn submission(&self, command_id: u128, log: &[Recorded], batch: &Batch<'_>) -> Submission {
        let stream = match self.asked {
            Asked::Bargain(number, _) => bargain(number),
            Asked::Roster(desk, _) => roster(desk),
        };
        let own: Vec<_> = log.iter().chain(&batch.events).filter(|event| event.stream_id == stream.id).collect();
        let position = |choice: usize| own.get(choice % own.len().max(1)).map_or(0, |event| event.position.0);
        if let How::Withdrawing(choice) = self.how {
            return withdraw(command_id, stream, position(choice));
        }
        let mut submission = match &self.asked {
            Asked::Bargain(_, ask) => say(command_id, stream, ask.clone()),
            Asked::Roster(_, plan) => say(command_id, stream, plan.clone()),
        };
        submission.effective_at = match self.when {
            When::Now => None,
            When::Hour(number) => Some(hour(number)),
            When::Same => own.last().map(|event| event.effective_at),
        };
        match self.how {
            How::Forgotten => submission.forgotten(),
            How::Replacing(choice) => submission.replacing(position(choice)),
            How::Plain | How::Withdrawing(_) => submission,
        }
    }
}

fn run(mut bench: Bench, batches: &[Vec<Op>]) -> Bench {
    let (mut clock, mut command_id) = (hour(24), 1_000);
    for ops in batches {
        let corrects = ops.iter().any(|op| !matches!(op.how, How::Plain));
        let mut batch = bench.open();
        for op in ops {
            clock += TimeDelta::minutes(op.minutes);
            command_id += 1;
            let submission = op.submission(command_id, &bench.events, &batch);
            drop(bench.put(&mut batch, &submission, clock, corrects));
        }
        bench.close(batch);
    }
    bench
}

/// What each known position shows at each instant is what the events known by then say of it.
fn rows_equal_the_fold(bench: &Bench) -> Result<(), TestCaseError> {
    let said = oracle::said(&bench.events);
    let instants = oracle::instants(&bench.events, &bench.tables.0);
    for position in 0..=bench.head.position.0 {
        let known = oracle::Known::at(&said, position);
        for instant in &instants {
            let shown = oracle::shown(&bench.tables.0, *instant, position).map_err(TestCaseError::fail)?;
            prop_assert_eq!(shown, known.effective(*instant), "at {} as known at {}", instant, position);
        }
        prop_assert!(known.keeps_the_rules(&instants), "a rule is broken as known at {}", position);
    }
    Ok(())
}

/// At every known position, rows that touch differ.
fn equal_neighbours_are_one_row(tables: &Tables, head: i64) -> Result<(), TestCaseError> {
    for (table, rows) in &tables.0 {
        for known in 0..=head {
            let end = |row: &Stored| row.valid_to.filter(|_| row.closed_at <= known);
            let seen: Vec<_> =
                rows.iter().filter(|row| row.recorded_from <= known && known < row.recorded_to).collect();
            for pair in seen.windows(2).filter(|pair| pair[0].id == pair[1].id) {
                let touch = end(pair[0]) == Some(pair[1].valid_from);
                prop_assert!(!touch || pair[0].row != pair[1].row, "{table}, as known at {known}: {pair:?}");
            }
        }
    }
    Ok(())
}

/// All events again, in the order of the log, each command in a batch of its own.
fn one_command_at_a_time(log: &[Recorded]) -> Tables {
    let mut tables = Tables::default();
    let mut streams: BTreeMap<StreamRef, _> = BTreeMap::new();
    for command in log.chunk_by(|one, next| one.command_id == next.command_id) {
        let kind = TOYS.kind_of(&command[0].stream_kind).unwrap();
        let stream = StreamRef { kind, id: command[0].stream_id };
        let loaded = streams.entry(stream).or_insert_with(|| TOYS.empty(kind, stream.id, Zone::UTC));
        let mut rows = Rows::default();
        rows.take(kind, command[command.len() - 1].position, loaded.push(command).unwrap());
        tables.apply(&rows);
    }
    tables
}

/// All events again, stream by stream, as a rebuild folds them.
fn stream_by_stream(log: &[Recorded]) -> BTreeMap<&'static str, Vec<Stored>> {
    let mut events = log.to_vec();
    events.sort_by_key(|event| (event.stream_id, event.stream_version));
    let mut replay = Replay::new(&TOYS, Zone::UTC);
    events.into_iter().for_each(|event| replay.event(event).unwrap());
    replay.end_of_stream().unwrap();
    let tables: Vec<_> = TOYS.tables().collect();
    let mut made: BTreeMap<_, Vec<Stored>> = BTreeMap::new();
    for row in replay.made() {
        let json: Vec<serde_json::Value> = serde_json::from_str(&rows::inserts_as_json([&row.row])).unwrap();
        made.entry(tables[row.table].name).or_default().extend(json.into_iter().map(Stored::of_json));
    }
    for rows in made.values_mut() {
        rows.sort_by_key(|row| (row.id, row.valid_from, row.recorded_from));
    }
    made
}

fn in_order(tables: &Tables) -> BTreeMap<&'static str, Vec<Stored>> {
    tables.0.iter().filter(|(_, rows)| !rows.is_empty()).map(|(name, rows)| (*name, rows.clone())).collect()
}

fn recorded_strictly_in_order(log: &[Recorded]) -> bool {
    let commands: Vec<_> = log.chunk_by(|one, next| one.command_id == next.command_id).collect();
    commands.iter().all(|events| events.iter().all(|event| event.recorded_at == events[0].recorded_at))
        && commands.windows(2).all(|pair| pair[0][0].recorded_at < pair[1][0].recorded_at)
}

fn walked(bench: &Bench) -> Result<u64, String> {
    let mut walk = Walk::new(super::bench::TENANT);
    let mut events = bench.events.iter().peekable();
    for sealed in &bench.sealed {
        while let Some(event) = events.next_if(|event| event.position <= sealed.last) {
            walk.event(event).map_err(|failure| failure.to_string())?;
        }
        walk.batch(sealed).map_err(|failure| failure.to_string())?;
    }
    let verified = walk.verified(0);
    assert_eq!(verified.head, bench.head);
    Ok(verified.events)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn rows_are_what_the_events_known_by_then_say(batches in batches()) {
        let bench = run(Bench::new(), &batches);
        rows_equal_the_fold(&bench)?;
        equal_neighbours_are_one_row(&bench.tables, bench.head.position.0)?;
        prop_assert!(recorded_strictly_in_order(&bench.events));
        prop_assert_eq!(walked(&bench), Ok(bench.events.len() as u64));
        prop_assert_eq!(in_order(&one_command_at_a_time(&bench.events)), in_order(&bench.tables));
        prop_assert_eq!(stream_by_stream(&bench.events), in_order(&bench.tables));
    }

    #[test]
    fn a_log_read_upon_snapshots_is_the_log_read_in_full(batches in batches()) {
        let (full, upon) = (run(Bench::new(), &batches), run(Bench::with_snapshots(), &batches));
        prop_assert_eq!(full.events, upon.events);
        prop_assert_eq!(full.tables, upon.tables);
    }

    #[test]
    fn a_changed_log_does_not_verify(batches in batches(), place in any::<prop::sample::Index>(), what in 0..8_u8) {
        let mut bench = run(Bench::new(), &batches);
        let event = place.get_mut(&mut bench.events);
        match what {
            0 => event.payload[0] ^= 1,
            1 => event.effective_at += TimeDelta::microseconds(1),
            2 => event.stream_version += 1,
            3 => event.context.actor.push('x'),
            4 => event.context.reason = Some(String::new()),
            5 => event.leaf[7] ^= 1,
            6 => place.get_mut(&mut bench.sealed).root[0] ^= 1,
            _ => place.get_mut(&mut bench.sealed).hash[31] ^= 1,
        }
        prop_assert!(walked(&bench).is_err());
    }
}

#[test]
fn random_logs_are_worth_their_while() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let (mut taken, mut replaced, mut withdrawn, mut ended, mut closed) = (0, 0, 0, 0, 0);
    for _ in 0..100 {
        let batches = batches().new_tree(&mut runner).unwrap().current();
        let bench = run(Bench::new(), &batches);
        taken += bench.events.len();
        replaced += bench.events.iter().filter(|event| event.replaces.is_some()).count();
        withdrawn += bench.events.iter().filter(|event| event.event_type == "withdrawn").count();
        let rows: Vec<_> = bench.tables.0.values().flatten().collect();
        ended += rows.iter().filter(|row| row.recorded_to != OPEN).count();
        closed += rows.iter().filter(|row| (row.recorded_from + 1..OPEN).contains(&row.closed_at)).count();
    }
    assert!(
        taken > 800 && replaced > 60 && withdrawn > 100,
        "{taken} events, {replaced} replace, {withdrawn} withdraw"
    );
    assert!(ended > 300 && closed > 100, "{ended} rows ended, {closed} closed later");
}
