//! How deals come through: one small funnel with every number by hand, and over histories made by chance figures that are
//! what their drill-downs sum to.

use crate::{fixtures::crew, harness::Ship, histories::Company};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const RATIO: &str = "{ value nullBecause numerator denominator n excluded }";
const DAYS: &str = "{ n mean median p75 p90 nullBecause }";

/// The questions, in as many requests as their cost asks for.
fn figures() -> [String; 3] {
    let asked = "period: $period, scope: $scope";
    let rates = format!(
        "closed: winRates({asked}) {{ ...Rates }} opened: winRates({asked}, cohort: OPENED) {{ ...Rates }}
        velocity({asked}) {{ winRate {RATIO} cycleDays {DAYS} openUnpriced
            byCurrency {{ perDay {{ amount currencyCode }} nullBecause openCount wonCount won {{ amount }}
                averageWon {{ amount }} }}
            openDeals(first: 100) {{ totalCount }} closedDeals(first: 100) {{ totalCount }} }}"
    );
    let rates_of = format!(
        "fragment Rates on WinRates {{ narrow {RATIO} broad {RATIO}
            narrowByValue {{ value numerator {{ amount currencyCode }} denominator {{ amount }} n excluded }}
            broadByValue {{ value numerator {{ amount currencyCode }} denominator {{ amount }} n excluded }}
            outcomes {{ status sum {{ count unpriced amounts {{ amount currencyCode }} }} deals(first: 100) {{
                totalCount nodes {{ key amount {{ amount currencyCode }} deal {{ status }} }} }} }} }}"
    );
    let conversion = format!(
        "stageConversion({asked}) {{ stages {{ stage {{ name }} cohort {{ ...Through }} snapshot {{ ...Through }} }} }}"
    );
    let through = format!(
        "fragment Through on Conversion {{ entered open rate {RATIO} decidedRate {RATIO}
            outcomes {{ outcome count deals(first: 100) {{ totalCount nodes {{ key }} }} }} }}"
    );
    let times = format!(
        "stageTimes({asked}) {{ stages {{ stage {{ name }} perVisit {DAYS} perDeal {DAYS} staying
            visits(first: 100) {{ totalCount nodes {{ key days totalDays enteredAt leftAt }} }}
            stays: visits(ended: false, first: 100) {{ totalCount nodes {{ leftAt days }} }} }} }}"
    );
    [(rates, rates_of), (conversion, through), (times, String::new())].map(|(figures, fragments)| {
        format!(
            "query($at: AsOf!, $period: PeriodInput!, $scope: ScopeInput) {{ asOf(at: $at) {{ {figures} }} }} {fragments}"
        )
    })
}

async fn asked(ship: &Ship, variables: &Value) -> Value {
    let mut told = json!({});
    for document in figures() {
        let mut answer = ship.data(&document, variables.clone()).await;
        told.as_object_mut().unwrap().append(answer["asOf"].as_object_mut().unwrap());
    }
    told
}

async fn say(ship: &Ship, mutation: &str, deal: &str, day: &str, mut said: Value) {
    said["id"] = json!(deal);
    said["effectiveAt"] = json!({ "day": day });
    ship.command(mutation, "deal { key }", said).await;
}

fn ratio(value: Option<&str>, numerator: i64, denominator: i64, excluded: i64) -> Value {
    let because = if value.is_none() { json!("ZERO_DENOMINATOR") } else { Value::Null };
    json!({ "value": value, "nullBecause": because, "numerator": numerator.to_string(),
        "denominator": denominator.to_string(), "n": denominator, "excluded": excluded })
}

