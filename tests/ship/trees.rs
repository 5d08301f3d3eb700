//! Reporting trees by chance, with moves, ends and leavers: whoever asks sees the deals that a naive fold says.

use crate::{
    generated::Chance,
    harness::{Ship, connected, in_role},
};
use chrono::{Days, NaiveDate};
use decider::{Decider, at};
use logbook::{Chapter, Slice, as_of};
use sales::{
    access::{Access, Login, Role},
    reporting::{Event, Reporting},
};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};
use tokio_postgres::Client;
use units::{Instant, PersonId};
use uuid::Uuid;

/// Trees that are resolved by the statement of the API, each asked about by several of its people.
const TREES: u64 = 2_000;
/// Trees that are made and asked about through the API.
const TREES_THROUGH_THE_API: u64 = 20;

/// A line as it was said: who, to whom, from, to.
type Said = (usize, Option<usize>, Instant, Option<Instant>);

#[tokio::test]
#[expect(clippy::print_stdout, reason = "how many cases were tried is part of the claim")]
async fn the_subtree_is_the_one_of_a_naive_fold() {
    let ship = Ship::launch().await;
    let client = connected(&in_role(&ship.config, "quarterdeck_app")).await;
    client.batch_execute(&format!("SET quarterdeck.tenant = '{}'; SET jit = off", ship.tenant.id)).await.unwrap();
    let (mut below_total, mut moved) = (0, 0);
    for seed in 0..TREES {
        let mut chance = Chance(seed);
        let people = if seed % 100 == 0 { 200 } else { 2 + chance.below(14) };
        let (lines, said) = random_lines(&mut chance, people);
        moved += usize::from(said.len() > people);
        client.batch_execute("BEGIN").await.unwrap();
        write(&client, &ship, &lines).await;
        for _ in 0..4 {
            let viewer = chance.below(people);
            let below = below(&client, &ship, viewer).await;
            let expected: BTreeSet<Uuid> =
                (0..people).filter(|person| reports_to(&said, today(), *person, viewer)).map(id).collect();
            assert_eq!(below, expected, "tree {seed}: below {viewer} of {said:?}");
            below_total += below.len();
            check_roles(viewer, &below, people);
        }
        client.batch_execute("ROLLBACK").await.unwrap();
    }
    println!("{TREES} trees, {moved} of them with more lines than people; {below_total} people below those who asked");
    assert!(below_total > 4_000 && moved > 500, "the trees are lopsided: {below_total}, {moved}");
}

#[tokio::test]
async fn everybody_sees_through_the_api_the_deals_of_a_naive_fold() {
    let ship = Ship::launch().await;
    let (mut seen, mut refused) = (0, 0);
    for seed in 0..TREES_THROUGH_THE_API {
        let ship = ship.of(ship.other_tenant(&format!("tree-{seed}")).await);
        let mut chance = Chance(1_000 + seed);
        let tree = grown(&ship, &mut chance).await;
        for viewer in 0..tree.people.len() {
            let login = Login::Person(PersonId(tree.people[viewer]));
            let asked = "{ deals(first: 100) { totalCount nodes { key } } dealMetrics { total { all { count } } } }";
            let answer = ship.ask_as_login(&ship.tenant, &login, asked, json!({})).await;
            if tree.left.contains(&viewer) {
                assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "tree {seed}: {viewer} has left");
                refused += 1;
                continue;
            }
            let nodes = answer["data"]["deals"]["nodes"].as_array().unwrap();
            let found: BTreeSet<String> = nodes.iter().map(|node| node["key"].as_str().unwrap().to_owned()).collect();
            let expected: BTreeSet<String> = tree.deals_of(viewer);
            assert_eq!(found, expected, "tree {seed}: {viewer}, a {}", tree.roles[viewer]);
            let counts =
                [&answer["data"]["deals"]["totalCount"], &answer["data"]["dealMetrics"]["total"]["all"]["count"]];
            assert_eq!(counts, [&json!(expected.len()); 2], "tree {seed}: {viewer}");
            seen += expected.len();
        }
    }
    assert!(seen > 100 && refused > 5, "the trees are lopsided: {seen} deals seen, {refused} refused");
}

