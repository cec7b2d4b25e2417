//! What can strike, and what it takes.

use serde::{Deserialize, Serialize};

/// One kind of fault of a long run.
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
pub enum Blow {
    /// SIGKILL a redis-server.
    KillServer,
    /// SIGSTOP a redis-server for a while.
    FreezeServer,
    /// SIGKILL an agent.
    KillAgent,
    /// SIGSTOP an agent for a while.
    FreezeAgent,
    /// SIGKILL an agent and its redis-server.
    KillNode,
    /// SIGSTOP an agent and its redis-server for a while.
    FreezeNode,
    /// SIGKILL an agent and its redis-server, and delete the data.
    WipeNode,
    /// SIGTERM: a planned restart, as in a rolling upgrade.
    RestartNode,
    /// SIGKILL a sentinel.
    KillSentinel,
    /// SIGSTOP a sentinel for a while.
    FreezeSentinel,
    /// SIGKILL everything.
    KillEverything,
    /// SIGKILL everything, and cut all data files back to what was synced, before anything is started again.
    LosePower,
    /// A planned handoff.
    Handoff,
    /// Planned handoffs, one after the other.
    HandoffStorm,
    /// A node's cable is pulled for a while.
    PullCable,
    /// A sentinel's cable is pulled for a while.
    PullSentinelCable,
    /// A node is cut from the group for a while; clients reach it.
    CutFromGroup,
    /// A node is cut from clients for a while; the group reaches it.
    CutFromClients,
    /// A node hears nothing for a while; it is heard.
    Deaf,
    /// A node is not heard for a while; it hears.
    Mute,
    /// A node loses one packet in five for a while.
    Lossy,
    /// A node, another one and a sentinel are cut from all others for a while.
    Split,
    /// Every write of a redis-server to its disk fails for a while.
    DiskFull,
    /// Every fsync of a redis-server is slow for a while.
    SlowDisk,
    /// The wall clocks of a node jump for a while.
    ClockJump,
    /// SIGKILL a redis-server whose full copies fail for a while after its memory was emptied.
    FailedCopy,
    /// SIGKILL an agent and its redis-server, and take the last third of the append-only file.
    TruncatedAof,
    /// SIGKILL an agent and its redis-server; the manifest of the append-only files is gone for a while.
    LostManifest,
    /// A client runs a script without end.
    EndlessScript,
    /// A client pauses all clients of a redis-server for a while.
    ClientPause,
    /// A client acknowledges at the primary's gate in the name of another node for a while.
    ForgedAck,
}

/// Which blows the system does not stand today, and why: they fall only where they are named.
const AWAITED: &[(Blow, &str)] = &[];

/// What a group lets one do to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Powers {
    /// Every process has a network of its own.
    pub network: bool,
    /// Disks and clocks can be disturbed.
    pub interposer: bool,
    /// There are agents.
    pub agents: bool,
    /// Everything may be killed at once: not promised where only memory holds what was acknowledged.
    pub everything: bool,
    /// All machines may lose their power at once: promised where disks hold what was acknowledged.
    pub power: bool,
    /// Files can be mounted over.
    pub mounts: bool,
    /// Gates stand before the servers.
    pub gates: bool,
}

impl Blow {
    /// All that `powers` allow.
    pub fn palette(powers: Powers) -> Vec<Self> {
        let all = <Self as clap::ValueEnum>::value_variants();
        all.iter()
            .copied()
            .filter(|blow| blow.possible(powers))
            .collect()
    }

    fn possible(self, powers: Powers) -> bool {
        match self {
            Self::KillAgent | Self::FreezeAgent => powers.agents,
            Self::KillEverything => powers.everything,
            Self::LosePower => powers.power && powers.interposer,
            Self::DiskFull | Self::SlowDisk | Self::ClockJump => powers.interposer,
            Self::FailedCopy => powers.mounts,
            Self::ForgedAck => powers.gates,
            _ => powers.network || !self.touches_network(),
        }
    }

    /// Why the system does not stand it today, if so.
    pub fn awaits(self) -> Option<&'static str> {
        let found = AWAITED.iter().find(|(blow, _)| *blow == self);
        found.map(|(_, why)| *why)
    }

    fn touches_network(self) -> bool {
        matches!(
            self,
            Self::PullCable
                | Self::PullSentinelCable
                | Self::CutFromGroup
                | Self::CutFromClients
                | Self::Deaf
                | Self::Mute
                | Self::Lossy
                | Self::Split
        )
    }

    /// Its name, for people.
    pub fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self)
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it ends by itself after a while, so that its length counts.
    pub fn lasts(self) -> bool {
        self.touches_network()
            || matches!(
                self,
                Self::FreezeServer
                    | Self::FreezeAgent
                    | Self::FreezeNode
                    | Self::FreezeSentinel
                    | Self::DiskFull
                    | Self::SlowDisk
                    | Self::ClockJump
                    | Self::FailedCopy
                    | Self::LostManifest
                    | Self::ClientPause
                    | Self::ForgedAck
            )
    }

    /// Whether a node may lose its memory by it, directly or because it is closed or copied anew: so many at once are promised to be
    /// survived, not more.
    pub fn wounds(self) -> bool {
        !matches!(
            self,
            Self::KillSentinel
                | Self::FreezeSentinel
                | Self::PullSentinelCable
                | Self::Handoff
                | Self::HandoffStorm
                | Self::Lossy
                | Self::SlowDisk
                | Self::ClockJump
                | Self::ForgedAck
        )
    }

    /// Whether a sentinel is away by it.
    pub fn takes_sentinel(self) -> bool {
        matches!(
            self,
            Self::KillSentinel | Self::FreezeSentinel | Self::PullSentinelCable | Self::Split
        )
    }

    /// The colour class of its mark in the report.
    pub fn family(self) -> &'static str {
        match self {
            _ if self.touches_network() => "network",
            Self::Handoff | Self::HandoffStorm | Self::RestartNode => "planned",
            Self::DiskFull
            | Self::SlowDisk
            | Self::ClockJump
            | Self::FailedCopy
            | Self::TruncatedAof
            | Self::LostManifest => "machine",
            Self::FreezeServer | Self::FreezeAgent | Self::FreezeNode | Self::FreezeSentinel => {
                "freeze"
            }
            _ => "kill",
        }
    }
}