/// Five deals of one pipeline (First, Second, Won), all opened in First:
///
/// | deal | worth | opened | then |
/// |---|---|---|---|
/// | Ash | 100 | 10 Feb | Second 20 Apr, won 20 May |
/// | Birch | 300 | 1 Apr | won 11 Apr, straight from First |
/// | Cedar | 200 | 1 Apr | Second 11 Apr, First 21 Apr, Second 1 May, lost 11 May |
/// | Elm | 400 | 1 Apr | Second 5 Apr, open |
/// | Fir | 50 | 1 Mar | no decision 10 Jun |
async fn five_deals(ship: &Ship) {
    let crew = crew(ship).await;
    let open = async |name: &str, day: &str, amount: &str| crew.open(ship, name, day, amount).await;
    let ash = open("Ash", "2026-02-10", "100.00").await;
    let birch = open("Birch", "2026-04-01", "300.00").await;
    let cedar = open("Cedar", "2026-04-01", "200.00").await;
    let elm = open("Elm", "2026-04-01", "400.00").await;
    let fir = open("Fir", "2026-03-01", "50.00").await;
    let to = |stage: &str| json!({ "stage": crew.stage(stage) });
    say(ship, "dealChangeStage", &ash, "2026-04-20", to("Second")).await;
    say(ship, "dealWin", &ash, "2026-05-20", json!({})).await;
    say(ship, "dealWin", &birch, "2026-04-11", json!({})).await;
    say(ship, "dealChangeStage", &cedar, "2026-04-11", to("Second")).await;
    say(ship, "dealChangeStage", &cedar, "2026-04-21", to("First")).await;
    say(ship, "dealChangeStage", &cedar, "2026-05-01", to("Second")).await;
    say(ship, "dealLose", &cedar, "2026-05-11", json!({ "lostReason": "price" })).await;
    say(ship, "dealChangeStage", &elm, "2026-04-05", to("Second")).await;
    say(ship, "dealCloseWithoutDecision", &fir, "2026-06-10", json!({})).await;
}

/// What those five deals come to in the second quarter, as of 30 June.
#[tokio::test]
async fn a_small_funnel_by_hand() {
    let ship = Ship::launch().await;
    five_deals(&ship).await;
    let variables = json!({ "at": { "effective": { "day": "2026-06-30" } },
        "period": { "days": { "from": "2026-04-01", "to": "2026-07-01" } } });
    let told = asked(&ship, &variables).await;

    // Closed in the quarter: Ash and Birch won (400), Cedar lost (200), Fir undecided (50): 2/3, 2/4, 400/600, 400/650.
    let closed = &told["closed"];
    assert_eq!(closed["narrow"], ratio(Some("0.666667"), 2, 3, 1));
    assert_eq!(closed["broad"], ratio(Some("0.5"), 2, 4, 0));
    assert_eq!(closed["narrowByValue"][0]["value"], "0.666667");
    assert_eq!(closed["broadByValue"][0]["value"], "0.615385");
    // Opened in the quarter: Birch won, Cedar lost, Elm open: 1/2 either way, one of them in no rate.
    assert_eq!(told["opened"]["narrow"], ratio(Some("0.5"), 1, 2, 1));
    assert_eq!(told["opened"]["broad"], ratio(Some("0.5"), 1, 2, 1));
    assert_eq!(told["opened"]["narrowByValue"][0]["value"], "0.6");

    let stages = &told["stageConversion"]["stages"];
    let outcomes = |conversion: &Value| -> BTreeMap<String, i64> {
        let parts = conversion["outcomes"].as_array().unwrap().iter();
        parts.map(|part| (part["outcome"].as_str().unwrap().to_owned(), part["count"].as_i64().unwrap())).collect()
    };
    let counts = |parts: &[(&str, i64)]| parts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    // Into First came Birch (won: further, Second left out), Cedar (reached Second) and Elm (likewise): 3 of 3.
    assert_eq!(
        (&stages[0]["stage"]["name"], outcomes(&stages[0]["cohort"])),
        (&json!("First"), counts(&[("REACHED", 3)]))
    );
    assert_eq!(stages[0]["cohort"]["rate"], ratio(Some("1"), 3, 3, 0));
    // Into Second came Ash (won), Cedar once though it came twice (lost), Elm (open): 1 of 3, and 1 of the 2 decided.
    assert_eq!(outcomes(&stages[1]["cohort"]), counts(&[("REACHED", 1), ("STAYED", 1), ("LOST", 1)]));
    assert_eq!(stages[1]["cohort"]["rate"], ratio(Some("0.333333"), 1, 3, 0));
    assert_eq!(stages[1]["cohort"]["decidedRate"], ratio(Some("0.5"), 1, 2, 1));
    assert_eq!(stages[1]["cohort"]["open"], 1);
    // Just before the quarter Ash and Fir were in First, nobody in Second: one won, one undecided.
    assert_eq!(outcomes(&stages[0]["snapshot"]), counts(&[("REACHED", 1), ("NO_DECISION", 1)]));
    assert_eq!(stages[1]["snapshot"]["rate"], ratio(None, 0, 0, 0));

    // Visits to First that ended: Ash 69 days, Birch 10, Cedar 10 and 10, Elm 4, Fir 101. Mean 204/6 = 34, median 10;
    // three quarters lie at place 3.75 of 4 10 10 10 69 101: 10 + 0.75 x 59 = 54.25. Cedar's together: 20, so that per
    // deal 4 10 20 69 101 have the median 20.
    let first = &told["stageTimes"]["stages"][0];
    assert_eq!((&first["perVisit"]["n"], &first["perVisit"]["mean"]), (&json!(6), &json!("34")));
    assert_eq!((&first["perVisit"]["median"], &first["perVisit"]["p75"]), (&json!("10"), &json!("54.25")));
    assert_eq!((&first["perDeal"]["n"], &first["perDeal"]["median"]), (&json!(5), &json!("20")));
    // Second: Ash 30, Cedar 10 and 10; Elm stays.
    let second = &told["stageTimes"]["stages"][1];
    assert_eq!((&second["perVisit"]["n"], &second["perVisit"]["p75"]), (&json!(3), &json!("20")));
    assert_eq!((&second["perDeal"]["median"], &second["staying"]), (&json!("25"), &json!(1)));
    assert_eq!(second["stays"]["nodes"], json!([{ "leftAt": null, "days": null }]));

    // One open deal (Elm) x 2/3 x 200.00 on average / the median of 99 and 10 days (54.5): 2.4465 a day.
    let velocity = &told["velocity"];
    assert_eq!(velocity["cycleDays"]["median"], "54.5");
    let usd = json!({ "perDay": { "amount": "2.45", "currencyCode": "USD" }, "nullBecause": null, "openCount": 1,
        "wonCount": 2, "won": { "amount": "400.00" }, "averageWon": { "amount": "200.00" } });
    assert_eq!(velocity["byCurrency"], json!([usd]));
}

