//! Newer exports of one CRM: what moved is appended on its day, what people said by hand stands.

use crate::{
    exports::{Files, OPEN, WON, appended, deal, deal_as_of, run},
    harness::Ship,
};
use import::Report;
use serde_json::{Value, json};

/// Imports files as an export of a day.
async fn of_day(ship: &Ship, files: &Files, day: &str) -> Report {
    let mut request = files.request(false);
    request.mapping.as_of = Some(day.parse().unwrap());
    import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await.unwrap()
}

fn types(report: &Report) -> Vec<(&str, u64)> {
    report.events_appended.iter().map(|(kind, count)| (kind.as_str(), *count)).collect()
}

/// Owner and stage of the deal D1 as of a day.
async fn on(ship: &Ship, day: &str) -> [Value; 2] {
    let document = "query($day: Date!) { asOf(at: { effective: { day: $day } }) { deals { nodes {
        owner { name } stage { name } } } } }";
    let found = ship.data(document, json!({ "day": day })).await["asOf"]["deals"]["nodes"][0].clone();
    [found["owner"]["name"].clone(), found["stage"]["name"].clone()]
}

async fn key(ship: &Ship) -> Value {
    ship.data("{ deals { nodes { key } } }", json!({})).await["deals"]["nodes"][0]["key"].clone()
}

async fn position(ship: &Ship, kind: &str) -> String {
    let sql = "SELECT max(position) FROM event WHERE tenant_id = $1 AND type = $2";
    let row = ship.superuser().await.query_one(sql, &[&ship.tenant.id.0, &kind]).await.unwrap();
    row.get::<_, i64>(0).to_string()
}

#[tokio::test]
async fn a_stage_with_its_own_day_moves_then_and_what_was_before_stays() {
    let ship = Ship::launch().await;
    let files = Files::new("D1,Tomas,Chart,,Prospecting,,,\n");
    of_day(&ship, &files, "2018-01-31").await;
    files.deals("D1,Tomas,Chart,,Engaging,2018-02-05,,\n");
    let moved = of_day(&ship, &files, "2018-02-28").await;
    assert_eq!((types(&moved), moved.replaced), (vec![("deal.stage_changed", 1)], 0), "{}", moved.to_text());
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 55.50 2017-12-31 -");
    assert_eq!(on(&ship, "2018-02-04").await[1], "Prospecting");
    assert_eq!(on(&ship, "2018-02-05").await[1], "Engaging");
    assert_eq!(appended(&of_day(&ship, &files, "2018-03-31").await), 0);
    files.deals("D1,Tomas,Chart,,Won,2018-02-05,2018-03-01,60\n");
    let won = of_day(&ship, &files, "2018-03-31").await;
    assert_eq!((types(&won), won.replaced), (vec![("deal.won", 1)], 0));
    assert_eq!(on(&ship, "2018-02-04").await[1], "Prospecting", "history is as it was");
}

#[tokio::test]
async fn a_stage_that_is_entered_before_the_assumed_opening_corrects_it() {
    let ship = Ship::launch().await;
    let files = Files::new("D1,Tomas,Chart,,Prospecting,,,\n");
    of_day(&ship, &files, "2018-01-31").await;
    files.deals("D1,Tomas,Chart,,Engaging,2017-11-05,,\n");
    let report = of_day(&ship, &files, "2018-02-28").await;
    assert_eq!((types(&report), report.replaced), (vec![("deal.opened", 1)], 1));
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 55.50 2017-11-05 -");
}

