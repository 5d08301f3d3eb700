//! A small organisation, made through the API.

use crate::harness::Ship;
use serde_json::{Value, json};

/// The keys of what every deal needs.
pub struct Crew {
    /// The pipeline.
    pub pipeline: String,
    /// Its stages by name: First, Second, Won, Lost.
    pub stages: Value,
    /// A rep.
    pub rep: String,
    /// The rep's manager.
    pub manager: String,
    /// The region above their team.
    pub region: String,
    /// A customer.
    pub account: String,
    /// A product.
    pub product: String,
}

/// From when the organisation is there.
pub const SINCE: &str = "2026-01-01";

fn since() -> Value {
    json!({ "day": SINCE })
}

/// Makes the organisation.
pub async fn crew(ship: &Ship) -> Crew {
    let key = |payload: &Value, noun: &str| payload[noun]["key"].as_str().unwrap().to_owned();
    let define = json!({ "name": "Sales", "effectiveAt": since() });
    let pipeline = key(&ship.command("pipelineDefine", "pipeline { key }", define).await, "pipeline");
    let stages = [
        ("First", "OPEN", 1_000, "PIPELINE"),
        ("Second", "OPEN", 5_000, "BEST_CASE"),
        ("Won", "WON", 10_000, "CLOSED"),
        ("Lost", "LOST", 0, "OMITTED"),
    ];
    let mut found = Value::Null;
    for (order, (name, kind, bps, category)) in (1..).zip(stages) {
        let add = json!({ "id": pipeline, "name": name, "order": order, "kind": kind, "probabilityBps": bps,
            "category": category, "effectiveAt": since() });
        found = ship.command("pipelineAddStage", "pipeline { stages { key name } }", add).await;
    }
    let stages = found["pipeline"]["stages"].as_array().unwrap().iter();
    let stages = stages.map(|stage| (stage["name"].as_str().unwrap().to_owned(), stage["key"].clone())).collect();
    let form = |name: &str, parent: Option<&str>| json!({ "name": name, "parent": parent, "effectiveAt": since() });
    let region = key(&ship.command("teamForm", "team { key }", form("North", None)).await, "team");
    let team = key(&ship.command("teamForm", "team { key }", form("Piers", Some(&region))).await, "team");
    let hire = |name: &str, role: &str| json!({ "name": name, "role": role, "team": team, "effectiveAt": since() });
    let manager = key(&ship.command("personHire", "person { key }", hire("Ines", "MANAGER")).await, "person");
    let rep = key(&ship.command("personHire", "person { key }", hire("Tomas", "REP")).await, "person");
    let line = json!({ "id": rep, "manager": manager, "effectiveAt": since() });
    ship.command("personSetManager", "person { key }", line).await;
    let register = json!({ "name": "Northwind", "sector": "transport", "effectiveAt": since() });
    let account = key(&ship.command("accountRegister", "account { key }", register).await, "account");
    let launch = json!({ "name": "Chart", "listPrice": { "amount": "1200.00" }, "effectiveAt": since() });
    let product = key(&ship.command("productLaunch", "product { key }", launch).await, "product");
    Crew { pipeline, stages: Value::Object(stages), rep, manager, region, account, product }
}

impl Crew {
    /// The key of a stage.
    pub fn stage(&self, name: &str) -> &Value {
        &self.stages[name]
    }

    /// The input that opens a deal.
    pub fn opening(&self, name: &str, day: &str, amount: &str) -> Value {
        json!({ "name": name, "pipeline": self.pipeline, "stage": self.stage("First"), "owner": self.rep,
            "account": self.account, "product": self.product, "amount": { "amount": amount },
            "effectiveAt": { "day": day } })
    }

    /// Opens a deal: its key.
    pub async fn open(&self, ship: &Ship, name: &str, day: &str, amount: &str) -> String {
        let opened = ship.command("dealOpen", "deal { key }", self.opening(name, day, amount)).await;
        opened["deal"]["key"].as_str().unwrap().to_owned()
    }
}
