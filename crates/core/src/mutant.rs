//! Bugs that can be planted on purpose. The simulator must find each of them, or it proves nothing.
//!
//! A bug behind a second line of defence would change nothing that anybody sees: such a mutant takes
//! both lines away, and says so.

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
    /// An election while the epoch is not stable forgets the rule of the epoch before. Without sync
    /// sets there is no such rule: only the exhaustive model of the election can show it.
    SkipPreviousRule,
    /// A loading node may be elected. Two lines of defence are away: its agent claims that it is
    /// sealed, and the sentinels count it as fit.
    AcceptLoading,
    /// An agent does not remember its promise when it restarts, and obeys a sentinel that has missed
    /// the newest election.
    ForgetPromise,
    /// An acceptor answers before its slot is on disk.
    AnswerBeforeDisk,
    /// A sentinel that lost its disk goes on under its old identity.
    ReuseIdentity,
    /// Nobody waits for the old primary's lease.
    SkipLeaseWait,
    /// A sentinel goes on granting leases after it accepted an election, until it learns how that ended.
    GrantWhileElecting,
    /// Nobody closes a node when its lease is over: neither its agent, nor its watchdog, which is given
    /// no deadline.
    AgentIgnoresLease,
    /// An agent takes the lease of any one sentinel for that of a majority.
    CountGrants,
    /// An empty node may be chosen when everything restarts.
    PromoteEmpty,
    /// A handoff does not wait until the target has everything.
    HandoffWithoutCatchUp,
    /// A former rule is dropped before the gate has confirmed that the new one covers what was released.
    ForgetFormerRule,
    /// An agent without memory obeys the first record that it is shown, also by a sentinel that has missed an election.
    TrustAnySentinel,
    /// The gate releases replies when it sends a barrier, not when that comes back.
    ReleaseEarly,
    /// The gate takes the number that `WAIT` returns for acknowledgements of members.
    TrustWait,
    /// The gate counts every connection of a replica, whoever that is and however often.
    CountConnections,
    /// The gate takes acknowledgements from before a reply for an answer to its barrier: replies that changed nothing are
    /// released although the replicas may follow somebody else by now.
    ReleaseNoOps,
    /// `fsync`: redis-server acknowledges, and answers, before its append-only file is synced.
    AckBeforeFsync,
    /// `fsync`: restarted nodes are compared by the position that their agents noted last, not by the stamp in their data.
    OffsetInsteadOfStamp,
    /// `fsync`: an agent goes on claiming what was on its disk after a copy, or nothing, has taken its place.
    KeepVoteOverCopy,
    /// An agent goes by the position that it noted, whatever the data in memory are by now.
    BelieveARememberedPosition,
    /// An append-only file that is shorter than it was when its position was noted counts as whole.
    LoadWhatWasTruncated,
    /// redis-server is started beside files that it ignores or overwrites.
    StartBesideIgnoredFiles,
    /// A sentinel goes by its register although agents have promised more than that holds.
    TrustARegisterPutBack,
    /// An agent takes a redis-server that runs an endless script for one that serves.
    TakeBusyForWell,
    /// A client's pause is waited out however long it lasts.
    WaitOutEveryPause,
    /// A primary that hangs in a script, and that nobody can replace, is waited for although its files hold everything.
    WaitForAnHeirForEver,
    /// A master counts its data as those of its own reign before the register says that it rules.
    ClaimAReignEarly,
    /// What a member acknowledged counts after its connection has ended, and in the next reign.
    RememberAcknowledgements,
    /// A full copy is begun although it surely cannot be read.
    CopyWhatCannotBeRead,
    /// A handoff that was asked for goes to an older server although nobody allowed that.
    HandOverBackwards,
    /// The gate takes whoever says so for a member that follows, and believes any number that it acknowledges. Three lines of
    /// defence are away: the proof of the name, the answers of the server, and what was sent on that connection.
    CountAForgedAcknowledgement,
    /// Data of which nothing was ever noted count as the group's.
    TrustUnnotedData,
    /// What a glance at redis-server does not see is taken from the glances' own memory, as if nothing else had looked since.
    RememberAnOldLook,
    /// A session that is carried over begins in the first database. Only tests on real servers can find it, so it is not
    /// among [`Mutant::ALL`].
    ForgetDatabase,
}

impl Mutant {
    /// Every planted bug that the simulator can find.
    pub const ALL: [Self; 37] = [
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
        Self::CountGrants,
        Self::PromoteEmpty,
        Self::HandoffWithoutCatchUp,
        Self::ForgetFormerRule,
        Self::TrustAnySentinel,
        Self::ReleaseEarly,
        Self::TrustWait,
        Self::CountConnections,
        Self::ReleaseNoOps,
        Self::AckBeforeFsync,
        Self::OffsetInsteadOfStamp,
        Self::KeepVoteOverCopy,
        Self::CountAForgedAcknowledgement,
        Self::TakeBusyForWell,
        Self::WaitOutEveryPause,
        Self::WaitForAnHeirForEver,
        Self::ClaimAReignEarly,
        Self::RememberAcknowledgements,
        Self::CopyWhatCannotBeRead,
        Self::HandOverBackwards,
        Self::BelieveARememberedPosition,
        Self::LoadWhatWasTruncated,
        Self::StartBesideIgnoredFiles,
        Self::TrustARegisterPutBack,
        Self::TrustUnnotedData,
        Self::RememberAnOldLook,
    ];
}
