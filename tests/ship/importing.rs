//! Imports of small files: newer exports, rejects, broken-off imports, and the way back.

use crate::{
    exports::{Files, HEADER, OPEN, WON, appended, binary, deal, deal_as_of, mapping_file, payloads, program, run},
    harness::Ship,
};
use import::{ImportError, Mapping};
use serde_json::{Value, json};
use std::{collections::BTreeMap, process::Stdio, time::Duration};

#[tokio::test]
async fn a_newer_export_appends_what_moved_and_corrects_what_was_rewritten() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    run(&ship, &files).await.unwrap();
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 4821.00 2017-01-02 -");
    let again = run(&ship, &files).await.unwrap();
    assert_eq!((appended(&again), again.head.0), (0, again.head.1), "the same files again append nothing");

    let mut believed = vec![(again.head.1, deal(&ship, "D1").await)];
    let steps = [
        (WON, (1, 0, 0), "WON Won 4800.00 2017-01-02 2017-03-01"),
        (&WON.replace("4800", "4900"), (1, 1, 0), "WON Won 4900.00 2017-01-02 2017-03-01"),
        (WON, (1, 1, 0), "WON Won 4800.00 2017-01-02 2017-03-01"),
        (
            &WON.replace("2017-01-02", "2017-03-01").replace("2017-03-01,4800", "2017-04-01,4800"),
            (2, 2, 0),
            "WON Won 4800.00 2017-03-01 2017-04-01",
        ),
        (WON, (2, 2, 0), "WON Won 4800.00 2017-01-02 2017-03-01"),
        (OPEN, (5, 0, 5), "OPEN Engaging 4821.00 2017-01-02 -"),
        (WON, (1, 0, 0), "WON Won 4800.00 2017-01-02 2017-03-01"),
        (
            "D1,Tomas,GTXPro,Northwind,Lost,2017-01-02,2017-03-05,0\n",
            (1, 1, 0),
            "LOST Lost 4821.00 2017-01-02 2017-03-05",
        ),
    ];
    for (rows, counts, expected) in steps {
        files.deals(rows);
        let report = run(&ship, &files).await.unwrap();
        assert_eq!((appended(&report), report.replaced, report.withdrawn), counts, "{rows}: {}", report.to_text());
        assert_eq!(deal(&ship, "D1").await, expected, "{rows}");
        assert_eq!(appended(&run(&ship, &files).await.unwrap()), 0, "{rows}: and again nothing");
        believed.push((report.head.1, expected.to_owned()));
    }
    for (position, expected) in believed {
        let known = json!({ "known": { "position": position.to_string() } });
        assert_eq!(deal_as_of(&ship, "D1", known).await, expected, "as it was believed at {position}");
    }
}

#[tokio::test]
async fn a_row_that_closes_before_it_opens_is_marked_and_has_no_cycle() {
    let ship = Ship::launch().await;
    let files = Files::new("D1,Ada,Chart,,Won,2017-05-01,2017-04-01,60\nD2,Ada,Chart,,Prospecting,,,\n");
    let report = run(&ship, &files).await.unwrap();
    assert_eq!((report.conflicts, report.assumed["OpenedOn"]), (1, 1));
    let document = "{ deals { nodes { name openedOn cycleDays datesConflict assumed } } }";
    let found = ship.data(document, json!({})).await;
    let expected = json!([
        { "name": "Chart (D1)", "openedOn": "2017-04-01", "cycleDays": null, "datesConflict": true, "assumed": [] },
        { "name": "Chart (D2)", "openedOn": "2017-12-31", "cycleDays": null, "datesConflict": false, "assumed": ["OPENED_ON"] },
    ]);
    assert_eq!(found["deals"]["nodes"], expected);
}

