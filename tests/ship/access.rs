//! Who sees and does what: crossings as people of several roles, and the table against the schema.

use crate::{
    fixtures::{Crew, SINCE, crew},
    generated::Types,
    harness::Ship,
};
use sales::access::{ACTIONS, Login, OBJECTS, Relation, Role, allowed};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use units::{PersonId, Text};

#[tokio::test]
async fn a_manager_moved_away_is_refused_his_old_team_s_past_and_his_successor_gets_it() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "March deal", "2026-03-02", "100.00").await;
    let (ines, vera) = (crew.manager.clone(), hire(&ship, "Vera", "MANAGER").await);
    let leader = hire(&ship, "Lea", "LEADER").await;
    let asked = "query($deal: ID!, $by: [ID!]) { asOf(at: { effective: { day: \"2026-03-31\" } }) { deal(id: $deal) {
        name } deals { totalCount nodes { name } } dealMetrics { total { all { count } } }
        team: deals(filter: { managers: $by }) { totalCount } } deals { totalCount }
        team: deals(filter: { managers: $by }) { totalCount } }";
    let sees = async |person: &str| {
        let answer = ship.ask_as_person(person, asked, json!({ "deal": deal, "by": [ines] })).await;
        assert!(answer["errors"].is_null(), "{answer:#}");
        let (then, now) = (&answer["data"]["asOf"], &answer["data"]);
        let nodes = then["deals"]["nodes"].as_array().unwrap().len();
        let counts = [&then["deals"]["totalCount"], &then["dealMetrics"]["total"]["all"]["count"]];
        assert_eq!(counts, [&json!(nodes), &json!(nodes)], "{answer:#}");
        assert_eq!(then["deal"].is_null(), nodes == 0, "{answer:#}");
        (
            nodes,
            now["deals"]["totalCount"].clone(),
            [&then["team"], &now["team"]].map(|team| team["totalCount"].clone()),
        )
    };
    assert_eq!(sees(&ines).await, (1, json!(1), [json!(1), json!(1)]));
    assert_eq!(sees(&vera).await, (0, json!(0), [json!(0), json!(0)]));
    let line = json!({ "id": crew.rep, "manager": vera, "effectiveAt": { "day": "2026-06-01" } });
    ship.command("personSetManager", "person { key }", line).await;
    assert_eq!(sees(&ines).await, (0, json!(0), [json!(0), json!(0)]));
    // The successor sees March, and what counted as Ines's team in March still does, for who may look.
    assert_eq!(sees(&vera).await, (1, json!(1), [json!(1), json!(0)]));
    assert_eq!(sees(&leader).await, (1, json!(1), [json!(1), json!(0)]));
}

