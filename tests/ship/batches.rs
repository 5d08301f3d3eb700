//! What shares a batch: a rule is kept among its commands, and what breaks one of them breaks no other.

use crate::{
    fixtures::{Crew, crew},
    harness::Ship,
};
use decider::{At, Decider};
use logbook::{
    Answer, Chapter, Clocks, Context, Correction, Failure, Logbook, Registry, Rejection, Segment, Slice, Source,
    StreamRef, Streams, Submission, Table, Verb, fresh_id, system_clock,
};
use sales::{
    deal::{self, Deal},
    reporting::{self, Reporting},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use units::{Instant, PersonId, Position};
use uuid::Uuid;

fn submission(kind: &'static str, id: Uuid, verb: Verb) -> Submission {
    let context = Context {
        actor: "local".to_owned(),
        on_behalf_of: None,
        source: Source::Api,
        reason: None,
        correlation_id: None,
        causation_id: None,
        source_recorded_at: None,
    };
    let stream = StreamRef { kind, id };
    let (expected_version, effective_at, correction, recorded_at) = (None, None, None, None);
    let (command_id, fresh) = (fresh_id(), false);
    Submission { command_id, stream, fresh, verb, expected_version, effective_at, correction, context, recorded_at }
}

fn renaming(deal: &str, name: &str) -> Submission {
    let rename = deal::Command::Rename { name: units::Text::new(name).unwrap() };
    submission(Deal::KIND, deal.parse().unwrap(), Verb::Do(Box::new(rename)))
}

/// Three deals of a crew.
async fn deals(ship: &Ship) -> (Crew, [String; 3]) {
    let crew = crew(ship).await;
    let open = async |name| crew.open(ship, name, "2026-02-02", "1.00").await;
    let deals = [open("one").await, open("two").await, open("three").await];
    (crew, deals)
}

async fn batches(ship: &Ship) -> i64 {
    let count = "SELECT count(*) FROM log_batch WHERE tenant_id = $1";
    ship.superuser().await.query_one(count, &[&ship.tenant.id.0]).await.unwrap().get(0)
}

async fn all_is_well(ship: &Ship) {
    logbook::verify(ship.logbook.pool(), ship.tenant.id).await.unwrap();
    let rebuilt = logbook::rebuild(ship.logbook.pool(), ship.registry(), &ship.tenant, true).await.unwrap();
    assert!(rebuilt.all_right(), "{rebuilt:?}");
}

#[tokio::test]
async fn of_two_commands_of_one_batch_that_only_together_break_a_rule_exactly_one_is_accepted() {
    let ship = Ship::launch().await;
    crew(&ship).await;
    let mut people = [PersonId(Uuid::nil()); 2];
    for person in &mut people {
        let hire = json!({ "name": "New", "role": "REP", "effectiveAt": { "day": "2026-01-01" } });
        let hired = ship.command("personHire", "person { key }", hire).await;
        *person = PersonId(hired["person"]["key"].as_str().unwrap().parse().unwrap());
    }
    let line = |person: usize| {
        let (person, manager) = (people[person], Some(people[1 - person]));
        let set = reporting::Command::SetManager { person, manager, until: None };
        submission(Reporting::KIND, reporting::stream_id(), Verb::Do(Box::new(set)))
    };
    let before = batches(&ship).await;
    let answers = ship.logbook.append(&ship.tenant, &[line(0), line(1)]).await;
    assert_eq!(batches(&ship).await, before + 1, "the two shared a batch");
    assert!(answers[0].is_ok(), "{answers:?}");
    let Err(Failure::Rejected(rejection)) = &answers[1] else { panic!("{answers:?}") };
    let refusal = rejection.refusal::<reporting::Refusal>();
    assert!(matches!(refusal, Some(reporting::Refusal::Circle { .. })), "{rejection}");
}

#[tokio::test]
async fn a_row_that_postgresql_refuses_is_not_acknowledged_and_takes_no_other_of_its_batch_along() {
    let ship = Ship::launch().await;
    let (_, [one, two, three]) = deals(&ship).await;
    let check = "ALTER TABLE deal_history ADD CONSTRAINT poison CHECK (name <> 'Poison')";
    ship.superuser().await.batch_execute(check).await.unwrap();
    let renamings = [renaming(&one, "fine"), renaming(&two, "Poison"), renaming(&three, "fine too")];
    let answers = ship.logbook.append(&ship.tenant, &renamings).await;
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true], "{answers:?}");
    all_is_well(&ship).await;
}