/// Whether somebody reports to another at present, directly or not, by what was said.
fn reports_to(said: &[Said], now: Instant, person: usize, manager: usize) -> bool {
    let people = said.len();
    let above = |person: &usize| {
        let covers = |line: &&Said| line.0 == *person && line.2 <= now && line.3.is_none_or(|to| now < to);
        said.iter().rev().find(covers).and_then(|line| line.1)
    };
    std::iter::successors(above(&person), above).take(people).any(|above| above == manager)
}

/// What each role makes of it.
fn check_roles(viewer: usize, below: &BTreeSet<Uuid>, people: usize) {
    for role in [None, Some(Role::Rep), Some(Role::Manager), Some(Role::Leader), Some(Role::Auditor)] {
        let access = Access::of(role, Some(id(viewer)), below.iter().copied().collect::<HashSet<_>>());
        for owner in (0..people).map(id) {
            let expected = match role {
                None => false,
                Some(Role::Rep) => owner == id(viewer),
                Some(Role::Manager) => owner == id(viewer) || below.contains(&owner),
                Some(_) => true,
            };
            assert_eq!(access.may_see(owner), expected, "{role:?}");
            assert_eq!(access.visible().is_none_or(|visible| visible.contains(&owner)), expected, "{role:?}");
        }
    }
}

fn random_lines(chance: &mut Chance, people: usize) -> (Reporting, Vec<Said>) {
    let (mut lines, mut said) = (Reporting::default(), Vec::new());
    for _ in 0..people + chance.below(2 * people) {
        let (person, manager) = (chance.below(people), chance.below(people + people / 8 + 1));
        let manager = Some(manager).filter(|manager| *manager < people);
        let from = noon(chance.below(420));
        let to = chance.one_in(3).then(|| from + chrono::Duration::days(1 + i64::try_from(chance.below(200)).unwrap()));
        let person_id = |person| PersonId(id(person));
        let event = Event::ManagerSet { person: person_id(person), manager: manager.map(person_id), from, to };
        if lines.fits(&event).is_ok() {
            lines.evolve(&event, &at(day(0)));
            said.push((person, manager, from, to));
        }
    }
    (lines, said)
}

/// The rows of the lines, as the log book writes them.
async fn write(client: &Client, ship: &Ship, lines: &Reporting) {
    let story = [Chapter { from: noon(0), state: lines.clone() }];
    let segments = Reporting::segments(sales::reporting::stream_id(), &story);
    let people: Vec<Uuid> = segments.iter().map(|segment| segment.id).collect();
    let managers: Vec<Uuid> = segments.iter().map(|segment| segment.row.manager_id).collect();
    let from: Vec<Instant> = segments.iter().map(|segment| segment.from).collect();
    let to: Vec<Option<Instant>> = segments.iter().map(|segment| segment.to).collect();
    let sql = "INSERT INTO reporting_history SELECT $1, line.id, line.from_at, coalesce(line.to_at, 'infinity'), 1,
        CASE WHEN line.to_at IS NULL THEN 9223372036854775807 ELSE 1 END, 9223372036854775807, line.manager_id
        FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[]) AS line (id, from_at, to_at, manager_id)";
    client.execute(sql, &[&ship.tenant.id.0, &people, &from, &to, &managers]).await.unwrap();
}

