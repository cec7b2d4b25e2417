//! The cluster that ../shared/k8s brings up: three real nodes as process trees on this machine.

use super::Ground;
use crate::command;
use crate::processes::{Frozen, with_words};
use crate::wait::seconds;
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// That cluster, and whether it was brought up here.
#[derive(Debug)]
pub(super) struct Local {
    tool: PathBuf,
    /// Its state: addresses, binaries, nodes' disks.
    folder: PathBuf,
    is_ours: bool,
}

/// Whether a kubeconfig is that tool's.
pub(super) fn is_of(tool: &Path, config: &Path) -> bool {
    folder(tool).is_ok_and(|folder| config == folder.join("kubeconfig"))
}

fn folder(tool: &Path) -> anyhow::Result<PathBuf> {
    let lines = command::run(Command::new(tool).arg("env"), seconds(30), None)?;
    let folder = lines
        .lines()
        .find_map(|line| line.strip_prefix("export K8S_DIR="));
    Ok(folder.context("`cluster env` says no K8S_DIR")?.into())
}

impl Local {
    /// Brings it up, or takes the one that is up.
    pub(super) fn up(tool: PathBuf) -> anyhow::Result<Self> {
        let said = command::run(Command::new(&tool).arg("up"), seconds(400), None)?;
        eprint!("{said}");
        let folder = folder(&tool)?;
        Ok(Self {
            tool,
            folder,
            is_ours: !said.starts_with("already up"),
        })
    }

    fn tell(&self, words: &[&str]) -> anyhow::Result<()> {
        command::run(Command::new(&self.tool).args(words), seconds(120), None)?;
        Ok(())
    }
}

impl Ground for Local {
    fn kubectl(&self) -> PathBuf {
        self.folder.join("bin/kubectl")
    }

    fn config(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    fn pulls(&self) -> bool {
        false
    }

    fn load(&self, archive: &Path) -> anyhow::Result<()> {
        self.tell(&["load-image", &archive.to_string_lossy()])
    }

    fn stop(&self, node: &str) -> anyhow::Result<()> {
        self.tell(&["node-stop", node])
    }

    fn start(&self, node: &str) -> anyhow::Result<()> {
        self.tell(&["node-start", node])
    }

    fn cut(&self, node: &str) -> anyhow::Result<()> {
        self.tell(&["net-cut", node])
    }

    fn heal(&self, node: &str) -> anyhow::Result<()> {
        self.tell(&["net-heal", node])
    }

    fn network(&self, node: &str) -> anyhow::Result<PathBuf> {
        Ok(format!("/run/netns/hf-{node}").into())
    }

    fn freeze_control_plane(&self) -> anyhow::Result<Frozen> {
        let folder = self.folder.to_string_lossy();
        let mut pids = Vec::new();
        for part in ["bin/kube-apiserver", "bin/kube-controller-manager"] {
            pids.extend(with_words(&[&format!("{folder}/{part} ")]));
        }
        pids.extend(with_words(&["dns.py", &folder]));
        Frozen::freeze(pids)
    }

    fn reuse_addresses(&self, node: &str) -> anyhow::Result<()> {
        let pid = std::fs::read_to_string(self.folder.join(format!("run/{node}.pid")))?;
        let pid = pid
            .split_whitespace()
            .next()
            .context("no process of the node")?;
        let mut rm = Command::new("nsenter");
        rm.args([
            "-t",
            pid,
            "-m",
            "rm",
            "-f",
            "/run/cni-ipam/net/last_reserved_ip.0",
        ]);
        command::run(&rm, seconds(10), None).map(|_| ())
    }

    fn end(&self) {
        if self.is_ours
            && let Err(error) = self.tell(&["down"])
        {
            eprintln!("e2e: {error:#}");
        }
    }
}
