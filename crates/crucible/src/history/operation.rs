//! One operation.

use crate::clock::Micros;
use serde::{Deserialize, Serialize};

/// Whether an operation happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Acknowledged.
    Ok,
    /// It certainly did not happen: an error reply, or never sent. With the reason.
    Fail(String),
    /// Nobody knows: the connection broke before the reply. With the reason.
    Info(String),
}

/// What was done. Together with client and sequence number it names the data written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// `SET` of a key of its own, by a client that follows the sentinels.
    Set,
    /// `SET` of a key of its own, straight to one node whatever its role.
    Direct,
    /// `RPUSH` of the sequence number to the client's list.
    Push,
    /// `INCR` of one counter; the value returned, if any.
    Increment(Option<i64>),
    /// Compare-and-set of one register from this value to the operation's own mark.
    Swap(String),
    /// `SADD` of its own mark to the set of the round.
    Add,
    /// `SREM` of the mark that the same client added as this operation.
    Remove(u64),
    /// `RPUSH` of its own mark to this shared list.
    Append(String),
    /// `LRANGE` of all of a shared list: its name, the marks found.
    Scan(String, Vec<String>),
    /// The content seen in a register: its name, what was found; empty for nothing.
    Read(String, String),
    /// `SET` of this register to its own mark.
    Write(String),
    /// Compare-and-set of a register that saw this content: its name, what was replaced.
    Exchange(String, String),
    /// Money moved between accounts in one `MULTI`, written in the ledger by its own mark.
    Transfer {
        /// Account that pays.
        from: usize,
        /// Account that receives.
        to: usize,
        /// How much.
        amount: i64,
    },
    /// All accounts as one command found them.
    Audit(Vec<i64>),
    /// `LPUSH` of its own mark to the queue.
    Enqueue,
    /// `BLMOVE` from the queue to the client's own list: the mark that came, if any.
    Take(Option<String>),
    /// `LREM` of a taken mark from the client's own list, which is done with it; whether it was there.
    Settle(String, bool),
}

impl Action {
    /// Whether it changes data, so that its acknowledgement promises something.
    pub fn writes(&self) -> bool {
        !matches!(
            self,
            Self::Scan(..)
                | Self::Read(..)
                | Self::Audit(_)
                | Self::Take(None)
                | Self::Settle(_, false)
        )
    }
}

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Which client.
    pub client: u16,
    /// Its how-manyth operation.
    pub sequence: u64,
    /// What it did.
    pub action: Action,
    /// Just before sending, in microseconds of the crucible's clock.
    pub invoke: Micros,
    /// When the outcome was known.
    pub complete: Micros,
    /// The outcome.
    pub outcome: Outcome,
    /// Address of the server.
    pub node: String,
}

impl Operation {
    /// Whether it was acknowledged.
    pub fn acknowledged(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// Whether it certainly did not happen.
    pub fn refused(&self) -> bool {
        matches!(self.outcome, Outcome::Fail(_))
    }

    /// The mark that it leaves in a register: `client:sequence`.
    pub fn mark(&self) -> String {
        format!("{}:{}", self.client, self.sequence)
    }
}
