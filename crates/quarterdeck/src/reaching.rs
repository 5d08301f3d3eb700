//! How a PostgreSQL over the network is trusted, and what it means when it lets nobody in.

use logbook::Fault;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::path::{Path, PathBuf};
use tokio_postgres::{Config, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why PostgreSQL is not used, in sentences that say what to do.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The file of authorities cannot be used.
    #[error("{file} holds no certificates that can be read (PEM): {why}")]
    Authorities {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Nobody vouches for it.
    #[error(
        "PostgreSQL's certificate is not trusted ({said}): when an authority of your own signed it, name its certificate \
         with --database-ca FILE or QUARTERDECK_DATABASE_CA"
    )]
    Certificate {
        /// What is wrong with it.
        said: String,
    },
    /// A wrong password, or none.
    #[error("PostgreSQL refused the password of the login {login}, or DATABASE_URL has none")]
    Password {
        /// The login.
        login: String,
    },
    /// The login itself.
    #[error("PostgreSQL does not let the login {login} in: {said}")]
    Login {
        /// The login.
        login: String,
        /// What it said.
        said: String,
    },
    /// No such database.
    #[error("that PostgreSQL has no database named {database}: make it, then run quarterdeck migrate")]
    Database {
        /// The name.
        database: String,
    },
    /// The roles are not made yet.
    #[error(
        "that PostgreSQL lacks Quarterdeck's roles ({said}): run quarterdeck migrate first, with a login that may create \
         roles, and without the role option in DATABASE_URL"
    )]
    NoRole {
        /// What it said.
        said: String,
    },
    /// The roles are there, for others.
    #[error(
        "the login {login} may not work in its role ({said}): an administrator must say \
         GRANT quarterdeck_app, quarterdeck_watch TO {login}"
    )]
    NotGranted {
        /// The login.
        login: String,
        /// What it said.
        said: String,
    },
}

impl Refused {
    /// What a failed connection means; `None`: nothing that we know.
    pub(crate) fn by(config: &Config, fault: &Fault) -> Option<Self> {
        let login = config.get_user().unwrap_or_default().to_owned();
        let text = fault.to_string();
        if let Some((_, said)) = text.split_once("invalid peer certificate: ") {
            return Some(Self::Certificate { said: said.to_owned() });
        }
        if text.contains("password missing") {
            return Some(Self::Password { login });
        }
        let error = fault.postgres()?.as_db_error()?;
        let (code, said) = (error.code(), error.message().to_owned());
        if *code == SqlState::INVALID_PASSWORD {
            Some(Self::Password { login })
        } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
            Some(Self::Login { login, said })
        } else if *code == SqlState::INVALID_CATALOG_NAME {
            let database = config.get_dbname().unwrap_or(&login).to_owned();
            Some(Self::Database { database })
        } else if said.contains("role")
            && [SqlState::UNDEFINED_OBJECT, SqlState::INVALID_PARAMETER_VALUE].contains(code)
        {
            Some(Self::NoRole { said })
        } else if said.contains("role") && *code == SqlState::INSUFFICIENT_PRIVILEGE {
            Some(Self::NotGranted { login, said })
        } else {
            None
        }
    }
}

/// TLS that trusts the web's authorities, and those of a file.
///
/// # Errors
/// When the file holds no certificate.
pub(crate) fn tls(authorities: Option<&Path>) -> Result<MakeRustlsConnect, Refused> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = authorities {
        let bad = |why: String| Refused::Authorities { file: file.to_path_buf(), why };
        let mut added = 0;
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| bad(error.to_string()))? {
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
            added += 1;
        }
        if added == 0 {
            return Err(bad("there is none in it".to_owned()));
        }
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused_by_name() {
        let file = std::env::temp_dir().join(format!("quarterdeck-ca-{}.pem", std::process::id()));
        let refused = || tls(Some(&file)).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused().contains(&file.display().to_string()), "{}", refused());
        std::fs::write(&file, "no certificate").unwrap();
        assert!(refused().contains("none in it"), "{}", refused());
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(refused().contains("holds no certificates"), "{}", refused());
        std::fs::remove_file(&file).unwrap();
        assert!(tls(None).is_ok());
    }

    #[test]
    fn a_certificate_that_nobody_vouches_for_is_said_to_be_that() {
        let fault = Fault::new("connecting", "error performing TLS handshake: invalid peer certificate: UnknownIssuer");
        let said = Refused::by(&Config::new(), &fault).unwrap().to_string();
        assert!(said.contains("UnknownIssuer") && said.contains("--database-ca"), "{said}");
    }
}
