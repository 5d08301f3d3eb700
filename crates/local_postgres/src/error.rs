use std::path::PathBuf;

/// Why there is no PostgreSQL of our own, in sentences for people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No binaries.
    #[error("PostgreSQL 15 or newer is needed and was not found on this machine: {install}")]
    Missing {
        /// The command that installs it.
        install: &'static str,
    },
    /// Binaries of other versions than the folder's.
    #[error(
        "the folder {folder} was made by PostgreSQL {made_by}, and this machine has {found}: install PostgreSQL {made_by}, \
         or move the data over with quarterdeck backup and restore"
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
    /// A file or a folder.
    #[error("{doing} {path}: {source}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// One of PostgreSQL's programs failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Which one.
        program: String,
        /// Its last lines.
        said: String,
    },
    /// PostgreSQL did not answer.
    #[error("PostgreSQL in {folder} does not answer: {said}")]
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
    /// There is something where the backup should go.
    #[error("the database holds tables already: say --replace to put the backup in their place")]
    NotEmpty,
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
