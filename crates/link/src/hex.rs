//! Bytes as hex characters, and identities made of random ones.

use std::fmt::Write as _;

/// Random bytes as hex characters, two for each byte: a nonce, an identity.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random_hex<const BYTES: usize>() -> std::io::Result<String> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        std::io::Error::other(format!("no randomness from the system: {error}"))
    })?;
    Ok(hex(&bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
