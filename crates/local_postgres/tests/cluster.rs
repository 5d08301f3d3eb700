//! Our own PostgreSQL, on the real one: each test in a folder of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use local_postgres::{Binaries, Cluster, Error, Settings};
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
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

/// Puts a backup in the place of what is there, whatever it holds.
async fn restore(cluster: &Cluster, file: &Path, replace: bool) -> Result<(), Error> {
    cluster.restore("quarterdeck", file, replace, async |_| Ok(())).await
}

async fn count(cluster: &Cluster) -> i64 {
    client(cluster).await.query_one("SELECT count(*) FROM note", &[]).await.unwrap().get(0)
}

fn kill(process: u32) {
    assert!(Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap().success());
}

/// What `ps` says of a process; nothing when it is gone.
fn ps(process: u32, column: &str) -> String {
    let said = Command::new("ps").args(["-o", &format!("{column}="), "-p", &process.to_string()]).output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

fn alive(process: u32) -> bool {
    let state = ps(process, "stat");
    !state.is_empty() && !state.starts_with('Z')
}

fn root() -> bool {
    fs::metadata("/proc/self").map_or_else(|_| ps(std::process::id(), "uid") == "0", |own| own.uid() == 0)
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
    let settings = [
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("jit", "off"),
    ];
    for (name, value) in settings {
        let shown = login.query_one(&format!("SHOW {name}"), &[]).await.unwrap();
        assert_eq!(shown.get::<_, &str>(0), value, "{name}");
    }
    assert_ne!(ps(cluster.postmaster().unwrap(), "uid"), "0", "PostgreSQL never runs as root");
    let data = fs::metadata(folder.0.join("data")).unwrap();
    assert_eq!((data.uid().to_string(), data.mode() & 0o777), (ps(cluster.postmaster().unwrap(), "uid"), 0o700));
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
    kill(server.postmaster().unwrap());
    server.finish().await.unwrap(); // nothing to stop is no error
    let next = Cluster::serve(&folder.0, settings()).await.unwrap();
    assert_eq!(count(&next).await, 4);
    next.finish().await.unwrap();
}

/// The test runs itself as a second process, which serves until it is killed.
#[tokio::test]
async fn a_killed_server_leaves_its_cluster_to_the_next_one() {
    const FOLDER: &str = "QUARTERDECK_TEST_SERVES";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let server = Cluster::serve(Path::new(&folder), settings()).await.unwrap();
        client(&server).await.batch_execute("CREATE TABLE note (); INSERT INTO note DEFAULT VALUES").await.unwrap();
        eprintln!("serving");
        return std::future::pending().await;
    }
    let folder = Folder::new("left");
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_server_leaves_its_cluster_to_the_next_one", "--nocapture"])
        .env(FOLDER, &folder.0)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(other.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("serving")), "the other process serves");
    let refused = Cluster::serve(&folder.0, settings()).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("process {}", other.id())) && refused.contains("left"), "{refused}");
    let command = Cluster::attach(&folder.0, settings()).await.unwrap();
    let postmaster = command.postmaster().unwrap();
    command.finish().await.unwrap();
    assert!(alive(postmaster));

    other.kill().unwrap();
    other.wait().unwrap();
    let next = Cluster::serve(&folder.0, settings()).await.unwrap();
    assert_eq!(next.postmaster(), Some(postmaster), "a postmaster that was left running is used again");
    assert_eq!(count(&next).await, 1);
    next.finish().await.unwrap();
    assert!(!alive(postmaster));
}

