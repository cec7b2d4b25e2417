//! TLS for clients, by rustls with ring.

use holdfast_tls::{Authorities, Identity};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::ServeError;
use super::connection::{Connection, Registered};
use crate::TlsOptions;

/// Reads the files.
pub(super) fn acceptor(files: &TlsOptions) -> Result<TlsAcceptor, ServeError> {
    let read = Identity::read(&files.certificate, &files.key).and_then(|identity| {
        let clients = files.client_authorities.as_deref().map(Authorities::read);
        holdfast_tls::server(identity, clients.transpose()?)
    });
    read.map(TlsAcceptor::from)
        .map_err(|error| ServeError::Tls(error.to_string()))
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
