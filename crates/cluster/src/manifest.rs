//! `DIR/cluster.json`: what runs now, for tests, drills and scripts.

use crate::atomic_file;
use holdfast_core::names::Address;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The group's processes. Pids are absent while a process is down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The group's name.
    pub group: String,
    /// All sentinels, by number.
    pub sentinels: Vec<SentinelEntry>,
    /// All nodes, by number.
    pub nodes: Vec<NodeEntry>,
}

/// One sentinel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentinelEntry {
    /// Its name, also that of its folder.
    pub name: String,
    /// Its process.
    pub pid: Option<i32>,
    /// Where clients connect.
    pub address: Address,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEntry {
    /// Its name, also that of its folder.
    pub name: String,
    /// The agent's process.
    pub agent_pid: Option<i32>,
    /// redis-server's process, as its agent tells.
    pub server_pid: Option<i32>,
    /// Where redis-server listens.
    pub address: Address,
    /// Where redis-server keeps its data.
    pub data_dir: PathBuf,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When there is none, or it is not one.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let text =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a cluster.json of Holdfast", path.display()))
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        atomic_file::write(path, &text, 0o644)
    }
}
