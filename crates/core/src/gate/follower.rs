//! A member that follows the server behind a gate: what it was sent, and what it acknowledges of that.
//!
//! Every byte goes on as it came; here it is only counted and listened to. An acknowledgement of more than was sent on this
//! very connection is no replica's, whoever it comes from.

mod acknowledgements;
mod stream;
#[cfg(test)]
mod tests;

pub(super) use stream::Stream;

use super::handshake::Refusal;
use crate::names::{Address, Node};
use acknowledgements::Acknowledgements;

/// One connection of a member.
#[derive(Debug)]
pub struct Follower {
    node: Option<Node>,
    address: Option<Address>,
    stream: Stream,
    acknowledgements: Acknowledgements,
}

impl Follower {
    pub(super) fn new(node: Option<Node>, address: Option<Address>, stream: Stream) -> Self {
        Self {
            node,
            address,
            stream,
            acknowledgements: Acknowledgements::default(),
        }
    }

    /// Whose it is, by the proof that it gave.
    pub fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    /// What it announces, if it has told all of it.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// The server sent this.
    pub fn sent(&mut self, bytes: &[u8]) {
        self.stream.read(bytes);
    }

    /// Whether the next bytes of the server need only be counted.
    pub fn is_counted(&self) -> bool {
        self.stream.is_counted()
    }

    /// The server sent so many bytes, which need only be counted.
    pub fn sent_more(&mut self, bytes: u64) {
        self.stream.count(bytes);
    }

    /// The member said this. Returns the most that it acknowledges, if anything.
    ///
    /// # Errors
    /// When that is more than it was sent.
    pub fn said(&mut self, bytes: &[u8]) -> Result<Option<u64>, Refusal> {
        let most = self.acknowledgements.read(bytes);
        let sent = self.stream.end();
        match most {
            Some(acknowledged) if acknowledged > sent => {
                Err(Refusal::Beyond { acknowledged, sent })
            }
            most => Ok(most),
        }
    }
}
