//! Certificates, keys and authorities from PEM, made into configurations of rustls with ring: TLS 1.2 and 1.3.
//!
//! Everybody in Holdfast who speaks TLS gets its configuration here: sentinels and gates as servers, commands as clients,
//! gates towards each other as peers.

mod peer;
mod pem;

pub use pem::{Authorities, Identity};

use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ConfigBuilder, Error, ServerConfig, WantsVerifier};
use std::path::Path;
use std::sync::Arc;

/// Why there is no configuration. It reads as one line: what, where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

impl TlsError {
    fn new(what: &str, why: &dyn std::fmt::Display) -> Self {
        Self(format!("{what}: {why}"))
    }

    fn at(path: &Path, why: &dyn std::fmt::Display) -> Self {
        Self::new(&path.display().to_string(), why)
    }

    /// Why these cannot be shown.
    fn of(identity: &str, error: &Error) -> Self {
        match error {
            Error::InconsistentKeys(_) => {
                Self::new(identity, &"the private key is not that of this certificate")
            }
            error => Self::new(identity, error),
        }
    }
}

/// For a server. With `clients`, whoever connects must show a certificate that one of those signed.
///
/// # Errors
/// When certificate and key do not belong together, or `clients` cannot be used.
pub fn server(
    identity: Identity,
    clients: Option<Authorities>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let verifier = match clients {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(Authorities(roots)) => {
            let provider = Arc::new(ring::default_provider());
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| TlsError::new("the authorities", &error))?
        }
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::new("TLS", &error))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain, identity.key)
        .map_err(|error| TlsError::of(&identity.from, &error))?;
    Ok(Arc::new(config))
}

/// For a client that trusts these, checks the name in the server's certificate, and shows its own where it is asked for one.
///
/// # Errors
/// When certificate and key do not belong together.
pub fn client(
    Authorities(roots): Authorities,
    identity: Option<Identity>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = client_builder()?.with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.chain, identity.key)
            .map_err(|error| TlsError::of(&identity.from, &error))?,
    };
    Ok(Arc::new(config))
}

/// For a client that is one of the servers itself: it trusts whoever shows a certificate that one of these signed, whatever name that
/// holds. As redis-server does with its primary: addresses in a group change, certificates need not name them.
///
/// # Errors
/// When certificate and key do not belong together.
pub fn peer(
    Authorities(roots): Authorities,
    identity: Identity,
) -> Result<Arc<ClientConfig>, TlsError> {
    let config = client_builder()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(peer::OfOurs::new(roots)))
        .with_client_auth_cert(identity.chain, identity.key)
        .map_err(|error| TlsError::of(&identity.from, &error))?;
    Ok(Arc::new(config))
}

fn client_builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::new("TLS", &error))
}
