//! Processes of pods and of the control plane, seen from the machine on which all nodes run.

use crate::pod::Pod;
use anyhow::{Context as _, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;

/// Sends a signal to every process of a pod whose program has that name. Fails when there is none.
pub(crate) fn signal_in_pod(pod: &Pod, program: &str, signal: Signal) -> anyhow::Result<()> {
    let is_of_pod = |pid: &Pid| {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        pod.containers.iter().any(|id| groups.contains(id))
    };
    let pids: Vec<Pid> = all()
        .filter(|pid| name(*pid) == program)
        .filter(is_of_pod)
        .collect();
    ensure!(
        !pids.is_empty(),
        "no process {program} of {} is seen from here: the nodes must run on this machine, and this as root",
        pod.name
    );
    let mut reached = false;
    for pid in pids {
        match kill(pid, signal) {
            // A container's first process takes the others with it.
            Err(Errno::ESRCH) => {}
            result => {
                result.with_context(|| format!("signalling {program}"))?;
                reached = true;
            }
        }
    }
    ensure!(reached, "{program} of {} ended by itself", pod.name);
    Ok(())
}

/// The name of the program that a process runs: of its file, not what it calls itself.
fn name(pid: Pid) -> String {
    let path = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let file = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    file.unwrap_or_default()
        .trim_end_matches(" (deleted)")
        .to_owned()
}

/// Processes whose command line contains all of these words.
pub(crate) fn with_words(words: &[&str]) -> Vec<Pid> {
    let has_all = |pid: &Pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        words.iter().all(|word| line.contains(word))
    };
    all().filter(has_all).collect()
}

fn all() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
}

/// Processes that stand still until this is dropped.
#[derive(Debug)]
pub(crate) struct Frozen {
    pids: Vec<Pid>,
}

impl Frozen {
    /// Stops them. Fails when there is none, or one cannot be stopped.
    pub(crate) fn freeze(pids: Vec<Pid>) -> anyhow::Result<Self> {
        ensure!(!pids.is_empty(), "nothing to freeze");
        let frozen = Self { pids };
        for pid in &frozen.pids {
            kill(*pid, Signal::SIGSTOP).with_context(|| format!("stopping process {pid}"))?;
        }
        Ok(frozen)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.pids {
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }
}
