//! Keys cross the whole ship: made by a mutation, shown at the door, revoked, refused.

use crate::{
    access::{ask, send},
    fixtures::crew,
    harness::{Ship, in_role},
    process::{ServerProcess, ask_with},
};
use quarterdeck::{
    database,
    identity::{Identity, Keyring, Mode, Pass, Refused},
};
use sales::login::ApiKey;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const MADE: &str = "secret login { key name kind status person { name } service }";

fn service(name: &str) -> Value {
    json!({ "name": name, "subject": { "service": "warehouse" } })
}

async fn admitted(identity: &Identity, key: &str) -> Result<Option<Pass>, Refused> {
    identity.admit(&[format!("Bearer {key}").as_bytes()], None).await
}

#[tokio::test]
async fn a_key_opens_at_once_and_is_refused_at_once_where_it_was_revoked() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let door = Identity::new(Mode::Required, ship.keyring(), None);
    let made = json!({ "name": "laptop", "subject": { "person": crew.rep } });
    let made = ship.command("keyCreate", MADE, made).await;
    let (secret, login) = (made["secret"].as_str().unwrap(), &made["login"]);
    assert_eq!((&login["kind"], &login["status"]), (&json!("KEY"), &json!("LIVE")));
    assert_eq!(login["person"]["name"], "Tomas");
    let pass = admitted(&door, secret).await.unwrap().unwrap();
    assert_eq!((pass.tenant, pass.login.to_string()), (ship.tenant.id, format!("person:{}", crew.rep)));
    let revoke = json!({ "id": login["key"] });
    let revoked =
        ship.command("loginRevoke", "login { status changes { types actor fields { field } } }", revoke).await;
    assert_eq!(revoked["login"]["status"], "REVOKED");
    let fields: Vec<_> = revoked["login"]["changes"].as_array().unwrap().iter().map(|one| one.to_string()).collect();
    assert!(fields[0].contains("local") && !fields.concat().contains("sha256"), "{fields:?}");
    assert_eq!(admitted(&door, secret).await, Err(Refused::Unauthenticated));
    let again = ship.command("loginRevoke", "login { version }", json!({ "id": login["key"] })).await;
    assert_eq!(again["login"]["version"], 2);
}

#[tokio::test]
async fn a_key_is_shown_once_and_its_hash_never() {
    let ship = Ship::launch().await;
    let mut input = service("export");
    input["commandId"] = json!("0199aaaa-0000-7000-8000-000000000001");
    let first = ship.command("keyCreate", MADE, input.clone()).await;
    let again = ship.command("keyCreate", MADE, input.clone()).await;
    assert!(first["secret"].as_str().unwrap().starts_with("qd_live_"));
    assert_eq!(again["secret"], Value::Null);
    assert_eq!((&again["login"], &again["position"]), (&first["login"], &first["position"]));
    input["name"] = json!("another");
    let reused = ship.send("keyCreate", MADE, input).await;
    assert_eq!(reused["userErrors"][0]["code"], "COMMAND_ID_REUSED");
    assert_eq!(reused["secret"], Value::Null);
    let refused =
        ship.send("keyCreate", MADE, json!({ "name": "x", "subject": { "person": ship.tenant.id.to_string() } }));
    assert_eq!(refused.await["userErrors"][0]["code"], "UNKNOWN_PERSON");
    let listed =
        ship.data("{ logins { totalCount nodes { key name service } } viewer { kind tenant { name } } }", json!({}));
    let listed = listed.await;
    assert_eq!((&listed["logins"]["totalCount"], &listed["logins"]["nodes"][0]["name"]), (&json!(1), &json!("export")));
    assert_eq!(listed["viewer"], json!({ "kind": "LOCAL", "tenant": { "name": ship.tenant.name } }));
}

