//! BI logins: what they read, and that they may do nothing else.

use crate::{
    fixtures::crew,
    harness::{Ship, connected},
    plans,
};
use logbook::{
    Tenant,
    bi::{self, BiError, Grant, LoginName},
    fresh_id, system_clock,
};
use serde_json::json;
use std::collections::BTreeSet;
use tokio_postgres::{Client, SimpleQueryMessage};

/// What the other tenant's texts hold.
const CANARY: &str = "canary of the other one";

/// A ship with two tenants and deals in both, and a BI login of the first.
pub struct Desk {
    pub ship: Ship,
    pub other: Tenant,
    pub login: LoginName,
    pub bi: Client,
}

impl Desk {
    pub async fn open() -> Self {
        let ship = Ship::launch().await;
        let home = crew(&ship).await;
        home.open(&ship, "One", "2026-02-02", "120.00").await;
        let won = home.open(&ship, "Two", "2026-02-03", "80.50").await;
        let win = json!({ "id": won, "stage": home.stage("Won"), "effectiveAt": { "day": "2026-03-01" } });
        ship.command("dealWin", "deal { key }", win).await;
        let other = ship.other_tenant("inland").await;
        let abroad = ship.of(other.clone());
        let crew = crew(&abroad).await;
        for number in 0..5 {
            crew.open(&abroad, &format!("{CANARY} {number}"), "2026-02-02", "7777.00").await;
        }
        let (login, _) = granted(&ship, &ship.tenant, false).await;
        let bi = entered(&ship, &login).await;
        Self { ship, other, login, bi }
    }

    pub async fn close(self) {
        let mut admin = self.ship.superuser().await;
        bi::revoke(&mut admin, &self.login, async |_| Ok(())).await.unwrap();
    }
}

/// A BI login of a name not used before, and its password.
async fn granted(ship: &Ship, tenant: &Tenant, replace: bool) -> (LoginName, String) {
    let login: LoginName = format!("bi_{}", fresh_id().simple()).parse().unwrap();
    let password = grant(ship, tenant, &login, replace).await.unwrap();
    (login, password)
}

async fn grant(ship: &Ship, tenant: &Tenant, login: &LoginName, replace: bool) -> Result<String, BiError> {
    let order = Grant { tenant, login, replace, leave_open: false, at: system_clock() };
    bi::grant(&mut ship.superuser().await, order, async || Ok(())).await
}

/// A connection of a BI login, which has taken off what its settings lay over it.
async fn entered(ship: &Ship, login: &LoginName) -> Client {
    let mut config = ship.config.clone();
    config.user(login.as_str());
    let client = connected(&config).await;
    client.batch_execute("SET default_transaction_read_only = off; SET statement_timeout = 0").await.unwrap();
    client
}

/// The rows of a question as texts, column by column.
pub async fn texts(client: &Client, question: &str) -> Vec<Vec<Option<String>>> {
    let answer = client.simple_query(question).await.unwrap_or_else(|error| panic!("{question}: {error:?}"));
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect()),
        _ => None,
    });
    rows.collect()
}

async fn names(client: &Client, question: &str) -> BTreeSet<String> {
    texts(client, question).await.into_iter().map(|row| row[0].clone().unwrap()).collect()
}

const VIEWS: &str = "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'bi'::regnamespace AND c.relkind = 'v'";

