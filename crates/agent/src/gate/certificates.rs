//! The certificates that the gate shows and asks for, exchanged while it runs.

use crate::Options;
use arc_swap::ArcSwap;
use holdfast_tls::{Authorities, Identity, TlsError};
use rustls::{ClientConfig, ServerConfig};
use std::sync::Arc;

/// The newest certificates: connections that begin from now on get them, those that stand keep theirs.
#[derive(Clone, Debug)]
pub struct Certificates(Arc<ArcSwap<Configs>>);

#[derive(Debug)]
struct Configs {
    server: Arc<ServerConfig>,
    peer: Arc<ClientConfig>,
}

impl Certificates {
    /// From the files that the options name; nothing where they name no certificate.
    ///
    /// # Errors
    /// When a file cannot be read, or they do not fit each other.
    pub fn read(options: &Options) -> Result<Option<Self>, TlsError> {
        let configs = Configs::read(options)?;
        Ok(configs.map(|configs| Self(Arc::new(ArcSwap::from_pointee(configs)))))
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// As [`Certificates::read`]; the former certificates stay.
    pub fn renew(&self, options: &Options) -> Result<(), TlsError> {
        if let Some(configs) = Configs::read(options)? {
            self.0.store(Arc::new(configs));
        }
        Ok(())
    }

    /// For whoever comes.
    pub(super) fn server(&self) -> Arc<ServerConfig> {
        self.0.load().server.clone()
    }

    /// For the way to another gate.
    pub(super) fn peer(&self) -> Arc<ClientConfig> {
        self.0.load().peer.clone()
    }
}

impl Configs {
    fn read(options: &Options) -> Result<Option<Self>, TlsError> {
        let files = options
            .tls_cert_file
            .as_ref()
            .zip(options.tls_key_file.as_ref());
        let Some(((chain, key), trusted)) = files.zip(options.tls_ca_file.as_ref()) else {
            return Ok(None);
        };
        let (identity, authorities) = (Identity::read(chain, key)?, Authorities::read(trusted)?);
        let clients = options.tls_client_auth.then(|| authorities.clone());
        Ok(Some(Self {
            server: holdfast_tls::server(identity.clone(), clients)?,
            peer: holdfast_tls::peer(authorities, identity)?,
        }))
    }
}
