//! Counting, on documents alone.

use super::{
    Exceeded, Limits,
    cost::Prices,
    rates::{RateArgs, RateKey, Rates},
    shape::{self, Misshapen},
    tokens::Text,
};
use async_graphql::{
    Variables,
    parser::{parse_query, types::DocumentOperations},
};
use serde_json::json;
use std::time::{Duration, Instant};
use units::TenantId;
use uuid::Uuid;

#[test]
fn tokens_are_counted_as_the_parser_sees_them() {
    let table = [
        ("", 0, 0),
        (" ,\u{feff}", 3, 0), // the mark is three bytes, and no token of GraphQL's here
        ("{ a }", 3, 1),
        ("{a,b,c}# not { this", 5, 1),
        ("query Q($a: [Int!]! = [1, -2.5e3]) @d { x: a(b: \"c { d\") ...F ... on T { b } }", 37, 2),
        ("{ a(b: \"\"\"block \" \\\"\"\" { \"\"\") }", 8, 2),
        ("{ a(b: \"never ends", 6, 2),
        ("]]][[[", 6, 3),
    ];
    for (document, tokens, nesting) in table {
        assert_eq!(Text::of(document), Text { tokens, nesting }, "{document}");
    }
    assert_eq!(Text::of(&"[".repeat(100_000)), Text { tokens: 100_000, nesting: 100_000 });
}

fn shaped(document: &str) -> Result<(), Misshapen> {
    shape::admit(&parse_query(document).expect(document), &Limits::default(), true)
}

fn large(limit: &'static str, max: u64, actual: u64) -> Result<(), Misshapen> {
    Err(Misshapen::Large(Exceeded { limit, max, actual }))
}

#[test]
fn each_limit_admits_its_value_and_refuses_one_more() {
    let deep = |levels: usize| "{a".repeat(levels) + &"}".repeat(levels);
    let many = |count: usize, word: &str| format!("{{ b {{ {} }} }}", word.repeat(count));
    let roots = |count: usize, kind: &str| format!("{kind} {{ {} }}", "a ".repeat(count));
    assert_eq!((shaped(&deep(15)), shaped(&deep(16))), (Ok(()), large("depth", 15, 16)));
    assert_eq!((shaped(&many(30, "a: b ")), shaped(&many(31, "a: b "))), (Ok(()), large("aliases", 30, 31)));
    assert_eq!((shaped(&roots(20, "query")), shaped(&roots(21, "query"))), (Ok(()), large("root fields", 20, 21)));
    assert_eq!((shaped(&roots(10, "mutation")), shaped(&roots(11, "mutation"))), (Ok(()), large("commands", 10, 11)));
    assert_eq!((shaped(&many(50, "a @d ")), shaped(&many(51, "a @d "))), (Ok(()), large("directives", 50, 51)));
    assert_eq!((shaped(&many(4_999, "a ")), shaped(&many(5_000, "a "))), (Ok(()), large("fields", 5_000, 5_001)));
}

#[test]
fn fragments_hide_nothing() {
    let aliased = format!("{{ ...F }} fragment F on Q {{ b {{ {} }} }}", "a: b ".repeat(31));
    assert_eq!(shaped(&aliased), large("aliases", 30, 31));
    let twice = format!("{{ ...F ...F }} fragment F on Q {{ b {{ {} }} }}", "a: b ".repeat(16));
    assert_eq!(shaped(&twice), large("aliases", 30, 32));
    let rooted = format!("{{ ...F ... on Q {{ a }} }} fragment F on Q {{ {} }}", "a ".repeat(20));
    assert_eq!(shaped(&rooted), large("root fields", 20, 21));
    let deep = format!("{{ a {{ ...F }} }} fragment F on Q {{ {} }}", "a { ".repeat(14) + "a" + &" }".repeat(14));
    assert_eq!(shaped(&deep), large("depth", 15, 16));
    assert_eq!(shaped("{ ...F } fragment F on Q @a(b: 1) { ...G @c } fragment G on Q { x }"), Ok(()));
    let chain = (0..40).map(|at| format!("fragment F{at} on Q {{ ...F{} }} ", at + 1)).collect::<String>();
    let chained = shaped(&format!("{{ ...F0 }} {chain}"));
    assert!(
        matches!(chained, Err(Misshapen::Large(Exceeded { limit: "fragments inside fragments", .. }))),
        "{chained:?}"
    );
    for circle in
        ["{ ...F } fragment F on Q { ...F }", "{ a } fragment F on Q { a { ...G } } fragment G on Q { a { ...F } }"]
    {
        assert_eq!(shaped(circle), Err(Misshapen::Circle), "{circle}");
    }
}

