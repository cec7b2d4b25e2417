//! Orphans. PID 1 of a container inherits every process whose parent has died and must collect them, or the
//! container fills up with zombies; but it must not collect its own children behind the backs of their owners, who
//! would lose the exit status.

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Numbers of the children that somebody here waits for.
static OWNED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Time between two rounds.
const EVERY: Duration = Duration::from_millis(500);

/// Orphans collected in one round at most; the others wait for the next.
const PER_ROUND: usize = 256;

fn owned() -> MutexGuard<'static, BTreeSet<u32>> {
    OWNED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This child has an owner who waits for it. Call it right after the spawn, on the reaper's thread and without an
/// `await` between, so that no round comes in between.
pub fn own(pid: u32) {
    owned().insert(pid);
}

/// The owner has collected it.
pub fn disown(pid: u32) {
    owned().remove(&pid);
}

/// Collects orphans for ever. Does nothing unless this process is PID 1 or was told to be a subreaper.
pub async fn run(subreaper: bool) {
    if std::process::id() != 1 && !subreaper {
        return;
    }
    loop {
        round();
        tokio::time::sleep(EVERY).await;
    }
}

/// One round: looks at dead children without collecting them and takes those that nobody owns. Returns how many.
///
/// The kernel shows the same dead child until somebody collects it, so a child with an owner ends the round; its
/// owner comes within milliseconds and the next round sees what is behind it.
pub fn round() -> usize {
    for taken in 0..PER_ROUND {
        let peek = waitid(
            Id::All,
            WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT,
        );
        let Some(pid) = peek.ok().as_ref().and_then(WaitStatus::pid) else {
            return taken;
        };
        if owned().contains(&(pid.as_raw() as u32)) {
            return taken;
        }
        let _ = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG);
    }
    PER_ROUND
}
