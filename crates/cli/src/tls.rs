//! TLS as a client: who is trusted, and who one is.

use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Trusts some authorities, and may have a certificate of its own.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// From PEM texts: authorities, and a chain with its key where servers ask for one.
    pub(crate) fn new(authorities: &[u8], own: Option<(&[u8], &[u8])>) -> Result<Self, String> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots(authorities)?);
        let config = match own {
            None => config.with_no_client_auth(),
            Some((chain, key)) => {
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|error| format!("the private key: {error}"))?;
                config
                    .with_client_auth_cert(certificates(chain)?, key)
                    .map_err(|error| format!("the certificate: {error}"))?
            }
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Shakes hands with the server that is called `name`.
    pub(crate) async fn connect<S: holdfast_cluster::Stream>(
        &self,
        name: &str,
        stream: S,
    ) -> Result<TlsStream<S>, String> {
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| format!("`{name}` is no name that a certificate could hold"))?;
        let shaken = self.0.connect(server, stream).await;
        shaken.map_err(|error| format!("TLS with {name}: {error}"))
    }
}

fn roots(authorities: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authorities)? {
        roots
            .add(certificate)
            .map_err(|error| format!("an authority: {error}"))?;
    }
    if roots.is_empty() {
        return Err("no certificate of an authority".to_owned());
    }
    Ok(roots)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("certificates: {error}"))
}
