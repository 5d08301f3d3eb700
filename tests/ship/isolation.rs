//! The wall between tenants, by chance: operations made of the schema are sent as one tenant, with ids, cursors and words
//! of another among their arguments. `QUARTERDECK_FUZZ_OPERATIONS` says how many, `QUARTERDECK_FUZZ_SEED` repeats a run.

use crate::{
    access::{hire, schema_types},
    fixtures::{Crew, crew},
    generated::{Chance, Operation, Types, Values},
    harness::Ship,
};
use sales::access::Login;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use units::{PersonId, Text};
use uuid::Uuid;

/// Operations of a run when nobody says how many.
const OPERATIONS: usize = 2_000;

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the seed repeats the run, and the counts are part of the claim")]
async fn no_byte_of_another_tenant_is_in_any_answer() {
    let seed = number("QUARTERDECK_FUZZ_SEED").unwrap_or_else(|| u64::from(fresh_seed()));
    let operations = number("QUARTERDECK_FUZZ_OPERATIONS").map_or(OPERATIONS, |many| usize::try_from(many).unwrap());
    println!("{operations} operations; repeat them with QUARTERDECK_FUZZ_SEED={seed}");
    let (ours, theirs) = two_tenants().await;
    let secrets = Secrets::of(&ours, &theirs).await;
    let before = tables_of(&theirs).await;
    let types = Types::of(schema_types().await);
    let mut chance = Chance(seed);
    let mut pools = Pools {
        own: Held::of(&ours, "ACANARY").await,
        foreign: Held::of(&theirs, "BCANARY").await,
        sent: vec![],
        cursor: false,
    };
    let logins = logins(&ours).await;
    let mut seen = Tally::default();
    for number in 0..operations {
        pools.sent.clear();
        pools.cursor = false;
        let operation = types.operation(&mut chance, &mut pools);
        let login = chance.pick(&logins).clone();
        let place =
            format!("seed {seed}, operation {number}, as {login}: {}\n{}", operation.document, operation.variables);
        let answer = ours.ask_as_login(&ours.tenant, &login, &operation.document, operation.variables.clone()).await;
        secrets.absent_from(&answer, &pools.sent, &place);
        seen.count(&operation, &answer);
        if pools.sent.is_empty() || pools.cursor {
            continue;
        }
        let twin =
            ours.ask_as_login(&ours.tenant, &login, &operation.document, pools.forged(&operation.variables)).await;
        let (answer, twin) = match &operation.mutation {
            None => (settled(pools.forged(&answer)), settled(twin)),
            // That nothing of the other tenant was taken down is asked of the tables at the end.
            Some(mutation) => (errors(&pools.forged(&answer), mutation), errors(&twin, mutation)),
        };
        assert_eq!(answer, twin, "told apart from what is not there: {place}");
        seen.twins += 1;
    }
    println!("{seen:?}");
    assert_eq!(before, tables_of(&theirs).await, "seed {seed}: the other tenant's rows changed");
    for (table, rows) in rows_of(&ours).await {
        secrets.absent_from(&json!(rows), &[], &format!("seed {seed}: table {table}"));
    }
    assert!(seen.answered * 3 > operations, "too few operations came to anything: {seen:?}");
    assert!(seen.twins * 6 > operations, "too few operations named what is of another tenant: {seen:?}");
}

#[tokio::test]
async fn the_search_finds_what_it_looks_for() {
    let (ours, theirs) = two_tenants().await;
    let secrets = Secrets::of(&ours, &theirs).await;
    for document in [
        "{ deals { nodes { key } } }",
        "{ deals { nodes { id } } }",
        "{ deals { edges { cursor } } }",
        "{ people { nodes { name } } }",
        "{ events { nodes { leaf } } }",
    ] {
        assert!(!secrets.found_in(&theirs.ask(document, json!({})).await, &[]).is_empty(), "{document}");
        assert_eq!(secrets.found_in(&ours.ask(document, json!({})).await, &[]), Vec::<String>::new(), "{document}");
    }
}

#[tokio::test]
async fn a_command_id_of_another_tenant_is_as_fresh_as_any() {
    let (ours, theirs) = two_tenants().await;
    let before = tables_of(&theirs).await;
    let superuser = theirs.superuser().await;
    let sql = "SELECT command_id FROM event WHERE tenant_id = $1 AND type = 'account.registered' LIMIT 1";
    let id: Uuid = superuser.query_one(sql, &[&theirs.tenant.id.0]).await.unwrap().get(0);
    let register = json!({ "commandId": id.to_string(), "name": "Same command" });
    ours.command("accountRegister", "account { name }", register).await;
    assert_eq!(before, tables_of(&theirs).await);
}

