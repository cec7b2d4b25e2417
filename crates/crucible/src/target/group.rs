//! What is running: the group as `cluster.json` describes it.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The processes of one group. Read afresh before every fault: pids change when processes are started again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The group's name for `SENTINEL get-master-addr-by-name`.
    pub group: String,
    /// Every sentinel.
    pub sentinels: Vec<SentinelProcess>,
    /// Every node.
    pub nodes: Vec<NodeProcess>,
}

/// One sentinel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentinelProcess {
    /// Stable name.
    pub name: String,
    /// Process id; absent (or 0) while it is not running.
    #[serde(default)]
    pub pid: Option<i32>,
    /// `host:port` for clients.
    pub address: String,
    /// Where it keeps its memory.
    #[serde(default)]
    pub dir: PathBuf,
}

/// One redis-server and, in Holdfast, its agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeProcess {
    /// Stable name.
    pub name: String,
    /// Process id of the agent; absent where there is none (stock Redis) or while it is down.
    #[serde(default)]
    pub agent_pid: Option<i32>,
    /// Process id of redis-server; absent (or 0) while it is down.
    #[serde(default)]
    pub server_pid: Option<i32>,
    /// `host:port` for clients and replicas.
    pub address: String,
    /// Where redis-server keeps its data files.
    #[serde(default)]
    pub data_dir: PathBuf,
}

impl Group {
    /// The node that listens at `address`.
    pub fn node_at(&self, address: &str) -> Option<&NodeProcess> {
        self.nodes.iter().find(|node| node.address == address)
    }

    /// The node called `name`.
    pub fn node(&self, name: &str) -> Option<&NodeProcess> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Addresses of all sentinels, in order.
    pub fn sentinel_addresses(&self) -> Vec<String> {
        self.sentinels
            .iter()
            .map(|sentinel| sentinel.address.clone())
            .collect()
    }

    /// Addresses of all nodes, in order; the index is the node's number in a history.
    pub fn node_addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.address.clone()).collect()
    }

    /// Whether every process that must run has a pid.
    pub fn complete(&self) -> bool {
        let running = |pid: Option<i32>| pid.is_some_and(|pid| pid > 0);
        !self.nodes.is_empty()
            && self.nodes.iter().all(|node| running(node.server_pid))
            && self.sentinels.iter().all(|sentinel| running(sentinel.pid))
    }

    /// Every pid of the group: sentinels, agents, servers.
    pub fn pids(&self) -> Vec<i32> {
        let nodes = self
            .nodes
            .iter()
            .flat_map(|node| [node.agent_pid, node.server_pid]);
        let sentinels = self.sentinels.iter().map(|sentinel| sentinel.pid);
        sentinels
            .chain(nodes)
            .flatten()
            .filter(|pid| *pid > 1)
            .collect()
    }
}
