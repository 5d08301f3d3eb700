//! How files are read: what cannot be read as it is declared is told, and stops the import or its row.

use crate::{
    exports::{Files, HEADER, OPEN, WON, deal, mapping_file, payloads, program, run},
    harness::Ship,
};
use import::{AmountMap, ImportError, Mapping, Report, Request};
use serde_json::json;

/// Imports files with another mapping.
async fn mapped(ship: &Ship, files: &Files, change: impl Fn(&mut Mapping)) -> Result<Report, ImportError> {
    let mut request = files.request(false);
    change(&mut request.mapping);
    import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await
}

async fn refused(ship: &Ship, request: &Request) -> String {
    import::run(&ship.logbook, &ship.tenant, request, &|_| {}).await.unwrap_err().to_string()
}

/// The committed mapping with words changed.
fn rewritten(from: &str, to: &str) -> Result<Mapping, String> {
    let text = std::fs::read_to_string(mapping_file()).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    let files = Files::new(OPEN);
    files.write("mapping.toml", &text.replace(from, to));
    Mapping::read(&files.0.join("mapping.toml")).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_quote_that_is_not_closed_stops_the_import() {
    let ship = Ship::launch().await;
    let rows: String = (0..1_000).map(|n| format!("D{n},Ada,Chart,,Engaging,2017-01-02,,\n")).collect();
    for (from, to) in [
        ("D500,Ada", "D500,\"Ada"),
        ("D500,Ada,Chart,,Engaging,2017-01-02,,", "D500,Ada,Chart,,Engaging,2017-01-02,,\""),
    ] {
        let error = run(&ship, &Files::new(&rows.replace(from, to))).await.unwrap_err().to_string();
        assert!(error.contains("line 502") && error.contains("quote"), "{error}");
    }
    assert!(payloads(&ship).await.is_empty());
}

#[tokio::test]
async fn days_begin_in_the_tenant_s_zone_whatever_the_mapping_s_is() {
    for (own, other) in [("America/New_York", "Europe/Berlin"), ("Asia/Tokyo", "America/New_York")] {
        let mut ship = Ship::launch().await;
        ship.tenant.zone = own.parse().unwrap();
        let files = Files::new(&WON.replace("2017-03-01", "2017-03-12"));
        let report = mapped(&ship, &files, |mapping| mapping.time_zone = Some(other.parse().unwrap())).await.unwrap();
        assert_eq!(report.rejected, 0, "{}", report.to_text());
        let events = payloads(&ship).await;
        let won = events.iter().find(|event| event.0 == "deal.won").unwrap();
        let expected = if own == "Asia/Tokyo" { "2017-03-11 15:00:00+00" } else { "2017-03-12 05:00:00+00" };
        assert_eq!(won.2, expected, "{own}, the day on which clocks go forward in New York");
        assert!(String::from_utf8_lossy(&won.3).contains("\"closed_on\":\"2017-03-12\""));
    }
}

#[tokio::test]
async fn a_column_can_be_written_in_another_way_and_with_a_time() {
    let ship = Ship::launch().await;
    let files = Files::new("D1,Tomas,GTXPro,Northwind,Won,2017-01-02,01.03.2017 09:30,4800\n");
    let mapping =
        rewritten("closed_on = \"close_date\"", "closed_on = { column = \"close_date\", format = \"%d.%m.%Y %H:%M\" }");
    let mut request = files.request(false);
    request.mapping = mapping.unwrap();
    request.mapping.time_zone = Some("Asia/Tokyo".parse().unwrap());
    import::run(&ship.logbook, &ship.tenant, &request, &|_| {}).await.unwrap();
    let events = payloads(&ship).await;
    assert_eq!(events.iter().find(|event| event.0 == "deal.won").unwrap().2, "2017-03-01 00:30:00+00");
    assert_eq!(deal(&ship, "D1").await, "WON Won 4800.00 2017-01-02 2017-03-01");
}

#[tokio::test]
async fn deals_can_be_won_for_the_list_price_or_for_what_they_were_worth() {
    for (open, won) in [(AmountMap::None, AmountMap::ListPrice), (AmountMap::ListPrice, AmountMap::None)] {
        let ship = Ship::launch().await;
        let files = Files::new(WON);
        let set = |mapping: &mut Mapping| {
            (mapping.deals.open_amount, mapping.deals.won_amount) = (open.clone(), won.clone());
        };
        mapped(&ship, &files, set).await.unwrap();
        assert_eq!(deal(&ship, "D1").await, "WON Won 4821.00 2017-01-02 2017-03-01", "{open:?} {won:?}");
    }
}

#[tokio::test]
async fn cells_that_a_row_does_not_use_are_read_too() {
    let ship = Ship::launch().await;
    let cases = [
        ("D1,Ada,Chart,,Engaging,2017-01-02,garbage,\n", "close_date", "garbage"),
        ("D1,Ada,Chart,,Engaging,2017-01-02,,abc\n", "close_value", "abc"),
        ("D1,Ada,Chart,,Lost,2017-01-02,2017-01-05,xyz\n", "close_value", "xyz"),
    ];
    for (row, column, value) in cases {
        let done = run(&ship, &Files::new(row)).await;
        let Err(ImportError::TooManyRejects { report, .. }) = done else { panic!("{row} was taken: {done:?}") };
        assert_eq!((report.rejects[0].column.as_str(), report.rejects[0].value.as_str()), (column, value));
    }
    let report = run(&ship, &Files::new("D1,Ada,Chart,,Engaging,2017-01-02,2017-09-09,77\n")).await.unwrap();
    assert!(report.warnings.iter().any(|warning| warning.contains("1 rows of open deals")), "{:?}", report.warnings);
}

#[tokio::test]
async fn what_the_log_refuses_is_told_by_column_and_value() {
    let ship = Ship::launch().await;
    let cases = [
        ("D1,Ada,Chart,,Won,2017-01-02,2017-01-05,-5\n", "close_value", "-5"),
        ("D1,Ada,Chart,,Engaging,2931-01-02,,\n", "engage_date", "2931-01-02"),
        ("D1,Ada,Chart,,Won,2017-01-02,2931-01-02,5\n", "close_date", "2931-01-02"),
    ];
    for (row, column, value) in cases {
        let done = run(&ship, &Files::new(row)).await;
        let Err(ImportError::TooManyRejects { report, .. }) = done else { panic!("{row} was taken: {done:?}") };
        assert_eq!((report.rejects[0].column.as_str(), report.rejects[0].value.as_str()), (column, value));
    }
    let files = Files::new("D1,Ada,Chart,,Engaging,2017-01-02,,\n");
    files.write("accounts.csv", "account,sector,subsidiary_of\nA,x,B\nB,x,A\n");
    let Err(ImportError::TooManyRejects { report, .. }) = run(&ship, &files).await else { panic!("it was taken") };
    assert_eq!(
        (report.rejects[0].line, report.rejects[0].column.as_str()),
        (2, "subsidiary_of"),
        "{:?}",
        report.rejects
    );
}

#[tokio::test]
async fn numbers_are_written_as_declared() {
    let ship = Ship::launch().await;
    let taken = [
        (None, '.', "1234.50"),
        (Some('.'), ',', "1.234,50"),
        (Some('\''), '.', "1'234.50"),
        (Some(','), '.', "1234.5"),
    ];
    for (thousands, decimal, value) in taken {
        let files = Files::new(&format!("D1,Ada,Chart,,Won,2017-01-02,2017-03-01,\"{value}\"\n"));
        files.write("products.csv", "product,sales_price\nGTX Pro,4821\nChart,55\n");
        let set =
            |mapping: &mut Mapping| (mapping.thousands_separator, mapping.decimal_separator) = (thousands, decimal);
        mapped(&ship, &files, set).await.unwrap();
        assert_eq!(deal(&ship, "D1").await, "WON Won 1234.50 2017-01-02 2017-03-01", "{value}");
    }
    for value in ["1,234.50", "1_000", "1e3", "+5", "$5", ".5", "5.", "0x10", "1 000", "٣", "--5", ""] {
        let files = Files::new(&format!("D1,Ada,Chart,,Won,2017-01-02,2017-03-01,\"{value}\"\n"));
        assert!(matches!(run(&ship, &files).await, Err(ImportError::TooManyRejects { .. })), "{value} was taken");
    }
}

#[tokio::test]
async fn files_and_folders_that_cannot_be_meant_are_refused_by_name() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    let mut request = files.request(false);
    request.folders.push(files.0.join("nowhere"));
    assert!(refused(&ship, &request).await.contains("nowhere"));
    std::fs::create_dir(files.0.join("empty")).unwrap();
    request.folders[1] = files.0.join("empty");
    assert!(refused(&ship, &request).await.contains("none of the files of the mapping"));
    request.folders.pop();
    request.files.insert("deals".to_owned(), "/dev/null".into());
    assert!(refused(&ship, &request).await.contains("no regular file"));
    request.files.clear();
    request.files.insert("accounts".to_owned(), files.0.join("accounts.csv"));
    request.mapping.accounts = None;
    assert!(refused(&ship, &request).await.contains("the mapping says nothing of accounts"));
    let said = program(&ship, &files).args(["--file", "deals=/a", "--file", "deals=/b"]).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("said twice"), "{said:?}");
    let said = program(&ship, &files).args(["--report", "/nowhere/report.json"]).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("/nowhere/report.json"), "{said:?}");
    assert!(payloads(&ship).await.is_empty(), "and nothing was written");
}

