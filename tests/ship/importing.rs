//! Imports of small files: newer exports, rejects, broken-off imports, and the way back.

use crate::harness::{Ship, in_role};
use import::{ImportError, Mapping, Report, Request};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// Files of a small company, in a folder that is gone after the test.
struct Files(PathBuf);

const HEADER: &str = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n";

impl Files {
    fn new(deals: &str) -> Self {
        let files = Self(std::env::temp_dir().join(format!("quarterdeck-import-{}", logbook::fresh_id())));
        std::fs::create_dir_all(&files.0).unwrap();
        files.write("sales_teams.csv", "sales_agent,manager,regional_office\nTomas,Ines,North\nAda,Ines,North\n");
        files.write("accounts.csv", "account,sector,subsidiary_of\nWest,transport,Northwind\nNorthwind,technolgy,\n");
        files.write("products.csv", "product,sales_price\nGTX Pro,4821\nChart,55.50\n");
        files.deals(deals);
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn deals(&self, rows: &str) {
        self.write("sales_pipeline.csv", &format!("{HEADER}{rows}"));
    }

    fn request(&self, dry_run: bool) -> Request {
        let mapping = Mapping::read(&mapping_file()).unwrap();
        Request { mapping, folders: vec![self.0.clone()], files: BTreeMap::new(), dry_run }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn mapping_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("mappings/maven_crm.toml")
}

async fn run(ship: &Ship, files: &Files) -> Result<Report, ImportError> {
    import::run(&ship.logbook, &ship.tenant, &files.request(false), &|_| {}).await
}

fn appended(report: &Report) -> u64 {
    report.events_appended.values().sum()
}

/// What a deal says now: status, amount, opening and closing day.
async fn deal(ship: &Ship, id: &str) -> String {
    let document = "query($ids: [String!]) { deals(filter: { externalIds: $ids }) {
        nodes { status amount { amount } openedOn closedOn stage { name } } } }";
    let found = ship.data(document, json!({ "ids": [id] })).await;
    let node = &found["deals"]["nodes"][0];
    let text = |field: &str| node[field].as_str().unwrap_or("-").to_owned();
    let amount = node["amount"]["amount"].as_str().unwrap_or("-");
    format!(
        "{} {} {amount} {} {}",
        text("status"),
        node["stage"]["name"].as_str().unwrap_or("-"),
        text("openedOn"),
        text("closedOn")
    )
}

const OPEN: &str = "D1,Tomas,GTXPro,Northwind,Engaging,2017-01-02,,\n";
const WON: &str = "D1,Tomas,GTXPro,Northwind,Won,2017-01-02,2017-03-01,4800\n";

#[tokio::test]
async fn a_newer_export_appends_what_moved_and_corrects_what_was_rewritten() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    run(&ship, &files).await.unwrap();
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 4821.00 2017-01-02 -");
    let again = run(&ship, &files).await.unwrap();
    assert_eq!((appended(&again), again.head.0), (0, again.head.1), "the same files again append nothing");

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
    }
    let believed = "query($known: KnownInput) { asOf(at: { known: $known }) { deals { nodes { status } } } }";
    let first = ship.data(believed, json!({ "known": { "position": again.head.1.to_string() } })).await;
    assert_eq!(first["asOf"]["deals"]["nodes"][0]["status"], "OPEN", "what was believed can still be read");
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
    assert_eq!((dry.events_appended.clone(), dry.rejected), (wet.events_appended.clone(), 1));
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
    let files = Files::new("D1,Tomas,Chart,,Engaging,2017-05-02,,\n");
    let report = run(&ship, &files).await.unwrap();
    assert!(report.warnings.iter().any(|warning| warning.contains("engage_date")), "{:?}", report.warnings);
    files.write("accounts.csv", "account,sector,subsidiary_of\n\u{fffd}");
    std::fs::write(files.0.join("accounts.csv"), b"account,sector,subsidiary_of\n\xff\xfe,,\n").unwrap();
    let error = run(&ship, &files).await.unwrap_err().to_string();
    assert!(error.contains("not UTF-8") && error.contains("line 2"), "{error}");
}

#[tokio::test]
async fn an_import_taken_back_is_gone_now_and_there_as_it_was_believed() {
    let ship = Ship::launch().await;
    let report = run(&ship, &Files::new(WON)).await.unwrap();
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
    let unknown = import::revert(&ship.logbook, &ship.tenant, logbook::fresh_id()).await;
    assert!(unknown.unwrap_err().to_string().contains("nothing of an import"));
}

/// What the log says, event for event.
async fn payloads(ship: &Ship) -> Vec<(String, String, String, Vec<u8>)> {
    let sql =
        "SELECT type, stream_id::text, effective_at::text, payload FROM event WHERE tenant_id = $1 ORDER BY position";
    let rows = ship.superuser().await.query(sql, &[&ship.tenant.id.0]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_killed_half_way_and_run_again_ends_in_the_same_state() {
    let rows: String =
        (0..3_000).map(|n| format!("D{n},Ada,Chart,West,Won,2017-01-02,2017-02-{:02},60\n", 1 + n % 28)).collect();
    let files = Files::new(&rows);
    let straight = Ship::launch().await;
    run(&straight, &files).await.unwrap();
    let ship = Ship::launch().await;
    let tokio_postgres::config::Host::Unix(socket) = &ship.config.get_hosts()[0] else { panic!("a socket") };
    let config = in_role(&ship.config, "quarterdeck_app");
    let url = format!(
        "host={} port=5432 user={} dbname={} options='-c role=quarterdeck_app'",
        socket.display(),
        config.get_user().unwrap(),
        ship.database
    );
    let mut broken_off = 0;
    for kills in 1..=6 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck-under-test"));
        command.env("DATABASE_URL", &url).args(["--log", "off", "import", "--tenant", &ship.tenant.name, "--mapping"]);
        command.arg(mapping_file()).arg(&files.0).stdout(Stdio::null()).stderr(Stdio::null());
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
