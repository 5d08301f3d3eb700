//! A company whose history is made by chance, through the API: deals opened, moved, re-owned, closed, reopened and merged,
//! said late and taken back, in several currencies, while people change teams and managers.

use crate::{
    fixtures::{Crew, crew},
    generated::Chance,
    harness::Ship,
};
use serde_json::{Value, json};

/// A company, and what of it questions may be about.
pub struct Company {
    /// Chance, for what is asked as well.
    pub chance: Chance,
    /// The pipeline, and what every deal needs.
    pub crew: Crew,
    /// The keys of people who own deals.
    pub owners: Vec<String>,
    /// The keys of teams.
    pub teams: Vec<String>,
    /// The keys of the deals so far.
    pub deals: Vec<String>,
}

const CURRENCIES: [&str; 3] = ["USD", "USD", "EUR"];

impl Company {
    /// A company without deals: two trees of teams and six people.
    pub async fn founded(ship: &Ship, seed: u64) -> Self {
        let crew = crew(ship).await;
        let since = json!({ "day": "2026-01-01" });
        let form = async |name: &str, parent: Option<&str>| {
            let input = json!({ "name": name, "parent": parent, "effectiveAt": since });
            let formed = ship.command("teamForm", "team { key }", input).await;
            formed["team"]["key"].as_str().unwrap().to_owned()
        };
        let south = form("South", None).await;
        let quays = form("Quays", Some(&south)).await;
        let docks = form("Docks", Some(&crew.region)).await;
        let mut owners = vec![crew.rep.clone(), crew.manager.clone()];
        for (name, team) in [("Anna", &quays), ("Bo", &docks), ("Cleo", &south), ("Dov", &quays)] {
            let hire = json!({ "name": name, "role": "REP", "team": team, "effectiveAt": since });
            let hired = ship.command("personHire", "person { key }", hire).await;
            owners.push(hired["person"]["key"].as_str().unwrap().to_owned());
        }
        let teams = vec![crew.region.clone(), south, quays, docks];
        Self { chance: Chance(seed), crew, owners, teams, deals: Vec::new() }
    }

    /// A day from one month to another: there are few, so that days coincide.
    pub fn day(&mut self, first_month: usize, last_month: usize) -> String {
        let month = first_month + self.chance.below(last_month - first_month + 1);
        format!("2026-{month:02}-{:02}", self.chance.pick(&[1, 1, 10, 20, 28]))
    }

    fn money(&mut self) -> Value {
        match self.chance.one_in(6) {
            true => Value::Null,
            false => {
                let currency = *self.chance.pick(&CURRENCIES);
                json!({ "amount": format!("{}.{:02}", self.chance.below(90), self.chance.below(100)),
                    "currencyCode": currency })
            }
        }
    }

    fn close_on(&mut self) -> Value {
        if self.chance.one_in(8) { Value::Null } else { json!(self.day(3, 8)) }
    }

    async fn open(&mut self, ship: &Ship) {
        let last_month = *self.chance.pick(&[2, 3, 6]);
        let day = self.day(1, last_month);
        let mut input = self.crew.opening(&format!("Deal {}", self.deals.len()), &day, "1.00");
        input["owner"] = json!(self.chance.pick(&self.owners));
        input["amount"] = self.money();
        input["closeOn"] = self.close_on();
        let opened = ship.command("dealOpen", "deal { key }", input).await;
        self.deals.push(opened["deal"]["key"].as_str().unwrap().to_owned());
    }

    /// A command of a deal, and whether what it says may come before what was said already.
    async fn work(&mut self, ship: &Ship) {
        let deal = self.chance.pick(&self.deals).clone();
        let mut input = json!({ "id": deal, "effectiveAt": { "day": self.day(3, 8) } });
        let open = ["First", "Second"];
        let mutation = match self.chance.below(14) {
            0 | 1 => {
                let stage = *self.chance.pick(&open);
                input["stage"] = self.crew.stage(stage).clone();
                "dealChangeStage"
            }
            2..=4 => {
                input["amount"] = self.money();
                "dealChangeAmount"
            }
            5..=7 => {
                input["closeOn"] = self.close_on();
                "dealMoveCloseDate"
            }
            8 => {
                input["owner"] = json!(self.chance.pick(&self.owners));
                "dealChangeOwner"
            }
            9 => {
                input["category"] = json!(self.chance.pick(&["COMMIT", "PIPELINE", "BEST_CASE"]));
                "dealOverrideCategory"
            }
            10 => "dealWin",
            11 => {
                input["lostReason"] = json!("price");
                "dealLose"
            }
            12 => {
                input["stage"] = self.crew.stage("First").clone();
                "dealReopen"
            }
            _ => *self.chance.pick(&["dealCloseWithoutDecision", "dealMerge"]),
        };
        if mutation == "dealMerge" {
            input["into"] = json!(self.chance.pick(&self.deals));
        }
        if !self.chance.one_in(4) {
            input["correction"] = json!({ "reason": "said late" });
        }
        // A refusal changes nothing, and is as good a history as any.
        ship.send(mutation, "deal { key }", input).await;
    }

    async fn take_back(&mut self, ship: &Ship) {
        let deal = self.chance.pick(&self.deals).clone();
        let document = "query($deal: ID!) { deal(id: $deal) { changes { position } } }";
        let told = ship.data(document, json!({ "deal": deal })).await;
        let Some(changes) = told["deal"]["changes"].as_array() else { return };
        let event = self.chance.pick(changes)["position"].clone();
        let input = json!({ "id": deal, "event": event, "correction": { "reason": "a mistake" } });
        ship.send("dealWithdraw", "deal { key }", input).await;
    }

    async fn reorganise(&mut self, ship: &Ship) {
        let (person, other) = (self.chance.pick(&self.owners).clone(), self.chance.pick(&self.owners).clone());
        let day = json!({ "day": self.day(2, 8) });
        let (mutation, input) = match self.chance.below(3) {
            0 => ("personSetManager", json!({ "id": person, "manager": other, "effectiveAt": day })),
            1 => (
                "teamMove",
                json!({ "id": self.teams[3], "parent": self.chance.pick(&self.teams[..3]), "effectiveAt": day }),
            ),
            _ => ("personJoinTeam", json!({ "id": person, "team": self.chance.pick(&self.teams), "effectiveAt": day })),
        };
        let noun = if mutation == "teamMove" { "team" } else { "person" };
        ship.send(mutation, &format!("{noun} {{ key }}"), input).await;
    }

    /// So many commands more.
    pub async fn goes_on(&mut self, ship: &Ship, commands: usize) {
        for _ in 0..commands {
            match self.chance.below(24) {
                _ if self.deals.len() < 4 => self.open(ship).await,
                0..=3 => self.open(ship).await,
                4 | 5 => self.reorganise(ship).await,
                6 => self.take_back(ship).await,
                _ => self.work(ship).await,
            }
        }
    }

    /// Whose deals, by chance, as questions about figures take it; and as a filter of deals, where one says the same.
    pub fn scope(&mut self) -> (Value, Option<Value>) {
        let (person, team) = (self.chance.pick(&self.owners).clone(), self.chance.pick(&self.teams).clone());
        match self.chance.below(5) {
            0 => (Value::Null, Some(json!({}))),
            1 => (json!({ "person": person }), None),
            2 => (json!({ "owners": [person] }), Some(json!({ "owners": [person] }))),
            _ => (json!({ "team": team }), Some(json!({ "teams": [team] }))),
        }
    }
}