#[tokio::test]
async fn a_deal_that_may_not_be_seen_is_answered_like_one_that_is_not_there() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Foreign", "2026-03-02", "100.00").await;
    let own = crew.open(&ship, "Own", "2026-03-02", "100.00").await;
    let other = hire(&ship, "Otto", "REP").await;
    let give = json!({ "id": own, "owner": other, "effectiveAt": { "day": "2026-03-03" } });
    ship.command("dealChangeOwner", "deal { key }", give).await;
    let nobody = "01890000-0000-7000-8000-000000000000";
    let read = "query($id: ID!) { deal(id: $id) { name } node(id: $id) { id } }";
    let [unseen, unknown] = [
        ask(&ship, &other, read, json!({ "id": deal })).await,
        ask(&ship, &other, read, json!({ "id": nobody })).await,
    ];
    assert_eq!(unseen, unknown);
    let tries = [
        ("dealRename", json!({ "name": "Mine" })),
        ("dealRename", json!({ "name": "Mine", "expectedVersion": 1 })),
        ("dealWithdraw", json!({ "event": "1", "reason": "wrong" })),
        ("dealMerge", json!({ "into": own })),
        ("dealChangeOwner", json!({ "owner": other })),
        ("dealRename", json!({ "name": "Mine", "correction": { "replaces": "1", "reason": "wrong" } })),
    ];
    for (mutation, input) in tries {
        let [unseen, unknown] = [&deal[..], nobody].map(|id| {
            let mut input = input.clone();
            input["id"] = json!(id);
            send(&ship, &other, mutation, input)
        });
        let (unseen, unknown) = (unseen.await, unknown.await);
        assert_eq!(unseen, unknown, "{mutation}");
        assert_ne!(unseen["userErrors"], json!([]), "{mutation}");
    }
    let [unseen, unknown] =
        [&deal[..], nobody].map(|into| send(&ship, &other, "dealMerge", json!({ "id": own, "into": into })));
    assert_eq!(unseen.await, unknown.await);
    // What may be seen but not done is told so.
    let give = send(&ship, &other, "dealChangeOwner", json!({ "id": own, "owner": crew.rep })).await;
    assert_eq!(give["userErrors"][0]["code"], "FORBIDDEN");
    let rename = send(&ship, &other, "dealRename", json!({ "id": own, "name": "Renamed" })).await;
    assert_eq!(rename["userErrors"], json!([]));
    let open = crew.opening("For somebody else", "2026-03-02", "1.00");
    assert_eq!(send(&ship, &other, "dealOpen", open).await["userErrors"][0]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn a_story_is_for_who_sees_the_deal_now_and_the_log_for_who_sees_all() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let deal = crew.open(&ship, "Handed on", "2026-03-02", "100.00").await;
    let next = hire(&ship, "Nia", "REP").await;
    let give = json!({ "id": deal, "owner": next, "effectiveAt": { "day": "2026-05-01" } });
    ship.command("dealChangeOwner", "deal { key }", give).await;
    let story = "query($id: ID!) { asOf(at: { effective: { day: \"2026-04-01\" } }) { deal(id: $id) { hidden changes {
        position } } } deal(id: $id) { hidden changes { position } } }";
    let before = ask(&ship, &crew.rep, story, json!({ "id": deal })).await;
    assert_eq!(before["asOf"]["deal"], json!({ "hidden": ["changes"], "changes": null }));
    assert_eq!(before["deal"], Value::Null);
    let after = ask(&ship, &next, story, json!({ "id": deal })).await;
    assert_eq!(after["asOf"]["deal"], Value::Null);
    assert_eq!(after["deal"]["changes"].as_array().unwrap().len(), 2);
    let log = "{ logHead { position } events { nodes { position } } }";
    for (role, admitted) in
        [("REP", false), ("MANAGER", false), ("LEADER", true), ("OPERATIONS", true), ("AUDITOR", true)]
    {
        let person = hire(&ship, role, role).await;
        let answer = ship.ask_as_person(&person, log, json!({})).await;
        let codes: Vec<_> = answer["errors"].as_array().into_iter().flatten().collect();
        assert_eq!(codes.len(), if admitted { 0 } else { 2 }, "{role}: {answer:#}");
        assert!(codes.iter().all(|error| error["extensions"]["code"] == "FORBIDDEN"), "{answer:#}");
        assert_eq!(answer["data"]["logHead"].is_null(), !admitted, "{role}");
    }
}

#[tokio::test]
async fn what_is_private_is_for_oneself_and_those_above() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let email = json!({ "id": crew.rep, "email": "tomas@example.test" });
    ship.command("personChangeEmail", "person { email }", email).await;
    let asked = "query($id: ID!) { person(id: $id) { name email changes { position } hidden } }";
    let sees = async |person: &str| {
        let person = ask(&ship, person, asked, json!({ "id": crew.rep })).await["person"].take();
        assert_eq!(person["name"], "Tomas");
        assert_eq!(person["email"].is_null(), person["changes"].is_null());
        assert_eq!(person["hidden"].as_array().unwrap().is_empty(), !person["email"].is_null());
        !person["email"].is_null()
    };
    assert!(sees(&crew.rep).await && sees(&crew.manager).await);
    for (role, seen) in [("REP", false), ("MANAGER", false), ("LEADER", true), ("OPERATIONS", true), ("AUDITOR", true)]
    {
        let person = hire(&ship, role, role).await;
        assert_eq!(sees(&person).await, seen, "{role}");
    }
}