async fn below(client: &Client, ship: &Ship, viewer: usize) -> BTreeSet<Uuid> {
    let sql = as_of(include_str!("../../crates/sales/src/access/sql/below.sql"), false);
    let statement = client.prepare(sql).await.unwrap();
    let known: Option<i64> = None;
    let rows = client.query(&statement, &[&ship.tenant.id.0, &today(), &known, &vec![id(viewer)]]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// An organisation made through the API.
struct Tree {
    people: Vec<Uuid>,
    roles: Vec<&'static str>,
    left: BTreeSet<usize>,
    said: Vec<Said>,
    deals: Vec<(usize, String)>,
}

impl Tree {
    fn deals_of(&self, viewer: usize) -> BTreeSet<String> {
        let sees = |owner: usize| match self.roles[viewer] {
            "REP" => owner == viewer,
            "MANAGER" => owner == viewer || reports_to(&self.said, logbook::system_clock(), owner, viewer),
            _ => true,
        };
        self.deals.iter().filter(|(owner, _)| sees(*owner)).map(|(_, key)| key.clone()).collect()
    }
}

async fn grown(ship: &Ship, chance: &mut Chance) -> Tree {
    let since = json!({ "day": "2026-01-01" });
    let key = |payload: &Value, noun: &str| payload[noun]["key"].as_str().unwrap().to_owned();
    let define = json!({ "name": "Sales", "effectiveAt": since });
    let pipeline = key(&ship.command("pipelineDefine", "pipeline { key }", define).await, "pipeline");
    let add = json!({ "id": pipeline, "name": "First", "order": 1, "kind": "OPEN", "probabilityBps": 1_000,
        "category": "PIPELINE", "effectiveAt": since });
    let added = ship.command("pipelineAddStage", "pipeline { stages { key } }", add).await;
    let stage = &added["pipeline"]["stages"][0]["key"];
    let mut tree = Tree { people: vec![], roles: vec![], left: BTreeSet::new(), said: vec![], deals: vec![] };
    for number in 0..4 + chance.below(5) {
        let role = *chance.pick(&["REP", "MANAGER", "MANAGER", "MANAGER", "LEADER"]);
        let hire = json!({ "name": format!("P{number}"), "role": role, "effectiveAt": since });
        let person = key(&ship.command("personHire", "person { key }", hire).await, "person");
        let open = json!({ "name": format!("D{number}"), "pipeline": pipeline, "stage": stage, "owner": person,
            "effectiveAt": { "day": "2026-02-01" } });
        let deal = key(&ship.command("dealOpen", "deal { key }", open).await, "deal");
        tree.people.push(person.parse().unwrap());
        tree.roles.push(role);
        tree.deals.push((number, deal));
    }
    moves(ship, chance, &mut tree).await;
    for person in (0..tree.people.len()).filter(|_| chance.one_in(6)).collect::<Vec<_>>() {
        let depart = json!({ "id": tree.people[person].to_string(), "effectiveAt": { "day": "2026-10-01" } });
        ship.command("personDepart", "", depart).await;
        tree.left.insert(person);
    }
    tree
}

async fn moves(ship: &Ship, chance: &mut Chance, tree: &mut Tree) {
    let people = tree.people.len();
    for _ in 0..2 * people {
        let (person, manager) = (chance.below(people), Some(chance.below(people + 1)).filter(|one| *one < people));
        let from = noon(1 + chance.below(260));
        let to = chance.one_in(3).then(|| from + chrono::Duration::days(1 + i64::try_from(chance.below(200)).unwrap()));
        let set = json!({ "id": tree.people[person].to_string(), "correction": { "reason": "as chance has it" },
            "manager": manager.map(|manager| tree.people[manager].to_string()), "effectiveAt": { "at": from },
            "until": to.map(|to| json!({ "at": to })) });
        if ship.send("personSetManager", "", set).await["userErrors"] == json!([]) {
            tree.said.push((person, manager, from, to));
        }
    }
}

fn id(person: usize) -> Uuid {
    Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0000 + person as u128)
}

/// A day counted from New Year of the year of the trees.
fn day(number: usize) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(number as u64)
}

fn noon(number: usize) -> Instant {
    at(day(number)).effective
}

/// The present of the trees that are not made through the API.
fn today() -> Instant {
    noon(300)
}