#[tokio::test]
async fn what_has_no_day_of_its_own_moves_on_the_export_s() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    of_day(&ship, &files, "2017-02-01").await;
    files.deals(&OPEN.replace("Tomas", "Ada").replace("Engaging", "Prospecting").replace("2017-01-02", ""));
    let moved = of_day(&ship, &files, "2017-03-01").await;
    assert_eq!(types(&moved), [("deal.owner_changed", 1), ("deal.stage_changed", 1)], "{}", moved.to_text());
    assert_eq!(on(&ship, "2017-02-28").await, ["Tomas", "Engaging"]);
    assert_eq!(on(&ship, "2017-03-01").await, ["Ada", "Prospecting"]);
    assert_eq!(appended(&of_day(&ship, &files, "2017-04-01").await), 0, "the same files again append nothing");
    files.deals(OPEN);
    assert_eq!(appended(&of_day(&ship, &files, "2017-02-01").await), 0, "an older export tells nothing newer");
    let back = of_day(&ship, &files, "2017-05-01").await;
    assert_eq!(types(&back), [("deal.owner_changed", 1), ("deal.stage_changed", 1)], "{}", back.to_text());
    assert_eq!(on(&ship, "2017-04-30").await, ["Ada", "Prospecting"]);
    assert_eq!(appended(&of_day(&ship, &files, "2017-05-01").await), 0);
    for owner in ["Ada", "Tomas", "Ada"] {
        files.deals(&OPEN.replace("Tomas", owner));
        assert_eq!(types(&of_day(&ship, &files, "2017-06-01").await), [("deal.owner_changed", 1)], "{owner}, one day");
    }
    files.deals(&WON.replace("Tomas", "Ada").replace("2017-03-01", "2017-05-15"));
    let won = of_day(&ship, &files, "2017-07-01").await;
    assert_eq!(won.rejected, 0, "{}", won.to_text());
    assert_eq!(deal(&ship, "D1").await, "WON Won 4800.00 2017-01-02 2017-05-15", "a closing before a move");
    assert_eq!(appended(&of_day(&ship, &files, "2017-08-01").await), 0);
}

#[tokio::test]
async fn the_worth_and_the_expected_day_of_an_open_deal_move_too() {
    let ship = Ship::launch().await;
    let files = Files::new("D1,Ada,Chart,,Engaging,2017-01-02,2017-06-01,100\n");
    let run = async |day: &str| {
        let mut request = files.request(false);
        request.mapping.deals.close_on = request.mapping.deals.closed_on.clone();
        request.mapping.deals.open_amount = import::AmountMap::Column("close_value".to_owned());
        request.mapping.as_of = Some(day.parse().unwrap());
        import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await.unwrap()
    };
    run("2017-02-01").await;
    files.deals("D1,Ada,Chart,,Engaging,2017-01-02,2017-07-01,120\n");
    assert_eq!(types(&run("2017-03-01").await), [("deal.amount_changed", 1), ("deal.close_date_moved", 1)]);
    let before = json!({ "effective": { "day": "2017-02-28" } });
    assert_eq!(deal_as_of(&ship, "D1", before).await, "OPEN Engaging 100.00 2017-01-02 -");
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 120.00 2017-01-02 -");
    assert_eq!(appended(&run("2017-03-01").await), 0);
}

#[tokio::test]
async fn what_people_corrected_is_kept_counted_and_listed() {
    let ship = Ship::launch().await;
    let files = Files::new(WON);
    run(&ship, &files).await.unwrap();
    let won = json!({ "id": key(&ship).await, "amount": { "amount": "5000.00" }, "effectiveAt": { "day": "2017-03-01" },
        "correction": { "replaces": position(&ship, "deal.won").await, "reason": "as signed" } });
    ship.command("dealWin", "deal { key }", won).await;
    for rows in [WON.to_owned(), WON.replace("4800", "4900")] {
        files.deals(&rows);
        let report = run(&ship, &files).await.unwrap();
        assert_eq!((appended(&report), report.rejected, report.kept_by_people), (0, 0, 1), "{}", report.to_text());
        assert_eq!(report.rows["sales_pipeline.csv"].kept_by_people, 1);
        assert!(report.to_text().contains("sales_pipeline.csv, line 2, close_date"), "{}", report.to_text());
        let words = serde_json::to_value(&report).unwrap();
        assert_eq!((&words["kept_by_people"], &words["kept"][0]["line"]), (&json!(1), &json!(2)));
    }
    assert_eq!(deal(&ship, "D1").await, "WON Won 5000.00 2017-01-02 2017-03-01");
}