/// Runs SQL that the log's triggers would refuse.
async fn tampered(ship: &Ship, sql: &str) {
    let disarmed = "ALTER TABLE event DISABLE TRIGGER ALL; ALTER TABLE command DISABLE TRIGGER ALL";
    let superuser = ship.superuser().await;
    superuser.batch_execute(disarmed).await.unwrap();
    superuser.batch_execute(sql).await.unwrap();
}

fn broken(answers: &[Answer]) -> Vec<bool> {
    answers.iter().map(|answer| matches!(answer, Err(Failure::Fault(_)))).collect()
}

#[tokio::test]
async fn a_stream_that_cannot_be_read_fails_its_own_commands_and_no_other_of_the_batch() {
    let ship = Ship::launch().await;
    let (_, [one, two, three]) = deals(&ship).await;
    tampered(&ship, &format!("UPDATE event SET payload = 'rubbish' WHERE stream_id = '{two}'")).await;
    let round = |round: &str| [&one, &two, &three, &one].map(|deal| renaming(deal, round));
    let answers = ship.logbook.append(&ship.tenant, &round("first")).await;
    assert_eq!(broken(&answers), [false, true, false, false], "{answers:?}");
    // The same through the writer, where callers come one by one.
    let waiting = round("second").into_iter().map(|renaming| ship.logbook.submit(&ship.tenant, renaming));
    let answers = futures::future::join_all(waiting).await;
    assert_eq!(broken(&answers), [false, true, false, false], "{answers:?}");
    let answers = ship.logbook.append(&ship.tenant, &round("third")).await;
    let versions: Vec<_> = answers.iter().flatten().map(|receipt| receipt.version).collect();
    assert_eq!(versions, [4, 4, 4], "the healthy ones went on, and the last found its name said");
}

#[tokio::test]
async fn a_stored_answer_that_cannot_be_read_fails_the_command_that_asks_for_it_alone() {
    let ship = Ship::launch().await;
    let (_, [one, two, three]) = deals(&ship).await;
    let again = || Submission { command_id: Uuid::from_u128(7), ..renaming(&one, "once") };
    ship.logbook.append(&ship.tenant, &[again()]).await.remove(0).unwrap();
    tampered(&ship, &format!("UPDATE command SET result = '{{}}' WHERE command_id = '{}'", Uuid::from_u128(7))).await;
    let answers = ship.logbook.append(&ship.tenant, &[renaming(&two, "x"), again(), renaming(&three, "x")]).await;
    assert_eq!(broken(&answers), [false, true, false], "{answers:?}");
}

#[tokio::test]
async fn a_lock_that_somebody_keeps_is_told_as_a_reason_to_come_again() {
    let ship = Ship::launch().await;
    let (_, [one, ..]) = deals(&ship).await;
    let holder = ship.superuser().await;
    let lock = format!("BEGIN; SELECT epoch FROM log_lock WHERE tenant_id = '{}' FOR UPDATE", ship.tenant.id);
    holder.batch_execute(&lock).await.unwrap();
    let kept = ship.logbook.submit(&ship.tenant, renaming(&one, "kept waiting")).await;
    let Err(Failure::Rejected(rejection)) = kept else { panic!("{kept:?}") };
    assert!(matches!(*rejection, Rejection::Busy), "{rejection}");
    holder.batch_execute("ROLLBACK").await.unwrap();
    ship.logbook.submit(&ship.tenant, renaming(&one, "kept waiting")).await.unwrap();
}

/// A ship's log for the chatter.
fn chatter_log(ship: &Ship) -> Logbook {
    Logbook::new(ship.logbook.pool().clone(), Arc::new(Registry::default().with::<Chatter>()), system_clock)
}

fn chatter(stream: u128, command: Command) -> Submission {
    submission(Chatter::KIND, Uuid::from_u128(stream), Verb::Do(Box::new(command)))
}