#[tokio::test]
async fn rejects_name_file_line_column_value_and_rule_and_stop_the_import() {
    let ship = Ship::launch().await;
    let bad = [
        ("D2,Tomas,Nothing,,Engaging,2017-01-02,,", "product", "Nothing", "no product of that name"),
        ("D2,Nobody,Chart,,Engaging,2017-01-02,,", "sales_agent", "Nobody", "no person of that name"),
        ("D2,Tomas,Chart,Nowhere,Engaging,2017-01-02,,", "account", "Nowhere", "no account of that name"),
        ("D2,Tomas,Chart,,Asleep,2017-01-02,,", "deal_stage", "Asleep", "no stage of that name"),
        ("D2,Tomas,Chart,,Engaging,02/01/2017,,", "engage_date", "02/01/2017", "%Y-%m-%d"),
        ("D2,Tomas,Chart,,Won,2017-01-02,,5", "close_date", "", "needs the day"),
        ("D2,Tomas,Chart,,Won,2017-01-02,2017-01-03,much", "close_value", "much", "decimal"),
        ("D1,Tomas,Chart,,Engaging,2017-01-02,,", "opportunity_id", "D1", "twice"),
        ("D2,Tomas", "", "", "fields"),
    ];
    for (row, column, value, rule) in bad {
        let files = Files::new(&format!("{OPEN}\"D0\",\"Tomas\",Chart,,Engaging,2017-01-02,,\r\n{row}\n"));
        let Err(ImportError::TooManyRejects { report, rejected: 1, .. }) = run(&ship, &files).await else {
            panic!("{row} was taken");
        };
        let reject = &report.rejects[0];
        assert_eq!((reject.file.as_str(), reject.line), ("sales_pipeline.csv", 4), "{row}");
        assert_eq!((reject.column.as_str(), reject.value.as_str()), (column, value), "{row}");
        assert!(reject.rule.contains(rule), "{row}: {}", reject.rule);
    }
    assert_eq!(ship.data("{ logHead { position } }", json!({})).await["logHead"]["position"], "0");
}

#[tokio::test]
async fn few_rejects_let_the_others_in_and_a_dry_run_writes_nothing() {
    let ship = Ship::launch().await;
    let mut rows: String = (0..199).map(|n| format!("D{n},Ada,Chart,West,Engaging,2017-01-02,,\n")).collect();
    rows.push_str("X,Ada,Nothing,West,Engaging,2017-01-02,,\n");
    let files = Files::new(&rows);
    let dry = import::run(&ship.logbook, &ship.tenant, &files.request(true), &|_| {}).await.unwrap();
    assert_eq!(ship.data("{ logHead { position } }", json!({})).await["logHead"]["position"], "0");
    let wet = run(&ship, &files).await.unwrap();
    let mut written = dry;
    (written.dry_run, written.head) = (false, wet.head);
    assert_eq!((&written, wet.rejected), (&wet, 1), "a dry run counts alike");
    assert!(wet.to_text().contains("199   deal.opened") && wet.to_text().contains("Nothing"), "{}", wet.to_text());
    let words = serde_json::to_value(&wet).unwrap();
    assert_eq!((&words["rejects"][0]["line"], &words["rows_read"]["sales_pipeline.csv"]), (&json!(201), &json!(200)));
}

#[tokio::test]
async fn missing_files_and_columns_and_ambiguous_days_are_told() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    files.write(
        "sales_pipeline.csv",
        "\u{feff}OPPORTUNITY_ID,Sales_Agent,product,account,deal_stage,close_date,close_value\n",
    );
    let error = run(&ship, &files).await.unwrap_err().to_string();
    assert!(
        error.contains("sales_pipeline.csv") && error.contains("engage_date") && error.contains("sales_agent"),
        "{error}"
    );
    std::fs::remove_file(files.0.join("accounts.csv")).unwrap();
    let error = run(&ship, &files).await.unwrap_err().to_string();
    assert!(error.contains("accounts.csv") && error.contains("accounts"), "{error}");
    let cases = [
        ("%d-%m-%Y", "05-02-2017", Some("2 of 2 values of engage_date")),
        ("%d-%m-%Y", "13-02-2017", None),
        ("%m/%d/%Y", "02/05/2017", Some("2 of 2 values of engage_date")),
        ("%Y-%m-%d", "2017-02-05", None),
    ];
    for (format, other, warned) in cases {
        let first: chrono::NaiveDate = "2017-05-02".parse().unwrap();
        let row = format!("D1,Tomas,Chart,,Engaging,{},,\n", first.format(format));
        let files = Files::new(&format!("{row}D2,Tomas,Chart,,Engaging,{other},,\n"));
        let mut request = files.request(true);
        format.clone_into(&mut request.mapping.date_format);
        let report = import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await.unwrap();
        let told = report.warnings.iter().find(|warning| warning.contains("engage_date"));
        assert_eq!(told.is_some(), warned.is_some(), "{other}: {:?}", report.warnings);
        assert!(told.is_none_or(|told| told.contains(warned.unwrap())), "{told:?}");
    }
    let files = Files::new(OPEN);
    files.write("accounts.csv", "account,sector,subsidiary_of\n\u{fffd}");
    std::fs::write(files.0.join("accounts.csv"), b"account,sector,subsidiary_of\n\xff\xfe,,\n").unwrap();
    let error = run(&ship, &files).await.unwrap_err().to_string();
    assert!(error.contains("not UTF-8") && error.contains("line 2"), "{error}");
}