fn minor(money: &Value) -> i64 {
    money["amount"].as_str().map_or(0, |amount| amount.replace('.', "").parse().unwrap())
}

/// A page's deals: how many, how many without an amount, and how much of each currency.
fn drilled(page: &Value) -> (i64, i64, BTreeMap<String, i64>) {
    let nodes = page["nodes"].as_array().unwrap();
    assert_eq!(page["totalCount"], nodes.len());
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for money in nodes.iter().map(|node| &node["amount"]).filter(|money| !money.is_null()) {
        *sums.entry(money["currencyCode"].as_str().unwrap().to_owned()).or_default() += minor(money);
    }
    let unpriced = nodes.iter().filter(|node| node["amount"].is_null()).count();
    (i64::try_from(nodes.len()).unwrap(), i64::try_from(unpriced).unwrap(), sums)
}

fn rates_are_their_deals(rates: &Value, what: &str) {
    let mut counts = BTreeMap::new();
    for outcome in rates["outcomes"].as_array().unwrap() {
        let (count, unpriced, sums) = drilled(&outcome["deals"]);
        let sum = &outcome["sum"];
        assert_eq!((&sum["count"], &sum["unpriced"]), (&json!(count), &json!(unpriced)), "{what}");
        for money in sum["amounts"].as_array().unwrap() {
            assert_eq!(minor(money), sums[money["currencyCode"].as_str().unwrap()], "{what}");
        }
        let nodes = outcome["deals"]["nodes"].as_array().unwrap();
        assert!(nodes.iter().all(|node| node["deal"]["status"] == outcome["status"]), "{what}");
        counts.insert(outcome["status"].as_str().unwrap(), count);
    }
    let of = |status: &str| counts.get(status).copied().unwrap_or(0);
    let (won, lost, none, open) = (of("WON"), of("LOST"), of("NO_DECISION"), of("OPEN"));
    for (name, denominator, excluded) in [("narrow", won + lost, none + open), ("broad", won + lost + none, open)] {
        let ratio = &rates[name];
        let told = (&ratio["numerator"], &ratio["denominator"], &ratio["excluded"]);
        assert_eq!(told, (&json!(won.to_string()), &json!(denominator.to_string()), &json!(excluded)), "{what}");
        assert_eq!(ratio["value"].is_null(), denominator == 0, "{what}");
    }
}

