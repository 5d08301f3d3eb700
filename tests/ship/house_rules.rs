//! The rules of the house, as far as a program can tell.

use crate::source::{Source, functions, named_crate_paths, sources};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

/// The crates in their line: each may use only those above it.
const LINE: &[&str] = &["units", "decider", "logbook", "sales", "import", "local_postgres", "quarterdeck", "tests"];

/// Lines of a file at most.
const FILE_LINES_MAX: usize = 500;
/// Lines of a function at most; a `decide` or an `evolve`, which are one match, may be longer.
const FUNCTION_LINES_MAX: usize = 60;
/// Columns of a line of SQL at most.
const SQL_COLUMNS_MAX: usize = 125;

/// What a slice's folder holds, beside `graphql.rs` or a folder `graphql`.
const SLICE_FILES: &[&str] = &["mod.rs", "decide.rs", "history.rs", "sql", "tests.rs"];
/// A seventh file of a slice, and why it is there.
const SEVENTH_FILES: &[(&str, &str)] = &[
    ("deal/facts.rs", "what a deal asks of others is longer than its decisions can hold beside them"),
    ("login/key.rs", "what a key looks like is no rule of the log, and the server that checks keys needs it alone"),
];

/// Statements that read without ORDER BY and LIMIT, by the end of their path, and why they may.
const UNLIMITED: &[(&str, &str)] = &[
    ("_count.sql", "one row"),
    ("logbook/src/sql/startup.sql", "one row: settings"),
    ("logbook/src/sql/lock.sql", "one row: the key is whole"),
    ("logbook/src/sql/first_source.sql", "one row: the key is whole"),
    ("logbook/src/sql/answered.sql", "as many rows as ids were asked for, and a batch is bounded"),
    ("logbook/src/sql/stream_events.sql", "a stream is folded whole, and takes snapshots when it is long"),
    ("logbook/src/sql/bi_disconnect.sql", "one row: a count"),
    ("logbook/src/sql/bi_found.sql", "one row: the key is whole"),
    ("logbook/src/sql/bi_may.sql", "one row: the login itself"),
    ("logbook/src/sql/bi_members.sql", "one row: yes or no"),
    ("logbook/src/sql/bi_openings.sql", "ordered; as many rows as privileges are to be taken back"),
    ("logbook/src/sql/tenants.sql", "ordered; the operator's own list"),
    ("_all.sql", "ordered; a rebuild compares every row of a table, as they come"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn slices() -> Vec<PathBuf> {
    let sales = root().join("crates/sales/src");
    let folders = std::fs::read_dir(sales).unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|path| path.join("decide.rs").is_file()).collect()
}

#[test]
fn crates_point_one_way() {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let said = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    let metadata: Value = serde_json::from_slice(&said.stdout).unwrap();
    let place = |name: &str| LINE.iter().position(|known| *known == name);
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let own = place(name).unwrap_or_else(|| panic!("the crate {name} has no place in the line"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            if let Some(used_place) = place(used) {
                assert!(used_place < own, "{name} uses {used}, which stands below it");
            }
        }
    }
}

#[test]
fn every_slice_has_its_names_and_is_listed() {
    let contents = std::fs::read_to_string(root().join("crates/sales/src/lib.rs")).unwrap();
    let slices = slices();
    assert!(slices.len() >= 7, "{slices:?}");
    for slice in slices {
        let name = slice.file_name().unwrap().to_str().unwrap();
        let history = std::fs::read_to_string(slice.join("history.rs")).unwrap_or_default();
        let no_table = history.contains("const TABLES: &'static [Table] = &[];");
        for file in SLICE_FILES.iter().filter(|file| !no_table || **file != "sql") {
            assert!(slice.join(file).exists(), "the slice {name} has no {file}");
        }
        let graphql = [slice.join("graphql.rs").is_file(), slice.join("graphql").is_dir()];
        // What has no table is read in the log itself.
        assert!(no_table || graphql.contains(&true), "the slice {name} has no graphql");
        for entry in std::fs::read_dir(&slice).unwrap() {
            let file = entry.unwrap().file_name().to_string_lossy().into_owned();
            let usual = SLICE_FILES.contains(&file.as_str()) || ["graphql.rs", "graphql"].contains(&file.as_str());
            let excepted = SEVENTH_FILES.iter().any(|(path, _)| *path == format!("{name}/{file}"));
            assert!(usual || excepted, "{name}/{file}: a seventh file of a slice needs a reason in SEVENTH_FILES");
        }
        assert!(contents.contains(&format!("pub mod {name};")), "{name} is not in the table of contents");
        assert!(contents.contains(&format!(".with::<{name}::")), "the log does not know the slice {name}");
        assert!(root().join(format!("schema/events/{name}.json")).is_file(), "{name} has no samples of its events");
    }
}

#[test]
fn rules_touch_nothing_but_their_own_concept() {
    let names: BTreeSet<String> =
        slices().iter().map(|slice| slice.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let forbidden = ["tokio", "std::fs", "std::net", "logbook", "async fn", "tokio_postgres", ".await"];
    for slice in slices() {
        let own = slice.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(slice.join("decide.rs")).unwrap();
        for word in forbidden {
            assert!(!text.contains(word), "{own}/decide.rs speaks of {word}");
        }
        for file in ["decide.rs", "history.rs"] {
            let text = std::fs::read_to_string(slice.join(file)).unwrap();
            let named = named_crate_paths(&text);
            let others: Vec<&String> = named.intersection(&names).filter(|name| *name != own).collect();
            assert!(others.is_empty(), "{own}/{file} knows the slices {others:?}: facts.rs is where slices meet");
        }
    }
}

#[test]
fn only_the_log_book_writes_the_log_and_history_tables() {
    let writing = ["INSERT INTO", "UPDATE ", "DELETE FROM", "TRUNCATE"];
    for Source { path, text } in sources(&root(), &["rs"]) {
        let inside = path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs");
        if inside || path.starts_with("crates/logbook/") {
            continue;
        }
        for word in writing {
            assert!(!text.contains(word), "{path} writes SQL of its own: {word}");
        }
    }
    for Source { path, text } in sources(&root(), &["sql"]) {
        let history = path.contains("/sql/history_");
        if path.starts_with("crates/") && !path.starts_with("crates/logbook/") && !history {
            let first = text.split_whitespace().next().unwrap_or_default();
            assert!(["SELECT", "WITH"].contains(&first), "{path} does not read");
        }
    }
}

/// Who speaks to PostgreSQL, and why they may.
const SPEAKERS: &[(&str, &str)] = &[
    ("crates/logbook/src/tenant_tx.rs", "the one door"),
    ("crates/logbook/src/reads.rs", "pipelines on a TenantTx"),
    ("crates/logbook/src/append.rs", "pipelines on a TenantTx"),
    ("crates/logbook/src/load.rs", "through a TenantTx"),
    ("crates/logbook/src/verify.rs", "through a TenantTx"),
    ("crates/logbook/src/rebuild.rs", "through a TenantTx, whose rows it streams"),
    ("crates/logbook/src/tenants.rs", "lists tenants in the watch role; makes one through a TenantTx"),
    ("crates/logbook/src/migrate.rs", "as an administrator, before there is a tenant"),
    ("crates/logbook/src/bi.rs", "as an administrator: makes logins, reads no tenant"),
    ("crates/logbook/src/startup.rs", "asks PostgreSQL about itself"),
    (
        "crates/quarterdeck/src/identity/keyring.rs",
        "reads logins in the watch role, before it is known whose a request is",
    ),
    ("crates/local_postgres/", "runs PostgreSQL, knows none of our tables"),
    ("crates/quarterdeck/src/commands/serving.rs", "asks whether PostgreSQL answers"),
];

#[test]
fn only_a_transaction_of_one_tenant_runs_sql() {
    let words = [
        "query(",
        "query_one(",
        "query_opt(",
        "query_raw(",
        "batch_execute(",
        "execute(",
        "simple_query(",
        "prepare(",
        "prepare_cached(",
        "copy_in(",
        "copy_out(",
    ];
    for Source { path, text } in sources(&root(), &["rs"]) {
        let may = SPEAKERS.iter().any(|(speaker, _)| path.starts_with(speaker));
        let inside = path.starts_with("tests/") || path.contains("/tests/") || path.contains("/two_clocks/");
        if may || inside || path.ends_with("tests.rs") {
            continue;
        }
        for word in words {
            let said = format!(".{word}");
            let speaks = text.match_indices(&said);
            // What executes a request is GraphQL's schema.
            let speaks = speaks.filter(|(at, said)| !text[at + said.len()..].starts_with("request"));
            assert_eq!(speaks.count(), 0, "{path} speaks to PostgreSQL past TenantTx: .{word}");
        }
    }
}

#[test]
fn statements_stand_in_files_of_their_own() {
    for Source { path, text } in sources(&root(), &["rs"]) {
        let production = path.starts_with("crates/") && !path.ends_with("tests.rs") && !path.contains("/tests/");
        // What cannot be a file: settings of a transaction, and questions about PostgreSQL itself.
        let knows_postgres =
            path.starts_with("crates/local_postgres/") || path.starts_with("crates/logbook/src/migrate");
        if production && !knows_postgres {
            // Whatever stands between two quotation marks is a string or code, and no code begins like that.
            for part in text.split('"').map(str::trim_start).filter(|part| !part.starts_with("SELECT 1")) {
                let first = part.split_whitespace().next().unwrap_or_default();
                let words: Vec<&str> = part.split_whitespace().take(2).collect();
                let statement = ["SELECT", "WITH"].contains(&first)
                    || ["INSERT INTO", "DELETE FROM", "CREATE TABLE", "ALTER TABLE"]
                        .contains(&words.join(" ").as_str());
                assert!(!statement, "{path} has a statement that belongs into a .sql file: {}", words.join(" "));
            }
        }
    }
}

#[test]
fn statements_name_their_columns_and_end() {
    for Source { path, text } in sources(&root(), &["sql"]) {
        assert!(!text.contains("SELECT *") && !text.contains(".*,"), "{path} does not list its columns");
        let first = text.split_whitespace().next().unwrap_or_default();
        let reads = path.starts_with("crates/") && ["SELECT", "WITH"].contains(&first) && text.contains("FROM");
        let one_row = text.starts_with("SELECT count(*)") || text.starts_with("SELECT EXISTS");
        if reads && !one_row && !UNLIMITED.iter().any(|(end, _)| path.ends_with(end)) {
            assert!(
                text.contains("ORDER BY") && text.contains("LIMIT"),
                "{path} is not ordered and limited: when it reads one row, say so in UNLIMITED"
            );
        }
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(longest <= SQL_COLUMNS_MAX, "{path} has a line of {longest} columns");
    }
}

#[test]
fn files_and_functions_stay_short() {
    let mut long = BTreeMap::new();
    for Source { path, text } in sources(&root(), &["rs", "js", "css", "sql"]) {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            long.insert(path.clone(), format!("{lines} lines"));
        }
        let functions = if path.ends_with(".rs") { functions(&text) } else { vec![] };
        for (name, lines) in functions {
            if lines > FUNCTION_LINES_MAX && !["decide", "evolve"].contains(&name.as_str()) {
                long.insert(format!("{path}: fn {name}"), format!("{lines} lines"));
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn lint_exceptions_carry_their_reason() {
    for Source { path, text } in sources(&root(), &["rs"]) {
        assert!(!text.contains(concat!("#[", "allow(")), "{path}: expect(.., reason = ..) instead of allow");
        for exception in text.match_indices(concat!("[", "expect(")) {
            let said: String = text[exception.0..].chars().take(300).collect();
            assert!(said.split(")]").next().unwrap().contains("reason"), "{path}: an exception without its reason");
        }
    }
}

#[test]
fn the_committed_schema_is_the_schema() {
    let committed = std::fs::read_to_string(root().join("schema/quarterdeck.graphql")).unwrap();
    assert!(
        committed == quarterdeck::schema::sdl(),
        "the schema changed: run `make schema`, and say so in CHANGELOG.md"
    );
}

#[tokio::test]
async fn everything_in_the_schema_is_documented() {
    let document = "{ __schema { types { name kind description
        fields(includeDeprecated: true) { name description args { name description } }
        inputFields { name description } enumValues { name description } } } }";
    let answer = serde_json::to_value(quarterdeck::schema::schema().execute(document).await).unwrap();
    let mut silent = Vec::new();
    let mut check = |name: String, description: &Value| {
        if description.as_str().is_none_or(|text| text.trim().is_empty()) {
            silent.push(name);
        }
    };
    for kind in answer["data"]["__schema"]["types"].as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        if name.starts_with("__") || ["Boolean", "Int", "Float", "String", "ID"].contains(&name) {
            continue;
        }
        check(name.to_owned(), &kind["description"]);
        for part in ["fields", "inputFields", "enumValues"] {
            for field in kind[part].as_array().into_iter().flatten() {
                let field_name = format!("{name}.{}", field["name"].as_str().unwrap());
                check(field_name.clone(), &field["description"]);
                for argument in field["args"].as_array().into_iter().flatten() {
                    check(format!("{field_name}({})", argument["name"].as_str().unwrap()), &argument["description"]);
                }
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

/// A field that fails as `Result<Option<T>>` takes its whole parent along; as `Option<Result<T>>` it is null alone.
#[test]
fn a_field_that_may_fail_fails_alone() {
    for Source { path, text } in sources(&root(), &["rs"]) {
        let shows = path.starts_with("crates/sales/") || path.starts_with("crates/quarterdeck/src/schema");
        for object in text.split("#[Object]").skip(1).filter(|_| shows) {
            let object = object.split("\n}\n").next().unwrap();
            assert!(
                !object.contains("-> Result<Option<"),
                "{path}: a nullable field that may fail is Option<Result<_>>"
            );
        }
    }
}

#[test]
fn the_project_speaks_of_itself_alone() {
    let words = [concat!("/", "work/"), concat!(".", "library"), concat!("sub", "agent"), concat!("bash", "_jobs")];
    let endings = ["rs", "sql", "md", "toml", "graphql", "yaml", "sh", "js", "html", "css", "json"];
    let mut spoken: Vec<(String, String)> =
        sources(&root(), &endings).into_iter().map(|Source { path, text }| (path, text)).collect();
    for file in ["Makefile", "docker/Dockerfile", ".ci/run", ".gitignore", ".dockerignore"] {
        spoken.push((file.to_owned(), std::fs::read_to_string(root().join(file)).unwrap()));
    }
    // A tarball of the sources has no history; where there is one, it must be readable.
    if root().join(".git").exists() {
        let log = ["-c", "safe.directory=*", "log", "--format=%h %B"];
        let log = Command::new("git").args(log).current_dir(root()).output().unwrap();
        let text = String::from_utf8_lossy(&log.stdout).into_owned();
        assert!(log.status.success() && !text.is_empty(), "{}", String::from_utf8_lossy(&log.stderr));
        spoken.push(("a commit message".to_owned(), text));
    }
    for (path, text) in spoken {
        for word in words {
            assert!(!text.contains(word), "{path} speaks of {word}");
        }
    }
}
