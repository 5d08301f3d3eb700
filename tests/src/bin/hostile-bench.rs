//! Sends every hostile request to a server built for release and tells how fast each is refused, what memory it leaves
//! taken, and how honest requests fare meanwhile: `make hostile`. Fails when a refusal takes longer than 250 ms.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

#[path = "../../ship/corpus.rs"]
#[expect(unreachable_pub, reason = "shared with the tests")]
mod corpus;

use corpus::{corpus, exchange, honest, refused};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// How long a refusal may take.
const REFUSAL_MAX: Duration = Duration::from_millis(250);
/// How much more memory the server may hold after the rounds than after the first, which fills its caches.
const GROWTH_MAX_KIB: i64 = 32 * 1_024;
/// How often the corpus is sent.
const ROUNDS: usize = 4;
/// How many ask honestly at once.
const HONEST: usize = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let program = std::env::args().nth(1).unwrap_or_else(|| "target/release/quarterdeck".to_owned());
    let home = std::env::temp_dir().join(format!("quarterdeck-hostile-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let (mut server, address) = started(Path::new(&program), &home.join("data"));
    let alone = p99(honestly(address, Duration::from_secs(3)).await);
    let (over, beside) = (Arc::new(AtomicBool::new(false)), tokio::task::JoinSet::new());
    let beside = (0..HONEST).fold(beside, |mut all, _| {
        all.spawn(until(address, Arc::clone(&over)));
        all
    });
    let (first, slowest, wrong, after_first) = rounds(address, server.id()).await;
    over.store(true, Relaxed);
    let beside = p99(beside.join_all().await.into_iter().flatten().collect());
    let after = resident_kib(server.id());
    Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    server.wait().unwrap();
    std::fs::remove_dir_all(&home).unwrap();
    for (name, took) in &slowest {
        println!("{:>8.1} ms  {name}", took.as_secs_f64() * 1e3);
    }
    let grown = after - after_first;
    println!(
        "{} requests, {ROUNDS} rounds; memory {} MiB before, {} after the first round, {} after the last; honest requests: \
         p99 {:.1} ms alone, {:.1} ms beside",
        slowest.len(),
        first / 1_024,
        after_first / 1_024,
        after / 1_024,
        alone.as_secs_f64() * 1e3,
        beside.as_secs_f64() * 1e3,
    );
    for line in &wrong {
        println!("{line}");
    }
    let slow = slowest.iter().filter(|(_, took)| *took > REFUSAL_MAX).count();
    println!("{slow} took longer than {REFUSAL_MAX:?}, {} were not refused as they must be", wrong.len());
    if slow == 0 && wrong.is_empty() && grown <= GROWTH_MAX_KIB { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The memory before and after the first round, the slowest time of each request, and what was answered wrongly.
async fn rounds(address: SocketAddr, server: u32) -> (i64, Vec<(&'static str, Duration)>, Vec<String>, i64) {
    let before = resident_kib(server);
    let attacks = corpus();
    let mut slowest: Vec<_> = attacks.iter().map(|attack| (attack.name, Duration::ZERO)).collect();
    let (mut wrong, mut after_first) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        for (attack, (_, slowest)) in attacks.iter().zip(&mut slowest) {
            let started = Instant::now();
            let answer = exchange(address, &attack.request).await;
            *slowest = started.elapsed().max(*slowest);
            wrong.extend(refused(attack, &answer).err());
        }
        if round == 0 {
            after_first = resident_kib(server);
        }
    }
    (before, slowest, wrong, after_first)
}

async fn honestly(address: SocketAddr, time: Duration) -> Vec<Duration> {
    let over = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn(until(address, Arc::clone(&over)));
    tokio::time::sleep(time).await;
    over.store(true, Relaxed);
    asking.await.unwrap()
}

async fn until(address: SocketAddr, over: Arc<AtomicBool>) -> Vec<Duration> {
    let mut times = Vec::new();
    while !over.load(Relaxed) {
        let started = Instant::now();
        let answer = exchange(address, &honest()).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"deals\":{"), "{answer}");
        times.push(started.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[(times.len() - 1) * 99 / 100]
}

fn started(program: &Path, data: &Path) -> (Child, SocketAddr) {
    let command = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.arg("--data").arg(data).args(["--log", "off"]).args(arguments).env_remove("DATABASE_URL");
        command
    };
    let tenant = ["tenant", "create", "harbour", "--currency", "USD", "--timezone", "UTC"];
    assert!(command(&tenant).stdout(Stdio::null()).status().unwrap().success());
    let mut child = command(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains("http://"))).unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    (child, line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap())
}

fn resident_kib(process: u32) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
