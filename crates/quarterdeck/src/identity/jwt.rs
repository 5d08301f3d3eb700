//! Tokens (JWT, RFC 7519) of the one issuer that the server trusts, read as RFC 8725 advises.
//!
//! `ring`, which speaks TLS to PostgreSQL here, checks the signatures; the little that is left, and that a token library
//! leaves to flags, is written out: what is not on the list of what a token may say is refused.

use super::jwks::{Algorithm, Jwks, JwksSource};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use std::sync::Arc;
use units::Instant;

/// The longest token.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// How far clocks may differ.
const LEEWAY_SECONDS: f64 = 30.0;

/// The tokens of an issuer.
pub struct Tokens {
    issuer: String,
    audience: String,
    keys: Arc<Jwks>,
}

/// What may stand in a header: the headers by which a token brings its own key, and those that ask for more than is
/// understood here, are known in order to be refused. A name that stands twice is an error.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    crit: Present,
    #[serde(default)]
    b64: Present,
    #[serde(default)]
    enc: Present,
    #[serde(default)]
    zip: Present,
    #[serde(default)]
    jku: Present,
    #[serde(default)]
    jwk: Present,
    #[serde(default)]
    x5u: Present,
    #[serde(default)]
    x5c: Present,
}

/// Whether a name stands there, with whatever value.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(given: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(given).map(|_| Self(true))
    }
}

/// What a token must say; more is passed over. A name that stands twice is an error.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    nbf: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Tokens {
    /// The tokens of an issuer that were made for an audience, signed by a key of a set.
    pub fn new(issuer: String, audience: String, source: JwksSource) -> Self {
        Self { issuer, audience, keys: Arc::new(Jwks::new(source)) }
    }

    /// Reads the set of keys, so that an operator learns at the start that it cannot be read.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn try_keys(&self) -> Result<(), super::JwksError> {
        self.keys.begin().await
    }

    /// Whose tokens.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject of a token that is valid now.
    ///
    /// # Errors
    /// Why it is not, for the server's log.
    pub(super) async fn subject(&self, token: &str, now: Instant) -> Result<String, &'static str> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err("it is too long");
        }
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            return Err("it has not three parts");
        };
        let signed = &token[..header.len() + 1 + claims.len()];
        let signature = decoded(signature)?;
        let header: Header = json(header)?;
        let algorithm = header.admitted()?;
        let found = self.keys.find(&header.kid).await;
        let mut keys = found.iter().filter(|key| key.algorithm() == algorithm).peekable();
        if keys.peek().is_none() {
            return Err("no key of the set is named so");
        }
        if !keys.any(|key| key.signed(signed.as_bytes(), &signature)) {
            return Err("its signature is not of the key");
        }
        self.admitted(json(claims)?, now)
    }

    fn admitted(&self, claims: Claims, now: Instant) -> Result<String, &'static str> {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of our age are far below 2^53")]
        let now = now.timestamp_millis() as f64 / 1_000.0;
        let ours = match &claims.aud {
            Audience::One(audience) => *audience == self.audience,
            Audience::Several(several) => several.contains(&self.audience),
        };
        match claims {
            _ if claims.iss != self.issuer => Err("it is of another issuer"),
            _ if !ours => Err("it was made for others"),
            _ if now >= claims.exp + LEEWAY_SECONDS => Err("it has expired"),
            _ if now + LEEWAY_SECONDS < claims.nbf => Err("it is not valid yet"),
            Claims { sub, .. } if sub.is_empty() => Err("it names nobody"),
            Claims { sub, .. } => Ok(sub),
        }
    }
}

impl Header {
    fn admitted(&self) -> Result<Algorithm, &'static str> {
        let asks_more = [&self.crit, &self.b64, &self.enc, &self.zip, &self.jku, &self.jwk, &self.x5u, &self.x5c];
        if asks_more.iter().any(|header| header.0) {
            return Err("its header asks for what is not done here");
        }
        Algorithm::of(&self.alg).ok_or("its algorithm is not admitted")
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, &'static str> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| "a part is not base64url")
}

fn json<T: DeserializeOwned>(part: &str) -> Result<T, &'static str> {
    serde_json::from_slice(&decoded(part)?).map_err(|_| "a part is not the JSON it must be")
}
