//! Our own PostgreSQL, on the real one: each test in a folder of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use local_postgres::{Cluster, Error, Settings};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};
use tokio_postgres::{Client, NoTls};

/// A folder of the test's own, gone after it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("quarterdeck-cluster-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn settings() -> Settings {
    Settings { options: vec!["shared_buffers=16MB".into()], ..Settings::default() }
}

async fn client(cluster: &Cluster) -> Client {
    let (client, connection) = cluster.admin_config("quarterdeck").connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn count(cluster: &Cluster) -> i64 {
    client(cluster).await.query_one("SELECT count(*) FROM note", &[]).await.unwrap().get(0)
}

fn kill(process: u32) {
    assert!(Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap().success());
}

fn alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

#[tokio::test]
async fn a_cluster_is_made_once_and_joined_after() {
    let folder = Folder::new("joined");
    let server = Cluster::serve(&folder.0, settings()).await.unwrap();
    let postmaster = server.postmaster().unwrap();
    client(&server).await.batch_execute("CREATE TABLE note (); INSERT INTO note DEFAULT VALUES").await.unwrap();

    let command = Cluster::attach(&folder.0, settings()).await.unwrap();
    assert_eq!(command.postmaster(), Some(postmaster), "a command joins the running cluster");
    assert_eq!(count(&command).await, 1);
    command.finish().await.unwrap();
    assert!(alive(postmaster), "a command that leaves lets the server's cluster run");

    let refused = Cluster::serve(&folder.0, settings()).await.unwrap_err();
    assert!(matches!(refused, Error::Served { .. }), "{refused}");
    assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");

    server.finish().await.unwrap();
    assert!(!alive(postmaster), "the last one to leave stops it");
}

#[tokio::test]
async fn the_server_s_login_is_a_superuser_of_nothing() {
    let folder = Folder::new("login");
    let cluster = Cluster::attach(&folder.0, settings()).await.unwrap();
    let (login, connection) = cluster.config().connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let sql = "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user";
    assert!(!login.query_one(sql, &[]).await.unwrap().get::<_, bool>(0));
    let checksums = login.query_one("SHOW data_checksums", &[]).await.unwrap();
    assert_eq!(checksums.get::<_, &str>(0), "on");
    let runs_as = fs::metadata(format!("/proc/{}", cluster.postmaster().unwrap())).unwrap().uid();
    assert_ne!(runs_as, 0, "PostgreSQL never runs as root");
    drop(login);
    cluster.finish().await.unwrap();
}

#[tokio::test]
async fn what_was_committed_survives_the_kill_of_either_side() {
    let folder = Folder::new("killed");
    let server = Cluster::serve(&folder.0, settings()).await.unwrap();
    client(&server).await.batch_execute("CREATE TABLE note (); INSERT INTO note DEFAULT VALUES").await.unwrap();
    for round in 1..=3 {
        let postmaster = server.postmaster().unwrap();
        kill(postmaster);
        server.ensure_running().await.unwrap();
        assert_eq!(count(&server).await, round, "round {round}");
        client(&server).await.batch_execute("INSERT INTO note DEFAULT VALUES").await.unwrap();
    }
    let postmaster = server.postmaster().unwrap();
    std::mem::forget(server); // as if we were killed: no goodbye, the postmaster lives on
    let next = Cluster::attach(&folder.0, settings()).await.unwrap();
    assert_eq!(next.postmaster(), Some(postmaster), "a postmaster that was left running is used again");
    assert_eq!(count(&next).await, 4);
    kill(postmaster);
    next.ensure_running().await.unwrap();
    assert_eq!(count(&next).await, 4);
    let last = next.postmaster().unwrap();
    drop(next);
    Command::new("kill").args(["-INT", &last.to_string()]).status().unwrap();
}

/// A tree like the installation's whose `postgres --version` says another version. Its programs are those of the
/// installation, which find their shared files by where they lie.
fn upgraded_copy(of: &Path, to: &Path, version: &str) {
    fs::create_dir_all(to.join("bin")).unwrap();
    for program in fs::read_dir(of.join("bin")).unwrap().map(Result::unwrap) {
        let script = format!("#!/bin/sh\nexec \"{}\" \"$@\"\n", program.path().display());
        let copy = to.join("bin").join(program.file_name());
        fs::write(&copy, script).unwrap();
        fs::set_permissions(copy, fs::Permissions::from_mode(0o755)).unwrap();
    }
    upgrade(of, to, version);
}

fn upgrade(of: &Path, tree: &Path, version: &str) {
    let real = of.join("bin/postgres");
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in --version|-V) echo 'postgres (PostgreSQL) {version}';; *) exec \"{}\" \"$@\";; esac\n",
        real.display()
    );
    fs::write(tree.join("bin/postgres"), script).unwrap();
}

fn installation() -> PathBuf {
    let mut found: Vec<_> = fs::read_dir("/usr/lib/postgresql").unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.pop().unwrap()
}

