//! Between sentinels.

use crate::names::{Epoch, Group, Incarnation, Node};
use crate::record::Record;
use crate::register::{Ballot, Versioned, Voters};
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What a register may hold: the record of a group, or (under the empty group name) the voters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A group's record.
    Record(Box<Record>),
    /// Who votes.
    Voters(Voters),
}

impl Versioned for Value {
    fn version(&self) -> u64 {
        match self {
            Self::Record(record) => record.version(),
            Self::Voters(voters) => voters.version(),
        }
    }
}

/// What one sentinel thinks of a group's primary.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing wrong.
    #[default]
    Fine,
    /// Nothing heard for too long.
    Silent,
    /// Its agent's connection was closed or reset, and it did not come back: the process is gone.
    Gone,
    /// Its agent says that redis-server does not answer.
    Hung,
    /// Its agent says that redis-server has ended, or runs in another incarnation.
    Dead,
}

/// A verdict and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// The node judged.
    pub node: Node,
    /// Its incarnation.
    pub incarnation: Incarnation,
    /// The verdict.
    pub verdict: Verdict,
    /// For how long it had been silent when this was said.
    pub silent_ms: Millis,
}

/// From a sentinel to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerMessage {
    /// Alive, and which voters it goes by. Sent at a steady pace.
    Alive {
        /// Identity that its disk gives the sender.
        identity: String,
        /// Version 0 while it has none: a new sentinel, or one that lost its disk.
        voters: Voters,
    },
    /// Ask for a promise.
    Prepare {
        /// The register.
        group: Group,
        /// Who votes, as the sender knows.
        voters: Voters,
        /// The attempt.
        ballot: Ballot,
    },
    /// A promise, with what was accepted before.
    Promise {
        /// The register.
        group: Group,
        /// Identity of the acceptor.
        identity: String,
        /// The attempt.
        ballot: Ballot,
        /// The last accepted value.
        accepted: Option<(Ballot, Value)>,
    },
    /// Ask to accept.
    Accept {
        /// The register.
        group: Group,
        /// Who votes, as the sender knows.
        voters: Voters,
        /// The attempt.
        ballot: Ballot,
        /// The value.
        value: Value,
        /// Ballot that the sender wants reserved for its next change.
        next: Ballot,
    },
    /// Accepted.
    Accepted {
        /// The register.
        group: Group,
        /// Identity of the acceptor.
        identity: String,
        /// The attempt.
        ballot: Ballot,
        /// How long the acceptor's last lease to the revoked primary still runs.
        lease_ms: Millis,
    },
    /// Refused: a higher ballot is promised, or the voters are others.
    Refused {
        /// The register.
        group: Group,
        /// The attempt.
        ballot: Ballot,
        /// What is promised.
        promised: Ballot,
        /// The acceptor's voters.
        voters: Voters,
    },
    /// A committed value.
    Learn {
        /// The register.
        group: Group,
        /// The value.
        value: Value,
    },
    /// What the sender thinks of the primary of `group`.
    Opinion {
        /// The group.
        group: Group,
        /// Epoch of the record that it goes by.
        epoch: Epoch,
        /// Its opinion; none when all is well.
        opinion: Option<Opinion>,
    },
    /// A message of a newer version, to be ignored.
    #[serde(other)]
    Unknown,
}
