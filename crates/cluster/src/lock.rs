//! One living `up` per directory.

use crate::error::StartError;
use anyhow::Context as _;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// Name of the lock file; it holds the pid of who has it.
pub(crate) const LOCK_FILE: &str = "lock";

/// Held for as long as the group runs. The kernel lets it go when its holder dies.
#[derive(Debug)]
pub(crate) struct DirLock(#[allow(dead_code)] Flock<File>);

impl DirLock {
    /// Takes the directory, or says who has it.
    pub(crate) fn take(dir: &Path) -> Result<Self, StartError> {
        let path = dir.join(LOCK_FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        let mut lock = Flock::lock(file, FlockArg::LockExclusiveNonblock)
            .map_err(|(file, errno)| refused(dir, file, errno))?;
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .context("cannot write the lock file")?;
        Ok(Self(lock))
    }
}

fn refused(dir: &Path, mut file: File, errno: nix::errno::Errno) -> StartError {
    if errno != nix::errno::Errno::EWOULDBLOCK {
        return StartError::Failed(anyhow::anyhow!(
            "cannot lock {}: {errno}",
            dir.join(LOCK_FILE).display()
        ));
    }
    let mut holder = String::new();
    // Who holds it is a courtesy; not knowing changes nothing.
    let _ = file.read_to_string(&mut holder);
    StartError::bad(format!(
        "{} is in use by another `holdfast up` (pid {}): stop that one, or choose another --dir",
        dir.display(),
        holder.trim()
    ))
}