fn conversion_is_its_deals(conversion: &Value, what: &str) {
    let parts = conversion["outcomes"].as_array().unwrap();
    let of = |name: &str| {
        let part = parts.iter().find(|part| part["outcome"] == name);
        part.map_or(0, |part| {
            assert_eq!(part["count"], drilled(&part["deals"]).0, "{what}");
            part["count"].as_i64().unwrap()
        })
    };
    let (reached, open) = (of("REACHED"), of("STAYED") + of("WENT_BACK"));
    let closed = of("LOST") + of("NO_DECISION");
    let all = reached + open + closed;
    assert_eq!((&conversion["entered"], &conversion["open"]), (&json!(all), &json!(open)), "{what}");
    let rate = |name: &str| (conversion[name]["numerator"].clone(), conversion[name]["denominator"].clone());
    assert_eq!(rate("rate"), (json!(reached.to_string()), json!(all.to_string())), "{what}");
    assert_eq!(rate("decidedRate"), (json!(reached.to_string()), json!((reached + closed).to_string())), "{what}");
    assert_eq!(conversion["decidedRate"]["excluded"], open, "{what}");
}

fn times_are_their_visits(stage: &Value, what: &str) {
    let nodes = stage["visits"]["nodes"].as_array().unwrap();
    assert_eq!(
        (&stage["perVisit"]["n"], &stage["staying"]),
        (&json!(nodes.len()), &stage["stays"]["totalCount"]),
        "{what}"
    );
    let mut days: Vec<i64> = nodes.iter().map(|node| node["days"].as_i64().unwrap()).collect();
    days.sort_unstable();
    let total: BTreeMap<&str, i64> =
        nodes.iter().map(|node| (node["key"].as_str().unwrap(), node["totalDays"].as_i64().unwrap())).collect();
    assert_eq!(stage["perDeal"]["n"], total.len(), "{what}");
    for (statistics, days) in [("perVisit", days), ("perDeal", total.into_values().collect())] {
        let told = |name: &str| stage[statistics][name].as_str().map(|value| value.parse::<f64>().unwrap());
        let mean = days.iter().sum::<i64>() as f64 / days.len() as f64;
        assert!(told("mean").is_none_or(|told| (told - mean).abs() < 0.001), "{what}");
        assert_eq!(told("mean").is_none(), days.is_empty(), "{what}");
    }
}

#[tokio::test]
async fn figures_are_their_deals_and_stay_what_they_were_believed_to_be() {
    let ship = Ship::launch().await;
    let mut company = Company::founded(&ship, 0xf16).await;
    let mut believed: Vec<(Value, Value)> = Vec::new();
    let (mut entered, mut visited) = (0, 0);
    for _ in 0..4 {
        company.goes_on(&ship, 60).await;
        let head = ship.data("{ logHead { position } }", json!({})).await["logHead"]["position"].clone();
        let head: usize = head.as_str().unwrap().parse().unwrap();
        for round in 0..6 {
            let scope = if round % 2 == 0 { Value::Null } else { company.scope().0 };
            let (from, to) = (company.day(2, 4), company.day(5, 8));
            let day = company.day(4, 9);
            let known = if company.chance.one_in(2) { head } else { 20 + company.chance.below(head - 19) };
            let at = json!({ "effective": { "day": day }, "known": { "position": known.to_string() } });
            let variables = json!({ "at": at, "scope": scope, "period": { "days": { "from": from, "to": to } } });
            let what = variables.to_string();
            let told = asked(&ship, &variables).await;
            rates_are_their_deals(&told["closed"], &what);
            rates_are_their_deals(&told["opened"], &what);
            for stage in told["stageConversion"]["stages"].as_array().unwrap() {
                conversion_is_its_deals(&stage["cohort"], &what);
                conversion_is_its_deals(&stage["snapshot"], &what);
                entered += stage["cohort"]["entered"].as_u64().unwrap();
            }
            for stage in told["stageTimes"]["stages"].as_array().unwrap() {
                times_are_their_visits(stage, &what);
                visited += stage["perVisit"]["n"].as_u64().unwrap();
            }
            let velocity = &told["velocity"];
            assert_eq!(velocity["winRate"], told["closed"]["narrow"], "{what}");
            let counts = |name: &str| {
                velocity["byCurrency"].as_array().unwrap().iter().map(|own| own[name].as_i64().unwrap()).sum::<i64>()
            };
            let open = counts("openCount") + velocity["openUnpriced"].as_i64().unwrap();
            assert_eq!(velocity["openDeals"]["totalCount"], open, "{what}");
            believed.push((variables, told));
        }
    }
    assert!(entered > 20 && visited > 20, "{entered} {visited}");
    // What was asked as known at a position is answered as it was, whatever came later.
    for (variables, told) in believed {
        assert_eq!(asked(&ship, &variables).await, told, "{variables}");
    }
}