#[tokio::test]
async fn its_figures_are_those_of_the_api() {
    let desk = Desk::open().await;
    let question = "{ all: dealMetrics { total { all { count amounts { amount } } } }
        won: dealMetrics(filter: { status: [WON] }) { total { all { count amounts { amount } } } } }";
    let api = desk.ship.data(question, json!({})).await;
    for (name, filter) in [("all", "true"), ("won", "status = 'won'")] {
        let figure = &api[name]["total"]["all"];
        let sums = format!("SELECT count(*), round(sum(amount_minor) / 100.0, 2) FROM bi.deal_now WHERE {filter}");
        let of_bi = texts(&desk.bi, &sums).await;
        let (count, amount) = (figure["count"].to_string(), figure["amounts"][0]["amount"].as_str().unwrap());
        assert_eq!(of_bi, [[Some(count.trim_matches('"').to_owned()), Some(amount.to_owned())]], "{name}");
    }
    let then = desk.ship.data(
        "{ asOf(at: { effective: { day: \"2026-02-15\" } }) {
            dealMetrics(filter: { status: [OPEN] }) { total { all { count } } } } }",
        json!({}),
    );
    let then = then.await["asOf"]["dealMetrics"]["total"]["all"]["count"].clone();
    let of_bi = "SELECT count(*) FROM bi.deal_as_of('2026-02-15T23:59:59Z') WHERE status = 'open'";
    assert_eq!(texts(&desk.bi, of_bi).await[0][0], Some(then.to_string()));
    let head = desk.ship.data("{ logHead { position recordedAt } }", json!({})).await;
    let (told, known) = (head["logHead"]["position"].as_str().unwrap(), "SELECT position FROM bi.head");
    assert_eq!(texts(&desk.bi, known).await[0][0].as_deref(), Some(told));
    assert_eq!(texts(&desk.bi, "SELECT bi.position_at(now())").await[0][0].as_deref(), Some(told));
    let before = "SELECT count(*) FROM bi.deal_as_of(now(), 3)";
    assert_eq!(texts(&desk.bi, before).await[0][0].as_deref(), Some("0"), "at position 3 there was no deal");
    assert_eq!(
        texts(&desk.bi, "SELECT name, currency FROM bi.tenant").await,
        [[Some("harbour".to_owned()), Some("USD".to_owned())]]
    );
    desk.close().await;
}

#[tokio::test]
async fn it_reads_its_own_tenant_whatever_it_says() {
    let desk = Desk::open().await;
    let spoofs = [
        String::new(),
        format!("SET quarterdeck.tenant = '{}'", desk.other.id),
        "SET row_security = off".to_owned(),
        "SET search_path = public, pg_catalog".to_owned(),
    ];
    let views = names(&desk.bi, VIEWS).await;
    assert!(views.len() >= 18, "{views:?}");
    for spoof in spoofs {
        desk.bi.batch_execute(&spoof).await.unwrap();
        for view in &views {
            let question = format!("SELECT v::text FROM bi.{view} v");
            if spoof.contains("row_security") {
                assert!(desk.bi.simple_query(&question).await.is_err(), "{view}: the wall does not come off");
                continue;
            }
            let rows = texts(&desk.bi, &question).await;
            assert!(!rows.is_empty(), "{view}: it reads its own");
            let all = format!("{rows:?}");
            assert!(!all.contains(CANARY) && !all.contains("inland"), "{spoof}: {view}: {all}");
        }
        desk.bi.batch_execute("SET row_security = on").await.unwrap();
    }
    let superuser = desk.ship.superuser().await;
    superuser.batch_execute("SET ROLE quarterdeck_bi").await.unwrap();
    assert!(texts(&superuser, "SELECT id FROM bi.deal_now").await.is_empty(), "the role alone reads nothing");
    desk.close().await;
}

#[tokio::test]
async fn private_columns_are_out_of_reach() {
    let desk = Desk::open().await;
    for column in ["email", "leave_reason", "voluntary", "regretted", "name_folded", "tenant_id"] {
        let around = format!("SELECT {column} FROM public.person_history");
        let refused = desk.bi.simple_query(&around).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{around}");
        let through = format!("SELECT {column} FROM bi.person_versions");
        assert_eq!(desk.bi.simple_query(&through).await.unwrap_err().code().unwrap().code(), "42703", "{through}");
    }
    for table in ["event", "command", "stream_snapshot", "log_lock", "refinery_schema_history"] {
        let refused = desk.bi.simple_query(&format!("SELECT 1 FROM public.{table}")).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{table}");
    }
    desk.close().await;
}

