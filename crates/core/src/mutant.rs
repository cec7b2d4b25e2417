//! Bugs that can be planted on purpose. The simulator must find each of them, or it proves nothing.

use serde::{Deserialize, Serialize};

/// One planted bug; production runs with [`Mutant::None`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutant {
    /// No bug.
    #[default]
    None,
    /// An agent reports itself sealed before replication is cut.
    ReportBeforeSeal,
    /// A restarted process counts as the one before.
    IgnoreIncarnation,
    /// Offsets are compared without their epoch.
    CompareOffsetsOnly,
    /// An election while the epoch is not stable forgets the rule of the epoch before.
    SkipPreviousRule,
    /// A loading node may be elected.
    AcceptLoading,
    /// An agent does not remember its promise when it restarts.
    ForgetPromise,
    /// An acceptor answers before its slot is on disk.
    AnswerBeforeDisk,
    /// A sentinel that lost its disk goes on under its old identity.
    ReuseIdentity,
    /// Nobody waits for the old primary's lease.
    SkipLeaseWait,
    /// A sentinel goes on granting leases after it accepted an election.
    GrantWhileElecting,
    /// An agent does not close its node when the lease is over.
    AgentIgnoresLease,
    /// An empty node may be chosen when everything restarts.
    PromoteEmpty,
    /// A handoff does not wait until the target has everything.
    HandoffWithoutCatchUp,
}

impl Mutant {
    /// Every planted bug.
    pub const ALL: [Self; 13] = [
        Self::ReportBeforeSeal,
        Self::IgnoreIncarnation,
        Self::CompareOffsetsOnly,
        Self::SkipPreviousRule,
        Self::AcceptLoading,
        Self::ForgetPromise,
        Self::AnswerBeforeDisk,
        Self::ReuseIdentity,
        Self::SkipLeaseWait,
        Self::GrantWhileElecting,
        Self::AgentIgnoresLease,
        Self::PromoteEmpty,
        Self::HandoffWithoutCatchUp,
    ];
}
