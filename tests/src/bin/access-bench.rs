//! What the walls cost: the same figures with and without row-level security, and over all deals or those of some people,
//! side by side, and the resolution of a manager's subtree: `make bench-access`. Ratios hold, milliseconds do not.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

use local_postgres::{Cluster, Settings};
use logbook::{as_of, fresh_id, migrate};
use std::time::Instant;
use tokio_postgres::{Client, Config, NoTls};
use uuid::Uuid;

/// Deals, each with two versions.
const DEALS: u32 = 100_000;
/// People, ten to a manager, five levels deep.
const PEOPLE: u32 = 2_800;
/// Readings of which the median is told.
const READINGS: usize = 15;

const SEED: &str = "
    INSERT INTO deal_history
    SELECT $T, ('00000000-0000-7000-8000-' || lpad(to_hex(n / 2), 12, '0'))::uuid,
        timestamptz '2020-01-01' + (n / 2) * interval '15 minutes' + (n % 2) * interval '40 days',
        CASE n % 2 WHEN 0 THEN timestamptz '2020-01-01' + (n / 2) * interval '15 minutes' + interval '40 days'
                   ELSE 'infinity' END,
        n + 1, CASE n % 2 WHEN 0 THEN n + 2 ELSE 9223372036854775807 END, 9223372036854775807,
        CASE n % 2 WHEN 0 THEN 'open' ELSE 'won' END, 'Deal ' || n / 2, 'deal ' || n / 2,
        '00000000-0000-7000-8000-0000000000aa', '00000000-0000-7000-8000-0000000000ab',
        ('00000000-0000-7000-9000-' || lpad(to_hex(n / 2 % $P), 12, '0'))::uuid, NULL, NULL, n * 100, 'USD', NULL,
        NULL, NULL, NULL, NULL, date '2020-01-01', CASE n % 2 WHEN 1 THEN date '2020-02-10' END, 40, NULL, NULL, NULL,
        NULL, '{}', false
    FROM generate_series(0, $D - 1) n;
    INSERT INTO reporting_history
    SELECT $T, ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, timestamptz '2020-01-01', 'infinity', 1,
        9223372036854775807, 9223372036854775807,
        ('00000000-0000-7000-9000-' || lpad(to_hex((n - 1) / 10), 12, '0'))::uuid
    FROM generate_series(1, $P - 1) n;
    VACUUM (ANALYZE) deal_history; VACUUM (ANALYZE) reporting_history";

#[tokio::main]
async fn main() {
    let home = std::env::temp_dir().join(format!("quarterdeck-access-bench-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let cluster = Cluster::attach(&home.join("cluster"), Settings::default()).await.unwrap();
    let tenant = fresh_id();
    let mut admin = connected(&cluster.admin_config("quarterdeck")).await;
    migrate::migrate(&mut admin).await.unwrap();
    migrate::admit(&admin, "quarterdeck").await.unwrap();
    let seed = SEED.replace("$T", &format!("'{tenant}'::uuid")).replace("$P", &PEOPLE.to_string());
    for statement in seed.replace("$D", &(2 * DEALS).to_string()).split(';') {
        admin.batch_execute(statement).await.unwrap();
    }
    let mut behind = cluster.config();
    behind.options("-c role=quarterdeck_app");
    let behind = connected(&behind).await;
    for (name, client) in [("no wall (superuser)", &admin), ("row-level security", &behind)] {
        let settings = format!(
            "SET quarterdeck.tenant = '{tenant}'; SET jit = off; SET random_page_cost = 1.1;
            SET plan_cache_mode = 'force_custom_plan'"
        );
        client.batch_execute(&settings).await.unwrap();
        let managers = [
            ("all deals", None),
            ("a subtree of 11", Some(100)),
            ("a subtree of 111", Some(10)),
            ("a subtree of 1,111", Some(1)),
            ("everybody by name", Some(0)),
        ];
        for (scope, manager) in managers {
            let (lines_ms, owners) = match manager {
                None => (0.0, None),
                Some(manager) => lines(client, tenant, manager).await,
            };
            let figures_ms = figures(client, tenant, owners.as_ref()).await;
            let people = owners.map_or(0, |owners| owners.len());
            println!(
                "{name:<20} {scope:<20} {people:>5} people: lines {lines_ms:>6.1} ms, figures {figures_ms:>6.1} ms"
            );
        }
    }
    drop((admin, behind));
    cluster.finish().await.unwrap();
    std::fs::remove_dir_all(&home).unwrap();
}

async fn connected(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn person(number: u32) -> Uuid {
    Uuid::from_u128(0x7000_9000_0000_0000_0000 + u128::from(number))
}

/// The subtree of a manager, and how long it takes to resolve.
async fn lines(client: &Client, tenant: Uuid, manager: u32) -> (f64, Option<Vec<Uuid>>) {
    let sql = as_of(include_str!("../../../crates/sales/src/access/sql/below.sql"), false);
    let statement = client.prepare(sql).await.unwrap();
    let (known, managers) = (None::<i64>, vec![person(manager)]);
    let mut taken = Vec::new();
    let mut owners = managers.clone();
    for _ in 0..READINGS {
        let begun = Instant::now();
        let rows = client.query(&statement, &[&tenant, &at(), &known, &managers]).await.unwrap();
        taken.push(begun.elapsed().as_secs_f64() * 1_000.0);
        owners.truncate(1);
        owners.extend(rows.iter().map(|row| row.get::<_, Uuid>(0)));
    }
    (median(taken), Some(owners))
}

/// How long the figures by stage and status take over the deals of some owners.
async fn figures(client: &Client, tenant: Uuid, owners: Option<&Vec<Uuid>>) -> f64 {
    let sums = include_str!("../../../crates/sales/src/boards/sql/deal_sums.sql");
    let mut sql = as_of(sums, false).to_owned();
    // What the filter leaves open, as a custom plan has it.
    for number in (4..=26).rev().filter(|number| *number != 6) {
        sql = sql.replace(&format!("${number}"), if number == 22 { "'STAGE'" } else { "NULL" });
    }
    let statement = client.prepare(&sql.replace("$6", "$4")).await.unwrap();
    let known = None::<i64>;
    let mut taken = Vec::new();
    for _ in 0..READINGS {
        let begun = Instant::now();
        let rows = client.query(&statement, &[&tenant, &at(), &known, &owners]).await.unwrap();
        taken.push(begun.elapsed().as_secs_f64() * 1_000.0);
        assert!(!rows.is_empty());
    }
    median(taken)
}

fn at() -> units::Instant {
    "2022-01-01T00:00:00Z".parse().unwrap()
}

fn median(mut taken: Vec<f64>) -> f64 {
    taken.sort_by(f64::total_cmp);
    taken[taken.len() / 2]
}