#[tokio::test]
async fn as_of_functions_are_inlined_and_find_their_index() {
    let (ship, _) = plans::seeded().await;
    let (login, _) = granted(&ship, &ship.tenant, false).await;
    let client = entered(&ship, &login).await;
    client.batch_execute("SET random_page_cost = 1.1; SET jit = off").await.unwrap();
    let cases = [
        ("bi.deal_as_of('2020-03-01')", "deal_history_from"),
        ("bi.deal_as_of('2022-11-01')", "deal_history_"),
        ("bi.deal_as_of('2020-03-01', 4000)", "deal_history_"),
        ("bi.deal_now", "deal_history_"),
    ];
    for (source, index) in cases {
        let asked = format!("EXPLAIN SELECT id, amount_minor FROM {source} WHERE status = 'open'");
        let plan: Vec<_> = texts(&client, &asked).await.into_iter().filter_map(|row| row[0].clone()).collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Function Scan") && !plan.contains("Seq Scan on deal_history"), "{source}:\n{plan}");
        assert!(plan.contains("Index") && plan.contains(index), "{source}:\n{plan}");
    }
    bi::revoke(&mut ship.superuser().await, &login, async |_| Ok(())).await.unwrap();
}

#[tokio::test]
async fn a_name_is_granted_once_replaced_on_demand_and_revoked_for_good() {
    let desk = Desk::open().await;
    let Desk { ship, other, login, .. } = &desk;
    let refused = async |tenant, login| grant(ship, tenant, login, false).await.unwrap_err().to_string();
    assert!(refused(&ship.tenant, login).await.contains("--replace"));
    assert!(refused(other, login).await.contains("another tenant"));
    let foreign: LoginName = format!("role_{}", fresh_id().simple()).parse().unwrap();
    let superuser = ship.superuser().await;
    superuser.batch_execute(&format!("CREATE ROLE {foreign}")).await.unwrap();
    assert!(refused(other, &foreign).await.contains("no BI login"));
    superuser.batch_execute(&format!("DROP ROLE {foreign}")).await.unwrap();

    grant(ship, &ship.tenant, login, true).await.unwrap();
    assert!(desk.bi.simple_query("SELECT 1").await.is_err(), "its old connections end");
    let again = entered(ship, login).await;
    assert_eq!(texts(&again, "SELECT count(*) FROM bi.deal_now").await[0][0].as_deref(), Some("2"));
    let listed = bi::list(&mut ship.superuser().await).await.unwrap();
    assert!(listed.iter().any(|known| known.login == login.as_str() && known.tenant == ship.tenant.id && known.there));

    bi::revoke(&mut ship.superuser().await, login, async |_| Ok(())).await.unwrap();
    assert!(again.simple_query("SELECT 1").await.is_err());
    let twice = bi::revoke(&mut ship.superuser().await, login, async |_| Ok(())).await.unwrap_err();
    assert!(matches!(twice, BiError::Unknown { .. }), "{twice}");
    // The same name, made by somebody else, is another login: what an old backup says of the name does not count.
    superuser.batch_execute(&format!("CREATE ROLE {login} LOGIN IN ROLE quarterdeck_bi")).await.unwrap();
    let stale = format!("INSERT INTO bi_login SELECT '{login}', 1, '{}', now()", ship.tenant.id);
    superuser.batch_execute(&stale).await.unwrap();
    let stranger = entered(ship, login).await;
    assert!(texts(&stranger, "SELECT id FROM bi.deal_now").await.is_empty());
    drop(stranger);
    superuser.batch_execute(&format!("DROP ROLE {login}")).await.unwrap();
}

#[tokio::test]
async fn nothing_is_granted_that_the_log_does_not_witness_or_the_asker_may_not_give() {
    let ship = Ship::launch().await;
    let login: LoginName = format!("bi_{}", fresh_id().simple()).parse().unwrap();
    let order = Grant { tenant: &ship.tenant, login: &login, replace: false, leave_open: false, at: system_clock() };
    let silent = async || Err(logbook::Fault::new("taking it down", "no disk"));
    assert!(bi::grant(&mut ship.superuser().await, order, silent).await.is_err());
    let roles = format!("SELECT rolname FROM pg_roles WHERE rolname = '{login}'");
    let superuser = ship.superuser().await;
    assert!(texts(&superuser, &roles).await.is_empty());
    let mut server = connected(&ship.config).await;
    let refused = bi::grant(&mut server, order, async || Ok(())).await.unwrap_err();
    assert!(refused.to_string().contains("name an administrator in DATABASE_URL"), "{refused}");
}
