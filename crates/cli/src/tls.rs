//! TLS as a client: who is trusted, and who one is.

use holdfast_tls::{Authorities, Identity};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// Trusts some authorities, and may have a certificate of its own.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// From PEM texts: authorities, and a chain with its key where servers ask for one.
    pub(crate) fn new(authorities: &[u8], own: Option<(&[u8], &[u8])>) -> Result<Self, String> {
        let trusted = Authorities::from_pem(authorities);
        let own = own.map(|(chain, key)| Identity::from_pem(chain, key));
        let config = trusted.and_then(|trusted| holdfast_tls::client(trusted, own.transpose()?));
        config
            .map(|config| Self(TlsConnector::from(config)))
            .map_err(|error| error.to_string())
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
