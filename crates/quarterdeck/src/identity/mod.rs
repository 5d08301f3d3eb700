//! Whose request it is: found out before anything of the request is read, and without SQL. Every credential that opens
//! nothing is refused alike, whatever is wrong with it.

mod args;
mod jwks;
mod jwt;
mod keyring;
#[cfg(test)]
mod tests;

pub(crate) use args::IdentityArgs;
pub use jwks::{JwksError, JwksSource};
pub use jwt::Tokens;
pub use keyring::Keyring;

use keyring::Held;
use logbook::system_clock;
use sales::{access::Login, login::ApiKey};
use std::sync::Arc;
use units::{Instant, TenantId};
use uuid::Uuid;

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Whoever can reach the loopback, as `local`; keys and tokens that are shown are honoured, and checked.
    Local,
    /// Nobody without a key or a token.
    Required,
}

/// What a credential opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Whose data.
    pub tenant: TenantId,
    /// As whom.
    pub login: Login,
    /// The login's own id: of the key, or of the link of a token's subject.
    pub id: Uuid,
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The credential is missing, or opens nothing.
    Unauthenticated,
    /// A token's subject is known, several tenants take tokens, and the request names none.
    TenantNeeded,
    /// It is not known at the moment which keys are revoked.
    Unavailable,
}

/// The door.
pub struct Identity {
    mode: Mode,
    keyring: Arc<Keyring>,
    tokens: Option<Tokens>,
}

impl Identity {
    /// A door that knows the keys of a keyring, and the tokens of an issuer when there is one.
    pub fn new(mode: Mode, keyring: Arc<Keyring>, tokens: Option<Tokens>) -> Self {
        Self { mode, keyring, tokens }
    }

    /// Whether nobody is let in without a key or a token.
    pub fn required(&self) -> bool {
        self.mode == Mode::Required
    }

    /// Finds out whose a request is by its headers `Authorization` and the tenant that it names. `None`: whoever sits at
    /// the machine.
    ///
    /// # Errors
    /// When it is not let in.
    pub async fn admit(&self, authorization: &[&[u8]], tenant: Option<&str>) -> Result<Option<Pass>, Refused> {
        let header = match authorization {
            [] if self.mode == Mode::Local => return Ok(None),
            [header] => header,
            _ => return Err(Refused::Unauthenticated),
        };
        let bearer = bearer(header).ok_or(Refused::Unauthenticated)?;
        let found =
            if bearer.starts_with("qd_") { self.by_key(bearer, tenant) } else { self.by_token(bearer, tenant).await };
        found.map(Some)
    }

    fn by_key(&self, text: &str, tenant: Option<&str>) -> Result<Pass, Refused> {
        let key = ApiKey::parse(text).ok_or(Refused::Unauthenticated)?;
        let held = self.keyring.held().ok_or(Refused::Unavailable)?;
        let found = held.key(key.tenant, key.login);
        // A key that nobody knows is compared as well, so that it takes as long.
        let opens = key.opens(found.map_or("", |found| &found.secret_sha256));
        let found = found.filter(|found| {
            let in_time = found.expires_at.is_none_or(|expires_at| system_clock() < expires_at);
            opens && in_time && tenant.is_none_or(|tenant| tenant == found.tenant_name)
        });
        let found = found.ok_or(Refused::Unauthenticated)?;
        Ok(Pass { tenant: key.tenant, login: found.login.clone(), id: key.login })
    }

    async fn by_token(&self, text: &str, tenant: Option<&str>) -> Result<Pass, Refused> {
        let tokens = self.tokens.as_ref().ok_or(Refused::Unauthenticated)?;
        let now: Instant = system_clock();
        let subject = tokens.subject(text, now).await.map_err(|why| {
            tracing::debug!(why, "a token was refused");
            Refused::Unauthenticated
        })?;
        let held = self.keyring.held().ok_or(Refused::Unavailable)?;
        // Each tenant links what subjects it likes: which one a token is for must not hang on what another linked.
        match (Held::links(&held, tokens.issuer(), &subject), tenant) {
            ([], _) => Err(Refused::Unauthenticated),
            ([_, _, ..], None) => Err(Refused::TenantNeeded),
            ([_], None) if held.several_link() => Err(Refused::TenantNeeded),
            (links, tenant) => {
                let named = |link: &&keyring::Link| tenant.is_none_or(|tenant| tenant == link.tenant_name);
                let link = links.iter().find(named).ok_or(Refused::Unauthenticated)?;
                Ok(Pass { tenant: link.tenant, login: link.login.clone(), id: link.id })
            }
        }
    }
}

/// The credential of a header `Authorization`: what follows `Bearer` and one space, visible ASCII.
fn bearer(header: &[u8]) -> Option<&str> {
    let (scheme, credential) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    let visible = !credential.is_empty() && credential.bytes().all(|byte| byte.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("bearer") && visible).then_some(credential)
}
