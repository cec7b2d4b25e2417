//! Looking at processes and sending them signals.

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::time::{Duration, Instant};

/// Sends `signal` to process `pid`. A process that is already gone is no error: the fault has happened.
///
/// # Errors
/// Refuses pid 0, 1 and negative ones (they would hit groups of processes), and reports a missing right.
pub fn send(pid: i32, signal: Signal) -> Result<()> {
    if pid <= 1 {
        bail!("refusing to signal pid {pid}");
    }
    match kill(Pid::from_raw(pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("send {signal} to pid {pid}")),
    }
}

/// Sends `signal` to all of `pids`, as far as that is possible.
pub fn send_all(pids: &[i32], signal: Signal) {
    for pid in pids {
        if let Err(error) = send(*pid, signal) {
            tracing::warn!("{error:#}");
        }
    }
}

/// Whether `pid` exists and is not a zombie.
pub fn alive(pid: i32) -> bool {
    matches!(state(pid), Some(state) if state != 'Z' && state != 'X')
}

/// The state letter of `/proc/PID/stat`: `R`, `S`, `T` (stopped), `Z`, …
pub fn state(pid: i32) -> Option<char> {
    after_comm(pid)?.chars().next()
}

/// `pids` and all their descendants: a supervisor may keep children that nobody lists.
pub fn families(pids: &[i32]) -> Vec<i32> {
    let parents = all().into_iter();
    let parents: Vec<(i32, i32)> = parents
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut family = pids.to_vec();
    // Grows while it is walked: children of children come in too.
    let mut next = 0;
    while let Some(elder) = family.get(next).copied() {
        let children = parents
            .iter()
            .filter(|(pid, parent)| *parent == elder && !family.contains(pid));
        let children: Vec<i32> = children.map(|(pid, _)| *pid).collect();
        family.extend(children);
        next += 1;
    }
    family
}

/// Every process that there is.
pub fn all() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok());
    pids.collect()
}

fn parent(pid: i32) -> Option<i32> {
    after_comm(pid)?.split(' ').nth(1)?.parse().ok()
}

/// Waits until every process of `pids` is gone, at most `limit`; says whether they are.
pub async fn wait_gone(pids: &[i32], limit: Duration) -> bool {
    let start = Instant::now();
    while pids.iter().any(|pid| alive(*pid)) {
        if start.elapsed() > limit {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Resident memory in bytes.
    pub rss_bytes: u64,
    /// User and system time in microseconds.
    pub cpu_micros: u64,
}

/// Reads what `pid` uses; `None` when it is gone.
pub fn usage(pid: i32) -> Option<Usage> {
    let stat = after_comm(pid)?;
    let fields: Vec<&str> = stat.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    // Fields 14 and 15 of proc(5) are ticks of 10 ms (USER_HZ is 100 on every Linux); 24 is pages.
    let ticks = number(11)? + number(12)?;
    Some(Usage {
        rss_bytes: number(21)? * 4096,
        cpu_micros: ticks * 10_000,
    })
}

/// `/proc/PID/stat` from the third field on: the name before it may hold blanks and brackets.
fn after_comm(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::Command;

    #[test]
    fn a_family_has_children_and_their_children() {
        let mut child = Command::new("sh")
            .args(["-c", "sh -c 'sleep 30; true' ; true"])
            .spawn()
            .unwrap();
        let pid = child.id() as i32;
        let deadline = Instant::now() + Duration::from_secs(5);
        while families(&[pid]).len() < 3 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let family = families(&[pid]);
        send_all(&family, Signal::SIGKILL);
        child.wait().unwrap();
        assert_eq!((family.len(), family[0]), (3, pid), "sh, sh, sleep");
    }

    #[test]
    fn dangerous_pids_are_refused_and_dead_ones_are_no_error() {
        assert!(
            [0, 1, -1, -5]
                .into_iter()
                .all(|pid| send(pid, Signal::SIGCONT).is_err())
        );
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id() as i32;
        child.wait().unwrap();
        assert!(!alive(pid));
        send(pid, Signal::SIGCONT).unwrap();
    }
}
