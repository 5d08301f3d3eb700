//! Real files of other people, and the figures that they published about them.

use crate::{examples::example, exports::payloads, harness::Ship};
use import::{ImportError, Mapping, Report, Request};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The folder of the foreign files.
fn folder() -> PathBuf {
    let given = std::env::var_os("QUARTERDECK_FIELD_DATA").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| root().join("../shared/data")).join("maven_crm");
    assert!(
        folder.join("sales_pipeline.csv").is_file(),
        "there is no {}: name the folder of the foreign files in QUARTERDECK_FIELD_DATA",
        folder.display()
    );
    folder
}

/// The committed mapping with another date format.
fn mapping(format: &str) -> Mapping {
    let text = std::fs::read_to_string(root().join("mappings/maven_crm.toml")).unwrap();
    assert_eq!(text.matches("%Y-%m-%d").count(), 1, "the format is declared in one line");
    let file = std::env::temp_dir().join(format!("mapping-{}.toml", logbook::fresh_id()));
    std::fs::write(&file, text.replace("%Y-%m-%d", format)).unwrap();
    let mapping = Mapping::read(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    mapping
}

async fn import(ship: &Ship, format: &str, over: &[&str], deals: Option<&str>) -> Result<Report, ImportError> {
    let folders = std::iter::once(folder()).chain(over.iter().map(|name| folder().join(name))).collect();
    let files = deals.map(|path| ("deals".to_owned(), folder().join(path)));
    let request = Request { mapping: mapping(format), folders, files: BTreeMap::from_iter(files), dry_run: false };
    import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await
}

async fn imported() -> Ship {
    let ship = Ship::launch().await;
    let report = import(&ship, "%Y-%m-%d", &[], None).await.unwrap();
    assert_eq!((report.rejected, report.conflicts), (0, 0));
    assert_eq!((report.assumed["OpenedOn"], report.assumed["LostReason"]), (500, 2_473));
    ship
}

async fn asked(ship: &Ship, name: &str, variables: Value) -> Value {
    let (document, own) = example(name);
    let variables = if variables.is_null() { own } else { variables };
    ship.data(&document, variables).await["dealMetrics"].clone()
}

fn groups<'a>(metrics: &'a Value, value: impl Fn(&'a Value) -> String) -> BTreeMap<String, String> {
    let groups = metrics["groups"].as_array().unwrap().iter();
    let key = |group: &Value| {
        let key = &group["keys"][0];
        key["label"].as_str().or(key["value"].as_str()).unwrap_or("none").to_owned()
    };
    groups.map(|group| (key(group), value(&group["figures"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn won(figures: &Value) -> String {
    text(&figures["won"]["amounts"][0]["amount"])
}

fn holds(found: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (key, value) in expected {
        assert_eq!(found.get(*key).map(String::as_str), Some(*value), "{key} of {found:#?}");
    }
}

#[tokio::test]
async fn totals_are_as_published() {
    let ship = imported().await;
    let metrics = asked(&ship, "by_status", Value::Null).await;
    let total = &metrics["total"];
    assert_eq!(total["won"]["count"], 4_238);
    assert_eq!(total["lost"]["count"], 2_473);
    assert_eq!(total["won"]["amounts"][0]["amount"], "10005534.00");
    assert_eq!(total["won"]["average"][0]["amount"], "2360.91");
    assert_eq!(total["winRate"], json!({ "value": "0.631501", "numerator": "4238", "denominator": "6711" }));
    assert_eq!(total["cycleDays"]["allClosed"], json!({ "n": 6711, "mean": "47.985", "median": "45" }));
    let won_only = &total["cycleDays"]["wonOnly"];
    assert_eq!(format!("{:.1}", text(&won_only["mean"]).parse::<f64>().unwrap()), "51.8", "{won_only}");
    assert_eq!(won_only["median"], "57");
    assert_eq!(total["open"]["amounts"][0]["amount"], "4966215.00");
    assert_eq!(total["lost"]["amounts"][0]["amount"], "5946468.00");
}

#[tokio::test]
async fn the_open_pipeline_is_as_published() {
    let ship = imported().await;
    let metrics = asked(&ship, "pipeline_now", Value::Null).await;
    let counts = groups(&metrics, |figures| text(&figures["all"]["count"]));
    holds(&counts, &[("Engaging", "1589"), ("Prospecting", "500")]);
    let amounts = groups(&metrics, |figures| text(&figures["all"]["amounts"][0]["amount"]));
    holds(&amounts, &[("Engaging", "3892229.00"), ("Prospecting", "1073986.00")]);
}

#[tokio::test]
async fn months_and_quarters_are_as_published() {
    let ship = imported().await;
    let metrics = asked(&ship, "revenue_by_month", Value::Null).await;
    let revenue =
        ["1134672", "721932", "1025713", "1338466", "696932", "1050059", "1235264", "731980", "938943", "1131573"];
    let rates = ["82.1", "48.6", "54.4", "82.8", "49.1", "56.8", "79.2", "49.3", "52.9", "78.5"];
    let (found, found_rates) = (groups(&metrics, won), groups(&metrics, |figures| text(&figures["winRate"]["value"])));
    for ((month, revenue), rate) in (3..).zip(revenue).zip(rates) {
        let month = format!("2017-{month:02}");
        assert_eq!(found[&month], format!("{revenue}.00"), "{month}");
        let found: f64 = found_rates[&month].parse().unwrap();
        assert_eq!(format!("{:.1}", found * 100.0), rate, "{month}");
    }
    let metrics = asked(&ship, "won_by", json!({ "groupBy": ["CLOSE_QUARTER"] })).await;
    let wins = groups(&metrics, |figures| text(&figures["won"]["count"]));
    holds(&wins, &[("2017-Q1", "531"), ("2017-Q2", "1254"), ("2017-Q3", "1257"), ("2017-Q4", "1196")]);
}

#[tokio::test]
async fn regions_reps_accounts_and_products_are_as_published() {
    let ship = imported().await;
    let metrics = asked(&ship, "won_by", json!({ "groupBy": ["REGION"] })).await;
    holds(&groups(&metrics, won), &[("West", "3568647.00"), ("Central", "3346293.00"), ("East", "3090594.00")]);
    let metrics = asked(&ship, "win_rate_by_rep", Value::Null).await;
    let revenue = groups(&metrics, won);
    let reps = [
        ("Darcel Schlecht", "1153214.00"),
        ("Vicki Laflamme", "478396.00"),
        ("Kary Hendrixson", "454298.00"),
        ("Cassey Cress", "450489.00"),
        ("Donn Cantrell", "445860.00"),
        ("Reed Clapper", "438336.00"),
        ("Zane Levy", "430068.00"),
        ("Corliss Cosme", "421036.00"),
        ("James Ascencio", "413533.00"),
        ("Daniell Hammack", "364229.00"),
    ];
    holds(&revenue, &reps);
    let closed = groups(&metrics, |figures| {
        format!("{} of {}", text(&figures["winRate"]["numerator"]), text(&figures["winRate"]["denominator"]))
    });
    let of_closed = [
        ("Darcel Schlecht", "349 of 553"),
        ("Vicki Laflamme", "221 of 347"),
        ("Anna Snelling", "208 of 336"),
        ("Hayden Neloms", "107 of 152"),
        ("Donn Cantrell", "158 of 275"),
    ];
    holds(&closed, &of_closed);
    let rates = groups(&metrics, |figures| text(&figures["winRate"]["value"]));
    assert_eq!(format!("{:.2}", rates["Hayden Neloms"].parse::<f64>().unwrap() * 100.0), "70.39");
    let metrics = asked(&ship, "won_by", json!({ "groupBy": ["ACCOUNT"] })).await;
    let both = |figures: &Value| format!("{} {}", won(figures), text(&figures["won"]["count"]));
    holds(
        &groups(&metrics, both),
        &[("Kan-code", "341455.00 115"), ("Konex", "269245.00 108"), ("Condax", "206410.00 105")],
    );
    let metrics = asked(&ship, "won_by", json!({ "groupBy": ["PRODUCT"] })).await;
    let products = [
        ("GTX Pro", "3510578.00 729"),
        ("GTX Plus Pro", "2629651.00 479"),
        ("GTK 500", "400612.00 15"),
        ("MG Special", "43768.00 793"),
    ];
    holds(&groups(&metrics, both), &products);
}

#[tokio::test]
async fn other_date_formats_give_the_same_events() {
    let straight = payloads(&imported().await).await;
    for (over, format) in [("month_first", "%m/%d/%Y"), ("day_first", "%d-%m-%y")] {
        let ship = Ship::launch().await;
        import(&ship, format, &[over], None).await.unwrap();
        let events = payloads(&ship).await;
        assert_eq!(events.len(), straight.len(), "{over}");
        assert!(events == straight, "{over}: the events differ");
    }
}

#[tokio::test]
async fn a_corrupted_export_is_counted_and_a_mixed_one_refused() {
    let ship = Ship::launch().await;
    let report = import(&ship, "%d-%m-%y", &["day_month_swapped"], None).await.unwrap();
    assert_eq!(report.conflicts, 1_758);
    assert_eq!((report.rejected, report.rows_read["sales_pipeline.csv"]), (0, 6_711));
    let document = "query($marked: Boolean!) { deals(filter: { datesConflict: $marked }, first: 100) { totalCount
        nodes { cycleDays } } dealMetrics(filter: { datesConflict: $marked }) { total { all { count }
        cycleDays { allClosed { n } } } } }";
    for (marked, deals, cycles) in [(true, 1_758, 0), (false, 6_711 - 1_758, 6_711 - 1_758)] {
        let found = ship.data(document, json!({ "marked": marked })).await;
        let total = &found["dealMetrics"]["total"];
        assert_eq!((&found["deals"]["totalCount"], &total["all"]["count"]), (&json!(deals), &json!(deals)));
        assert_eq!(total["cycleDays"]["allClosed"]["n"], cycles, "marked: {marked}");
        let nodes = found["deals"]["nodes"].as_array().unwrap();
        assert!(nodes.iter().all(|deal| deal["cycleDays"].is_null() == marked), "marked: {marked}");
    }

    let ship = Ship::launch().await;
    let mixed = import(&ship, "%d-%m-%y", &[], Some("day_month_swapped/sales_pipeline.mixed.csv")).await;
    let Err(ImportError::TooManyRejects { report, .. }) = mixed else { panic!("it was taken: {mixed:?}") };
    let first = &report.rejects[0];
    assert_eq!(
        (first.file.as_str(), first.line, first.column.as_str()),
        ("sales_pipeline.mixed.csv", 2, "engage_date")
    );
    assert_eq!(first.value, "10/20/2016");
    assert!(first.rule.contains("%d-%m-%y"), "{}", first.rule);
    assert!(payloads(&ship).await.is_empty());
    assert_eq!(ship.data("{ logHead { position } }", json!({})).await["logHead"]["position"], "0");
}

#[tokio::test]
async fn month_ends_are_as_a_plain_count_over_the_file_says() {
    let ship = imported().await;
    let mut rows = Vec::new();
    let mut reader = csv::Reader::from_path(folder().join("sales_pipeline.csv")).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let opened = if record[5].is_empty() { "2017-12-31".to_owned() } else { record[5].to_owned() };
        rows.push((opened, record[6].to_owned(), record[4].to_owned()));
    }
    let ends = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for (month, end) in (1..).zip(ends) {
        let day = format!("2017-{month:02}-{end}");
        let closed = |status: &str| {
            rows.iter().filter(|(_, closed, stage)| stage == status && !closed.is_empty() && *closed <= day).count()
        };
        let (won, lost) = (closed("Won"), closed("Lost"));
        let open = rows.iter().filter(|(opened, ..)| *opened <= day).count() - won - lost;
        let (document, _) = example("counts_as_of");
        let found = ship.data(&document, json!({ "day": day })).await["asOf"]["dealMetrics"]["total"].clone();
        let expected = json!({ "open": { "count": open }, "won": { "count": won }, "lost": { "count": lost } });
        assert_eq!(found, expected, "{day}");
        let published = [(1, (670, 0, 0)), (6, (1_686, 1_785, 894)), (12, (2_089, 4_238, 2_473))];
        if let Some((_, counts)) = published.iter().find(|(known, _)| *known == month) {
            assert_eq!((open, won, lost), *counts, "{day}");
        }
    }
}
