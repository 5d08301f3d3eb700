//! Either side is killed under load: what was acknowledged is there, once, and nothing is half there.

use crate::{
    fixtures::{Crew, crew},
    harness::{Ship, TENANT},
    process::{ServerProcess, ask},
};
use logbook::fresh_id;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Clients that open deals as fast as they are answered.
const CLIENTS: usize = 8;
/// How often each side is killed.
const KILLS: usize = 10;

const OPEN: &str = "mutation($input: DealOpenInput!) { dealOpen(input: $input) { deal { key } position userErrors { code message } } }";

/// Opens deals until told to stop; a command is sent again, with its id, until it is answered.
async fn load(
    address: Arc<Mutex<SocketAddr>>,
    opening: Value,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeMap<String, String>>>,
) {
    while !stop.load(Ordering::Relaxed) {
        let command = fresh_id().to_string();
        let mut input = opening.clone();
        input["commandId"] = json!(command);
        loop {
            let at = *address.lock().unwrap();
            let answer = ask(at, TENANT, OPEN, &json!({ "input": input })).await.unwrap_or_default();
            let payload = &answer["data"]["dealOpen"];
            if let Some(position) = payload["position"].as_str() {
                acknowledged.lock().unwrap().insert(command, position.to_owned());
                break;
            }
            let refused = &payload["userErrors"][0]["code"];
            assert!(refused.is_null() || refused == "RETRY", "{answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

struct Load {
    address: Arc<Mutex<SocketAddr>>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeMap<String, String>>>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn begin(address: SocketAddr, crew: &Crew) -> Self {
        let (address, stop) = (Arc::new(Mutex::new(address)), Arc::new(AtomicBool::new(false)));
        let acknowledged = Arc::new(Mutex::new(BTreeMap::new()));
        let client = |_| {
            let opening = crew.opening("Under load", "2026-02-02", "1.00");
            tokio::spawn(load(Arc::clone(&address), opening, Arc::clone(&stop), Arc::clone(&acknowledged)))
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self { address, stop, acknowledged, clients }
    }

    /// Waits until so many more commands were acknowledged.
    async fn acknowledges(&self, more: usize) {
        let target = self.acknowledged.lock().unwrap().len() + more;
        while self.acknowledged.lock().unwrap().len() < target {
            assert!(self.clients.iter().all(|client| !client.is_finished()), "a client gave up");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(self) -> BTreeMap<String, String> {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        Arc::try_unwrap(self.acknowledged).unwrap().into_inner().unwrap()
    }
}

/// Every acknowledged command is in the log at the position that was told, and the log has no other gaps or doubles.
async fn nothing_was_lost(ship: &Ship, acknowledged: &BTreeMap<String, String>) {
    let sql = "SELECT command_id::text, position::text FROM event WHERE tenant_id = $1 AND type = 'deal.opened'";
    let rows = ship.superuser().await.query(sql, &[&ship.tenant.id.0]).await.unwrap();
    let found: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(found.len(), rows.len(), "no command is there twice");
    for (command, position) in acknowledged {
        assert_eq!(found.get(command), Some(position), "an acknowledged command is lost or moved");
    }
    logbook::verify(ship.logbook.pool(), ship.tenant.id).await.unwrap();
    let rebuilt = logbook::rebuild(ship.logbook.pool(), ship.registry(), &ship.tenant, true).await.unwrap();
    assert!(rebuilt.all_right(), "{rebuilt:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_ten_times_under_load_loses_nothing_that_it_acknowledged() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let mut server = ServerProcess::on_database_of(&ship);
    let load = Load::begin(server.address, &crew);
    for _ in 0..KILLS {
        load.acknowledges(20).await;
        server.kill();
        server = ServerProcess::on_database_of(&ship);
        *load.address.lock().unwrap() = server.address;
    }
    load.acknowledges(20).await;
    let acknowledged = load.end().await;
    assert!(acknowledged.len() >= 20 * (KILLS + 1));
    nothing_was_lost(&ship, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_killed_ten_times_under_load_loses_nothing_that_was_acknowledged() {
    let folder = std::env::temp_dir().join(format!("quarterdeck-crash-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    let mut server = ServerProcess::on_folder(&folder);
    let ship = Ship::on_folder(&folder).await;
    let crew = crew(&ship).await;
    let load = Load::begin(server.address, &crew);
    for round in 0..KILLS {
        load.acknowledges(20).await;
        let postmaster = postmaster(&folder);
        let killed = std::process::Command::new("kill").args(["-KILL", &postmaster]).status().unwrap();
        assert!(killed.success() && server.runs(), "round {round}: the server outlives its PostgreSQL");
    }
    load.acknowledges(20).await;
    let acknowledged = load.end().await;
    assert!(server.runs());
    nothing_was_lost(&ship, &acknowledged).await;
    drop(server);
    let cluster = local_postgres::Cluster::attach(&folder, local_postgres::Settings::default()).await.unwrap();
    drop(ship);
    cluster.finish().await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

fn postmaster(folder: &Path) -> String {
    loop {
        let file = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        let alive = |pid: &str| Path::new(&format!("/proc/{pid}")).exists();
        match file.lines().next().map(str::trim) {
            Some(pid) if alive(pid) => return pid.to_owned(),
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_insert_that_fails_is_not_acknowledged_and_takes_no_other_along() {
    let ship = Ship::launch().await;
    let crew = crew(&ship).await;
    let check = "ALTER TABLE deal_history ADD CONSTRAINT poison CHECK (name <> 'Poison')";
    ship.superuser().await.batch_execute(check).await.unwrap();
    let names: Vec<String> =
        (0..40).map(|number| if number == 17 { "Poison".to_owned() } else { format!("Deal {number}") }).collect();
    let send = |name: &String| {
        let mut input = crew.opening(name, "2026-02-02", "1.00");
        input["commandId"] = json!(fresh_id().to_string());
        let ship = &ship;
        async move { ship.ask(OPEN, json!({ "input": input })).await }
    };
    let answers = futures::future::join_all(names.iter().map(send)).await;
    for (name, answer) in names.iter().zip(&answers) {
        let taken = answer["data"]["dealOpen"]["position"].is_string();
        assert_eq!(taken, name != "Poison", "{name}: {answer}");
    }
    let found = ship.data("{ deals(first: 100) { totalCount } logHead { position } }", json!({})).await;
    assert_eq!(found["deals"]["totalCount"], 39);
    logbook::verify(ship.logbook.pool(), ship.tenant.id).await.unwrap();
    let rebuilt = logbook::rebuild(ship.logbook.pool(), ship.registry(), &ship.tenant, true).await.unwrap();
    assert!(rebuilt.all_right(), "{rebuilt:?}");
}
