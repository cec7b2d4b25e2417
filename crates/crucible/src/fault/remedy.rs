//! Undoing a fault.

use crate::target::network::{Filter, Place};
use crate::target::{System, process};
use anyhow::Result;
use nix::sys::signal::Signal;

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
        }
        Ok(())
    }
}