/// What came of the operations.
#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    refused: usize,
    taken_down: usize,
    twins: usize,
}

impl Tally {
    fn count(&mut self, operation: &Operation, answer: &Value) {
        let data = answer["data"].as_object();
        match &operation.mutation {
            Some(mutation) if answer["data"][mutation]["userErrors"] == json!([]) => self.taken_down += 1,
            Some(_) => {}
            None if data.is_some_and(|data| data.values().any(|value| !value.is_null())) => {}
            None => return self.refused += 1,
        }
        self.answered += 1;
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn fresh_seed() -> u32 {
    logbook::fresh_id().as_u64_pair().1 as u32
}

/// An answer without its cursors: they carry what was asked.
fn uncursored(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(fields) => {
            fields.retain(|name, _| !["cursor", "startCursor", "endCursor"].contains(&name.as_str()));
            fields.values_mut().for_each(|value| *value = uncursored(value.take()));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = uncursored(value.take())),
        _ => {}
    }
    answer
}

/// An answer without what hangs on the order in which its fields came to be: theirs of the errors.
fn settled(answer: Value) -> Value {
    let mut answer = uncursored(answer);
    if let Some(errors) = answer["errors"].as_array_mut() {
        errors.sort_by_cached_key(Value::to_string);
    }
    answer
}

/// What a mutation's answer says was wrong.
fn errors(answer: &Value, mutation: &str) -> Value {
    let answer = settled(answer.clone());
    json!([answer["errors"], answer["data"][mutation]["userErrors"]])
}

async fn logins(ship: &Ship) -> Vec<Login> {
    let mut logins = vec![Login::Local; 4];
    logins.push(Login::Service(Text::new("crm").unwrap()));
    let found = ship.data("{ people { nodes { key role } } }", json!({})).await;
    let people = found["people"]["nodes"].as_array().unwrap().iter();
    logins.extend(people.map(|person| Login::Person(PersonId(person["key"].as_str().unwrap().parse().unwrap()))));
    logins
}

/// Two tenants of equal shape, every word of which says whose it is.
async fn two_tenants() -> (Ship, Ship) {
    let ours = Ship::launch().await;
    let theirs = ours.of(ours.other_tenant("bcanary-tenant").await);
    for (ship, mark) in [(&ours, "ACANARY"), (&theirs, "BCANARY")] {
        populate(ship, mark).await;
    }
    (ours, theirs)
}

async fn populate(ship: &Ship, mark: &str) {
    let crew = crew(ship).await;
    let word = |text: &str| format!("{mark} {text}");
    let key = |id: &str| json!({ "id": id, "reason": word("reason"), "onBehalfOf": word("behalf") });
    let with = |id: &str, more: Value| {
        let mut input = key(id);
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    for (person, name) in [(&crew.rep, "rep"), (&crew.manager, "manager")] {
        ship.command("personRename", "", with(person, json!({ "name": word(name) }))).await;
        ship.command("personChangeEmail", "", with(person, json!({ "email": word("mail") }))).await;
    }
    ship.command("personStartLeave", "", with(&crew.rep, json!({ "leaveReason": word("leave") }))).await;
    for role in ["LEADER", "OPERATIONS", "AUDITOR"] {
        hire(ship, &word(role), role).await;
    }
    let rep = json!({ "person": crew.rep });
    ship.command("keyCreate", "", json!({ "name": word("key"), "subject": rep, "reason": word("reason") })).await;
    let link =
        json!({ "issuer": word("issuer"), "subjectClaim": word("claim"), "subject": { "service": word("service") } });
    ship.command("loginLink", "", link).await;
    ship.command("teamRename", "", with(&crew.region, json!({ "name": word("region") }))).await;
    ship.command("accountRename", "", with(&crew.account, json!({ "name": word("account") }))).await;
    ship.command("accountChangeSector", "", with(&crew.account, json!({ "sector": word("sector") }))).await;
    ship.command("productRename", "", with(&crew.product, json!({ "name": word("product") }))).await;
    ship.command("pipelineRename", "", with(&crew.pipeline, json!({ "name": word("pipeline") }))).await;
    for name in ["First", "Second", "Won", "Lost"] {
        let rename = with(&crew.pipeline, json!({ "stage": crew.stage(name), "name": word(name) }));
        ship.command("pipelineRenameStage", "", rename).await;
    }
    deals(ship, &crew, mark).await;
}

async fn deals(ship: &Ship, crew: &Crew, mark: &str) {
    let word = |text: &str| format!("{mark} {text}");
    for number in 0..9 {
        let mut opening = crew.opening(&word(&format!("deal {number}")), "2026-03-02", "100.00");
        opening["externalId"] = json!(word(&format!("external {number}")));
        if number % 3 == 1 {
            opening["owner"] = json!(crew.manager);
        }
        let opened = ship.command("dealOpen", "deal { key }", opening).await;
        let id = &opened["deal"]["key"];
        let (mutation, input) = match number % 4 {
            0 => ("dealLose", json!({ "id": id, "lostReason": word("lost"), "competitor": word("competitor") })),
            1 => ("dealWin", json!({ "id": id, "reason": word("why") })),
            2 => ("dealSetNextStep", json!({ "id": id, "nextStep": word("next step") })),
            _ => ("dealRename", json!({ "id": id, "name": word("renamed") })),
        };
        ship.command(mutation, "", input).await;
    }
}

/// What a tenant holds that arguments can be made of.
struct Held {
    ids: BTreeMap<&'static str, Vec<Uuid>>,
    commands: Vec<Uuid>,
    cursors: BTreeMap<&'static str, Vec<String>>,
    words: Vec<String>,
}

impl Held {
    async fn of(ship: &Ship, mark: &str) -> Self {
        let document = "{ deals(first: 50) { edges { cursor node { key } } } people { edges { cursor node { key } } }
            teams { edges { cursor node { key } } } accounts { edges { cursor node { key } } }
            products { edges { cursor node { key } } } logins { edges { cursor node { key } } }
            pipelines { edges { cursor node { key stages { key } } } }
            events(first: 100) { edges { cursor node { commandId } } } }";
        let data = ship.data(document, json!({})).await;
        let nouns = [
            ("deals", "Deal"),
            ("people", "Person"),
            ("teams", "Team"),
            ("accounts", "Account"),
            ("products", "Product"),
            ("logins", "Login"),
            ("pipelines", "Pipeline"),
        ];
        let uuid = |value: &Value| value.as_str().unwrap().parse::<Uuid>().unwrap();
        let mut ids = BTreeMap::new();
        let mut cursors = BTreeMap::new();
        let cursors_of =
            |edges: &[Value]| edges.iter().map(|edge| edge["cursor"].as_str().unwrap().to_owned()).collect();
        for (list, type_name) in nouns {
            let edges = data[list]["edges"].as_array().unwrap();
            ids.insert(type_name, edges.iter().map(|edge| uuid(&edge["node"]["key"])).collect());
            cursors.insert(type_name, cursors_of(edges));
        }
        let stages = data["pipelines"]["edges"][0]["node"]["stages"].as_array().unwrap().iter();
        ids.insert("Stage", stages.map(|stage| uuid(&stage["key"])).collect());
        let events = data["events"]["edges"].as_array().unwrap();
        cursors.insert("Event", cursors_of(events));
        let commands = events.iter().map(|edge| uuid(&edge["node"]["commandId"])).collect();
        let words = ["", " deal", " deal 1", " external 3", " rep", " account", " mail"];
        Self { ids, commands, cursors, words: words.map(|word| format!("{mark}{word}")).into() }
    }
}

/// Where arguments come from: one's own, another tenant's, and nobody's.
struct Pools {
    own: Held,
    foreign: Held,
    /// What was sent of the other tenant's, and what nobody has in its place.
    sent: Vec<(String, String)>,
    /// Whether a cursor of the other tenant was sent: it names a place in an order, not a thing.
    cursor: bool,
}

impl Pools {
    /// The same with what nobody has in the place of what is another tenant's.
    fn forged(&self, value: &Value) -> Value {
        let mut text = value.to_string();
        // The longest first: a word may begin like another.
        let mut sent = self.sent.clone();
        sent.sort_by_key(|(foreign, _)| std::cmp::Reverse(foreign.len()));
        for (foreign, forged) in &sent {
            text = text.replace(foreign, forged);
        }
        let mut value: Value = serde_json::from_str(&text).unwrap();
        if let Some(command) = value.pointer_mut("/v0/commandId") {
            *command = json!(Uuid::new_v5(&command.as_str().unwrap().parse().unwrap(), b"twin").to_string());
        }
        value
    }

