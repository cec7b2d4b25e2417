//! A process that the crucible itself starts, and where it lives.

use crate::target::SentinelProcess;
use crate::target::pod::Pod;
use std::path::PathBuf;

/// One process of a group, kept alive.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// host:port.
    pub(super) address: String,
    pub(super) dir: PathBuf,
    pub(super) pod: Pod,
}

impl Member {
    /// It as a sentinel, as it is now.
    pub(super) fn sentinel(&self) -> SentinelProcess {
        SentinelProcess {
            name: self.name.clone(),
            pid: self.pod.pid(),
            address: self.address.clone(),
            dir: self.dir.clone(),
        }
    }
}