#[test]
fn a_bomb_of_fragments_is_counted_without_unfolding_it() {
    let mut bomb = "{ a { ...F0 } }".to_owned();
    for level in 0..20 {
        let next = level + 1;
        bomb.push_str(&format!(" fragment F{level} on Q {{ ...F{next} ...F{next} }}"));
    }
    bomb.push_str(" fragment F20 on Q { __typename }");
    let started = Instant::now();
    assert!(
        matches!(shaped(&bomb), Err(Misshapen::Large(Exceeded { limit: "fields", actual, .. })) if actual > 1 << 20)
    );
    assert!(started.elapsed() < Duration::from_millis(250));
}

#[test]
fn introspection_is_asked_once_round_and_may_be_off() {
    let asked = include_str!("../../../../schema/introspection.graphql");
    assert_eq!(shaped(asked), Ok(()));
    let round = "{ __schema { types { fields { type { fields { type { name } } } } } } }";
    assert_eq!(shaped(round), large("lists of types inside lists of types", 1, 2));
    assert_eq!(shaped("{ changes { fields { fields { interfaces { name } } } } }"), Ok(()));
    for document in [asked, "{ ...F } fragment F on Query { __type(name: \"Deal\") { name } }"] {
        let document = parse_query(document).expect("a document");
        assert_eq!(shape::admit(&document, &Limits::default(), false), Err(Misshapen::Introspection));
    }
}

fn prices() -> &'static Prices {
    Prices::of_the_schema()
}

fn cost(document: &str, variables: serde_json::Value) -> u64 {
    let document = parse_query(document).expect(document);
    let operation = match &document.operations {
        DocumentOperations::Single(operation) => operation,
        DocumentOperations::Multiple(operations) => operations.values().next().expect("one"),
    };
    prices().cost(&document, &operation.node, &Variables::from_json(variables))
}

#[test]
fn every_list_of_the_schema_has_its_price() {
    let prices = prices();
    assert_eq!(prices.unlisted(), [""; 0], "say in limits/cost.rs how long these lists usually are");
    assert_eq!(prices.needless(), [""; 0], "limits/cost.rs lists what the schema has not");
}

#[test]
fn a_list_costs_as_many_times_its_content_as_are_asked_for() {
    let none = || json!({});
    // The question 10, the connection 1.
    assert_eq!(cost("{ deals { totalCount } }", none()), 11);
    assert_eq!(cost("{ deals { nodes { name } } }", none()), 11 + 25);
    assert_eq!(cost("{ deals(first: 100) { nodes { name } pageInfo { hasNextPage } } }", none()), 12 + 100);
    assert_eq!(cost("{ deals(last: 7) { edges { node { name } } } }", none()), 11 + 7 * 2);
    assert_eq!(cost("{ deals(first: 100) { nodes { name owner { name } } } }", none()), 11 + 200);
    assert_eq!(cost("{ deals(first: 100) { nodes { changes { position } } } }", none()), 11 + 100 * 21);
    assert_eq!(cost("{ deals(first: 100) { nodes { changes { fields { name } } } } }", none()), 11 + 100 * 121);
    assert_eq!(cost("{ nodes(ids: [\"a\", \"b\"]) { id ... on Deal { owner { name } } } }", none()), 10 + 2 * 2);
    assert_eq!(cost("{ asOf { deals(first: 3) { nodes { name } } } }", none()), 11 + 11 + 3);
    assert_eq!(cost("{ nothing { at { all } } }", none()), 0);
}