#[tokio::test]
async fn people_make_and_end_keys_of_their_own_and_see_no_others() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    ship.command("keyCreate", MADE, json!({ "name": "theirs", "subject": { "person": crew.manager } })).await;
    ship.command("keyCreate", MADE, service("export")).await;
    let create =
        "mutation($input: KeyCreateInput!) { keyCreate(input: $input) { secret login { key } userErrors { code } } }";
    let make = async |who: &str, subject: Value| {
        let input = json!({ "commandId": logbook::fresh_id().to_string(), "name": "laptop", "subject": subject });
        ship.ask_as_person(who, create, json!({ "input": input })).await["data"]["keyCreate"].take()
    };
    let own = make(&crew.rep, json!({ "person": crew.rep })).await;
    assert!(own["secret"].is_string(), "{own}");
    for subject in [json!({ "person": crew.manager }), json!({ "service": "mine" })] {
        let refused = make(&crew.rep, subject).await;
        assert_eq!(refused["userErrors"][0]["code"], "FORBIDDEN");
        assert_eq!((&refused["secret"], &refused["login"]), (&Value::Null, &Value::Null));
    }
    let asked = "{ logins { totalCount nodes { name } } viewer { role mayDo person { name } } }";
    let answer = ask(&ship, &crew.rep, asked, json!({})).await;
    assert_eq!(answer["logins"], json!({ "totalCount": 1, "nodes": [{ "name": "laptop" }] }));
    let viewer = &answer["viewer"];
    assert_eq!((&viewer["role"], &viewer["person"]["name"]), (&json!("REP"), &json!("Tomas")));
    let may_do: Vec<_> = viewer["mayDo"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(
        may_do.contains(&"dealOpen") && may_do.contains(&"keyCreate") && !may_do.contains(&"loginLink"),
        "{may_do:?}"
    );
    let depart = json!({ "id": crew.rep, "effectiveAt": { "day": "2026-06-01" } });
    ship.command("personDepart", "person { key }", depart).await;
    let gone = ask(&ship, &crew.rep, "{ viewer { role mayDo person { name } } }", json!({})).await;
    assert_eq!(gone["viewer"], json!({ "role": null, "mayDo": [], "person": null }));
    let revoke = json!({ "id": own["login"]["key"] });
    assert_eq!(send(&ship, &crew.rep, "loginRevoke", revoke).await["userErrors"][0]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn a_person_has_twenty_keys_that_open_something_and_no_more() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let make = "mutation($input: KeyCreateInput!) { keyCreate(input: $input) { secret login { key } position
        userErrors { code field } } }";
    let make = async |input: &Value| {
        ship.ask_as_person(&crew.rep, make, json!({ "input": input })).await["data"]["keyCreate"].take()
    };
    let fresh =
        || json!({ "commandId": logbook::fresh_id().to_string(), "name": "laptop", "subject": { "person": crew.rep } });
    let soon = (logbook::system_clock() + Duration::from_secs(2)).to_rfc3339();
    let mut expiring = fresh();
    expiring["expiresAt"] = json!(soon);
    assert!(make(&expiring).await["secret"].is_string());
    let (mut last, mut made) = (Value::Null, Value::Null);
    for _ in 0..19 {
        last = fresh();
        made = make(&last).await;
        assert!(made["secret"].is_string(), "{made}");
    }
    let refused = make(&fresh()).await;
    assert_eq!(refused["userErrors"], json!([{ "code": "INVALID_INPUT", "field": ["input", "subject"] }]));
    // A command that was answered is answered so again, and another's keys are counted apart.
    assert_eq!(make(&last).await["position"], made["position"]);
    ship.command("keyCreate", MADE, json!({ "name": "theirs", "subject": { "person": crew.manager } })).await;
    // A key that is revoked or has expired makes room.
    let revoke = json!({ "id": made["login"]["key"] });
    assert_eq!(send(&ship, &crew.rep, "loginRevoke", revoke).await["userErrors"], json!([]));
    assert!(make(&fresh()).await["secret"].is_string());
    assert!(make(&fresh()).await["secret"].is_null());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(make(&fresh()).await["secret"].is_string());
}

#[tokio::test]
async fn a_key_of_one_tenant_opens_no_other() {
    let ship = Ship::launch().await;
    let other = ship.other_tenant("lighthouse").await;
    let made = ship.command("keyCreate", MADE, service("export")).await;
    let secret = made["secret"].as_str().unwrap();
    let door = Identity::new(Mode::Required, ship.keyring(), None);
    let id = |tenant: units::TenantId| tenant.0.simple().to_string();
    let moved = secret.replace(&id(ship.tenant.id), &id(other.id));
    assert!(ApiKey::parse(&moved).is_some() && admitted(&door, secret).await.is_ok());
    assert_eq!(admitted(&door, &moved).await, Err(Refused::Unauthenticated));
    let elsewhere = door.admit(&[format!("Bearer {secret}").as_bytes()], Some("lighthouse")).await;
    assert_eq!(elsewhere, Err(Refused::Unauthenticated));
}