#[tokio::test]
async fn an_import_taken_back_is_gone_now_and_there_as_it_was_believed() {
    let ship = Ship::launch().await;
    let files = Files::new(WON);
    let report = run(&ship, &files).await.unwrap();
    let reverted = import::revert(&ship.logbook, &ship.tenant, report.import_id).await.unwrap();
    assert_eq!((reverted.withdrawn, reverted.refused.len()), (appended(&report), 0), "{}", reverted.to_text());
    let counts = "{ deals { totalCount } people { totalCount } teams { totalCount } accounts { totalCount } }";
    let now = ship.data(counts, json!({})).await;
    for list in ["deals", "people", "teams", "accounts"] {
        assert_eq!(now[list]["totalCount"], 0, "{list}");
    }
    let document = "query($known: KnownInput) { asOf(at: { known: $known }) { deals { nodes { status } } } }";
    let then = ship.data(document, json!({ "known": { "position": report.head.1.to_string() } })).await;
    assert_eq!(then["asOf"]["deals"]["nodes"][0]["status"], "WON");
    let again = import::revert(&ship.logbook, &ship.tenant, report.import_id).await.unwrap();
    assert_eq!(again.withdrawn, 0);
    run(&ship, &files).await.unwrap();
    assert_eq!(deal(&ship, "D1").await, "WON Won 4800.00 2017-01-02 2017-03-01", "and comes in again when asked to");
    let unknown = import::revert(&ship.logbook, &ship.tenant, logbook::fresh_id()).await;
    assert!(unknown.unwrap_err().to_string().contains("nothing of an import"));
}

#[tokio::test]
async fn a_newer_import_taken_back_leaves_what_the_older_one_said() {
    let ship = Ship::launch().await;
    let files = Files::new(WON);
    run(&ship, &files).await.unwrap();
    files.deals(&format!("{}D2,Ada,Chart,,Engaging,2017-01-02,,\n", WON.replace("4800", "4900")));
    let newer = run(&ship, &files).await.unwrap();
    assert_eq!(deal(&ship, "D1").await, "WON Won 4900.00 2017-01-02 2017-03-01");
    let reverted = import::revert(&ship.logbook, &ship.tenant, newer.import_id).await.unwrap();
    assert_eq!((reverted.withdrawn, reverted.refused.len()), (2, 0), "{}", reverted.to_text());
    assert_eq!(deal(&ship, "D1").await, "WON Won 4800.00 2017-01-02 2017-03-01");
    assert_eq!(deal(&ship, "D2").await, "- - - - -");
}

#[tokio::test]
async fn what_people_said_stands_through_the_next_import() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    let report = run(&ship, &files).await.unwrap();
    let found = ship.data("{ deals { nodes { key } } }", json!({})).await;
    let amount = json!({ "id": found["deals"]["nodes"][0]["key"], "amount": { "amount": "5000.00" },
        "effectiveAt": { "day": "2017-02-01" } });
    ship.command("dealChangeAmount", "deal { key }", amount).await;
    assert_eq!(appended(&run(&ship, &files).await.unwrap()), 0);
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 5000.00 2017-01-02 -");
    let reverted = import::revert(&ship.logbook, &ship.tenant, report.import_id).await.unwrap();
    assert!(!reverted.refused.is_empty(), "a person's word stands on it: {}", reverted.to_text());
    assert!(reverted.to_text().contains("stays: "), "{}", reverted.to_text());
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 5000.00 2017-01-02 -");
}

#[tokio::test]
async fn another_way_to_write_the_same_rows_is_the_same_import() {
    let (plain, fancy) = (Ship::launch().await, Ship::launch().await);
    let files = Files::new("D1,Tomas,GTXPro,Northwind,Won,2017-01-02,2017-03-01,4800\n");
    run(&plain, &files).await.unwrap();
    files.write(
        "sales_pipeline.csv",
        "\u{feff}Close_Value,note,\"OPPORTUNITY_ID\",Sales_Agent, product ,ACCOUNT,Deal_Stage,close_date,engage_date\r\n\
         4800,\"two\r\nlines, \"\"quoted\"\"\",D1,\"Tomas\", GTX Pro,\"Northwind\",Won,2017-3-1,2017-01-02\r\n",
    );
    run(&fancy, &files).await.unwrap();
    assert_eq!(payloads(&fancy).await, payloads(&plain).await);
    files.write(
        "sales_pipeline.csv",
        &format!(
            "{}D3,Ada,\"Cha\r\nrt\",,Engaging,2017-01-02,,\r\nD4,Ada,None,,Engaging,2017-01-02,,",
            HEADER.replace('\n', "\r\n")
        ),
    );
    let Err(ImportError::TooManyRejects { report, .. }) = run(&fancy, &files).await else { panic!("it was taken") };
    assert_eq!(report.rejects.iter().map(|reject| reject.line).collect::<Vec<_>>(), [2, 4], "lines, not rows");
}