#[tokio::test]
async fn headers_that_cannot_be_read_are_told() {
    let ship = Ship::launch().await;
    let files = Files::new(OPEN);
    let utf16: Vec<u8> = format!("\u{feff}{HEADER}{OPEN}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(files.0.join("sales_pipeline.csv"), utf16).unwrap();
    assert!(run(&ship, &files).await.unwrap_err().to_string().contains("UTF-16"));
    files.write("sales_pipeline.csv", &format!("{HEADER}{OPEN}").replace(',', ";"));
    let error = run(&ship, &files).await.unwrap_err().to_string();
    assert!(error.contains("delimiter = \";\""), "{error}");
    files.write("sales_pipeline.csv", &format!("{},product\n", HEADER.trim()));
    let error = run(&ship, &files).await.unwrap_err().to_string();
    assert!(error.contains("\"product\" twice"), "{error}");
    for name in ["sales_pipeline.csv", "sales_teams.csv", "products.csv", "accounts.csv"] {
        let plain = Files::new(OPEN);
        let text = std::fs::read_to_string(plain.0.join(name)).unwrap();
        files.write(name, &text.replace(',', ";"));
    }
    mapped(&ship, &files, |mapping| mapping.delimiter = ';').await.unwrap();
    assert_eq!(deal(&ship, "D1").await, "OPEN Engaging 4821.00 2017-01-02 -");
}

#[tokio::test]
async fn rows_of_people_and_accounts_tell_the_same_in_any_order() {
    let orders = ["Ada,Inez,North\nInes,Max,North\n", "Ines,Max,North\nAda,Inez,North\n"];
    for rows in orders {
        let ship = Ship::launch().await;
        let files = Files::new("D1,Ada,Chart,,Engaging,2017-01-02,,\n");
        files.write("sales_teams.csv", &format!("sales_agent,manager,regional_office\n{rows}"));
        files.write("accounts.csv", "account,sector,subsidiary_of\nWest,x,NW\nNorthwind,x,\n");
        let alias = |mapping: &mut Mapping| {
            mapping.people.aliases.insert("Inez".to_owned(), "Ines".to_owned());
            mapping.accounts.as_mut().unwrap().aliases.insert("NW".to_owned(), "Northwind".to_owned());
        };
        let report = mapped(&ship, &files, alias).await.unwrap();
        assert_eq!(report.rejected, 0, "{}", report.to_text());
        let document = "{ people { nodes { name role team { name } manager { name } } } accounts { nodes { name parent { name } } } }";
        let found = ship.data(document, json!({})).await;
        let people = found["people"]["nodes"].as_array().unwrap();
        let ines = people.iter().find(|person| person["name"] == "Ines").unwrap();
        let expected =
            json!({ "name": "Ines", "role": "MANAGER", "team": { "name": "Ines" }, "manager": { "name": "Max" } });
        assert_eq!((ines, people.len()), (&expected, 3), "{rows}");
        let west = json!({ "name": "West", "parent": { "name": "Northwind" } });
        assert!(found["accounts"]["nodes"].as_array().unwrap().contains(&west), "{found}");
    }
}

#[tokio::test]
async fn an_assumed_opening_contradicts_no_closing() {
    let ship = Ship::launch().await;
    let report = run(&ship, &Files::new("D1,Ada,Chart,,Won,,2017-05-01,60\n")).await.unwrap();
    assert_eq!((report.conflicts, report.assumed["OpenedOn"]), (0, 1));
    assert_eq!(deal(&ship, "D1").await, "WON Won 60.00 2017-05-01 2017-05-01");
}

#[test]
fn a_mapping_that_contradicts_itself_is_refused() {
    let cases = [
        ("source = \"maven_crm\"", "source = \"\"", "source is empty"),
        ("closed_on = \"close_date\"\n", "", "deals.closed_on"),
        ("{ column = \"close_value\" }", "\"list_price\"\nopen = 1", "open"),
        ("source = \"maven_crm\"", "source = \"x\"\ndelimiter = \"\\\"\"", "delimiter"),
        ("source = \"maven_crm\"", "source = \"x\"\nthousands_separator = \".\"", "thousands_separator"),
        ("name = \"Lost\"", "name = \"Won\"", "twice"),
        ("opened_on = \"engage_date\"", "opened_on = { column = \"engage_date\", format = \"%H:%M\" }", "%H:%M"),
    ];
    for (from, to, said) in cases {
        let refused = rewritten(from, to).unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn the_documented_example_is_a_mapping() {
    let text = std::fs::read_to_string(mapping_file().with_file_name("README.md")).unwrap();
    let example = text.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let files = Files::new(OPEN);
    files.write("mapping.toml", example);
    Mapping::read(&files.0.join("mapping.toml")).unwrap();
}
