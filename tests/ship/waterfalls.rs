//! Waterfalls over histories made by chance: nothing is left over, drill-downs sum to their figures, and what was asked as
//! believed at an instant never changes.

use crate::{harness::Ship, histories::Company};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How many deals, and how much of each currency in its minor unit; what comes to nothing is left out.
#[derive(Clone, Debug, Default, PartialEq)]
struct Figure {
    count: i64,
    amounts: BTreeMap<String, i64>,
}

impl Figure {
    fn of(told: &Value) -> Self {
        let mut figure = Self { count: told["count"].as_i64().unwrap_or(0), ..Self::default() };
        let amounts = told["amounts"].as_array().cloned().unwrap_or_default();
        amounts.iter().for_each(|money| figure.add_money(money, 1));
        figure
    }

    fn add_money(&mut self, money: &Value, sign: i64) {
        let Some(amount) = money["amount"].as_str() else { return };
        let minor: i64 = amount.replace('.', "").parse().unwrap();
        let code = money["currencyCode"].as_str().unwrap().to_owned();
        *self.amounts.entry(code.clone()).or_default() += sign * minor;
        self.amounts.retain(|_, amount| *amount != 0);
    }

    fn add(&mut self, other: &Self, sign: i64) {
        self.count += sign * other.count;
        for (code, amount) in &other.amounts {
            *self.amounts.entry(code.clone()).or_default() += sign * amount;
        }
        self.amounts.retain(|_, amount| *amount != 0);
    }

    fn sum<'a>(all: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut sum = Self::default();
        all.into_iter().for_each(|told| sum.add(&Self::of(told), 1));
        sum
    }
}

const SUM: &str = "{ count amounts { amount currencyCode } }";

fn waterfall(company: &mut Company) -> (String, Value, Option<Value>) {
    let (scope, filter) = company.scope();
    let (from, to) = (company.day(3, 5), company.day(6, 8));
    let organisation = *company.chance.pick(&["THEN", "THEN", "TODAY"]);
    let document = format!(
        "query($at: AsOf!, $from: AsOf!, $period: PeriodInput!, $scope: ScopeInput, $organisation: Organisation!) {{
            asOf(at: $at) {{ pipelineWaterfall(from: $from, period: $period, scope: $scope, organisation: $organisation) {{
                start {SUM} end {SUM} residual {SUM}
                lines {{ cause count amounts {{ amount currencyCode }}
                    deals(first: 100) {{ totalCount nodes {{ key count amounts {{ amount currencyCode }}
                        before {{ key }} deal {{ key status }} }} }} }}
                gross {{ start {SUM} end {SUM} residual {SUM} lines {{ cause count amounts {{ amount currencyCode }}
                    steps(first: 100) {{ totalCount nodes {{ key at count amount {{ amount currencyCode }} }} }} }} }}
                memo {{ kind count amounts {{ amount currencyCode }}
                    deals(first: 100) {{ nodes {{ count amounts {{ amount currencyCode }} }} }} }}
                categoryFlow {{ fromCategory cameBy toCategory wentBy count before {SUM} after {SUM}
                    deals(first: 100) {{ totalCount }} }} }} }} }}"
    );
    let filter = filter.filter(|_| organisation == "THEN").map(|mut filter| {
        filter["status"] = json!(["OPEN"]);
        filter["closeDate"] = json!({ "from": from, "to": to });
        filter
    });
    let period = json!({ "days": { "from": from, "to": to } });
    (document, json!({ "period": period, "scope": scope, "organisation": organisation }), filter)
}

/// The open pipeline as the list of deals tells it.
async fn pipeline(ship: &Ship, filter: &Value, at: &Value) -> Figure {
    let document = "query($at: AsOf!, $filter: DealFilter) { asOf(at: $at) {
        deals(filter: $filter, first: 100) { nodes { amount { amount currencyCode } } } } }";
    let told = ship.data(document, json!({ "at": at, "filter": filter })).await;
    let mut figure = Figure::default();
    for deal in told["asOf"]["deals"]["nodes"].as_array().unwrap() {
        figure.count += 1;
        figure.add_money(&deal["amount"], 1);
    }
    figure
}