#[tokio::test]
async fn of_two_files_of_one_name_the_later_folder_s_counts_and_a_named_file_before_all() {
    let ship = Ship::launch().await;
    let (first, later) = (Files::new(OPEN), Files::new(OPEN));
    later.deals(&OPEN.replace("2017-01-02", "2017-01-05"));
    std::fs::remove_file(later.0.join("accounts.csv")).unwrap();
    let mut request = first.request(false);
    request.folders.push(later.0.clone());
    import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await.unwrap();
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 4821.00 2017-01-05 -");
    request.files.insert("deals".to_owned(), first.0.join("sales_pipeline.csv"));
    import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await.unwrap();
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 4821.00 2017-01-02 -");
    request.files.insert("boats".to_owned(), first.0.clone());
    let refused = import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await.unwrap_err().to_string();
    assert!(refused.contains("boats") && refused.contains("products, accounts, people and deals"), "{refused}");
}

#[tokio::test]
async fn as_many_rejects_as_the_mapping_allows_are_let_pass_and_no_more() {
    let ship = Ship::launch().await;
    for (good, allowed, passes) in [(99, 1.0, true), (98, 1.0, false), (199, 0.0, false), (1, 50.0, true)] {
        let mut rows: String = (0..good).map(|n| format!("D{n},Ada,Chart,West,Engaging,2017-01-02,,\n")).collect();
        rows.push_str("X,Ada,Nothing,West,Engaging,2017-01-02,,\n");
        let files = Files::new(&rows);
        let mut request = files.request(true);
        request.mapping.rejects_max_percent = allowed;
        let done = import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await;
        assert_eq!(done.is_ok(), passes, "1 of {} with {allowed} %: {done:?}", good + 1);
    }
}

#[tokio::test]
async fn thousands_of_rejects_count_against_their_own_file_alone() {
    let ship = Ship::launch().await;
    let mut rows: String = (0..2_500).map(|n| format!("D{n},Ada,Chart,West,Engaging,2017-01-02,,\n")).collect();
    rows.extend((0..1_500).map(|n| format!("X{n},Ada,Nothing,West,Engaging,2017-01-02,,\n")));
    let files = Files::new(&rows);
    files.write("products.csv", "product,sales_price\nGTX Pro,4821\nChart,55.50\nChart,1\n");
    let mut request = files.request(true);
    request.mapping.rejects_max_percent = 40.0;
    let report = import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await.unwrap();
    let expected = BTreeMap::from([("products.csv".to_owned(), 1), ("sales_pipeline.csv".to_owned(), 1_500)]);
    assert_eq!((report.rejected_by_file, report.rejected, report.rejects.len()), (expected, 1_501, 1_000));
}

#[tokio::test]
async fn rows_that_deals_stand_on_are_rejected_by_the_same_words() {
    let ship = Ship::launch().await;
    let bad = [
        ("products.csv", "product,sales_price\nChart,55.50\nChart,1\n", 3, "twice"),
        ("products.csv", "product,sales_price\nChart,dear\n", 2, "decimal"),
        ("accounts.csv", "account,sector,subsidiary_of\nWest,x,Nowhere\n", 2, "no account of that name"),
        ("accounts.csv", "account,sector,subsidiary_of\nA,x,B\nB,x,A\n", 2, "account"),
        ("sales_teams.csv", "sales_agent,manager,regional_office\nAda,Ines,North\nAda,Ines,North\n", 3, "twice"),
        ("sales_teams.csv", "sales_agent,manager,regional_office\nAda,Ines,North\nInes,Ada,North\n", 3, "circle"),
    ];
    for (name, text, line, rule) in bad {
        let files = Files::new("D1,Ada,Chart,,Engaging,2017-01-02,,\n");
        files.write(name, text);
        let done = run(&ship, &files).await;
        let Err(ImportError::TooManyRejects { report, file, .. }) = done else { panic!("{text} was taken: {done:?}") };
        let reject = &report.rejects[0];
        assert_eq!((file.as_str(), reject.file.as_str(), reject.line), (name, name, line), "{reject:?}");
        assert!(reject.rule.contains(rule), "{reject:?}");
    }
    assert!(payloads(&ship).await.is_empty());
}