#[tokio::test]
async fn what_people_won_or_reopened_is_kept() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    run(&ship, &files).await.unwrap();
    let id = key(&ship).await;
    let won = json!({ "id": id, "amount": { "amount": "4800.00" }, "effectiveAt": { "day": "2017-03-05" } });
    ship.command("dealWin", "deal { key }", won).await;
    files.deals(WON);
    let report = run(&ship, &files).await.unwrap();
    assert_eq!((appended(&report), report.rejected, report.kept_by_people), (0, 0, 1), "{}", report.to_text());
    assert_eq!(deal(&ship, "D1").await, "WON Won 4800.00 2017-01-02 2017-03-05");

    let ship = Ship::launch().await;
    run(&ship, &files).await.unwrap();
    let stages = ship.data("{ pipelines { nodes { stages { key name } } } }", json!({})).await;
    let stage = stages["pipelines"]["nodes"][0]["stages"][1]["key"].clone();
    let reopened = json!({ "id": key(&ship).await, "stage": stage, "effectiveAt": { "day": "2017-04-01" } });
    ship.command("dealReopen", "deal { key }", reopened).await;
    files.deals(&WON.replace("2017-03-01", "2017-05-01"));
    let report = run(&ship, &files).await.unwrap();
    assert_eq!((report.rejected, report.kept_by_people), (0, 1), "{}", report.to_text());
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 4800.00 2017-01-02 -");
}

#[tokio::test]
async fn what_people_withdrew_stays_withdrawn() {
    let ship = Ship::launch().await;
    let files = Files::new(WON);
    run(&ship, &files).await.unwrap();
    let withdrawn =
        json!({ "id": key(&ship).await, "event": position(&ship, "deal.won").await, "reason": "not signed yet" });
    ship.command("dealWithdraw", "deal { key }", withdrawn).await;
    let report = run(&ship, &files).await.unwrap();
    assert_eq!((appended(&report), report.rejected, report.kept_by_people), (0, 0, 1), "{}", report.to_text());
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 4821.00 2017-01-02 -");
}

#[tokio::test]
async fn who_is_gone_from_a_newer_export_is_left_as_before() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    run(&ship, &files).await.unwrap();
    files.write("sales_teams.csv", "sales_agent,manager,regional_office\nTomas,Ines,North\n");
    let report = run(&ship, &files).await.unwrap();
    assert_eq!((appended(&report), report.withdrawn), (0, 0), "{}", report.to_text());
    let found = ship.data("{ people { nodes { name manager { name } team { name } } } }", json!({})).await;
    let ada = json!({ "name": "Ada", "manager": { "name": "Ines" }, "team": { "name": "Ines" } });
    assert!(found["people"]["nodes"].as_array().unwrap().contains(&ada), "{found}");
    files.write("sales_teams.csv", "sales_agent,manager,regional_office\nTomas,,North\nAda,Ines,North\n");
    let report = run(&ship, &files).await.unwrap();
    assert_eq!(report.withdrawn, 1, "a row that is there and names no manager has none: {}", report.to_text());
}

#[tokio::test]
async fn the_organisation_never_begins_later_than_it_did() {
    let ship = Ship::launch().await;
    let early = "D0,Ada,Chart,,Engaging,2015-01-02,,\n";
    let files = Files::new(&format!("{OPEN}{early}"));
    run(&ship, &files).await.unwrap();
    files.deals(OPEN);
    let report = run(&ship, &files).await.unwrap();
    assert_eq!(appended(&report), 0, "{}", report.to_text());
    assert_eq!(on(&ship, "2015-02-01").await, ["Ada", "Engaging"]);
}

