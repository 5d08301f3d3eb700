//! The program as a process of its own, and the few words of HTTP that a test speaks to it.

use crate::harness::Ship;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A server of its own; killed when it is dropped.
pub struct ServerProcess {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl ServerProcess {
    /// A server on the ship's database.
    pub fn on_database_of(ship: &Ship) -> Self {
        Self::on_database_of_with(ship, &[])
    }

    /// A server on the ship's database, with further arguments.
    pub fn on_database_of_with(ship: &Ship, arguments: &[&str]) -> Self {
        Self::started(arguments, |command| {
            command.env("DATABASE_URL", ship.url());
        })
    }

    /// A server on a PostgreSQL of its own.
    pub fn on_folder(data: &Path) -> Self {
        Self::started(&[], |command| {
            command.env_remove("DATABASE_URL").arg("--data").arg(data);
        })
    }

    fn started(arguments: &[&str], arrange: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck-under-test"));
        arrange(&mut command);
        command.args(["--log", "off", "serve", "--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.contains("http://")));
        let line = line.expect("it says where it serves");
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { address, child }
    }

    /// Kills it as an out-of-memory killer does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Asks a server; `None` when the connection breaks before the answer is whole.
pub async fn ask(address: SocketAddr, tenant: &str, document: &str, variables: &Value) -> Option<Value> {
    ask_with(address, &[&format!("Quarterdeck-Tenant: {tenant}")], document, variables).await
}

/// Asks a server with headers of one's own.
pub async fn ask_with(address: SocketAddr, headers: &[&str], document: &str, variables: &Value) -> Option<Value> {
    let body = json!({ "query": document, "variables": variables }).to_string();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n{headers}\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let text = String::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let body =
        if head.to_lowercase().contains("transfer-encoding: chunked") { dechunked(body)? } else { body.to_owned() };
    serde_json::from_str(&body).ok()
}

fn dechunked(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..size)?);
        body = rest.get(size + 2..)?;
    }
}