#[tokio::test]
async fn blanks_need_their_defaults() {
    let ship = Ship::launch().await;
    let files = Files::new(WON);
    files.deals("D2,Ada,Chart,,Prospecting,,,\nD3,Ada,Chart,,Lost,2017-01-02,2017-01-03,0\n");
    let mut request = files.request(true);
    (request.mapping.deals.opened_on_default, request.mapping.deals.lost_reason_default) = (None, None);
    let done = import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await;
    let Err(ImportError::TooManyRejects { report, .. }) = done else { panic!("{done:?}") };
    assert!(report.rejects[0].rule.contains("the day on which it was opened"), "{:?}", report.rejects);
    assert!(report.rejects[1].rule.contains("its reason"), "{:?}", report.rejects);
}

#[test]
fn a_mapping_that_cannot_be_is_refused_in_a_sentence() {
    let text = std::fs::read_to_string(mapping_file()).unwrap();
    let cases = [
        ("currency = \"USD\"", "currency = \"USD\"\ncolour = 1", "colour"),
        ("opened_at_stage = \"Engaging\"", "opened_at_stage = \"Won\"", "no open stage"),
        ("%Y-%m-%d", "%H:%M", "does not tell a day"),
        ("list_price = \"sales_price\"\n", "", "products.list_price"),
        ("[organisation]", "rejects_max_percent = 101\n[organisation]", "between 0 and 100"),
    ];
    for (from, to, said) in cases {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        let files = Files::new(OPEN);
        files.write("mapping.toml", &text.replace(from, to));
        let refused = Mapping::read(&files.0.join("mapping.toml")).unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_imports_reports_and_takes_back() {
    let ship = Ship::launch().await;
    let files = Files::new(WON);
    let report = files.0.join("report.json");
    let report = report.to_str().unwrap();
    let said = program(&ship, &files).args(["--dry-run", "--report", report]).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stdout).contains("nothing was written"), "{said:?}");
    assert!(payloads(&ship).await.is_empty());
    let said = program(&ship, &files).args(["--report", report]).output().unwrap();
    assert!(said.status.success(), "{said:?}");
    let told: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let events = payloads(&ship).await.len();
    assert_eq!((&told["events_appended"]["deal.won"], &told["head"]), (&json!(1), &json!([0, events])));
    let words = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(words.contains(told["import_id"].as_str().unwrap()), "{words}");
    assert!(words.contains(&format!("{events} events appended")), "{words}");
    let again = program(&ship, &files).output().unwrap();
    assert!(String::from_utf8_lossy(&again.stdout).contains("0 events appended"), "{again:?}");
    let id = told["import_id"].as_str().unwrap();
    let back = binary(&ship).args(["import", "revert", id, "--tenant", &ship.tenant.name]).output().unwrap();
    assert!(back.status.success() && String::from_utf8_lossy(&back.stdout).contains("withdrew"), "{back:?}");
    files.deals("D1,Nobody,Chart,,Engaging,2017-01-02,,\n");
    let refused = program(&ship, &files).args(["--report", report]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("nothing was written"), "{refused:?}");
    let told: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!(told["rejects"][0]["value"], "Nobody", "the report of a refused import is written too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_killed_half_way_and_run_again_ends_in_the_same_state() {
    let rows: String =
        (0..3_000).map(|n| format!("D{n},Ada,Chart,West,Won,2017-01-02,2017-02-{:02},60\n", 1 + n % 28)).collect();
    let files = Files::new(&rows);
    let straight = Ship::launch().await;
    run(&straight, &files).await.unwrap();
    let ship = Ship::launch().await;
    let mut broken_off = 0;
    for kills in 1..=6 {
        let mut command = program(&ship, &files);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let before = payloads(&ship).await.len();
        while payloads(&ship).await.len() < before + 700 * kills && child.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        child.kill().unwrap();
        broken_off += u32::from(!child.wait().unwrap().success());
    }
    assert!(broken_off >= 2, "the imports ran to their ends before they were killed");
    run(&ship, &files).await.unwrap();
    assert!(payloads(&ship).await == payloads(&straight).await, "the events differ from those of one straight run");
    let rebuilt = logbook::rebuild(ship.logbook.pool(), ship.registry(), &ship.tenant, true).await.unwrap();
    assert!(rebuilt.all_right(), "{rebuilt:?}");
}