#[tokio::test]
async fn a_batch_takes_no_further_command_after_five_hundred_events() {
    let ship = Ship::launch().await;
    let log = chatter_log(&ship);
    let commands: Vec<_> = (0..12).map(|stream| chatter(stream, Command::Say((0..100).collect()))).collect();
    let answers = log.append(&ship.tenant, &commands).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let sizes = "SELECT last_position - first_position + 1 FROM log_batch ORDER BY last_position";
    let sizes = ship.superuser().await.query(sizes, &[]).await.unwrap();
    assert_eq!(sizes.iter().map(|row| row.get(0)).collect::<Vec<i64>>(), [500, 500, 200]);
    logbook::verify(ship.logbook.pool(), ship.tenant.id).await.unwrap();
}

#[tokio::test]
async fn a_rule_that_panics_is_a_fault_of_its_command_and_the_writer_lives_on() {
    let ship = Ship::launch().await;
    let log = chatter_log(&ship);
    let commands = [chatter(1, Command::Say(vec![1])), chatter(2, Command::Panic), chatter(3, Command::Say(vec![1]))];
    let waiting = commands.into_iter().map(|command| log.submit(&ship.tenant, command));
    let answers = futures::future::join_all(waiting).await;
    assert_eq!(broken(&answers), [false, true, false], "{answers:?}");
    log.submit(&ship.tenant, chatter(1, Command::Say(vec![2]))).await.unwrap();
}

#[tokio::test]
async fn what_no_longer_fits_is_named_by_its_own_position_within_its_command() {
    let ship = Ship::launch().await;
    let log = chatter_log(&ship);
    for words in [vec![1], vec![2, 3, 4]] {
        log.submit(&ship.tenant, chatter(1, Command::Say(words))).await.unwrap();
    }
    let correction = Some(Correction { replaces: Some(Position(1)) });
    let replaced = Submission { correction, ..chatter(1, Command::Say(vec![3])) };
    let Err(Failure::Rejected(rejection)) = log.submit(&ship.tenant, replaced).await else { panic!("it fits") };
    assert!(matches!(&*rejection, Rejection::NoLongerFits { position: Position(3), .. }), "{rejection}");
}

/// A slice of these tests: one command says many things, none of them twice.
#[derive(Clone, Debug, Default)]
struct Chatter {
    said: Vec<u8>,
}

#[derive(Clone, Debug, Serialize)]
enum Command {
    Say(Vec<u8>),
    Panic,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Event {
    #[serde(rename = "chatter.said")]
    Said { word: u8 },
}

#[derive(Clone, Debug, PartialEq)]
struct SaidBefore;

impl std::fmt::Display for SaidBefore {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("it was said before")
    }
}

impl std::error::Error for SaidBefore {}

impl Decider for Chatter {
    type Command = Command;
    type Event = Event;
    type Refusal = SaidBefore;
    type Facts = ();

    fn decide(&self, _: &(), command: &Command, _: &At) -> Result<Vec<Event>, SaidBefore> {
        match command {
            Command::Say(words) => Ok(words.iter().map(|word| Event::Said { word: *word }).collect()),
            Command::Panic => panic!("as this command asks"),
        }
    }

    fn fits(&self, Event::Said { word }: &Event) -> Result<(), SaidBefore> {
        if self.said.contains(word) { Err(SaidBefore) } else { Ok(()) }
    }

    fn evolve(&mut self, Event::Said { word }: &Event, _: &At) {
        self.said.push(*word);
    }
}

impl Slice for Chatter {
    const KIND: &'static str = "chatter";
    const CLOCKS: Clocks = Clocks::Schedule;
    const TABLES: &'static [Table] = &[];
    type Row = ();

    fn reads(&self, _: Uuid, _: &Command, _: Instant, _: &Streams) -> Vec<StreamRef> {
        vec![]
    }

    fn facts(&self, _: Uuid, _: &Command, _: Instant, _: &Streams) {}

    fn segments(_: Uuid, _: &[Chapter<Self>]) -> Vec<Segment<()>> {
        vec![]
    }
}
