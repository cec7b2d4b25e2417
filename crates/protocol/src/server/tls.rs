//! TLS for clients, by rustls with ring.

use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::ServeError;
use super::connection::{Connection, Registered};
use crate::TlsOptions;

/// Reads the files.
pub(super) fn acceptor(files: &TlsOptions) -> Result<TlsAcceptor, ServeError> {
    let chain = certificates(&files.certificate)?;
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| trouble(&files.key, &error))?;
    let verifier = match &files.client_authorities {
        Some(path) => client_verifier(path)?,
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ServeError::Tls(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| trouble(&files.certificate, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let all = CertificateDer::pem_file_iter(path).map_err(|error| trouble(path, &error))?;
    all.collect::<Result<_, _>>()
        .map_err(|error| trouble(path, &error))
}

fn client_verifier(path: &Path) -> Result<Arc<dyn ClientCertVerifier>, ServeError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| trouble(path, &error))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::new(ring::default_provider()),
    );
    builder.build().map_err(|error| trouble(path, &error))
}

fn trouble(path: &Path, error: &dyn std::fmt::Display) -> ServeError {
    ServeError::Tls(format!("{}: {error}", path.display()))
}

/// Shakes hands within the limit, then serves the connection. Boxed: a TLS session is large, and its memory is only its own.
pub(super) async fn serve(acceptor: TlsAcceptor, registered: Registered, stream: TcpStream) {
    let limit = registered.limits().handshake;
    match tokio::time::timeout(limit, Box::pin(acceptor.accept(stream))).await {
        Ok(Ok(stream)) => Connection::new(registered, Box::new(stream)).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake with a client failed"),
        Err(_) => tracing::debug!("TLS handshake with a client took too long"),
    }
}
