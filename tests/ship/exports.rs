//! Small exports of a made-up company, and what there is to do with them.

use crate::harness::Ship;
use import::{ImportError, Mapping, Report, Request};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

/// Files of a small company, in a folder that is gone after the test.
pub struct Files(pub PathBuf);

pub const HEADER: &str = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n";

impl Files {
    pub fn new(deals: &str) -> Self {
        let files = Self(std::env::temp_dir().join(format!("quarterdeck-import-{}", logbook::fresh_id())));
        std::fs::create_dir_all(&files.0).unwrap();
        files.write("sales_teams.csv", "sales_agent,manager,regional_office\nTomas,Ines,North\nAda,Ines,North\n");
        files.write("accounts.csv", "account,sector,subsidiary_of\nWest,transport,Northwind\nNorthwind,technolgy,\n");
        files.write("products.csv", "product,sales_price\nGTX Pro,4821\nChart,55.50\n");
        files.deals(deals);
        files
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    pub fn deals(&self, rows: &str) {
        self.write("sales_pipeline.csv", &format!("{HEADER}{rows}"));
    }

    pub fn request(&self, dry_run: bool) -> Request {
        let mapping = Mapping::read(&mapping_file()).unwrap();
        Request { mapping, folders: vec![self.0.clone()], files: BTreeMap::new(), dry_run }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

pub fn mapping_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("mappings/maven_crm.toml")
}

pub async fn run(ship: &Ship, files: &Files) -> Result<Report, ImportError> {
    import::run(&ship.logbook, &ship.tenant, &files.request(false), &|_| {}).await
}

pub fn appended(report: &Report) -> u64 {
    report.events_appended.values().sum()
}

/// What a deal says now: status, stage, amount, opening and closing day.
pub async fn deal(ship: &Ship, id: &str) -> String {
    deal_as_of(ship, id, json!({})).await
}

/// What a deal says as of an instant; dashes when it is not there.
pub async fn deal_as_of(ship: &Ship, id: &str, at: Value) -> String {
    let document = "query($ids: [String!], $at: AsOf) { asOf(at: $at) { deals(filter: { externalIds: $ids }) {
        nodes { status amount { amount } openedOn closedOn stage { name } } } } }";
    let found = ship.data(document, json!({ "ids": [id], "at": at })).await;
    let node = &found["asOf"]["deals"]["nodes"][0];
    let words =
        [&node["status"], &node["stage"]["name"], &node["amount"]["amount"], &node["openedOn"], &node["closedOn"]];
    words.map(|word| word.as_str().unwrap_or("-")).join(" ")
}

pub const OPEN: &str = "D1,Tomas,GTXPro,Northwind,Engaging,2017-01-02,,\n";
pub const WON: &str = "D1,Tomas,GTXPro,Northwind,Won,2017-01-02,2017-03-01,4800\n";

/// The program on the ship's database.
pub fn binary(ship: &Ship) -> Command {
    let tokio_postgres::config::Host::Unix(socket) = &ship.config.get_hosts()[0] else { panic!("a socket") };
    let url = format!(
        "host={} port=5432 user={} dbname={} options='-c role=quarterdeck_app'",
        socket.display(),
        ship.config.get_user().unwrap(),
        ship.database
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck-under-test"));
    command.env("DATABASE_URL", &url).args(["--log", "off"]);
    command
}

/// The program about to import files.
pub fn program(ship: &Ship, files: &Files) -> Command {
    let mut command = binary(ship);
    command.args(["import", "--tenant", &ship.tenant.name, "--mapping"]).arg(mapping_file()).arg(&files.0);
    command
}

/// What the log says, event for event.
pub async fn payloads(ship: &Ship) -> Vec<(String, String, String, Vec<u8>)> {
    let sql =
        "SELECT type, stream_id::text, effective_at::text, payload FROM event WHERE tenant_id = $1 ORDER BY position";
    let rows = ship.superuser().await.query(sql, &[&ship.tenant.id.0]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}
