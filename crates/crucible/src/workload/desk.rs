//! What every client works with.

use crate::client::Session;
use crate::dice::Dice;
use crate::history::Recorder;
use crate::workload::names;

/// Session, record and dice of one client.
#[derive(Debug)]
pub struct Desk {
    /// How it reaches servers.
    pub session: Session,
    /// What it did.
    pub recorder: Recorder,
    /// For choices.
    pub dice: Dice,
    /// Prefix of its keys.
    pub tag: String,
}

impl Desk {
    /// The client's number.
    pub fn client(&self) -> u16 {
        self.recorder.client()
    }

    /// Mark of the next operation: unique in the round.
    pub fn mark(&self) -> String {
        format!("{}:{}", self.recorder.client(), self.recorder.sequence())
    }

    /// Key of the client's unique `SET` that is `ahead` operations from now.
    pub fn set_key(&self, ahead: u64) -> String {
        names::set_key(&self.tag, self.client(), self.recorder.sequence() + ahead)
    }
}
