//! The drills by name.

use crate::target::{Against, Interposer, Mount, Network};
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
    /// Every replica's full copy fails after its memory was emptied, again and again; then the primary stands still for 13 s.
    FailedCopy,
    /// The whole group stops in order, the primary last; its append-only file loses its last third; all start again.
    TruncatedAof,
    /// The whole group stops in order, the primary last; the manifest of its append-only files is gone; all start again.
    LostManifest,
    /// A client runs a script without end on the primary; every second one has written before.
    EndlessScript,
    /// A client pauses all clients of the primary for 3 s.
    ClientPause,
    /// The memory of every sentinel is put back to what it was before a handoff.
    RegisterRollback,
    /// A client acknowledges in the name of a replica while all replicas stand still; then the primary and its disk are lost.
    ForgedAck,
    /// More clients than `maxclients` connect to the primary's address, again and again, while its redis-server starts again.
    MaxclientsStorm,
    /// `maxmemory` is set close to what is used, and 5 MB of live data are overwritten until 100 MB were written.
    OwnMaxmemory,
}

/// Which drills fail today, and why: not in the default set until the system is mended.
const AWAITED: &[(Drill, &str)] = &[];

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
                | Self::EndlessScript
                | Self::TruncatedAof
                | Self::LostManifest
        )
    }

    /// Why it fails today, if it does: it is run where it is named, and not by default.
    pub fn awaits(self) -> Option<&'static str> {
        let found = AWAITED.iter().find(|(drill, _)| *drill == self);
        found.map(|(_, why)| *why)
    }

    /// Whether data that every node had before the fault must outlive it, in every durability.
    pub fn spares_settled_data(self) -> bool {
        matches!(
            self,
            Self::FailedCopy
                | Self::TruncatedAof
                | Self::LostManifest
                | Self::EndlessScript
                | Self::ClientPause
                | Self::RegisterRollback
                | Self::ForgedAck
                | Self::MaxclientsStorm
                | Self::OwnMaxmemory
        )
    }

    /// Whether a group that says why it waits for a person has done right. It is then given that person's word.
    pub fn may_wait_for_a_person(self) -> bool {
        self == Self::RegisterRollback
    }

    /// Whether the primary must stay what it is: what happens is no reason for a failover.
    pub fn forbids_switch(self) -> bool {
        matches!(self, Self::ClientPause | Self::OwnMaxmemory)
    }

    /// Whether it strikes at a gate.
    pub fn needs_gate(self) -> bool {
        self == Self::ForgedAck
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
                | Self::ClientPause
                | Self::OwnMaxmemory
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
        if self == Self::FailedCopy {
            return Mount::obstacle();
        }
        if self.needs_interposer() {
            return Interposer::obstacle();
        }
        None
    }
}
