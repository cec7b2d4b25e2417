//! What is read from PEM.

use crate::TlsError;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;

/// A certificate chain, leaf first, and its private key.
#[derive(Debug)]
pub struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    /// What errors call it.
    pub(crate) from: String,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
            from: self.from.clone(),
        }
    }
}

impl Identity {
    /// From files.
    ///
    /// # Errors
    /// When one cannot be read or holds no PEM of its kind.
    pub fn read(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            chain: certificates(&bytes(chain)?).map_err(|error| TlsError::at(chain, &error))?,
            key: PrivateKeyDer::from_pem_slice(&bytes(key)?)
                .map_err(|error| TlsError::at(key, &error))?,
            from: chain.display().to_string(),
        })
    }

    /// From texts.
    ///
    /// # Errors
    /// When one holds no PEM of its kind.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self {
            chain: certificates(chain).map_err(|error| TlsError::new("certificates", &error))?,
            key: PrivateKeyDer::from_pem_slice(key)
                .map_err(|error| TlsError::new("the private key", &error))?,
            from: "the certificate".to_owned(),
        })
    }
}

/// Those who sign the certificates that are trusted.
#[derive(Clone, Debug)]
pub struct Authorities(pub(crate) RootCertStore);

impl Authorities {
    /// From a file.
    ///
    /// # Errors
    /// When it cannot be read or holds no certificate.
    pub fn read(path: &Path) -> Result<Self, TlsError> {
        Self::parse(&bytes(path)?).map_err(|why| TlsError::at(path, &why))
    }

    /// From a text.
    ///
    /// # Errors
    /// When it holds no certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TlsError> {
        Self::parse(pem).map_err(|why| TlsError::new("the authorities", &why))
    }

    fn parse(pem: &[u8]) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        if roots.is_empty() {
            return Err("no certificate of an authority".to_owned());
        }
        Ok(Self(roots))
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::at(path, &error))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}