fn adds_up(told: &Value, name: &str, parts: &str, what: &str) {
    assert_eq!(Figure::of(&told["residual"]), Figure::default(), "{name}: {what}");
    let lines = told["lines"].as_array().unwrap();
    let mut way = Figure::of(&told["start"]);
    for line in lines {
        let figure = Figure::of(line);
        way.add(&figure, 1);
        let nodes = line[parts]["nodes"].as_array().unwrap();
        assert_eq!(line[parts]["totalCount"], nodes.len(), "{name}: {what}");
        let mut drilled = Figure::default();
        for node in nodes {
            drilled.add(&Figure::of(node), 1);
            drilled.add_money(&node["amount"], 1);
        }
        assert_eq!(drilled, figure, "{name}, {}: {what}", line["cause"]);
    }
    assert_eq!(way, Figure::of(&told["end"]), "{name}: {what}");
}

fn categories_add_up(told: &Value, what: &str) {
    let cells = told["categoryFlow"].as_array().unwrap();
    let counted = |side: &'static str| move |cell: &&Value| !cell[side].is_null();
    let from: Vec<&Value> = cells.iter().filter(counted("fromCategory")).map(|cell| &cell["before"]).collect();
    let to: Vec<&Value> = cells.iter().filter(counted("toCategory")).map(|cell| &cell["after"]).collect();
    assert_eq!(Figure::sum(from), Figure::of(&told["gross"]["start"]), "{what}");
    assert_eq!(Figure::sum(to), Figure::of(&told["end"]), "{what}");
    for cell in cells {
        assert_eq!(cell["count"], cell["deals"]["totalCount"], "{what}");
        assert!(cell["fromCategory"].is_null() != cell["cameBy"].is_null(), "{what}");
        assert!(cell["toCategory"].is_null() != cell["wentBy"].is_null(), "{what}");
    }
}

/// The line of a cause in a waterfall; nothing where there is none.
fn line(told: &Value, cause: &str) -> Figure {
    Figure::sum(told["lines"].as_array().unwrap().iter().filter(|line| line["cause"] == cause))
}