fn major(installation: &Path) -> String {
    installation.file_name().unwrap().to_string_lossy().into_owned()
}

#[tokio::test]
async fn binaries_upgraded_under_a_running_cluster_restart_it_once() {
    let folder = Folder::new("upgraded");
    let tree = Folder::new("tree");
    fs::create_dir_all(&folder.0).unwrap();
    let installed = installation();
    upgraded_copy(&installed, &tree.0, &format!("{}.91", major(&installed)));
    let own = Settings { binaries: Some(tree.0.join("bin")), ..settings() };
    let first = Cluster::attach(&folder.0, own.clone()).await.unwrap();
    let postmaster = first.postmaster().unwrap();
    let second = Cluster::attach(&folder.0, own.clone()).await.unwrap();
    assert_eq!(second.postmaster(), Some(postmaster), "the same binaries: no restart");
    second.finish().await.unwrap();

    upgrade(&installed, &tree.0, &format!("{}.99", major(&installed)));
    let third = Cluster::attach(&folder.0, own.clone()).await.unwrap();
    let restarted = third.postmaster().unwrap();
    assert_ne!(restarted, postmaster, "other binaries: restarted");
    let fourth = Cluster::attach(&folder.0, own).await.unwrap();
    assert_eq!(fourth.postmaster(), Some(restarted), "and only once");
    fourth.finish().await.unwrap();
    first.finish().await.unwrap();
    third.finish().await.unwrap();
    assert!(!alive(restarted));
}

#[tokio::test]
async fn another_major_version_and_missing_binaries_are_one_clear_sentence_each() {
    let folder = Folder::new("major");
    fs::create_dir_all(folder.0.join("data")).unwrap();
    fs::write(folder.0.join("data/PG_VERSION"), "12\n").unwrap();
    let other = Cluster::attach(&folder.0, settings()).await.unwrap_err().to_string();
    assert!(other.contains("was made by PostgreSQL 12") && other.contains(&major(&installation())), "{other}");

    let nowhere = Settings { binaries: Some(folder.0.join("nowhere")), ..settings() };
    let missing = Cluster::attach(&folder.0, nowhere).await.unwrap_err().to_string();
    assert!(missing.contains("install"), "{missing}");
}

#[tokio::test]
async fn a_folder_half_made_and_a_long_one_are_no_trouble() {
    let folder = Folder::new(&"long".repeat(40));
    fs::create_dir_all(folder.0.join("data.half/base")).unwrap();
    let cluster = Cluster::attach(&folder.0, settings()).await.unwrap();
    assert!(cluster.sockets().as_os_str().len() < 92, "{}", cluster.sockets().display());
    assert!(!folder.0.join("data.half").exists());
    cluster.finish().await.unwrap();
}

#[tokio::test]
async fn a_backup_comes_back_and_junk_changes_nothing() {
    let folder = Folder::new("backup");
    let cluster = Cluster::attach(&folder.0, settings()).await.unwrap();
    client(&cluster).await.batch_execute("CREATE TABLE note (); INSERT INTO note DEFAULT VALUES").await.unwrap();
    let file = folder.0.join("a.backup");
    cluster.backup("quarterdeck", &file, false).await.unwrap();
    assert!(matches!(cluster.backup("quarterdeck", &file, false).await, Err(Error::Exists(_))));

    client(&cluster).await.batch_execute("INSERT INTO note DEFAULT VALUES").await.unwrap();
    assert!(matches!(cluster.restore("quarterdeck", &file, false).await, Err(Error::NotEmpty)));
    let junk = folder.0.join("junk");
    fs::write(&junk, "no backup").unwrap();
    assert!(cluster.restore("quarterdeck", &junk, true).await.is_err());
    let whole = fs::read(&file).unwrap();
    fs::write(&junk, &whole[..whole.len() - 40]).unwrap();
    drop(cluster.restore("quarterdeck", &junk, true).await);
    assert!(count(&cluster).await >= 1, "a cut backup leaves a whole database");

    cluster.restore("quarterdeck", &file, true).await.unwrap();
    assert_eq!(count(&cluster).await, 1);
    cluster.finish().await.unwrap();
}

#[tokio::test]
async fn a_template_is_built_once_and_copied_for_each_test() {
    let folder = Folder::new("template");
    let cluster = Cluster::attach(&folder.0, settings()).await.unwrap();
    let built = std::sync::atomic::AtomicU32::new(0);
    for name in ["one", "two"] {
        let build = async |config: tokio_postgres::Config| {
            built.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(connection);
            Ok::<(), Error>(client.batch_execute("CREATE TABLE note ()").await?)
        };
        cluster.template("template_1", build).await.unwrap();
        cluster.fresh_database("template_1", name).await.unwrap();
    }
    assert_eq!(built.into_inner(), 1);
    cluster.drop_database("one").await.unwrap();
    cluster.finish().await.unwrap();
}
