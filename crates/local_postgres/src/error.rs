use std::path::PathBuf;

/// Why there is no PostgreSQL of our own, in sentences for people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No binaries.
    #[error("PostgreSQL 15 or newer is needed and was not found on this machine: run as an administrator: {install}")]
    Missing {
        /// The command that installs it.
        install: &'static str,
    },
    /// Binaries of other versions than the folder's.
    #[error(
        "the folder {folder} was made by PostgreSQL {made_by}, and this machine has {found}: install PostgreSQL {made_by} \
         again beside it. To move to the other, then say quarterdeck backup FILE, move the folder away, uninstall \
         PostgreSQL {made_by} and say quarterdeck restore FILE"
    )]
    OtherMajor {
        /// The data folder.
        folder: PathBuf,
        /// The major version that made it.
        made_by: u32,
        /// The major versions that were found.
        found: String,
    },
    /// Somebody serves from it.
    #[error("another server ({holder}) runs on the folder {folder}: stop it, or choose another folder with --data")]
    Served {
        /// The data folder.
        folder: PathBuf,
        /// Which process.
        holder: String,
    },
    /// PostgreSQL refuses to run as root, and there is nobody else.
    #[error(
        "PostgreSQL does not run as root, and this machine has no user named postgres: make one, or run as another user"
    )]
    NobodyToRunAs,
    /// A folder or file that should be ours alone.
    #[error("{path} belongs to another user, is a link, or is open to others: move it away, or choose another folder")]
    Foreign {
        /// Which one.
        path: PathBuf,
    },
    /// A folder that the user `postgres` cannot reach.
    #[error(
        "the folder {folder} cannot be used: as root we run PostgreSQL as the user postgres, which may not enter {above}; \
         choose a folder that everybody may enter, such as /var/lib/quarterdeck"
    )]
    Closed {
        /// The data folder.
        folder: PathBuf,
        /// The folder on the way that is closed.
        above: PathBuf,
    },
    /// Something else lies where PostgreSQL's data belongs.
    #[error("{path} holds files and is no PostgreSQL data folder: move it away, or choose another folder with --data")]
    Occupied {
        /// Where the data belongs.
        path: PathBuf,
    },
    /// A folder of PostgreSQL's own where one that holds it should be.
    #[error("{path} is itself a PostgreSQL data folder: name a folder of Quarterdeck's own with --data")]
    DataItself {
        /// Which one.
        path: PathBuf,
    },
    /// A file or a folder.
    #[error("{doing} {path}: {source}{}", rule(&source.to_string()))]
    File {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// One of PostgreSQL's programs failed.
    #[error("{program} failed: {said}{}", rule(said))]
    Program {
        /// Which one.
        program: String,
        /// Its last lines.
        said: String,
    },
    /// PostgreSQL did not answer.
    #[error("PostgreSQL in {folder} does not answer: {said}{}", rule(said))]
    Silent {
        /// The data folder.
        folder: PathBuf,
        /// The last lines of its log.
        said: String,
    },
    /// A statement failed.
    #[error("PostgreSQL refused: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    /// The backup's file is there.
    #[error("{0} is there already: choose another name, or say --overwrite")]
    Exists(PathBuf),
    /// The file to restore is something else.
    #[error("{file} is no whole backup: {said}")]
    NotABackup {
        /// The file.
        file: PathBuf,
        /// What pg_restore said.
        said: String,
    },
    /// There is something where the backup should go.
    #[error("the database holds tables already: say --replace to put the backup in their place")]
    NotEmpty,
    /// Two restores at once.
    #[error("another restore is running: wait for it")]
    Restoring,
    /// The lock's holder vanished, or the like.
    #[error("{0}")]
    Other(String),
}

impl Error {
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}

/// What to do about the troubles that a machine makes, by PostgreSQL's untranslated words.
fn rule(said: &str) -> &'static str {
    if said.contains("No space left on device") || said.contains("Disk quota exceeded") {
        ". The disk is full: free some space, nothing is lost"
    } else if said.contains("shared memory") && said.contains("still in use") {
        ". Processes of a PostgreSQL that died still run on the folder: end them, then start again"
    } else if said.contains("Permission denied") {
        ". The folder must be the user's who runs PostgreSQL (postgres when we are root), with all that is in it"
    } else {
        ""
    }
}