#[tokio::test]
async fn who_has_left_is_answered_nothing() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    crew.open(&ship, "Left behind", "2026-03-02", "100.00").await;
    let depart = json!({ "id": crew.rep, "effectiveAt": { "day": "2026-06-01" } });
    ship.command("personDepart", "person { key }", depart).await;
    let answer =
        ship.ask_as_person(&crew.rep, "{ people { nodes { name } } asOf { deals { totalCount } } }", json!({}));
    let answer = answer.await;
    assert_eq!(answer["data"], json!({ "people": null, "asOf": { "deals": null } }));
    assert!(answer["errors"].as_array().unwrap().iter().all(|error| error["extensions"]["code"] == "FORBIDDEN"));
    let sent = send(&ship, &crew.rep, "accountRegister", json!({ "name": "Mine" })).await;
    assert_eq!(sent["userErrors"][0]["code"], "FORBIDDEN");
    // The deals of who has left stay with those above.
    let count = ask(&ship, &crew.manager, "{ deals { totalCount } }", json!({})).await;
    assert_eq!(count["deals"]["totalCount"], 1);
}

#[tokio::test]
async fn nobody_mends_their_own_standing_by_a_correction_either() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let ops = hire(&ship, "Olga", "OPERATIONS").await;
    let line = json!({ "id": ops, "manager": crew.manager, "effectiveAt": { "day": SINCE } });
    let set = ship.command("personSetManager", "person { key }", line).await;
    let demote = json!({ "id": crew.manager, "role": "REP" });
    let role = ship.command("personAssignRole", "person { key }", demote).await;
    let tries = [
        // One's own line, withdrawn or replaced in another's name.
        ("personWithdrawManager", json!({ "id": crew.rep, "event": set["position"], "reason": "mine" })),
        (
            "personSetManager",
            json!({ "id": crew.rep, "manager": null,
            "correction": { "replaces": set["position"], "reason": "mine" } }),
        ),
        ("personSetManager", json!({ "id": ops, "manager": null })),
        ("personAssignRole", json!({ "id": ops, "role": "LEADER" })),
    ];
    for (mutation, input) in tries {
        let sent = send(&ship, &ops, mutation, input).await;
        assert_eq!(sent["userErrors"][0]["code"], "FORBIDDEN", "{mutation}");
    }
    let mended = send(
        &ship,
        &ops,
        "personWithdraw",
        json!({ "id": crew.manager, "event": role["position"], "reason": "undone" }),
    )
    .await;
    assert_eq!(mended["userErrors"], json!([]));
    let rename = json!({ "id": crew.rep, "name": "x", "correction": { "replaces": "1", "reason": "mine" } });
    assert_eq!(send(&ship, &crew.rep, "personRename", rename).await["userErrors"][0]["code"], "FORBIDDEN");
    let service = Login::Service(Text::new("crm").unwrap());
    let document = mutation_of("personHire");
    for (role, refused) in [("REP", false), ("MANAGER", true), ("OPERATIONS", true)] {
        let input = json!({ "commandId": logbook::fresh_id().to_string(), "name": "New", "role": role });
        let answer = ship.ask_as_login(&ship.tenant, &service, &document, json!({ "input": input })).await;
        assert_eq!(answer["data"]["personHire"]["userErrors"] != json!([]), refused, "{answer:#}");
    }
}

#[tokio::test]
async fn pages_are_full_and_cursors_hold_over_what_may_be_seen() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let other = hire(&ship, "Otto", "REP").await;
    for number in 0..8 {
        let mut opening = crew.opening(&format!("Deal {number}"), "2026-03-02", "10.00");
        if number % 2 == 1 {
            opening["owner"] = json!(other);
        }
        ship.command("dealOpen", "deal { key }", opening).await;
    }
    let page = "query($after: String) { deals(first: 2, after: $after) { totalCount nodes { name } pageInfo { endCursor
        hasNextPage } } }";
    let first = ask(&ship, &crew.rep, page, json!({})).await["deals"].take();
    assert_eq!(first["nodes"], json!([{ "name": "Deal 0" }, { "name": "Deal 2" }]));
    assert_eq!((&first["totalCount"], &first["pageInfo"]["hasNextPage"]), (&json!(4), &json!(true)));
    let after = json!({ "after": first["pageInfo"]["endCursor"] });
    let second = ask(&ship, &crew.rep, page, after.clone()).await["deals"].take();
    assert_eq!(second["nodes"], json!([{ "name": "Deal 4" }, { "name": "Deal 6" }]));
    assert_eq!(second["pageInfo"]["hasNextPage"], json!(false));
    let theirs = ask(&ship, &other, page, after).await["deals"].take();
    assert_eq!(theirs["nodes"], json!([{ "name": "Deal 3" }, { "name": "Deal 5" }]));
}

