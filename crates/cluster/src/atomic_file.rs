//! Files that are either the old text or the new one, never half of one.

use anyhow::Context as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Replaces `path` by `bytes` with one rename; `mode` is that of the new file.
///
/// Not fsynced: what is written here describes processes that do not outlive the machine.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = Path::new(&name);
    let written = write_new(temporary, bytes, mode).and_then(|()| fs::rename(temporary, path));
    if written.is_err() {
        // The half-written temporary is of no use to anyone.
        let _ = fs::remove_file(temporary);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)
}