    fn id(&mut self, chance: &mut Chance, holder: &str, name: &str) -> Value {
        let type_name = match wanted(holder, name) {
            Some(type_name) if !chance.one_in(8) => type_name,
            _ => chance.pick(&["Deal", "Person", "Team", "Account", "Product", "Pipeline", "Stage", "Login"]),
        };
        let own = *chance.pick(&self.own.ids[type_name]);
        let foreign = *chance.pick(&self.foreign.ids[type_name]);
        let shape = chance.below(4);
        let written = |id: Uuid| match shape {
            0 => encode(&format!("{type_name}:{id}")),
            1 if !holder.ends_with("Input") => encode(&format!("{type_name}:{id}@2026-04-01/")),
            _ if name == "ids" || holder == "node" => encode(&format!("{type_name}:{id}")),
            _ => id.to_string(),
        };
        match chance.below(10) {
            0..=5 => json!(written(own)),
            6 => json!(written(Uuid::new_v5(&own, b"nobody's"))),
            _ => self.send(written(foreign), written(Uuid::new_v5(&foreign, b"forged"))),
        }
    }

    fn send(&mut self, foreign: String, forged: String) -> Value {
        self.sent.push((foreign.clone(), forged));
        json!(foreign)
    }

    fn text(&mut self, chance: &mut Chance, holder: &str, name: &str) -> Value {
        let asks = holder.contains("Filter") || !holder.ends_with("Input");
        if ["after", "before"].contains(&name) {
            let of = wanted(holder, name).filter(|of| self.own.cursors.contains_key(of)).unwrap_or("Event");
            return match chance.below(9) {
                0 => json!("bm8gY3Vyc29y"),
                1..=4 => json!(chance.pick(&self.own.cursors[of])),
                _ => {
                    self.cursor = true;
                    let cursor = chance.pick(&self.foreign.cursors[of]).clone();
                    self.send(cursor.clone(), cursor)
                }
            };
        }
        match name {
            "currencyCode" => json!(chance.pick(&["USD", "EUR", "none"])),
            "types" => json!(chance.pick(&["deal.opened", "deal.won", "person.hired", "withdrawn"])),
            "actors" => json!(chance.pick(&["local", "service:crm", "rule"])),
            _ if asks && chance.one_in(2) => {
                let word = chance.pick(&self.foreign.words).clone();
                self.send(word.clone(), word.replace("BCANARY", "FCANARY"))
            }
            _ => json!(chance.pick(&self.own.words)),
        }
    }
}

/// The type that an id is of, by where it is asked for.
fn wanted(holder: &str, name: &str) -> Option<&'static str> {
    let nouns = [
        ("stage", "Stage"),
        ("pipeline", "Pipeline"),
        ("owner", "Person"),
        ("manager", "Person"),
        ("team", "Team"),
        ("account", "Account"),
        ("product", "Product"),
        ("into", "Deal"),
        ("deal", "Deal"),
        ("person", "Person"),
        ("people", "Person"),
        ("login", "Login"),
    ];
    let of = |word: &str| {
        let word = word.to_lowercase();
        nouns.iter().find(|(noun, _)| word.starts_with(noun)).map(|(_, type_name)| *type_name)
    };
    of(name).or_else(|| of(holder))
}