#[tokio::test]
async fn every_mutation_and_every_object_of_the_schema_stands_in_the_table() {
    let types = schema_types().await;
    let fields = |name: &str| -> BTreeSet<String> {
        let found = types.iter().find(|kind| kind["name"] == name).unwrap();
        found["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect()
    };
    let listed = ACTIONS.iter().flat_map(|(_, actions)| *actions).map(|action| (*action).to_owned());
    let listed: BTreeSet<String> =
        listed.filter(|action| !action.contains('.') && action.starts_with(char::is_lowercase)).collect();
    assert_eq!(listed, fields("Mutation"), "crates/sales/src/access/table.rs says nothing of a mutation");
    let objects = types.iter().filter(|kind| kind["kind"] == "OBJECT").map(|kind| kind["name"].as_str().unwrap());
    let objects: BTreeSet<&str> = objects.filter(|name| !name.starts_with("__")).collect();
    let guarded: BTreeSet<&str> = OBJECTS.iter().flat_map(|(_, types)| *types).copied().collect();
    assert_eq!(guarded, objects, "crates/sales/src/access/table.rs says nothing of an object");
}

#[tokio::test]
async fn every_mutation_answers_every_role_and_relation_as_the_table_says() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let types = Types::of(schema_types().await);
    let other = Subject::of(&ship, &crew, &hire(&ship, "Other", "REP").await).await;
    let mut asked = 0;
    for (word, role) in [
        ("REP", Role::Rep),
        ("MANAGER", Role::Manager),
        ("LEADER", Role::Leader),
        ("OPERATIONS", Role::Operations),
        ("AUDITOR", Role::Auditor),
        ("", Role::Service),
    ] {
        let own =
            Subject::of(&ship, &crew, &hire(&ship, "Own", if word.is_empty() { "REP" } else { word }).await).await;
        let below = Subject::of(&ship, &crew, &hire(&ship, "Below", "REP").await).await;
        let line = json!({ "id": below.person, "manager": own.person, "effectiveAt": { "day": SINCE } });
        ship.command("personSetManager", "person { key }", line).await;
        let login = match role {
            Role::Service => Login::Service(Text::new("crm").unwrap()),
            _ => Login::Person(PersonId(own.person.parse().unwrap())),
        };
        let asking = Asking { ship: &ship, crew: &crew, types: &types, login, role };
        for field in types.fields("Mutation") {
            for (relation, subject) in [(Relation::Own, &own), (Relation::Subtree, &below), (Relation::Other, &other)] {
                asking.check(&field, relation, subject).await;
                asked += 1;
            }
        }
    }
    assert!(asked > 900, "{asked}");
}

