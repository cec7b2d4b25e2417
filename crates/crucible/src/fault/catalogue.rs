//! The drills by name.

use crate::target::{Against, Interposer, Network};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One drill: a fault, or a planned event, that a round injects.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Drill {
    /// SIGKILL the primary's redis-server.
    Crash,
    /// SIGSTOP the primary's redis-server; SIGCONT after the failover.
    Freeze,
    /// SIGKILL the primary's agent.
    Agent,
    /// SIGSTOP the primary's agent; SIGCONT later.
    FreezeAgent,
    /// SIGKILL the primary's agent and redis-server together.
    Node,
    /// SIGSTOP the primary's agent and redis-server together: a host that stalls; SIGCONT after the failover.
    FreezeNode,
    /// SIGKILL a replica's redis-server.
    Replica,
    /// SIGKILL one sentinel.
    Sentinel,
    /// SIGKILL the primary's redis-server and one sentinel.
    PrimaryAndSentinel,
    /// SIGKILL every process of the group.
    Everything,
    /// SIGKILL every process of the group, and cut all data files back to what was synced, as if all machines lost power
    /// at once. Only `fsync` promises to lose nothing by it.
    Power,
    /// SIGKILL the primary's redis-server and delete its data within 50 ms; it comes back empty at once.
    RestartEmpty,
    /// Every write of the primary's redis-server to its disk fails.
    DiskFull,
    /// Every fsync of the primary's redis-server takes 300 ms longer, every write to a file 30 ms.
    SlowDisk,
    /// The wall clocks of the primary and of one sentinel jump an hour ahead, then behind.
    ClockJump,
    /// A script keeps the primary's redis-server busy for 5 s.
    LongScript,
    /// Every node forks for a snapshot of 256 MiB.
    Fork,
    /// An endless loop on every core for 5 s.
    Saturated,
    /// The primary's network cable is pulled; plugged in again after the failover.
    Partition,
    /// The primary is cut from the rest of the group while clients still reach it.
    PartitionFromGroup,
    /// Two faults shortly after one another, drawn at random.
    TwoFaults,
    /// A planned handoff (`SENTINEL FAILOVER`).
    Handoff,
    /// Ten handoffs one after the other.
    HandoffStorm,
    /// A dozen faults and handoffs at random, some at the same time.
    Chaos,
}

/// What a round waits for after the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// Another node becomes primary.
    Switch,
    /// Writes go on, wherever.
    Writes,
}

impl Drill {
    /// Every drill.
    pub fn all() -> Vec<Self> {
        <Self as clap::ValueEnum>::value_variants().to_vec()
    }

    /// Its name on the command line.
    pub fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self)
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What to wait for.
    pub fn outlook(self, against: Against) -> Outlook {
        match self {
            Self::Freeze | Self::FreezeNode | Self::Partition => Outlook::Switch,
            // Holdfast answers when it is done; and clients that a gate took along may stay at the address where they were.
            Self::Handoff if against != Against::Holdfast => Outlook::Switch,
            _ => Outlook::Writes,
        }
    }

    /// How long the fault must last at least to show its effect: these do not stop the primary at once.
    pub fn least_hold(self) -> Duration {
        match self {
            Self::DiskFull
            | Self::SlowDisk
            | Self::FreezeAgent
            | Self::PartitionFromGroup
            | Self::Fork => Duration::from_secs(3),
            Self::TwoFaults => Duration::from_millis(2500),
            _ => Duration::ZERO,
        }
    }

    /// Whether the primary goes on serving until its successor takes over, so that only the pause tells.
    pub fn measures_pause(self) -> bool {
        !matches!(
            self,
            Self::Crash
                | Self::Freeze
                | Self::Node
                | Self::FreezeNode
                | Self::PrimaryAndSentinel
                | Self::Partition
                | Self::Everything
                | Self::Power
                | Self::RestartEmpty
        )
    }

    /// Whether it needs namespaces.
    pub fn needs_network(self) -> bool {
        matches!(self, Self::Partition | Self::PartitionFromGroup)
    }

    /// Whether it needs the interposer.
    pub fn needs_interposer(self) -> bool {
        matches!(
            self,
            Self::DiskFull | Self::SlowDisk | Self::ClockJump | Self::Power
        )
    }

    /// Whether acknowledged writes may not be lost in any durability: planned events, and data that only a mistake destroys.
    pub fn forbids_loss(self) -> bool {
        matches!(
            self,
            Self::Handoff
                | Self::HandoffStorm
                | Self::Sentinel
                | Self::Replica
                | Self::SlowDisk
                | Self::ClockJump
                | Self::LongScript
                | Self::Fork
                | Self::Saturated
        )
    }

    /// Why it cannot run here, if so.
    pub fn obstacle(self, against: Against) -> Option<String> {
        let agent = matches!(self, Self::Agent | Self::FreezeAgent | Self::FreezeNode);
        if against == Against::Upstream && agent {
            return Some("stock Redis has no agent".to_owned());
        }
        if against == Against::Upstream && self == Self::Power {
            return Some("stock Redis knows no durability that promises this".to_owned());
        }
        if self.needs_network() {
            return Network::obstacle();
        }
        if self.needs_interposer() {
            return Interposer::obstacle();
        }
        None
    }
}
