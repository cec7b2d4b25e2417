//! What the checkers found.

use serde::{Deserialize, Serialize};

/// One kind of finding about one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// Acknowledged, but not in the data.
    Lost,
    /// In the data more than once.
    Duplicated,
    /// Certainly refused, yet in the data.
    Phantom,
    /// In the data in another order than acknowledged.
    Reordered,
    /// In the data, but nobody wrote it, or with another value.
    Foreign,
}

/// Most examples kept per round.
const MOST_EXAMPLES: usize = 10;

/// The outcome of one round's check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Operations that were acknowledged.
    pub acknowledged: u64,
    /// Acknowledged to a client that follows the sentinels, and gone.
    pub lost: u64,
    /// Acknowledged to a client that hung on to one node (inside a cut, or pinned), and gone.
    pub lost_direct: u64,
    /// Found more than once.
    pub duplicated: u64,
    /// Refused, yet present.
    pub phantom: u64,
    /// Order not kept.
    pub reordered: u64,
    /// Written by nobody.
    pub foreign: u64,
    /// Nodes that hold other data than the primary after the round.
    #[serde(default)]
    pub diverged: u64,
    /// Acknowledgements by an old primary after a new one had acknowledged.
    pub two_writable: u64,
    /// Changes of primary announced in the round.
    pub switches: u64,
    /// The first few findings, for people.
    pub examples: Vec<String>,
}

impl Verdict {
    /// Counts one finding and keeps it as an example while there is room.
    pub fn find(&mut self, finding: Finding, what: impl FnOnce() -> String) {
        match finding {
            Finding::Lost => self.lost += 1,
            Finding::Duplicated => self.duplicated += 1,
            Finding::Phantom => self.phantom += 1,
            Finding::Reordered => self.reordered += 1,
            Finding::Foreign => self.foreign += 1,
        }
        self.example(finding, what);
    }

    /// Counts the loss of a write that was acknowledged to a pinned client.
    pub fn find_direct_loss(&mut self, what: impl FnOnce() -> String) {
        self.lost_direct += 1;
        self.example(Finding::Lost, what);
    }

    fn example(&mut self, finding: Finding, what: impl FnOnce() -> String) {
        if self.examples.len() < MOST_EXAMPLES {
            self.examples.push(format!("{finding:?}: {}", what()));
        }
    }

    /// All acknowledged writes that are gone.
    pub fn all_lost(&self) -> u64 {
        self.lost + self.lost_direct
    }

    /// Whether something is wrong in any durability: repeated, invented or reordered data, or two writable primaries.
    pub fn broken(&self) -> bool {
        self.duplicated
            + self.phantom
            + self.reordered
            + self.foreign
            + self.diverged
            + self.two_writable
            > 0
    }
}
