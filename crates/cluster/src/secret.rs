//! The cluster's identity and the secret that its agents and sentinels share.

use crate::atomic_file;
use anyhow::Context as _;
use std::path::Path;

/// Fewest bytes that agents and sentinels accept.
const LEAST_SECRET_BYTES: u64 = 16;

/// 32 random hex characters.
pub(crate) fn random_hex() -> anyhow::Result<String> {
    use std::fmt::Write as _;
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    let mut text = String::with_capacity(32);
    for byte in bytes {
        write!(text, "{byte:02x}").context("cannot format")?;
    }
    Ok(text)
}

/// Makes sure that there is a secret at `path`, readable by its owner only.
///
/// A lost one is replaced: it guards connections between processes that all start now, never data.
pub(crate) fn ensure_secret(path: &Path) -> anyhow::Result<()> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() >= LEAST_SECRET_BYTES) {
        return Ok(());
    }
    atomic_file::write(path, format!("{}\n", random_hex()?).as_bytes(), 0o600)
}
