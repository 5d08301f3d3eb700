//! Who is let in, as configured.

use super::{JwksSource, Mode, Tokens};
use clap::Args;

/// Who is let in.
#[derive(Clone, Debug, Args)]
pub(crate) struct IdentityArgs {
    /// Who is let in: whoever reaches the loopback, or nobody without a key or a token
    #[arg(long, env = "QUARTERDECK_IDENTITY", default_value = "local", value_name = "WHO")]
    pub(crate) identity: Mode,
    /// Take tokens (JWT) of this issuer: their `iss`, letter by letter
    #[arg(long, env = "QUARTERDECK_JWT_ISSUER", value_name = "ISSUER", requires_all = ["jwt_audience", "jwt_jwks"])]
    jwt_issuer: Option<String>,
    /// The `aud` that its tokens must have
    #[arg(long, env = "QUARTERDECK_JWT_AUDIENCE", value_name = "AUDIENCE", requires = "jwt_issuer")]
    jwt_audience: Option<String>,
    /// Its public keys (JWKS): a file, an https address, or an http address of the loopback
    #[arg(long, env = "QUARTERDECK_JWT_JWKS", value_name = "FILE|URL", requires = "jwt_issuer")]
    jwt_jwks: Option<JwksSource>,
}

impl IdentityArgs {
    /// The issuer whose tokens are taken. That its keys cannot be read yet does not keep the server from starting.
    pub(crate) async fn tokens(&self) -> Option<Tokens> {
        let Self { jwt_issuer: Some(issuer), jwt_audience: Some(audience), jwt_jwks: Some(source), .. } = self else {
            return None;
        };
        let tokens = Tokens::new(issuer.clone(), audience.clone(), source.clone());
        if let Err(error) = tokens.try_keys().await {
            tracing::warn!(%error, "tokens are refused until they can be");
        }
        Some(tokens)
    }
}