#[tokio::test]
async fn nothing_is_left_over_between_any_two_instants_in_any_scope() {
    let ship = Ship::launch().await;
    let mut company = Company::founded(&ship, 0x5eed).await;
    let mut believed: Vec<(String, Value, Value)> = Vec::new();
    let (mut restated, mut causes) = (0, BTreeMap::<String, usize>::new());
    for _ in 0..6 {
        company.goes_on(&ship, 80).await;
        let head = ship.data("{ logHead { position } }", json!({})).await["logHead"]["position"].clone();
        let head: usize = head.as_str().unwrap().parse().unwrap();
        for _ in 0..14 {
            let (document, mut variables, filter) = waterfall(&mut company);
            let (first, second) = (company.day(1, 4), company.day(5, 9));
            let mut known = [head / 2 + company.chance.below(head / 2), head];
            known.sort_unstable();
            let instants = |day: &str, known: usize| json!({ "effective": { "day": day }, "known": { "position": known.to_string() } });
            let alike = company.chance.one_in(3);
            let (from, at) = (instants(&first, known[usize::from(alike)]), instants(&second, known[1]));
            variables["from"] = from.clone();
            variables["at"] = at.clone();
            let what = variables.to_string();
            let told = ship.data(&document, variables.clone()).await["asOf"]["pipelineWaterfall"].clone();
            adds_up(&told, "net", "deals", &what);
            adds_up(&told["gross"], "gross", "steps", &what);
            categories_add_up(&told, &what);
            for memo in told["memo"].as_array().unwrap() {
                let nodes = memo["deals"]["nodes"].as_array().unwrap();
                assert_eq!(Figure::sum(nodes), Figure::of(memo), "{what}");
            }
            // Both ends of gross and net, but for what was learned later.
            let mut learned = Figure::of(&told["gross"]["start"]);
            learned.add(&Figure::of(&told["start"]), -1);
            assert_eq!(line(&told, "RESTATED"), learned, "{what}");
            assert!(!alike || learned == Figure::default(), "{what}");
            restated += usize::from(learned != Figure::default());
            for line in told["lines"].as_array().unwrap() {
                *causes.entry(line["cause"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            if let Some(filter) = filter {
                assert_eq!(Figure::of(&told["start"]), pipeline(&ship, &filter, &from).await, "{what}");
                assert_eq!(Figure::of(&told["end"]), pipeline(&ship, &filter, &at).await, "{what}");
            }
            if variables["organisation"] == "THEN" {
                believed.push((document, variables, told));
            }
        }
    }
    assert!(restated > 5 && causes.len() > 13, "{restated} restated, {causes:?}");
    // What was asked as known at a position is answered as it was, whatever came later.
    for (document, variables, told) in believed {
        let again = ship.data(&document, variables.clone()).await["asOf"]["pipelineWaterfall"].clone();
        assert_eq!(again, told, "{variables}");
    }
}

/// One deal's way, with every number by hand.
#[tokio::test]
async fn a_deal_that_went_out_and_came_back_shows_in_gross_and_not_in_net() {
    let ship = Ship::launch().await;
    let company = Company::founded(&ship, 1).await;
    let mut input = company.crew.opening("Boomerang", "2026-01-10", "100.00");
    input["closeOn"] = json!("2026-05-15");
    let deal = ship.command("dealOpen", "deal { key }", input).await["deal"]["key"].clone();
    let say = async |mutation: &str, day: &str, said: Value| {
        let mut input: Map<String, Value> = said.as_object().unwrap().clone();
        input.insert("id".into(), deal.clone());
        input.insert("effectiveAt".into(), json!({ "day": day }));
        ship.command(mutation, "deal { key }", Value::Object(input)).await
    };
    // Counted on 31 March for 100.00; pushed out of the quarter in April, pulled back in May, worth 120.00 from 1 June.
    say("dealMoveCloseDate", "2026-04-10", json!({ "closeOn": "2026-07-20" })).await;
    say("dealMoveCloseDate", "2026-05-10", json!({ "closeOn": "2026-06-20" })).await;
    say("dealChangeAmount", "2026-06-01", json!({ "amount": { "amount": "120.00" } })).await;
    let document = format!(
        "{{ asOf(at: {{ effective: {{ day: \"2026-06-15\" }} }}) {{
            pipelineWaterfall(from: {{ effective: {{ day: \"2026-03-31\" }} }},
                period: {{ days: {{ from: \"2026-04-01\", to: \"2026-07-01\" }} }}) {{
                start {SUM} end {SUM} lines {{ cause count amounts {{ amount }} }} memo {{ kind }}
                gross {{ lines {{ cause count deals amounts {{ amount }} steps {{ nodes {{ at }} }} }} }} }} }} }}"
    );
    let told = ship.data(&document, json!({})).await["asOf"]["pipelineWaterfall"].clone();
    let usd = |amount: &str| json!([{ "amount": amount }]);
    assert_eq!(told["lines"], json!([{ "cause": "INCREASED", "count": 0, "amounts": usd("20.00") }]));
    let step = |cause: &str, count: i64, amount: &str, at: &str| {
        json!({ "cause": cause, "count": count, "deals": 1, "amounts": usd(amount),
            "steps": { "nodes": [{ "at": format!("{at}T00:00:00+00:00") }] } })
    };
    let steps = [
        step("PULLED_IN", 1, "100.00", "2026-05-10"),
        step("INCREASED", 0, "20.00", "2026-06-01"),
        step("PUSHED_OUT", -1, "-100.00", "2026-04-10"),
    ];
    assert_eq!(told["gross"]["lines"], json!(steps));
    assert_eq!(told["memo"], json!([]));
}