#[tokio::test]
async fn every_guard_answers_every_role_and_relation_as_the_table_says() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let other = Subject::of(&ship, &crew, &hire(&ship, "Other", "REP").await).await;
    // For each guard of objects, a question that only what it guards can answer.
    let asked = "query($person: ID!, $deal: ID!, $login: ID!) { Directory: person(id: $person) { key }
        Private: person(id: $person) { changes { position } } Deal: deal(id: $deal) { key } Login: node(id: $login) { id }
        LogHead: logHead { position } LogEvent: events(first: 1) { nodes { position } } }";
    let guards: BTreeSet<&str> = OBJECTS.iter().map(|(guard, _)| *guard).collect();
    let known = ["Answer", "Deal", "Directory", "LogEvent", "LogHead", "Login", "Parts", "Person.private"];
    assert_eq!(guards, BTreeSet::from(known), "ask a question for the new guard here");
    let mut seen = 0;
    for (word, role) in [
        ("REP", Role::Rep),
        ("MANAGER", Role::Manager),
        ("LEADER", Role::Leader),
        ("OPERATIONS", Role::Operations),
        ("AUDITOR", Role::Auditor),
        ("", Role::Service),
    ] {
        let own = hire(&ship, "Own", if word.is_empty() { "REP" } else { word }).await;
        let own = Subject::of(&ship, &crew, &own).await;
        let below = Subject::of(&ship, &crew, &hire(&ship, "Below", "REP").await).await;
        let line = json!({ "id": below.person, "manager": own.person, "effectiveAt": { "day": SINCE } });
        ship.command("personSetManager", "person { key }", line).await;
        let login = match role {
            Role::Service => Login::Service(Text::new("crm").unwrap()),
            _ => Login::Person(PersonId(own.person.parse().unwrap())),
        };
        for (relation, subject) in [(Relation::Own, &own), (Relation::Subtree, &below), (Relation::Other, &other)] {
            let relation = if role == Role::Service { Relation::Other } else { relation };
            let ids = json!({ "person": subject.person, "deal": subject.deal, "login": subject.login_id });
            let data = ship.ask_as_login(&ship.tenant, &login, asked, ids).await["data"].take();
            let told = |value: &Value| !value.is_null() && value != &json!({ "changes": null });
            for (answer, action, relation) in [
                ("Directory", "Directory", relation),
                ("Private", "Person.private", relation),
                ("Deal", "Deal", relation),
                ("Login", "Login", relation),
                ("LogHead", "LogHead", Relation::Other),
                ("LogEvent", "LogEvent", Relation::Other),
            ] {
                let place = format!("{role:?} {relation:?} {action}: {}", data[answer]);
                assert_eq!(told(&data[answer]), allowed(role, relation, action), "{place}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 6 * 3 * 6);
}

/// One login that tries every mutation.
struct Asking<'a> {
    ship: &'a Ship,
    crew: &'a Crew,
    types: &'a Types,
    login: Login,
    role: Role,
}

impl Asking<'_> {
    /// Tries a mutation on a subject, and compares what it answers with the table.
    async fn check(&self, field: &Value, relation: Relation, subject: &Subject) {
        let (role, mutation) = (self.role, field["name"].as_str().unwrap());
        let about_people = ["deal", "person", "key", "login"].iter().any(|noun| mutation.starts_with(noun));
        let about_people = about_people && mutation != "personHire";
        let relation = if role == Role::Service || !about_people { Relation::Other } else { relation };
        let errors = self.put(field, subject).await;
        let place = format!("{role:?} {relation:?} {mutation}: {errors}");
        assert_ne!(errors, json!([]), "{place}");
        if mutation.starts_with("deal") && mutation != "dealOpen" && !allowed(role, relation, "Deal") {
            let nobody = "01890000-0000-7000-8000-000000000000".to_owned();
            let unknown = Subject { deal: nobody, ..subject.clone() };
            assert_eq!(errors, self.put(field, &unknown).await, "{place}");
            assert_ne!(errors[0]["code"], "FORBIDDEN", "{place}");
        } else {
            assert_eq!(errors[0]["code"] == "FORBIDDEN", !allowed(role, relation, mutation), "{place}");
        }
    }

    /// Sends a mutation so that nothing changes: whoever may, is told that the object has moved on, or that the command's
    /// id was used.
    async fn put(&self, field: &Value, subject: &Subject) -> Value {
        let mutation = field["name"].as_str().unwrap();
        let source = |of: &str, name: &str| subject.value(self.crew, mutation, of, name);
        let mut input = self.types.least(&field["args"][0]["type"], "input", &source);
        if ["key", "login"].iter().any(|noun| mutation.starts_with(noun)) {
            input["commandId"] = json!(subject.command);
        } else {
            input["expectedVersion"] = json!(999);
        }
        let variables = json!({ "input": input });
        let answer = self.ship.ask_as_login(&self.ship.tenant, &self.login, &mutation_of(mutation), variables).await;
        assert!(answer["errors"].is_null(), "{mutation}: {answer:#}");
        answer["data"][mutation]["userErrors"].clone()
    }
}

/// A person, a deal and a key of theirs, and the id of the command that made the key.
#[derive(Clone)]
struct Subject {
    person: String,
    deal: String,
    login: String,
    login_id: String,
    command: String,
}

impl Subject {
    async fn of(ship: &Ship, crew: &Crew, person: &str) -> Self {
        let mut opening = crew.opening("Theirs", "2026-03-02", "10.00");
        opening["owner"] = json!(person);
        let opened = ship.command("dealOpen", "deal { key }", opening).await;
        let command = logbook::fresh_id().to_string();
        let key = json!({ "commandId": command, "name": "laptop", "subject": { "person": person } });
        let made = ship.command("keyCreate", "login { key id }", key).await;
        let login_id = made["login"]["id"].as_str().unwrap().to_owned();
        let key = |value: &Value| value["key"].as_str().unwrap().to_owned();
        Self { person: person.to_owned(), deal: key(&opened["deal"]), login: key(&made["login"]), login_id, command }
    }

    fn value(&self, crew: &Crew, mutation: &str, of: &str, name: &str) -> Value {
        let noun = |noun: &str| name == noun || (name == "id" && mutation.starts_with(noun));
        match of {
            "ID" if name == "commandId" => json!(logbook::fresh_id().to_string()),
            "ID" if noun("deal") || name == "into" => json!(self.deal),
            "ID" if noun("person") || name == "owner" => json!(self.person),
            "ID" if noun("login") => json!(self.login),
            "ID" if noun("account") => json!(crew.account),
            "ID" if noun("product") => json!(crew.product),
            "ID" if noun("pipeline") => json!(crew.pipeline),
            "ID" if name == "stage" => crew.stage("First").clone(),
            "ID" => json!(crew.region),
            "Int" => json!(1),
            "Int64" => json!("1"),
            "Decimal" => json!("1.00"),
            _ => json!("a word"),
        }
    }
}

#[test]
fn the_committed_table_is_the_table() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let committed = std::fs::read_to_string(root.join("schema/access.txt")).unwrap();
    let same = committed == format!("{}\n", sales::access::printed());
    assert!(same, "who may do what changed: run `make schema`, and say so in CHANGELOG.md");
}

