//! The cluster's identity and the secret that its agents and sentinels share.

use crate::atomic_file;
use holdfast_link::random_hex;
use std::path::Path;

/// Fewest bytes that agents and sentinels accept.
const LEAST_SECRET_BYTES: u64 = 16;

/// Makes sure that there is a secret at `path`, readable by its owner only.
///
/// A lost one is replaced: it guards connections between processes that all start now, never data.
pub(crate) fn ensure_secret(path: &Path) -> anyhow::Result<()> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() >= LEAST_SECRET_BYTES) {
        return Ok(());
    }
    atomic_file::write(path, format!("{}\n", random_hex::<16>()?).as_bytes(), 0o600)
}
