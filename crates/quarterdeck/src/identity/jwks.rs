//! The issuer's public keys (JWKS, RFC 7517), out of a file or from a URL, kept in memory.
//!
//! A kid is looked up in this set and nowhere else. One fetch runs at a time, and none begins within 30 s of the last, so
//! that tokens with made-up kids cannot make the server ask; while the issuer cannot be reached, its keys of the last
//! hour hold.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant as Moment},
};
use tokio::sync::Mutex;

/// The least time between two fetches.
pub(super) const FLOOR: Duration = Duration::from_secs(30);
/// The age at which keys are fetched anew although they are known.
const FRESH_MAX: Duration = Duration::from_secs(600);
/// The age up to which keys hold when they cannot be fetched anew.
const STALE_MAX: Duration = Duration::from_secs(3_600);
/// How long a fetch may take.
const FETCH_MAX: Duration = Duration::from_secs(5);
/// The longest set.
const BYTES_MAX: u64 = 1024 * 1024;
/// Keys of a set at most.
const KEYS_MAX: usize = 100;

/// Where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksSource {
    /// A file of this machine.
    File(PathBuf),
    /// An address.
    Url(String),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// Keys that come in the clear can be anybody's.
    #[error("{0}: the keys of the issuer come over https, over http from the loopback only, or out of a file")]
    InTheClear(String),
    /// It cannot be read.
    #[error("the keys of the issuer cannot be read: {0}")]
    Unreadable(String),
}

/// The ways of signing that are admitted: each with a key of its own type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

/// A public key.
#[derive(Clone, Debug)]
pub(super) enum PublicKey {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The set as it was read.
struct Read {
    keys: Vec<(String, PublicKey)>,
    at: Moment,
}

/// The set of keys.
pub(super) struct Jwks {
    source: JwksSource,
    read: RwLock<Option<Arc<Read>>>,
    /// When a fetch last began.
    fetching: Arc<Mutex<Option<Moment>>>,
    floor: Duration,
}

impl std::str::FromStr for JwksSource {
    type Err = JwksError;

    fn from_str(text: &str) -> Result<Self, JwksError> {
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(Self::File(text.into())) };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        match scheme {
            "https" => Ok(Self::Url(text.to_owned())),
            "http" if !authority.contains('@') && ["127.0.0.1", "localhost", "[::1]"].contains(&host) => {
                Ok(Self::Url(text.to_owned()))
            }
            _ => Err(JwksError::InTheClear(text.to_owned())),
        }
    }
}

impl Jwks {
    pub(super) fn new(source: JwksSource) -> Self {
        Self { source, read: RwLock::default(), fetching: Arc::default(), floor: FLOOR }
    }

    /// The keys of a kid. One that is not known may be new: then the set is fetched, no sooner than it may be.
    pub(super) async fn find(self: &Arc<Self>, kid: &str) -> Vec<PublicKey> {
        let known = self.known();
        let found = known.as_ref().map(|known| known.of(kid)).unwrap_or_default();
        let aged = known.as_ref().is_none_or(|known| known.at.elapsed() > FRESH_MAX);
        if !found.is_empty() && !aged {
            return found;
        }
        let before = known.map(|known| known.at);
        let mut fetching = match Arc::clone(&self.fetching).try_lock_owned() {
            Ok(fetching) => fetching,
            Err(_) if !found.is_empty() => return found,
            Err(_) => Arc::clone(&self.fetching).lock_owned().await,
        };
        let elsewhere = self.known().map(|known| known.at) != before;
        if !elsewhere && fetching.is_none_or(|begun| begun.elapsed() >= self.floor) {
            *fetching = Some(Moment::now());
            let jwks = Arc::clone(self);
            // To its end, even when the client leaves meanwhile: else clients that leave could keep new keys unknown.
            let reading = tokio::spawn(async move {
                if let Err(error) = jwks.read().await {
                    tracing::warn!(%error, "the keys that are known hold for an hour");
                }
                drop(fetching);
            });
            drop(reading.await);
        }
        self.known().map(|known| known.of(kid)).unwrap_or_default()
    }

    /// Reads the set for the first time.
    pub(super) async fn begin(&self) -> Result<(), JwksError> {
        let mut fetching = self.fetching.lock().await;
        *fetching = Some(Moment::now());
        self.read().await
    }

    /// Reads the set anew.
    async fn read(&self) -> Result<(), JwksError> {
        let source = self.source.clone();
        let fetched = tokio::task::spawn_blocking(move || fetched(&source)).await;
        let bytes = fetched.map_err(|error| JwksError::Unreadable(error.to_string()))??;
        let keys = parsed(&bytes)?;
        let read = Arc::new(Read { keys, at: Moment::now() });
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Some(read);
        Ok(())
    }

    fn known(&self) -> Option<Arc<Read>> {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner).clone();
        read.filter(|read| read.at.elapsed() <= STALE_MAX)
    }
}

impl Read {
    fn of(&self, kid: &str) -> Vec<PublicKey> {
        self.keys.iter().filter(|(own, _)| own == kid).map(|(_, key)| key.clone()).collect()
    }
}

fn fetched(source: &JwksSource) -> Result<Vec<u8>, JwksError> {
    let unreadable = |error: &dyn std::fmt::Display| JwksError::Unreadable(error.to_string());
    match source {
        JwksSource::File(path) => {
            std::fs::read(path).map_err(|error| JwksError::Unreadable(format!("{}: {error}", path.display())))
        }
        JwksSource::Url(url) => {
            // A proxy of the environment, or a redirect, could lead where nobody meant.
            let agent: ureq::Agent = ureq::Agent::config_builder()
                .timeout_global(Some(FETCH_MAX))
                .max_redirects(0)
                .max_redirects_will_error(true)
                .proxy(None)
                .build()
                .into();
            let mut answer = agent.get(url).call().map_err(|error| unreadable(&error))?;
            answer.body_mut().with_config().limit(BYTES_MAX).read_to_vec().map_err(|error| unreadable(&error))
        }
    }
}