/// The types of the schema, with what a document can be made of.
pub async fn schema_types() -> Vec<Value> {
    let document = "{ __schema { types { name kind isOneOf enumValues { name }
        inputFields { name defaultValue type { ...T } } possibleTypes { name }
        fields { name type { ...T } args { name defaultValue type { ...T } } } } } }
        fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
    let mut answer = serde_json::to_value(quarterdeck::schema::schema().execute(document).await).unwrap();
    assert!(answer["errors"].is_null(), "{answer:#}");
    serde_json::from_value(answer["data"]["__schema"]["types"].take()).unwrap()
}

/// A mutation that tells its errors.
pub fn mutation_of(mutation: &str) -> String {
    let mut letters = mutation.chars();
    let capital = letters.next().unwrap().to_uppercase();
    format!(
        "mutation Send($input: {capital}{}Input!) {{ {mutation}(input: $input) {{ userErrors {{ code field message }} }} }}",
        letters.as_str()
    )
}

/// Sends a command as a person: the payload.
pub async fn send(ship: &Ship, person: &str, mutation: &str, mut input: Value) -> Value {
    input["commandId"] = json!(logbook::fresh_id().to_string());
    let answer = ship.ask_as_person(person, &mutation_of(mutation), json!({ "input": input })).await;
    assert!(answer["errors"].is_null(), "{answer:#}");
    answer["data"][mutation].clone()
}

/// Asks as a person, and expects no error.
pub async fn ask(ship: &Ship, person: &str, document: &str, variables: Value) -> Value {
    let mut answer = ship.ask_as_person(person, document, variables).await;
    assert!(answer["errors"].is_null(), "{answer:#}");
    answer["data"].take()
}

/// Hires somebody: their key.
pub async fn hire(ship: &Ship, name: &str, role: &str) -> String {
    let input = json!({ "name": name, "role": role, "effectiveAt": { "day": SINCE } });
    let hired = ship.command("personHire", "person { key }", input).await;
    hired["person"]["key"].as_str().unwrap().to_owned()
}
