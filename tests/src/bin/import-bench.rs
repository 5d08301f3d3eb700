//! Imports a set of deals and copies the same rows with plain COPY, side by side: `make bench`, or
//! `cargo run --release -p tests --bin import-bench -- FOLDER` for a folder with the files of mappings/maven_crm.toml.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

use import::{Mapping, Request};
use local_postgres::{Cluster, Settings};
use logbook::{Logbook, Tenant, fresh_id, migrate, system_clock, tenants};
use quarterdeck::database;
use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_postgres::{Client, NoTls};
use units::{TenantId, Zone};

/// Deals of the generated set.
const DEALS: u32 = 8_800;
#[tokio::main]
async fn main() {
    let home = std::env::temp_dir().join(format!("quarterdeck-bench-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let folder = std::env::args().nth(1).map_or_else(|| generated(&home.join("set")), PathBuf::from);
    let cluster = Cluster::attach(&home.join("cluster"), Settings::default()).await.unwrap();
    let client = connected(&cluster).await;
    for round in 1..=3 {
        let (imported, [events, of_deals, deals]) = import_all(&cluster, &folder, round).await;
        let copied = copy_all(&client, &cluster, round).await;
        let (copied, rows, tables) = copied;
        println!(
            "round {round}: {deals} deals, {events} events ({:.2} a deal) imported in {:.2} s: {:.0} deals/s, {:.0} \
             events/s; plain COPY of the same {rows} rows into {tables} tables with the same indexes {:.2} s; ratio {:.1}",
            f64::from(of_deals) / f64::from(deals),
            imported.as_secs_f64(),
            f64::from(deals) / imported.as_secs_f64(),
            f64::from(events) / imported.as_secs_f64(),
            copied.as_secs_f64(),
            imported.as_secs_f64() / copied.as_secs_f64(),
        );
    }
    drop(client);
    cluster.finish().await.unwrap();
    std::fs::remove_dir_all(&home).unwrap();
}

async fn connected(cluster: &Cluster) -> Client {
    let (mut client, connection) = cluster.admin_config("quarterdeck").connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    migrate::migrate(&mut client).await.unwrap();
    migrate::admit(&client, "quarterdeck").await.unwrap();
    client
}

async fn import_all(cluster: &Cluster, folder: &Path, round: u32) -> (Duration, [u32; 3]) {
    let mut config = cluster.config();
    config.options("-c role=quarterdeck_app");
    let app = database::pool(&config, 4);
    let (id, currency, zone) = (TenantId(fresh_id()), "USD".parse().unwrap(), Zone::UTC);
    let tenant = Tenant { id, name: format!("bench{round}"), currency, zone, created_at: system_clock() };
    tenants::create(&app, &tenant).await.unwrap();
    let logbook = Logbook::new(app, Arc::new(sales::registry()), system_clock);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mapping = Mapping::read(&root.join("mappings/maven_crm.toml")).unwrap();
    let request = Request { mapping, folders: vec![folder.to_path_buf()], files: BTreeMap::new(), dry_run: false };
    let begun = Instant::now();
    let report = import::run(&logbook, &tenant, &request, &|_| {}).await.unwrap();
    let taken = begun.elapsed();
    let events: u64 = report.events_appended.values().sum();
    let of_deals = report.events_appended.iter().filter(|(kind, _)| kind.starts_with("deal.")).map(|(_, count)| count);
    let counts = [events, of_deals.sum(), report.events_appended["deal.opened"]];
    (taken, counts.map(|count| u32::try_from(count).unwrap()))
}

/// Copies the rows of the last import out of every table that it wrote, and measures how long COPY takes to put them into
/// tables alike; how many rows of how many tables there were.
async fn copy_all(client: &Client, cluster: &Cluster, round: u32) -> (Duration, u64, u32) {
    let sql = "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' \
               WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace \
               AND c.relname NOT IN ('tenant') AND c.relname NOT LIKE '%\\_alike' ORDER BY 1";
    let tables = client.query(sql, &[]).await.unwrap();
    let (mut taken, mut rows, mut written) = (Duration::ZERO, 0, 0);
    for row in tables {
        let table: String = row.get(0);
        let file = cluster.sockets().join(format!("{table}.copy"));
        let (file, alike) = (file.display(), format!("{table}_alike"));
        let own = format!("SELECT t.* FROM {table} t JOIN tenant n USING (tenant_id) WHERE n.name = 'bench{round}'");
        let copied = client.execute(&format!("COPY ({own}) TO '{file}' (FORMAT binary)"), &[]).await.unwrap();
        if copied == 0 {
            continue;
        }
        let prepare = format!("DROP TABLE IF EXISTS {alike}; CREATE TABLE {alike} (LIKE {table} INCLUDING ALL)");
        client.batch_execute(&prepare).await.unwrap();
        let begun = Instant::now();
        rows += client.execute(&format!("COPY {alike} FROM '{file}' (FORMAT binary)"), &[]).await.unwrap();
        taken += begun.elapsed();
        written += 1;
    }
    (taken, rows, written)
}

/// A set of deals that anyone can make: the columns of the mapping, no two deals alike, two events and more each.
fn generated(folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    let mut people = "sales_agent,manager,regional_office\n".to_owned();
    (0..30).for_each(|n| writeln!(people, "Agent {n},Manager {},Region {}", n / 5, n / 10).unwrap());
    write("sales_teams.csv", people);
    let mut accounts = "account,sector,subsidiary_of\n".to_owned();
    (0..85).for_each(|n| writeln!(accounts, "Account {n},sector {},", n % 9).unwrap());
    write("accounts.csv", accounts);
    let mut products = "product,sales_price\n".to_owned();
    (0..7).for_each(|n| writeln!(products, "Product {n},{}", 55 + n * 700).unwrap());
    write("products.csv", products);
    let mut deals =
        "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n".to_owned();
    for n in 0..DEALS {
        let (month, day) = (1 + n % 6, 1 + n / 7 % 28);
        let (agent, product, account) = (n % 30, n % 7, n % 85);
        let (stage, closed, value) = match n % 5 {
            0..=2 => ("Won", month + 3, 500 + n),
            _ => ("Lost", month + 2, 0),
        };
        let closed = format!("2017-{closed:02}-{day:02}");
        writeln!(
            deals,
            "G{n:06},Agent {agent},Product {product},Account {account},{stage},2017-{month:02}-{day:02},{closed},{value}"
        )
        .unwrap();
    }
    write("sales_pipeline.csv", deals);
    folder.to_path_buf()
}
