//! Trusted documents: operations that the operator knows beforehand, asked for by the sha256 of their text.

use super::graphql::Problem;
use actix_web::http::StatusCode;
use clap::Args;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fmt::Write,
    path::{Path, PathBuf},
};

/// The longest document that a folder may hold; a request's own is bounded by its body.
const DOCUMENT_BYTES_MAX: u64 = 256 * 1024;

/// What becomes of trusted documents and of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Documents come as text; hashes are not known.
    #[default]
    Off,
    /// A document comes as text or, when it is trusted, as its hash.
    Allow,
    /// Only trusted documents are executed.
    Require,
}

/// Which documents are trusted.
#[derive(Clone, Debug, Default, Args)]
pub struct TrustedArgs {
    /// Trusted documents, asked for by sha256: off, allow, or require (nothing else is executed)
    #[arg(
        long = "trusted-documents",
        env = "QUARTERDECK_TRUSTED_DOCUMENTS",
        default_value = "off",
        value_name = "MODE",
        hide_possible_values = true
    )]
    pub trusted_documents: Mode,
    /// Where they are: a folder of .graphql files, or a JSON file {"<sha256>": "<document>"}
    #[arg(long = "trusted-documents-dir", env = "QUARTERDECK_TRUSTED_DOCUMENTS_DIR", value_name = "PATH")]
    pub trusted_documents_dir: Option<PathBuf>,
}

/// The trusted documents by the sha256 of their text, in small hexadecimal digits.
#[derive(Debug, Default)]
pub struct Trusted {
    mode: Mode,
    documents: HashMap<String, String>,
}

impl Trusted {
    /// Reads them.
    ///
    /// # Errors
    /// A sentence, when they cannot be read, or a name in the manifest is not its document's hash.
    pub fn load(args: &TrustedArgs) -> Result<Self, String> {
        let mode = args.trusted_documents;
        let documents = match (&args.trusted_documents_dir, mode) {
            (_, Mode::Off) => HashMap::new(),
            (Some(path), _) if path.is_dir() => of_folder(path)?,
            (Some(path), _) => of_manifest(path)?,
            (None, _) => return Err("trusted documents need --trusted-documents-dir: where they are".to_owned()),
        };
        Ok(Self { mode, documents })
    }

    /// The document that a request asks for: its text, or the trusted one of its hash.
    pub(super) fn document(&self, map: &mut Map<String, Value>) -> Result<String, Problem> {
        let refused = |message: &str| Problem::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message);
        let text = match map.remove("query") {
            Some(Value::String(text)) => Some(text),
            None => None,
            Some(_) => return Err(refused("`query` must be a string.")),
        };
        let hash = match (asked(map).map_err(refused)?, &text) {
            (None, None) => return Err(refused("`query` must be given, a string.")),
            (None, Some(text)) => {
                if self.mode != Mode::Require || self.documents.contains_key(&sha256(text)) {
                    return Ok(text.clone());
                }
                let message = "Only trusted documents are executed here: ask for one by `documentId`.";
                return Err(Problem::new(StatusCode::BAD_REQUEST, "TRUSTED_DOCUMENT_REQUIRED", message));
            }
            (Some(hash), _) => hash,
        };
        match (self.mode, text) {
            (Mode::Off, None) => {
                let message = "Trusted documents are off here: send the document as `query`.";
                Err(Problem::new(StatusCode::BAD_REQUEST, "PERSISTED_QUERY_NOT_SUPPORTED", message))
            }
            (_, Some(text)) if sha256(&text) != hash => Err(refused("The hash is not that of `query`.")),
            (Mode::Off | Mode::Allow, Some(text)) => Ok(text),
            (Mode::Allow | Mode::Require, _) => self.documents.get(&hash).cloned().ok_or_else(|| {
                let message = "No trusted document has this sha256.";
                Problem::new(StatusCode::BAD_REQUEST, "PERSISTED_QUERY_NOT_FOUND", message)
            }),
        }
    }
}

/// The hash that a request asks for, in the words of GraphQL over HTTP (`documentId`) or of Apollo's clients.
fn asked(map: &mut Map<String, Value>) -> Result<Option<String>, &'static str> {
    const SHAPE: &str = "A trusted document is asked for by `documentId`: \"sha256:\" and 64 hexadecimal digits.";
    let of_apollo = |map: &Map<String, Value>| map.get("extensions")?.get("persistedQuery")?.get("sha256Hash").cloned();
    let hash = match (map.remove("documentId"), of_apollo(map)) {
        (None | Some(Value::Null), None) => return Ok(None),
        (Some(Value::String(id)), _) => id.strip_prefix("sha256:").ok_or(SHAPE)?.to_owned(),
        (None | Some(Value::Null), Some(Value::String(hash))) => hash,
        _ => return Err(SHAPE),
    };
    let well_formed = hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    if well_formed { Ok(Some(hash.to_ascii_lowercase())) } else { Err(SHAPE) }
}

fn of_folder(folder: &Path) -> Result<HashMap<String, String>, String> {
    let cannot = |error: std::io::Error| format!("the trusted documents of {}: {error}", folder.display());
    let mut documents = HashMap::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.extension().is_some_and(|end| end == "graphql") {
            let length = std::fs::metadata(&path).map_err(cannot)?.len();
            if length > DOCUMENT_BYTES_MAX {
                return Err(format!("{} is longer than {DOCUMENT_BYTES_MAX} bytes", path.display()));
            }
            let text = std::fs::read_to_string(&path).map_err(cannot)?;
            documents.insert(sha256(&text), text);
        }
    }
    Ok(documents)
}

fn of_manifest(path: &Path) -> Result<HashMap<String, String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let manifest: HashMap<String, String> = serde_json::from_str(&text)
        .map_err(|error| format!("{} is no map of hashes to documents: {error}", path.display()))?;
    let named = manifest.into_iter().map(|(name, document)| {
        let hash = name.strip_prefix("sha256:").unwrap_or(&name).to_ascii_lowercase();
        if hash == sha256(&document) {
            Ok((hash, document))
        } else {
            Err(format!("{}: {name} is not the sha256 of its document", path.display()))
        }
    });
    named.collect()
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a String takes any text");
        digits
    })
}