impl Values for Pools {
    fn scalar(&mut self, chance: &mut Chance, type_name: &str, holder: &str, name: &str) -> Value {
        match (type_name, name) {
            ("ID", "commandId") => {
                let words = [chance.below(usize::MAX), chance.below(usize::MAX)].map(|word| word as u64);
                json!(Uuid::from_u64_pair(words[0], words[1]).to_string())
            }
            ("ID", "correlationId") => {
                let foreign = *chance.pick(&self.foreign.commands);
                match chance.one_in(2) {
                    true => self.send(foreign.to_string(), Uuid::new_v5(&foreign, b"forged").to_string()),
                    false => json!(chance.pick(&self.own.commands)),
                }
            }
            ("ID", "streamIds") => {
                let foreign = *chance.pick(&self.foreign.ids["Deal"]);
                self.send(foreign.to_string(), Uuid::new_v5(&foreign, b"forged").to_string())
            }
            ("ID", _) => self.id(chance, holder, name),
            ("String", _) => self.text(chance, holder, name),
            ("Int", "probabilityBps") => json!(chance.below(10_001)),
            ("Int", _) => json!(1 + chance.below(5)),
            ("Int64", _) => json!((1 + chance.below(80)).to_string()),
            ("Decimal", _) => json!(format!("{}.50", chance.below(900))),
            ("Boolean", _) => json!(chance.one_in(2)),
            ("Date", _) => json!(format!("2026-0{}-{:02}", 1 + chance.below(9), 1 + chance.below(28))),
            ("DateTime", _) => json!(format!("2026-0{}-11T10:00:00Z", 1 + chance.below(9))),
            _ => panic!("the fuzz makes no {type_name} yet"),
        }
    }
}