#[tokio::test]
async fn a_postmaster_that_died_under_a_busy_process_comes_back() {
    let folder = Folder::new("busy");
    let server = Cluster::serve(&folder.0, settings()).await.unwrap();
    let busy = client(&server).await;
    let work =
        tokio::spawn(async move { busy.query("SELECT sum(sqrt(n)) FROM generate_series(1, 6000000) n", &[]).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    kill(server.postmaster().unwrap());
    server.ensure_running().await.unwrap();
    client(&server).await.simple_query("SELECT 1").await.unwrap();
    drop(work.await);
    server.finish().await.unwrap();
}

#[tokio::test]
async fn a_number_that_another_process_got_is_no_postmaster() {
    let folder = Folder::new("number");
    Cluster::attach(&folder.0, settings()).await.unwrap().finish().await.unwrap();
    let owner = fs::metadata(folder.0.join("data")).unwrap().uid();
    let mut sleep = Command::new("sleep");
    sleep.arg("120").current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    if root() {
        sleep.uid(owner);
    }
    let mut other = sleep.spawn().unwrap();
    let stale = format!("{}\n{}\n", other.id(), folder.0.join("data").display());
    for (left, what) in [(&stale[..], "another's number"), ("rubbish\n", "no number"), ("", "nothing")] {
        fs::write(folder.0.join("data/postmaster.pid"), left).unwrap();
        fs::write(folder.0.join("s/.s.PGSQL.5432.lock"), left).unwrap();
        let cluster = Cluster::attach(&folder.0, settings()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_ne!(cluster.postmaster(), Some(other.id()), "{what}");
        cluster.finish().await.unwrap();
    }
    assert!(other.try_wait().unwrap().is_none(), "and is left alone");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[tokio::test]
async fn many_come_and_leave_at_once_and_the_last_one_stops_it() {
    let folder = Folder::new("many");
    let join = || async { Cluster::attach(&folder.0, settings()).await.unwrap() };
    let (one, two, three, four) = tokio::join!(join(), join(), join(), join());
    let postmaster = one.postmaster().unwrap();
    assert!([&two, &three, &four].iter().all(|other| other.postmaster() == Some(postmaster)));
    let without_goodbye = [one, two].map(|cluster| std::thread::spawn(move || drop(cluster)));
    let (three, four) = tokio::join!(three.finish(), four.finish());
    three.and(four).unwrap();
    without_goodbye.into_iter().for_each(|leaving| leaving.join().unwrap());
    assert!(!alive(postmaster));
}

#[tokio::test]
async fn a_lost_socket_and_a_long_log_are_mended_under_a_living_server() {
    let folder = Folder::new("mended");
    let server = Cluster::serve(&folder.0, settings()).await.unwrap();
    let postmaster = server.postmaster();
    let log = folder.0.join("postgres.log");
    fs::OpenOptions::new().write(true).open(&log).unwrap().set_len(17 << 20).unwrap();
    server.ensure_running().await.unwrap();
    assert!(fs::metadata(&log).unwrap().len() < 1 << 20 && folder.0.join("postgres.log.1").exists());
    assert_eq!(server.postmaster(), postmaster);

    fs::remove_file(server.sockets().join(".s.PGSQL.5432")).unwrap();
    server.ensure_running().await.unwrap();
    client(&server).await.simple_query("SELECT 1").await.unwrap();
    server.finish().await.unwrap();
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
    Binaries::all(None)[0].folder.parent().unwrap().to_path_buf()
}

fn major() -> String {
    Binaries::all(None)[0].major.to_string()
}

#[tokio::test]
async fn binaries_upgraded_under_a_running_cluster_restart_it_once() {
    let folder = Folder::new("upgraded");
    let tree = Folder::new("tree");
    fs::create_dir_all(&folder.0).unwrap();
    let installed = installation();
    upgraded_copy(&installed, &tree.0, &format!("{}.91", major()));
    let own = Settings { binaries: Some(tree.0.join("bin")), ..settings() };
    let first = Cluster::attach(&folder.0, own.clone()).await.unwrap();
    let postmaster = first.postmaster().unwrap();
    let second = Cluster::attach(&folder.0, own.clone()).await.unwrap();
    assert_eq!(second.postmaster(), Some(postmaster), "the same binaries: no restart");
    second.finish().await.unwrap();

    upgrade(&installed, &tree.0, &format!("{}.99", major()));
    let third = Cluster::attach(&folder.0, own.clone()).await.unwrap();
    let restarted = third.postmaster().unwrap();
    assert_ne!(restarted, postmaster, "other binaries: restarted");
    let fourth = Cluster::attach(&folder.0, own).await.unwrap();
    assert_eq!(fourth.postmaster(), Some(restarted), "and only once");
    fourth.finish().await.unwrap();

    upgrade(&installed, &tree.0, &format!("{}.100", major()));
    third.ensure_running().await.unwrap();
    let again = third.postmaster().unwrap();
    assert_ne!(again, restarted, "a living server notices by itself");
    third.ensure_running().await.unwrap();
    assert_eq!(third.postmaster(), Some(again));
    first.finish().await.unwrap();
    third.finish().await.unwrap();
    assert!(!alive(again));
}

#[tokio::test]
async fn another_major_version_and_missing_binaries_are_one_clear_sentence_each() {
    let folder = Folder::new("major");
    fs::create_dir_all(folder.0.join("data")).unwrap();
    fs::write(folder.0.join("data/PG_VERSION"), "12\n").unwrap();
    let other = Cluster::attach(&folder.0, settings()).await.unwrap_err().to_string();
    assert!(other.contains("was made by PostgreSQL 12") && other.contains(&major()), "{other}");
    assert!(other.contains("install PostgreSQL 12 again"), "what to do needs what can be had: {other}");

    let nowhere = Settings { binaries: Some(folder.0.join("nowhere")), ..settings() };
    let missing = Cluster::attach(&folder.0, nowhere).await.unwrap_err().to_string();
    assert!(missing.contains("install"), "{missing}");
    assert!(!missing.contains("apt-get") || missing.contains("create_main_cluster = false"), "{missing}");
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
    let mine = folder.0.join("b.backup.part");
    fs::write(&mine, "mine").unwrap();
    cluster.backup("quarterdeck", &folder.0.join("b.backup"), false).await.unwrap();
    assert_eq!(fs::read(&mine).unwrap(), b"mine", "a file of the user's stays");

    client(&cluster).await.batch_execute("INSERT INTO note DEFAULT VALUES").await.unwrap();
    assert!(matches!(restore(&cluster, &file, false).await, Err(Error::NotEmpty)));
    let junk = folder.0.join("junk");
    fs::write(&junk, "no backup").unwrap();
    assert!(matches!(restore(&cluster, &junk, true).await, Err(Error::NotABackup { .. })));
    let whole = fs::read(&file).unwrap();
    fs::write(&junk, &whole[..whole.len() - 40]).unwrap();
    let cut = restore(&cluster, &junk, true).await;
    assert!(matches!(cut, Err(Error::NotABackup { .. })), "{cut:?}");
    let refused = cluster.restore("quarterdeck", &file, true, async |_| Err::<(), _>(Error::Other("no".into()))).await;
    assert!(refused.is_err_and(|error| error.to_string() == "no"));
    assert_eq!(count(&cluster).await, 2, "what is not whole or not adopted changes nothing");

    restore(&cluster, &file, true).await.unwrap();
    assert_eq!(count(&cluster).await, 1);
    cluster.finish().await.unwrap();
}

#[tokio::test]
async fn a_backup_comes_back_on_another_machine_under_a_busy_server() {
    let (from, to) = (Folder::new("from"), Folder::new("to"));
    let cluster = Cluster::attach(&from.0, settings()).await.unwrap();
    let made = "CREATE ROLE \"the keeper\"; CREATE ROLE reader; CREATE TABLE note (); INSERT INTO note DEFAULT VALUES;
        ALTER TABLE note OWNER TO \"the keeper\"; GRANT SELECT ON note TO reader";
    client(&cluster).await.batch_execute(made).await.unwrap();
    let file = from.0.join("a.backup");
    cluster.backup("quarterdeck", &file, false).await.unwrap();
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600, "a backup is for us alone");
    cluster.finish().await.unwrap();

    let server = Cluster::serve(&to.0, settings()).await.unwrap();
    let config = server.config();
    let busy = tokio::spawn(async move {
        loop {
            if let Ok((client, connection)) = config.connect(NoTls).await {
                tokio::spawn(connection);
                drop(client.simple_query("SELECT pg_sleep(0.02)").await);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let command = Cluster::attach(&to.0, settings()).await.unwrap();
    restore(&command, &file, false).await.unwrap();
    assert_eq!(count(&server).await, 1);
    busy.abort();
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'quarterdeck\\_%'";
    assert_eq!(client(&server).await.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0, "nothing is left over");
    command.finish().await.unwrap();
    server.finish().await.unwrap();
}

#[tokio::test]
async fn folders_that_cannot_do_are_refused_in_one_clear_sentence_each() {
    let folder = Folder::new("refused");
    type Case = (&'static str, fn(&Path), &'static str);
    let cases: &[Case] = &[
        ("other", |folder| fs::write(folder.join("data"), "").unwrap(), "no PostgreSQL data folder"),
        ("taken", |folder| fs::create_dir_all(folder.join("data/photos")).unwrap(), "no PostgreSQL data folder"),
        ("link", |folder| symlink("/tmp", folder.join("s")).unwrap(), "is a link"),
        ("start", |folder| symlink(folder.join("nowhere"), folder.join("start.lock")).unwrap(), "start.lock"),
        ("users", |folder| symlink(folder.join("nowhere"), folder.join("users.lock")).unwrap(), "users.lock"),
        ("itself", |folder| fs::write(folder.join("PG_VERSION"), "15").unwrap(), "is itself a PostgreSQL data folder"),
    ];
    for (name, prepare, words) in cases {
        let own = folder.0.join(name);
        fs::create_dir_all(&own).unwrap();
        prepare(&own);
        let refused = Cluster::attach(&own, settings()).await.unwrap_err().to_string();
        assert!(refused.contains(words) && refused.lines().count() == 1, "{name}: {refused}");
        assert!(!own.join("nowhere").exists(), "{name}: nothing is made where a link points");
    }
    let bad = Settings { options: vec!["no_such_setting=1".into()], ..settings() };
    let silent = Cluster::attach(&folder.0.join("bad"), bad).await.unwrap_err().to_string();
    assert!(silent.contains("unrecognized configuration parameter \"no_such_setting\""), "{silent}");

    let closed = folder.0.join("closed");
    fs::create_dir_all(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    match Cluster::attach(&closed.join("inside"), settings()).await {
        Ok(cluster) => {
            assert!(!root(), "postgres cannot enter root's folder");
            cluster.finish().await.unwrap();
        }
        Err(error) => assert!(root() && error.to_string().contains("may not enter"), "{error}"),
    }
}

#[tokio::test]
async fn a_shared_cluster_for_tests_forgets_the_databases_of_earlier_runs() {
    let name = format!("own-{}", std::process::id());
    let first = local_postgres::testing::cluster(&name).await.unwrap();
    let (folder, postmaster) = (Folder(first.sockets().parent().unwrap().to_path_buf()), first.postmaster().unwrap());
    first.template("template_1", async |_| Ok::<(), Error>(())).await.unwrap();
    first.fresh_database("template_1", "one").await.unwrap();
    let second = local_postgres::testing::cluster(&name).await.unwrap();
    second.fresh_database("one", "copy").await.unwrap(); // there while another process uses the cluster
    second.finish().await.unwrap();
    first.finish().await.unwrap();
    assert!(!alive(postmaster), "the last test stops it");

    let later = local_postgres::testing::cluster(&name).await.unwrap();
    assert!(later.fresh_database("one", "two").await.is_err(), "what a test left is dropped");
    later.fresh_database("template_1", "two").await.unwrap();
    later.finish().await.unwrap();
    drop(folder);
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