#[tokio::test]
async fn a_subject_of_tokens_is_linked_to_one_at_a_time() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let link = |subject: Value| json!({ "issuer": "https://id.example", "subjectClaim": "42", "subject": subject });
    let shown = "login { key kind status issuer subjectClaim service person { name } }";
    let linked = ship.command("loginLink", shown, link(json!({ "person": crew.rep }))).await;
    assert_eq!((&linked["login"]["kind"], &linked["login"]["person"]["name"]), (&json!("TOKEN"), &json!("Tomas")));
    let taken = ship.send("loginLink", shown, link(json!({ "service": "robot" }))).await;
    assert_eq!(taken["userErrors"][0]["code"], "ALREADY_LINKED");
    ship.command("loginRevoke", shown, json!({ "id": linked["login"]["key"] })).await;
    let anew = ship.command("loginLink", shown, link(json!({ "service": "robot" }))).await;
    assert_eq!((&anew["login"]["status"], &anew["login"]["service"]), (&json!("LIVE"), &json!("robot")));
}

#[tokio::test]
async fn a_server_beyond_the_one_that_revoked_refuses_within_five_seconds() {
    let ship = Ship::launch().await;
    let made = ship.command("keyCreate", MADE, service("export")).await;
    let secret = made["secret"].as_str().unwrap();
    let server = ServerProcess::on_database_of_with(&ship, &["--identity", "required"]);
    let bearer = format!("Authorization: Bearer {secret}");
    let viewer = "{ viewer { actor service } }";
    let answer = ask_with(server.address, &[&bearer], viewer, &json!({})).await.unwrap();
    assert_eq!(answer["data"]["viewer"], json!({ "actor": "service:warehouse", "service": "warehouse" }));
    // Another name in the Host header is no matter here, and no key opens nothing.
    let none = ask_with(server.address, &[], viewer, &json!({})).await.unwrap();
    assert_eq!(none["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    ship.command("loginRevoke", "login { key }", json!({ "id": made["login"]["key"] })).await;
    let refused = async {
        while ask_with(server.address, &[&bearer], viewer, &json!({})).await.unwrap()["data"].is_object() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refused).await.expect("refused within five seconds");
}

#[tokio::test]
async fn without_a_database_no_key_opens_and_it_is_said() {
    let ship = Ship::launch().await;
    let mut config = in_role(&ship.config, "quarterdeck_watch");
    config.dbname("a_database_that_is_not_there");
    let keyring = Arc::new(Keyring::new(database::pool(&config, 1)));
    keyring.refresh().await;
    let door = Identity::new(Mode::Required, keyring, None);
    let key = ApiKey::new(ship.tenant.id, ship.tenant.id.0, [7; 32]).written();
    assert_eq!(admitted(&door, &key).await, Err(Refused::Unavailable));
    assert_eq!(admitted(&door, "junk").await, Err(Refused::Unauthenticated));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_listed_and_revoked_at_the_command_line() {
    let ship = Ship::launch().await;
    let hire = json!({ "name": "Ines", "role": "MANAGER", "email": "ines@example.com", "effectiveAt": { "day": "2026-01-01" } });
    ship.command("personHire", "person { key }", hire).await;
    let key = |words: &[&str]| {
        let (code, said) = ship.program(&[&["key"], words, &["--tenant", &ship.tenant.name]].concat());
        (code == Some(0)).then_some(said)
    };
    let create = |subject: &[&str]| key(&[&["create", "--name", "laptop"], subject].concat());
    let made = create(&["--person", "INES@example.com", "--expires", "2126-01-01"]).unwrap();
    let secret = made.lines().next().unwrap();
    let id = ApiKey::parse(secret).unwrap().login.to_string();
    let door = Identity::new(Mode::Required, ship.keyring(), None);
    ship.keyring().refresh().await;
    assert!(admitted(&door, secret).await.is_ok());
    let listed = key(&["list"]).unwrap();
    assert_eq!(listed, format!("{id}\tKEY\tLIVE\tlaptop\tInes\t2126-01-01T00:00:00+00:00\n"));
    assert!(key(&["revoke", &id]).unwrap().starts_with("revoked laptop"));
    ship.keyring().refresh().await;
    assert_eq!(admitted(&door, secret).await, Err(Refused::Unauthenticated));
    assert!(key(&["list"]).unwrap().contains("REVOKED"));
    for wrong in [
        &["--person", "nobody@example.com"][..],
        &["--person", "nobody"],
        &["--service", "x", "--expires", "soon"],
        &["--service", "x", "--expires", "2020-01-01"],
        &["--service", "x", "--person", "y"],
        &[],
    ] {
        assert_eq!(create(wrong), None, "{wrong:?}");
    }
    assert_eq!(key(&["revoke", &ship.tenant.id.to_string()]), None);
}