#[tokio::test]
async fn every_row_of_every_file_is_counted_once() {
    let ship = Ship::launch().await;
    let mut rows: String = (0..300).map(|n| format!("D{n},Ada,Chart,West,Engaging,2017-01-02,,\n")).collect();
    let files = Files::new(&rows);
    let whole = |report: &Report| {
        for (file, read) in &report.rows_read {
            let rows = &report.rows[file];
            let sum = rows.new + rows.changed + rows.known + rows.rejected + rows.kept_by_people;
            assert_eq!(sum, *read, "{file}: {}", report.to_text());
        }
    };
    let first = run(&ship, &files).await.unwrap();
    whole(&first);
    assert_eq!(first.rows["sales_pipeline.csv"].new, 300);
    assert_eq!(first.rows["sales_teams.csv"], import::Rows { new: 2, ..import::Rows::default() });
    rows = rows.replace("D7,Ada", "D7,Tomas")
        + "D300,Ada,Chart,West,Engaging,2017-01-02,,\nX,Ada,No,,Engaging,2017-01-02,,\n,,,,,,,\n";
    files.deals(&rows);
    let second = run(&ship, &files).await.unwrap();
    whole(&second);
    let expected = import::Rows { new: 1, changed: 1, known: 299, rejected: 1, kept_by_people: 0 };
    assert_eq!(second.rows["sales_pipeline.csv"], expected, "{}", second.to_text());
    assert_eq!((second.blank_rows["sales_pipeline.csv"], second.rows["sales_teams.csv"].known), (1, 2));
}

/// Imports files while, between deciding and writing, something else is done.
async fn with_company(ship: &Ship, files: &Files, meanwhile: impl AsyncFn()) -> Report {
    let request = files.request(false);
    let progress = |progress: import::Progress| {
        if progress.phase == import::Phase::Writing && progress.done == 0 {
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(meanwhile()));
        }
    };
    import::run(&ship.logbook, &ship.tenant, &request, &progress).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_changed_in_the_meantime_is_told_with_its_row() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    run(&ship, &files).await.unwrap();
    files.deals(WON);
    let id = key(&ship).await;
    let report = with_company(&ship, &files, async || {
        let won = json!({ "id": id, "amount": { "amount": "1.00" }, "effectiveAt": { "day": "2017-03-05" } });
        ship.command("dealWin", "deal { key }", won).await;
    });
    let report = report.await;
    assert_eq!((appended(&report), report.overtaken, report.rejected), (0, 1, 1), "{}", report.to_text());
    let reject = &report.rejects[0];
    assert_eq!((reject.file.as_str(), reject.line, reject.column.as_str()), ("sales_pipeline.csv", 2, "close_date"));
    assert_eq!(report.rows["sales_pipeline.csv"].rejected, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_same_import_wrote_in_the_meantime_is_known() {
    let ship = Ship::launch().await;
    let files = Files::new(WON);
    let report = with_company(&ship, &files, async || drop(run(&ship, &files).await.unwrap())).await;
    assert_eq!((appended(&report), report.overtaken, report.rejected), (0, 0, 0), "{}", report.to_text());
    assert!(report.already_known > 5, "{}", report.to_text());
}

#[tokio::test]
async fn a_line_that_the_log_refuses_is_told_with_its_row_and_the_others_come_in() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    run(&ship, &files).await.unwrap();
    let rows = "sales_agent,manager,regional_office\nInes,Ada,North\nTomas,Max,North\n";
    files.write("sales_teams.csv", rows);
    let mut request = files.request(false);
    request.mapping.rejects_max_percent = 50.0;
    let report = import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await.unwrap();
    assert_eq!(report.rejected, 1, "{}", report.to_text());
    let reject = &report.rejects[0];
    let found = (reject.file.as_str(), reject.line, reject.column.as_str(), reject.value.as_str());
    assert_eq!(found, ("sales_teams.csv", 2, "manager", "Ada"));
    let people = ship.data("{ people { nodes { name manager { name } } } }", json!({})).await;
    let tomas = json!({ "name": "Tomas", "manager": { "name": "Max" } });
    assert!(people["people"]["nodes"].as_array().unwrap().contains(&tomas), "{people}");
}
