//! Finds PostgreSQL's binaries.

use crate::{error::Error, owner::Owner};
use std::path::{Path, PathBuf};

/// The oldest major version that will do.
const MAJOR_MIN: u32 = 15;
/// The programs that an installation must have.
const PROGRAMS: [&str; 5] = ["postgres", "initdb", "pg_ctl", "pg_dump", "pg_restore"];

/// The folder of one installation's binaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// The folder itself.
    pub folder: PathBuf,
    /// The major version.
    pub major: u32,
    /// What `postgres --version` says: an upgrade changes it.
    pub version: String,
}

impl Binaries {
    /// All installations of this machine that will do, newest first; `only` looks in one folder and nowhere else.
    pub fn all(only: Option<&Path>) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for folder in only.map_or_else(usual_folders, |only| vec![only.to_path_buf()]) {
            if found.iter().all(|binaries| binaries.folder != folder) {
                found.extend(Self::of(folder));
            }
        }
        found.retain(|binaries| binaries.major >= MAJOR_MIN);
        found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
        found
    }

    /// The installation for a cluster that a major version made, or the newest for a new cluster.
    pub(crate) fn choose(only: Option<&Path>, made_by: Option<u32>, folder: &Path) -> Result<Self, Error> {
        let all = Self::all(only);
        if all.is_empty() {
            return Err(Error::Missing { install: install() });
        }
        let majors: Vec<String> = all.iter().map(|binaries| binaries.major.to_string()).collect();
        let fits = |binaries: &Binaries| made_by.is_none_or(|made_by| made_by == binaries.major);
        all.into_iter().find(fits).ok_or_else(|| Error::OtherMajor {
            folder: folder.to_path_buf(),
            made_by: made_by.unwrap_or_default(),
            found: majors.join(" and "),
        })
    }

    fn of(folder: PathBuf) -> Option<Self> {
        PROGRAMS.iter().all(|program| folder.join(program).is_file()).then_some(())?;
        let said = std::process::Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let version = String::from_utf8(said.stdout).ok()?.trim().to_owned();
        let number = version.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
        let major = number.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()?;
        Some(Self { folder, major, version })
    }

    /// One of the programs, run as the owner.
    pub(crate) fn command(&self, owner: Owner, program: &str) -> std::process::Command {
        owner.command(&self.folder.join(program))
    }
}

fn usual_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let path = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&path) {
        if let Ok(real) = folder.join("postgres").canonicalize() {
            folders.extend(real.parent().map(Path::to_path_buf));
        }
    }
    if let Ok(said) = std::process::Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()));
    }
    let installed = |root: &str, prefix: &str| {
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
        let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        named.map(|entry| entry.path().join("bin")).collect::<Vec<_>>()
    };
    folders.extend(installed("/usr/lib/postgresql", ""));
    folders.extend(installed("/usr", "pgsql-"));
    folders.extend(installed("/opt/homebrew/opt", "postgresql"));
    folders.extend(installed("/usr/local/opt", "postgresql"));
    folders
}

/// The command that installs it. With apt it is the one that docker/install-postgres.sh runs: it makes no default cluster.
fn install() -> &'static str {
    if cfg!(target_os = "macos") {
        "brew install postgresql@17"
    } else if Path::new("/usr/bin/dnf").exists() {
        "dnf install postgresql-server"
    } else {
        include_str!("../../../docker/install-with-apt.sh").trim_ascii_end()
    }
}
