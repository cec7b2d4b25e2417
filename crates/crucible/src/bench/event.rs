//! The events of the table.

use crate::fault::Drill;
use crate::target::Durability;
use serde::{Deserialize, Serialize};

/// One row of the table.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// SIGKILL redis-server, small data.
    Crash,
    /// SIGKILL redis-server holding 2 GiB.
    CrashBig,
    /// SIGSTOP redis-server.
    Freeze,
    /// SIGKILL agent and redis-server together.
    Node,
    /// Network of the primary cut.
    Partition,
    /// Planned handoff.
    Handoff,
    /// A sentinel and the primary die.
    PrimaryAndSentinel,
    /// Primary restarted without its data within 50 ms.
    RestartEmpty,
}

impl Event {
    /// All of them, the slow one last.
    pub fn all() -> Vec<Self> {
        vec![
            Self::Crash,
            Self::Freeze,
            Self::Node,
            Self::Handoff,
            Self::PrimaryAndSentinel,
            Self::RestartEmpty,
            Self::Partition,
            Self::CrashBig,
        ]
    }

    /// The drill that makes it happen.
    pub fn drill(self) -> Drill {
        match self {
            Self::Crash | Self::CrashBig => Drill::Crash,
            Self::Freeze => Drill::Freeze,
            Self::Node => Drill::Node,
            Self::Partition => Drill::Partition,
            Self::Handoff => Drill::Handoff,
            Self::PrimaryAndSentinel => Drill::PrimaryAndSentinel,
            Self::RestartEmpty => Drill::RestartEmpty,
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Crash => "SIGKILL redis-server, small data",
            Self::CrashBig => "SIGKILL redis-server holding 2 GiB",
            Self::Freeze => "SIGSTOP redis-server (hang)",
            Self::Node => "SIGKILL agent and redis-server together",
            Self::Partition => "network of the primary cut",
            Self::Handoff => "handoff (pause)",
            Self::PrimaryAndSentinel => "a sentinel and the primary die",
            Self::RestartEmpty => "primary restarted empty within 50 ms",
        }
    }

    /// What Holdfast aims at: median and 99th percentile, in milliseconds. Without a lease to wait for a cut is over sooner.
    pub fn goal_ms(self, durability: Durability) -> Option<(u32, u32)> {
        match self {
            Self::Partition if durability.waits() => Some((350, 700)),
            Self::Crash => Some((60, 200)),
            Self::CrashBig => Some((100, 300)),
            Self::Freeze => Some((250, 500)),
            Self::Node => Some((300, 700)),
            Self::Partition => Some((800, 1200)),
            Self::Handoff => Some((10, 50)),
            Self::PrimaryAndSentinel => Some((160, 300)),
            Self::RestartEmpty => None,
        }
    }
}

impl Event {
    /// Short, for the plot.
    pub fn drill_label(self) -> String {
        if self == Self::CrashBig {
            "crash, 2 GiB".to_owned()
        } else {
            self.drill().name().replace('-', " ")
        }
    }
}
