//! What tests of whole groups need.

use std::path::PathBuf;

/// The server under test: `HOLDFAST_TEST_SERVER`, or redis-server.
#[allow(dead_code)]
pub(crate) fn server() -> PathBuf {
    std::env::var_os("HOLDFAST_TEST_SERVER").map_or_else(|| "redis-server".into(), PathBuf::from)
}

/// The `holdfast` binary: `$HOLDFAST_BINARY`, or the one built beside the test. Without it there is nothing to test, and this
/// says so.
pub(crate) fn binary() -> Option<PathBuf> {
    let beside = || {
        Some(
            std::env::current_exe()
                .ok()?
                .parent()?
                .parent()?
                .join("holdfast"),
        )
    };
    let path = std::env::var_os("HOLDFAST_BINARY")
        .map(PathBuf::from)
        .or_else(beside)
        .filter(|path| path.exists());
    if path.is_none() {
        println!("skipped: no holdfast binary; build it, or name it in HOLDFAST_BINARY");
    }
    path
}
