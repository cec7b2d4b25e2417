//! The shared secret and proofs of knowing it.

use crate::hex::hex;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Shortest secret, in bytes.
const SECRET_MIN: usize = 16;

/// The secret that all agents and sentinels of a deployment share. It is never printed.
#[derive(Clone)]
pub struct Secret(Arc<[u8]>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file could not be read.
    #[error(
        "read the secret file {0}: {1}; give every agent and sentinel the same file, and this user the right to read it"
    )]
    Read(PathBuf, std::io::Error),
    /// It holds too little.
    #[error("the secret file {0} holds {1} bytes; at least {SECRET_MIN} are needed")]
    Short(PathBuf, usize),
}

impl Secret {
    /// Takes the secret from memory, as tests do.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Reads it from a file; white space at the end does not count.
    ///
    /// # Errors
    /// When the file cannot be read or holds less than 16 bytes.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let bytes = std::fs::read(path).map_err(|e| SecretError::Read(path.to_owned(), e))?;
        let bytes = bytes.trim_ascii_end();
        if bytes.len() < SECRET_MIN {
            return Err(SecretError::Short(path.to_owned(), bytes.len()));
        }
        Ok(Self(bytes.into()))
    }

    /// A proof of knowing the secret, bound to `parts`, as 64 hex characters.
    pub fn prove(&self, parts: &[&str]) -> String {
        hex(&self.mac(parts).finalize().into_bytes())
    }

    /// Whether `proof` proves it, compared in constant time.
    pub fn proves(&self, parts: &[&str], proof: &str) -> bool {
        let bytes: Option<Vec<u8>> = (0..proof.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(proof.get(i..i + 2)?, 16).ok())
            .collect();
        bytes.is_some_and(|bytes| self.mac(parts).verify_slice(&bytes).is_ok())
    }

    /// Each part with its length before it, so that no two lists of parts read the same.
    fn mac(&self, parts: &[&str]) -> Hmac<Sha256> {
        #[allow(clippy::expect_used)]
        let mut mac = Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}