/// What must be in no answer: ids, hashes and words of the other tenant.
struct Secrets {
    tokens: HashSet<String>,
}

impl Secrets {
    async fn of(ours: &Ship, theirs: &Ship) -> Self {
        let tokens = async |ship: &Ship| -> HashSet<String> {
            rows_of(ship).await.into_values().flatten().flat_map(|row| tokens(&row)).collect()
        };
        // The few streams of which every tenant has one are of the same id for all.
        let own = tokens(ours).await;
        let foreign = tokens(theirs).await.difference(&own).cloned().collect::<HashSet<_>>();
        assert!(foreign.len() > 100, "only {} ids and hashes of the other tenant are looked for", foreign.len());
        Self { tokens: foreign }
    }

    /// Fails when any of it is in an answer.
    fn absent_from(&self, answer: &Value, sent: &[(String, String)], place: &str) {
        let found = self.found_in(answer, sent);
        assert!(found.is_empty(), "{found:?} in the answer of {place}\n{answer}");
    }

    /// What of it is in an answer, in the clear or within an id or cursor, save what the request itself sent.
    fn found_in(&self, answer: &Value, sent: &[(String, String)]) -> Vec<String> {
        let mut text = answer.to_string();
        let mut sent: Vec<&String> = sent.iter().map(|(foreign, _)| foreign).collect();
        sent.sort_by_key(|foreign| std::cmp::Reverse(foreign.len()));
        for foreign in sent {
            text = text.replace(foreign.as_str(), "");
        }
        let decoded = text.split('"').filter_map(decode).collect::<Vec<_>>().join(" ");
        let text = format!("{text} {decoded}");
        let mut found: Vec<_> = tokens(&text).into_iter().filter(|token| self.tokens.contains(token)).collect();
        let canary = text.to_lowercase().find("bcanary");
        found.extend(canary.map(|place| text.chars().skip(place).take(40).collect()));
        found
    }
}

/// What in a text looks like an id or a hash.
fn tokens(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-');
    words.filter(|word| word.len() == 36 || word.len() == 64).map(str::to_lowercase).collect()
}

/// All rows of a tenant, as text, by table.
async fn rows_of(ship: &Ship) -> BTreeMap<String, Vec<String>> {
    let superuser = ship.superuser().await;
    let tables = "SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t
        USING (table_schema, table_name) WHERE c.column_name = 'tenant_id' AND t.table_type = 'BASE TABLE'
        AND c.table_schema = 'public' ORDER BY 1";
    let mut all = BTreeMap::new();
    for row in superuser.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let sql = format!("SELECT t::text FROM {table} t WHERE tenant_id = $1 ORDER BY 1");
        let rows = superuser.query(&sql, &[&ship.tenant.id.0]).await.unwrap();
        all.insert(table, rows.iter().map(|row| row.get(0)).collect());
    }
    assert!(all.len() >= 10, "{:?}", all.keys());
    all
}

/// How many rows a tenant has in each table, and what they say.
async fn tables_of(ship: &Ship) -> BTreeMap<String, Vec<String>> {
    rows_of(ship).await
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn encode(text: &str) -> String {
    let bits: Vec<u8> = text.bytes().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let sextet = |bits: &[u8]| (0..6).fold(0, |word, bit| word << 1 | usize::from(*bits.get(bit).unwrap_or(&0)));
    bits.chunks(6).map(|bits| ALPHABET[sextet(bits)] as char).collect()
}

fn decode(text: &str) -> Option<String> {
    let places: Option<Vec<usize>> =
        text.bytes().map(|letter| ALPHABET.iter().position(|known| *known == letter)).collect();
    let bits: Vec<usize> =
        places?.into_iter().flat_map(|place| (0..6).rev().map(move |bit| place >> bit & 1)).collect();
    let bytes = bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | *bit) as u8).collect();
    String::from_utf8(bytes).ok().filter(|text| text.len() > 6)
}
