//! A cluster of kind: each node is a container of Docker on this machine.

use super::Ground;
use crate::command;
use crate::processes::{Frozen, with_words};
use crate::wait::seconds;
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// That cluster. It was made elsewhere and stays.
#[derive(Debug)]
pub(super) struct Kind {
    config: PathBuf,
    cluster: String,
}

/// The cluster that a kubeconfig of kind talks to.
pub(super) fn cluster_of(config: &str) -> Option<String> {
    let context = config
        .lines()
        .find_map(|line| line.strip_prefix("current-context: "))?;
    context.trim().strip_prefix("kind-").map(Into::into)
}

impl Kind {
    pub(super) fn new(config: PathBuf, cluster: String) -> Self {
        Self { config, cluster }
    }
}

fn docker(words: &[&str]) -> anyhow::Result<String> {
    command::run(Command::new("docker").args(words), seconds(60), None)
}

impl Ground for Kind {
    fn kubectl(&self) -> PathBuf {
        "kubectl".into()
    }

    fn config(&self) -> PathBuf {
        self.config.clone()
    }

    fn pulls(&self) -> bool {
        true
    }

    fn load(&self, archive: &Path) -> anyhow::Result<()> {
        let mut kind = Command::new("kind");
        kind.args(["load", "image-archive", "--name", &self.cluster])
            .arg(archive);
        command::run(&kind, seconds(120), None).map(|_| ())
    }

    /// Silence first: Docker would let dying processes say goodbye.
    fn stop(&self, node: &str) -> anyhow::Result<()> {
        self.cut(node)?;
        docker(&["kill", node])?;
        self.heal(node)
    }

    fn start(&self, node: &str) -> anyhow::Result<()> {
        docker(&["start", node]).map(|_| ())
    }

    fn cut(&self, node: &str) -> anyhow::Result<()> {
        docker(&["exec", node, "ip", "link", "set", "eth0", "down"]).map(|_| ())
    }

    fn heal(&self, node: &str) -> anyhow::Result<()> {
        // A node that was killed gets its link back when it starts; its routes come with kindnet.
        let is_running = docker(&["inspect", "-f", "{{.State.Running}}", node])?.trim() == "true";
        if is_running {
            let gateway = docker(&[
                "inspect",
                "-f",
                "{{.NetworkSettings.Networks.kind.Gateway}}",
                node,
            ])?;
            docker(&["exec", node, "ip", "link", "set", "eth0", "up"])?;
            docker(&[
                "exec",
                node,
                "ip",
                "route",
                "replace",
                "default",
                "via",
                gateway.trim(),
            ])?;
        }
        Ok(())
    }

    fn network(&self, node: &str) -> anyhow::Result<PathBuf> {
        let pid = docker(&["inspect", "-f", "{{.State.Pid}}", node])?;
        Ok(format!("/proc/{}/ns/net", pid.trim()).into())
    }

    fn freeze_control_plane(&self) -> anyhow::Result<Frozen> {
        let parts = [
            "kube-apiserver --",
            "kube-controller-manager --",
            "coredns -conf",
        ];
        let pids = parts.iter().flat_map(|part| with_words(&[part])).collect();
        Frozen::freeze(pids)
            .context("the control plane of kind must run on this machine, and this as root")
    }

    fn reuse_addresses(&self, node: &str) -> anyhow::Result<()> {
        let file = "/run/cni-ipam-state/kindnet/last_reserved_ip.0";
        docker(&["exec", node, "rm", "-f", file]).map(|_| ())
    }

    fn end(&self) {}
}

#[cfg(test)]
mod tests {
    use super::cluster_of;

    #[test]
    fn only_kinds_contexts() {
        assert_eq!(
            cluster_of("a: b\ncurrent-context: kind-e2e\n").as_deref(),
            Some("e2e")
        );
        assert_eq!(cluster_of("current-context: test\n"), None);
    }
}
