//! The program on a PostgreSQL of its own, as a newcomer runs it.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// A data folder of the test's own, gone after it.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A folder that was not there.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("quarterdeck-own-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where the program is to keep its data.
    pub fn data(&self) -> PathBuf {
        self.0.join("data-folder")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The program, on a PostgreSQL of its own.
pub fn program(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck-under-test"));
    command.arg("--data").arg(data).args(["--log", "warn"]).args(arguments).env_remove("DATABASE_URL");
    command
}

/// What it does.
pub fn ran(data: &Path, arguments: &[&str]) -> Output {
    program(data, arguments).stdin(Stdio::null()).output().unwrap()
}

/// What it says, and that it ends well.
#[track_caller]
pub fn said(data: &Path, arguments: &[&str]) -> String {
    let output = ran(data, arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    out.into_owned()
}

/// What it says when it ends badly.
#[track_caller]
pub fn refused(data: &Path, arguments: &[&str]) -> String {
    let output = ran(data, arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server, and the address it serves at.
pub fn serving(data: &Path) -> (Child, String) {
    serving_with(data, &[])
}

/// A server with further arguments, and the address it serves at.
pub fn serving_with(data: &Path, arguments: &[&str]) -> (Child, String) {
    let serve = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
    let mut child = program(data, &serve).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line =
        lines.find_map(|line| line.ok().filter(|line| line.contains("http://"))).expect("it says where it serves");
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

/// Stops a server, which must end well.
pub fn stop(mut child: Child) {
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(child.wait().unwrap().success(), "a server that is told to stop ends well");
}

#[test]
fn a_backup_of_the_demonstration_comes_back_whole() {
    let folder = Folder::new("backup");
    let data = folder.data();
    assert!(said(&data, &["demo", "--no-serve"]).contains("made the tenant demo"));
    let verified = said(&data, &["verify"]);
    assert!(verified.contains("the log agrees with its head"), "{verified}");
    let file = folder.0.join("demo.backup").display().to_string();
    said(&data, &["backup", &file]);
    assert!(refused(&data, &["backup", &file]).contains("--overwrite"));
    said(&data, &["tenant", "create", "later", "--currency", "EUR", "--timezone", "Europe/Berlin"]);
    assert!(refused(&data, &["restore", &file]).contains("--replace"));
    assert!(said(&data, &["demo", "--no-serve"]).contains("is there already"));
    said(&data, &["restore", &file, "--replace"]);
    assert_eq!(said(&data, &["verify"]), verified, "what was backed up is what came back");
    assert!(!said(&data, &["tenant", "list"]).contains("later"));
    assert!(said(&data, &["rebuild", "--check"]).contains("are as the log says"));
    let epochs = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let cluster = local_postgres::Cluster::attach(&data, local_postgres::Settings::default()).await.unwrap();
        let admin = crate::harness::connected(&cluster.admin_config("quarterdeck")).await;
        let rows = admin.query("SELECT epoch FROM log_lock", &[]).await.unwrap();
        drop(admin);
        cluster.finish().await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<i64>>()
    });
    assert_eq!(epochs, [2], "the log is taken up anew");
}

#[test]
fn a_second_server_says_so_while_other_commands_attach() {
    let folder = Folder::new("second");
    let data = folder.data();
    let (server, address) = serving(&data);
    let restoring = refused(&data, &["restore", "/nowhere.backup", "--replace"]);
    assert!(restoring.contains("stop it, then restore") && restoring.contains(&server.id().to_string()), "{restoring}");
    let second = refused(&data, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(second.contains("another server") && second.contains(&server.id().to_string()), "{second}");
    said(&data, &["tenant", "create", "acme", "--currency", "USD", "--timezone", "UTC"]);
    assert!(said(&data, &["tenant", "list"]).starts_with("acme\tUSD\tUTC\t"));
    assert!(std::net::TcpStream::connect(&address).is_ok(), "the server goes on");
    stop(server);
    let (again, _) = serving(&data);
    stop(again);
}

#[test]
fn errors_are_plain_sentences_with_exit_codes() {
    let folder = Folder::new("errors");
    let data = folder.data();
    let cases: &[(&[&str], &str)] = &[
        (&["tenant", "create", "Bad Name", "--currency", "USD", "--timezone", "UTC"], "small letters"),
        (&["tenant", "create", "ok", "--currency", "XXX", "--timezone", "UTC"], "ISO 4217"),
        (&["tenant", "create", "ok", "--currency", "USD", "--timezone", "Mars/Base"], "IANA"),
        (&["verify", "--tenant", "nobody"], "there is no tenant named \"nobody\""),
        (&["serve", "--listen", "0.0.0.0:0"], "add --identity required"),
        (&["import", "--tenant", "x", "--mapping", "/nowhere.toml", "."], "/nowhere.toml"),
        (&["restore", "/nowhere.backup"], "/nowhere.backup"),
    ];
    for (arguments, words) in cases {
        let error = refused(&data, arguments);
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
}

#[test]
fn the_schema_is_printed_as_it_is_committed() {
    let folder = Folder::new("schema");
    let committed = include_str!("../../schema/quarterdeck.graphql");
    assert!(said(&folder.data(), &["schema", "print"]) == committed);
}
