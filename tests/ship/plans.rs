//! The plans of the boards on a seeded tenant of 100,000 rows: index-only, behind row-level security.

use crate::harness::{Ship, connected, in_role};
use logbook::as_of;
use tokio_postgres::Client;

const SEED: &str = "
    INSERT INTO deal_history
    SELECT $T, ('00000000-0000-7000-8000-' || lpad(to_hex(n / 2), 12, '0'))::uuid,
        timestamptz '2020-01-01' + (n / 2) * interval '30 minutes' + (n % 2) * interval '40 days',
        CASE n % 2 WHEN 0 THEN timestamptz '2020-01-01' + (n / 2) * interval '30 minutes' + interval '40 days'
                   ELSE 'infinity' END,
        n + 1, CASE n % 2 WHEN 0 THEN n + 2 ELSE 9223372036854775807 END, 9223372036854775807,
        CASE n % 2 WHEN 0 THEN 'open' ELSE 'won' END, 'Deal ' || n / 2, 'deal ' || n / 2,
        '00000000-0000-7000-8000-0000000000aa', ('00000000-0000-7000-8000-0000000000' || lpad(to_hex(n % 6), 2, '0'))::uuid,
        ('00000000-0000-7000-8000-0000000001' || lpad(to_hex(n % 40), 2, '0'))::uuid, NULL, NULL, n * 100, 'USD', NULL,
        NULL, NULL, NULL, NULL, date '2020-01-01', CASE n % 2 WHEN 1 THEN date '2020-02-10' END, 40, NULL, NULL, NULL,
        NULL, '{}', false
    FROM generate_series(0, 99999) n";

/// A tenant of 50,000 deals of two versions, and a connection in the app role.
pub async fn seeded() -> (Ship, Client) {
    let ship = Ship::launch().await;
    let superuser = ship.superuser().await;
    let tenant = format!("'{}'::uuid", ship.tenant.id);
    superuser.batch_execute(&SEED.replace("$T", &tenant)).await.unwrap();
    superuser.batch_execute("VACUUM (ANALYZE) deal_history").await.unwrap();
    let client = connected(&in_role(&ship.config, "quarterdeck_app")).await;
    (ship, client)
}

/// The plan of a statement with its parameters written in, as a custom plan has them.
async fn plan(ship: &Ship, client: &Client, statement: &'static str, past: bool, group_by: &str) -> String {
    let mut text = as_of(statement, past).to_owned();
    for number in (1..=27).rev() {
        let value = match number {
            1 => format!("'{}'::uuid", ship.tenant.id),
            2 => "timestamptz '2022-01-01'".to_owned(),
            3 if past => "50000::bigint".to_owned(),
            22 => format!("'{group_by}'"),
            _ => "NULL".to_owned(),
        };
        text = text.replace(&format!("${number}"), &value);
    }
    let set = format!("SET quarterdeck.tenant = '{}'; SET jit = off; SET random_page_cost = 1.1", ship.tenant.id);
    client.batch_execute(&set).await.unwrap();
    let rows = client.query(&format!("EXPLAIN {text}"), &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn figures_scan_their_covering_index_and_nothing_else() {
    let (ship, client) = seeded().await;
    let sums = include_str!("../../crates/sales/src/boards/sql/deal_sums.sql");
    for dimension in ["STAGE", "STATUS", "OWNER", "ACCOUNT", "CLOSE_MONTH"] {
        for (past, index) in [(false, "deal_history_"), (true, "deal_history_known")] {
            let plan = plan(&ship, &client, sums, past, dimension).await;
            assert!(plan.contains("Index Only Scan") && plan.contains(index), "{dimension}, past {past}:\n{plan}");
            assert!(!plan.contains("Seq Scan on deal_history"), "{dimension}, past {past}:\n{plan}");
        }
    }
}

#[tokio::test]
async fn figures_over_the_deals_of_a_subtree_scan_their_covering_index_too() {
    let (ship, client) = seeded().await;
    let owners = (0..9).map(|owner| format!("'00000000-0000-7000-8000-00000000010{owner}'")).collect::<Vec<_>>();
    let visible = format!("ARRAY[{}]::uuid[]", owners.join(", "));
    for statement in [
        include_str!("../../crates/sales/src/boards/sql/deal_sums.sql"),
        include_str!("../../crates/sales/src/boards/sql/cycle_days.sql"),
    ] {
        let statement: &'static str = Box::leak(statement.replace("$6", &visible).into_boxed_str());
        for past in [false, true] {
            let plan = plan(&ship, &client, statement, past, "OWNER").await;
            assert!(plan.contains("Index Only Scan"), "past {past}:\n{plan}");
            assert!(!plan.contains("Seq Scan on deal_history"), "past {past}:\n{plan}");
        }
    }
}

#[tokio::test]
async fn cycle_days_scan_their_covering_index_too() {
    let (ship, client) = seeded().await;
    let days = include_str!("../../crates/sales/src/boards/sql/cycle_days.sql");
    let plan = plan(&ship, &client, days, false, "OWNER").await;
    assert!(plan.contains("Index Only Scan"), "{plan}");
}

#[tokio::test]
async fn a_deal_is_found_by_its_key() {
    let (ship, client) = seeded().await;
    let by_id = include_str!("../../crates/sales/src/deal/sql/deals_by_id.sql");
    let text = by_id.replace("$4", "ARRAY['00000000-0000-7000-8000-000000000001'::uuid]");
    let plan = plan(&ship, &client, Box::leak(text.into_boxed_str()), false, "").await;
    assert!(plan.contains("Index Scan") && !plan.contains("Seq Scan"), "{plan}");
}