#[test]
fn rows_are_counted_out_of_variables_and_through_fragments() {
    let document = "query($n: Int = 50) { deals(first: $n) { ...P } } fragment P on DealConnection { nodes { name } }";
    assert_eq!(cost(document, json!({})), 11 + 50);
    assert_eq!(cost(document, json!({"n": 3})), 11 + 3);
    assert_eq!(cost(document, json!({"n": 1_000_000_000})), 11 + 100);
    assert_eq!(cost(document, json!({"n": "many"})), 11 + 100);
    let shared =
        "{ a: deals(first: 2) { ...P } b: deals(first: 9) { ...P } } fragment P on DealConnection { nodes { name } }";
    assert_eq!(cost(shared, json!({})), 22 + 11);
}

#[test]
fn what_code_generators_ask_of_the_schema_is_affordable_and_asking_it_often_is_not() {
    let asked = include_str!("../../../../schema/introspection.graphql");
    let once = cost(asked, json!({}));
    assert!((1_000..8_000).contains(&once), "{once}");
    let aliases = (0..29).map(|at| format!("a{at}: types {{ ...T }} ")).collect::<String>();
    let many = "fragment T on __Type { fields { args { type { ...R } } type { ...R } } inputFields { type { ...R } } } \
                fragment R on __Type { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } }";
    let many = cost(&format!("{{ __schema {{ {aliases} }} }} {many}"), json!({}));
    assert!(many > Limits::default().cost, "{many}");
}

#[test]
fn every_documented_operation_is_within_half_of_the_limits() {
    let whole = Limits::default();
    let half = Limits { fields: 2_500, aliases: 15, directives: 25, ..whole.clone() };
    for example in crate::examples::all() {
        assert!(Text::of(&example.document).tokens <= whole.tokens / 2, "{}", example.name);
        let document = parse_query(&example.document).expect("an example parses");
        assert_eq!(shape::admit(&document, &half, true), Ok(()), "{}", example.name);
        let variables = serde_json::from_str(&example.variables).unwrap_or(json!({}));
        assert!(cost(&example.document, variables) <= whole.cost / 2, "{}", example.name);
    }
}

fn key(tenant: u128, login: &str) -> RateKey {
    RateKey { tenant: TenantId(Uuid::from_u128(tenant)), login: login.to_owned(), by: None }
}

#[test]
fn a_login_that_asks_too_often_waits_and_others_do_not() {
    let args = RateArgs { login_requests: 1, login_cost: 10, tenant_requests: 0, tenant_cost: 30 };
    let rates = Rates::new(args, 100);
    for _ in 0..10 {
        assert_eq!(rates.request(&key(1, "a")), Ok(()));
    }
    let wait = rates.request(&key(1, "a")).expect_err("ten seconds' worth are asked");
    assert_eq!((wait.limit, wait.max, wait.seconds()), ("requests of a login", 1, 1));
    assert_eq!((rates.request(&key(1, "b")), rates.request(&key(2, "a"))), (Ok(()), Ok(())));
    assert_eq!((rates.cost(&key(1, "a"), 100), rates.cost(&key(1, "b"), 100)), (Ok(()), Ok(())));
    assert_eq!(rates.cost(&key(1, "a"), 100).expect_err("a login's").limit, "cost of a login's requests");
    for login in ["c", "d"] {
        drop(rates.cost(&key(1, login), 100));
    }
    assert_eq!(rates.cost(&key(1, "e"), 100).expect_err("a tenant's").limit, "cost of a tenant's requests");
    assert_eq!(rates.cost(&key(2, "e"), 100), Ok(()));
}

#[test]
fn each_key_of_a_login_has_its_own_rate() {
    let rates = Rates::new(RateArgs { login_requests: 1, ..RateArgs::default() }, 100);
    let by = |id: u128| RateKey { by: Some(Uuid::from_u128(id)), ..key(1, "a") };
    while rates.request(&by(1)).is_ok() {}
    assert_eq!(rates.request(&by(2)), Ok(()));
}

#[test]
fn logins_that_have_paused_are_forgotten() {
    let rates = Rates::new(RateArgs { login_requests: 100_000, ..RateArgs::default() }, 100);
    for login in 0..50_000_u32 {
        assert_eq!(rates.request(&key(u128::from(login % 7), &login.to_string())), Ok(()));
    }
    assert!(rates.remembered() < 10_000, "{}", rates.remembered());
}
