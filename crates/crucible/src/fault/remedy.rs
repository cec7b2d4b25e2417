//! Undoing a fault.

use crate::target::network::{Filter, Place};
use crate::target::{Mount, System, files, process};
use anyhow::Result;
use nix::sys::signal::Signal;
use std::path::PathBuf;

/// One thing to undo at the end of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Let a stopped process go on.
    Continue(i32),
    /// Plug the cable in.
    Mend(Place),
    /// Let the group through again.
    Reunite(Place),
    /// Let through again what a filter drops.
    Open(Filter),
    /// Leave a process's disk and clock alone.
    Relent(i32),
    /// Take away what was mounted over a file.
    Unmount(Mount),
    /// Put back a file that was lost, unless there is another by now.
    PutBack(PathBuf, PathBuf),
    /// End a process that will not end without a person.
    Kill(i32),
}

impl Remedy {
    /// Does it.
    pub fn apply(&self, system: &System) -> Result<()> {
        match self {
            Self::Continue(pid) => process::send(*pid, Signal::SIGCONT)?,
            Self::Mend(place) => system
                .network()
                .map_or(Ok(()), |network| network.mend(place))?,
            Self::Reunite(place) => system
                .network()
                .map_or(Ok(()), |network| network.reunite_with_group(place))?,
            Self::Open(filter) => filter.open()?,
            Self::Relent(pid) => {
                if let Some(interposer) = system.interposer() {
                    interposer.relent(*pid);
                }
            }
            Self::Unmount(mount) => mount.undo(),
            Self::PutBack(path, kept) => files::put_back(path, kept)?,
            Self::Kill(pid) => process::send(*pid, Signal::SIGKILL)?,
        }
        Ok(())
    }
}
