//! What an API key looks like, and what of it is kept.

use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use subtle::ConstantTimeEq;
use units::TenantId;
use uuid::Uuid;

/// How long a key's secret is.
pub const SECRET_BYTES: usize = 32;
/// What every key begins with, so that people and scanners know one when they see it.
const PREFIX: &str = "qd_live_";

/// A key as its holder shows it: `qd_live_`, the tenant and the login (UUIDs of 32 hex digits), `_`, the secret in hex.
/// Small letters only: a key has one spelling.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Whose data it opens.
    pub tenant: TenantId,
    /// The login that it belongs to.
    pub login: Uuid,
    secret: [u8; SECRET_BYTES],
}

impl ApiKey {
    /// A key of a login.
    pub fn new(tenant: TenantId, login: Uuid, secret: [u8; SECRET_BYTES]) -> Self {
        Self { tenant, login, secret }
    }

    /// The key that a text is; `None` when it is none, in any way.
    pub fn parse(text: &str) -> Option<Self> {
        let (ids, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let (tenant, login) = ids.split_at_checked(2 * 16)?;
        let tenant = TenantId(Uuid::from_bytes(bytes(tenant)?));
        Some(Self { tenant, login: Uuid::from_bytes(bytes(login)?), secret: bytes(secret)? })
    }

    /// The text to show to its holder, once.
    pub fn written(&self) -> String {
        let Self { tenant, login, secret } = self;
        format!("{PREFIX}{}{}_{}", tenant.0.simple(), login.simple(), hex(secret))
    }

    /// What is kept of it: a secret of 256 bits of chance needs no slow hash.
    pub fn secret_sha256(&self) -> String {
        sha256(&self.secret)
    }

    /// Whether it is the key of which this was kept. Takes as long for any other.
    pub fn opens(&self, secret_sha256: &str) -> bool {
        self.secret_sha256().as_bytes().ct_eq(secret_sha256.as_bytes()).into()
    }
}

/// Without its secret.
impl fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ApiKey({} of {})", self.login, self.tenant)
    }
}

/// What is kept of a secret.
pub(super) fn sha256(secret: &[u8; SECRET_BYTES]) -> String {
    hex(&Sha256::digest(secret))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes what is written");
        text
    })
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |letter: u8| match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes?.try_into().ok()
}
