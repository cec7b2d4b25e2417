//! What an agent decides or finds out, and a person may want to know: told to the sentinels, and written to the log.

use crate::decided::Decided;
use crate::names::{Epoch, Incarnation, Node};
use crate::time::Millis;
use std::fmt;

/// One decision of an agent, about its own node. The code is stable; the sentence is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// redis-server runs, sealed, under this name.
    ServerRuns(Incarnation),
    /// redis-server has ended, for this reason.
    ServerEnded(String),
    /// redis-server is not started on the files that are there, for this reason.
    ServerRefused(String),
    /// redis-server is killed.
    ServerKilled(KillReason),
    /// A script has run for longer than is allowed.
    ScriptEnded {
        /// How long it has run.
        lasted: Millis,
        /// How long it may run.
        limit: Millis,
    },
    /// Clients may write.
    Opened(Epoch),
    /// Clients may not write any more, for a new epoch.
    Sealed {
        /// Of this epoch.
        epoch: Epoch,
        /// How far the data reach.
        offset: u64,
    },
    /// Clients may not write any more, since the lease of this epoch has run out.
    LeaseLost(Epoch),
    /// It stops, and nobody took over, for this reason.
    NotHandedOver(String),
    /// Its data are not known to the group.
    Quarantined,
    /// It keeps its data from an empty reign, for this reason.
    Withheld(String),
    /// The end of its data is missing, for this reason.
    DataShorter(String),
    /// Its data are not those that were noted, for this reason.
    DataUnlike(String),
    /// A copy has emptied its memory and was not completed.
    DataEmptied(String),
    /// Its data were set aside there.
    DataKept(String),
    /// Copies of the primary fail or are held back, for this reason.
    CopiesFail(String),
}

/// Why an agent ends its redis-server at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KillReason {
    /// It stands still, as this says, and does not rule any more.
    Revoked(String),
    /// It stands still or is busy, as this says.
    Unwell(String),
    /// The same, and no replica has taken over within this time.
    WithoutHeir(String, Millis),
    /// An order to open was not answered: it may yet be carried out.
    NotOpened,
    /// The same, and its lease has run out meanwhile.
    NotOpenedInTime,
    /// An order to refuse writes was not answered.
    NotFenced,
    /// An order to seal was not answered.
    NotSealed,
    /// Somebody else made it a master or a replica.
    RoleChanged,
    /// Somebody else let a replica take writes.
    WritableReplica,
    /// A copy emptied its memory, and its files still hold what that lost.
    Emptied,
}

impl Decision {
    /// A word for programs, which does not change with the sentence.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ServerRuns(_) => "ServerRuns",
            Self::ServerEnded(_) => "ServerEnded",
            Self::ServerRefused(_) => "ServerRefused",
            Self::ServerKilled(_) => "ServerKilled",
            Self::ScriptEnded { .. } => "ScriptEnded",
            Self::Opened(_) => "Opened",
            Self::Sealed { .. } => "Sealed",
            Self::LeaseLost(_) => "LeaseLost",
            Self::NotHandedOver(_) => "NotHandedOver",
            Self::Quarantined => "Quarantined",
            Self::Withheld(_) => "Withheld",
            Self::DataShorter(_) => "DataShorter",
            Self::DataUnlike(_) => "DataUnlike",
            Self::DataEmptied(_) => "DataEmptied",
            Self::DataKept(_) => "DataKept",
            Self::CopiesFail(_) => "CopiesFail",
        }
    }

    /// As others are told of it.
    pub fn said(&self, node: &Node) -> Decided {
        Decided {
            code: self.code().to_owned(),
            text: self.of(node).to_string(),
        }
    }

    /// The sentence for people.
    pub fn of<'a>(&'a self, node: &'a Node) -> Sentence<'a> {
        Sentence {
            decision: self,
            node,
        }
    }
}

/// A decision as people read it.
#[derive(Clone, Copy, Debug)]
pub struct Sentence<'a> {
    decision: &'a Decision,
    node: &'a Node,
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.node;
        match self.decision {
            Decision::ServerRuns(run) => {
                write!(f, "redis-server of {node} runs, sealed, as {run}")
            }
            Decision::ServerEnded(why) => write!(f, "redis-server of {node} ended: {why}"),
            Decision::ServerRefused(why) => {
                write!(f, "does not start redis-server of {node}: {why}")
            }
            Decision::ServerKilled(why) => write!(f, "killed redis-server of {node}: {why}"),
            Decision::ScriptEnded { lasted, limit } => write!(
                f,
                "ends a script on {node} that has run for {lasted} ms: script_limit_seconds allows {limit} ms"
            ),
            Decision::Opened(epoch) => write!(f, "opened {node} to writes in epoch {epoch}"),
            Decision::Sealed { epoch, offset } => {
                write!(f, "sealed {node} for epoch {epoch} at {offset}")
            }
            Decision::LeaseLost(epoch) => write!(
                f,
                "closed {node} to writes: no majority of sentinels renewed its lease of epoch {epoch}"
            ),
            Decision::NotHandedOver(why) => write!(f, "{node} stops without a handoff: {why}"),
            Decision::Quarantined => write!(
                f,
                "{node} stays in quarantine: its data is not known to this group"
            ),
            Decision::Withheld(why) => write!(f, "{node} stays sealed: {why}"),
            Decision::DataShorter(why) => write!(
                f,
                "the end of the data of {node} is missing: {why}. They count as far as was safe on disk"
            ),
            Decision::DataUnlike(why) => {
                write!(f, "the data of {node} are not those that were noted: {why}")
            }
            Decision::DataEmptied(why) => write!(f, "{node} has no vote: {why}"),
            Decision::DataKept(place) => write!(
                f,
                "kept the data of {node} in {place}, before a copy may take their place"
            ),
            Decision::CopiesFail(why) => write!(f, "{node}: {why}"),
        }
    }
}

impl fmt::Display for KillReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked(how) => write!(f, "it is frozen ({how}), and its reign has ended"),
            Self::Unwell(how) => f.write_str(how),
            Self::WithoutHeir(how, within) => write!(
                f,
                "{how}; no replica has taken over for {within} ms, and its append-only file holds all that it answered"
            ),
            Self::NotOpened => f.write_str("it did not answer the order to open"),
            Self::NotOpenedInTime => {
                f.write_str("it did not answer the order to open before its lease ran out")
            }
            Self::NotFenced => f.write_str("it did not answer the order to refuse writes"),
            Self::NotSealed => f.write_str("it did not let itself be sealed"),
            Self::RoleChanged => f.write_str("its role was changed from outside"),
            Self::WritableReplica => f.write_str(
                "`replica-read-only` was switched off, so it may hold writes that its primary does not have",
            ),
            Self::Emptied => f.write_str("its files still hold what its memory has lost"),
        }
    }
}