/// The keys of a set that can be used here: others are passed over.
fn parsed(bytes: &[u8]) -> Result<Vec<(String, PublicKey)>, JwksError> {
    let set: Set = serde_json::from_slice(bytes).map_err(|error| JwksError::Unreadable(error.to_string()))?;
    let usable = |value: serde_json::Value| {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let key = jwk.key()?;
        let signs = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        let own = jwk.alg.as_deref().is_none_or(|alg| Algorithm::of(alg) == Some(key.algorithm()));
        (signs && own).then_some((jwk.kid, key))
    };
    let keys: Vec<_> = set.keys.into_iter().take(KEYS_MAX).filter_map(usable).collect();
    if keys.is_empty() {
        return Err(JwksError::Unreadable("there is no key in them for RS256, ES256 or EdDSA".to_owned()));
    }
    Ok(keys)
}

impl Jwk {
    fn key(&self) -> Option<PublicKey> {
        let bytes = |field: &Option<String>| BASE64_URL_SAFE_NO_PAD.decode(field.as_ref()?).ok();
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => Some(PublicKey::Rsa { n: bytes(&self.n)?, e: bytes(&self.e)? }),
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
                (x.len() == 32 && y.len() == 32).then(|| PublicKey::P256([&[4], &x[..], &y[..]].concat()))
            }
            ("OKP", Some("Ed25519")) => bytes(&self.x).filter(|x| x.len() == 32).map(PublicKey::Ed25519),
            _ => None,
        }
    }
}

impl Algorithm {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

impl PublicKey {
    /// The one way of signing that its type admits.
    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Whether the holder of the private key signed it.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            Self::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature),
            Self::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
        }
        .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read as _, Write},
        net::TcpListener,
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
    };

    const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"KID","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    /// An issuer that answers each request with the next of some answers, the last over and over; a blank one hangs.
    fn issuer(answers: Vec<String>) -> (JwksSource, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut hanging = vec![];
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let answer = &answers[count.fetch_add(1, SeqCst).min(answers.len() - 1)];
                drop(stream.read(&mut [0; 1024]));
                drop(stream.write_all(answer.as_bytes()));
                if answer.is_empty() {
                    hanging.push(stream);
                }
            }
        });
        (url.parse().unwrap(), asked)
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    fn set(kid: &str) -> String {
        ok(&format!(r#"{{"keys":[{}]}}"#, KEY.replace("KID", kid)))
    }

    #[tokio::test]
    async fn a_flood_of_made_up_kids_asks_the_issuer_once() {
        let (source, asked) = issuer(vec![set("one")]);
        let keys = Arc::new(Jwks::new(source));
        let finds = (0..200).map(|kid| {
            let keys = Arc::clone(&keys);
            tokio::spawn(async move { keys.find(&format!("made-up-{kid}")).await.len() })
        });
        for found in futures::future::join_all(finds).await {
            assert_eq!(found.unwrap(), 0);
        }
        assert_eq!((keys.find("one").await.len(), asked.load(SeqCst)), (1, 1));
    }

    #[tokio::test]
    async fn new_keys_are_found_after_the_floor_and_old_ones_are_gone() {
        let (source, asked) = issuer(vec![set("one"), set("two")]);
        let keys = Arc::new(Jwks { floor: Duration::from_millis(100), ..Jwks::new(source) });
        assert_eq!(keys.find("one").await.len(), 1);
        assert_eq!(keys.find("two").await.len(), 0);
        tokio::time::sleep(Duration::from_millis(120)).await;
        assert_eq!(keys.find("two").await.len(), 1);
        assert_eq!((keys.find("one").await.len(), asked.load(SeqCst)), (0, 2));
    }

    #[tokio::test]
    async fn what_is_known_stays_when_the_issuer_fails() {
        let long = ok(&"x".repeat(2 * 1024 * 1024));
        let elsewhere = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_owned();
        let down = "HTTP/1.1 500 Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
        for bad in [long, elsewhere, down, ok("junk"), ok(r#"{"keys":[]}"#), String::new()] {
            let (source, asked) = issuer(vec![set("one"), bad]);
            let keys = Arc::new(Jwks { floor: Duration::ZERO, ..Jwks::new(source) });
            assert_eq!(keys.find("one").await.len(), 1);
            assert_eq!(keys.find("two").await.len(), 0);
            assert_eq!((keys.find("one").await.len(), asked.load(SeqCst)), (1, 2));
        }
    }

    #[tokio::test]
    async fn a_client_that_leaves_leaves_the_fetch_running() {
        let (source, asked) = issuer(vec![set("one")]);
        let keys = Arc::new(Jwks::new(source));
        let gone = tokio::time::timeout(Duration::ZERO, keys.find("one")).await;
        assert!(gone.is_err(), "it left before the issuer answered");
        assert_eq!((keys.find("one").await.len(), asked.load(SeqCst)), (1, 1));
    }

    #[test]
    fn keys_do_not_come_in_the_clear() {
        for (text, taken) in [
            ("https://id.example/jwks", true),
            ("http://127.0.0.1:8000/jwks", true),
            ("http://localhost/jwks", true),
            ("http://[::1]:1/jwks", true),
            ("/etc/jwks.json", true),
            ("http://id.example/jwks", false),
            ("http://localhost.id.example/", false),
            ("http://localhost:1@id.example/", false),
            ("ftp://localhost/", false),
        ] {
            assert_eq!(text.parse::<JwksSource>().is_ok(), taken, "{text}");
        }
    }
}
