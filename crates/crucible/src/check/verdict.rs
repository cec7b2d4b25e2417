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
    /// A read that missed an acknowledged write which had completed before the read began.
    Stale,
    /// Removed, and there again.
    Resurrected,
    /// Seen by a read, and gone later.
    RolledBack,
    /// Half of a transaction.
    Torn,
    /// The two checkers of registers do not agree: the crucible itself is broken.
    Disputed,
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
    /// Reads that missed an acknowledged write.
    #[serde(default)]
    pub stale: u64,
    /// Removed, and there again.
    #[serde(default)]
    pub resurrected: u64,
    /// Reads of what is gone later.
    #[serde(default)]
    pub rolled_back: u64,
    /// Transactions of which a half was seen.
    #[serde(default)]
    pub torn: u64,
    /// Registers checked for linearizability.
    #[serde(default)]
    pub registers: u64,
    /// Of these, how many only one of the two checkers could judge: the search took too long.
    #[serde(default)]
    pub undecided: u64,
    /// Registers on which the two checkers disagree.
    #[serde(default)]
    pub disputed: u64,
    /// Nodes that hold other data than the primary after the round.
    #[serde(default)]
    pub diverged: u64,
    /// Keys that every node had before the fault, and that are gone.
    #[serde(default)]
    pub erased: u64,
    /// Looks at the primary that the sentinels name which found none of those keys.
    #[serde(default)]
    pub empty_served: u64,
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
            Finding::Stale => self.stale += 1,
            Finding::Resurrected => self.resurrected += 1,
            Finding::RolledBack => self.rolled_back += 1,
            Finding::Torn => self.torn += 1,
            Finding::Disputed => self.disputed += 1,
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

    /// All that breaks the promise of `quorum`: acknowledged, or shown to a reader, and not kept. In `async` a crash may cause
    /// it.
    pub fn not_kept(&self) -> u64 {
        self.all_lost() + self.stale + self.resurrected + self.rolled_back
    }

    /// Whether something is wrong in any durability: repeated, invented, torn or reordered data,
    /// settled data that are gone or were served as an empty set, or two writable primaries.
    pub fn broken(&self) -> bool {
        self.wrong() > 0
    }

    /// How much of that there is.
    pub fn wrong(&self) -> u64 {
        self.duplicated
            + self.phantom
            + self.reordered
            + self.foreign
            + self.torn
            + self.disputed
            + self.diverged
            + self.erased
            + self.empty_served
            + self.two_writable
    }

    /// Adds what another round showed.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.acknowledged, other.acknowledged),
            (&mut self.lost, other.lost),
            (&mut self.lost_direct, other.lost_direct),
            (&mut self.duplicated, other.duplicated),
            (&mut self.phantom, other.phantom),
            (&mut self.reordered, other.reordered),
            (&mut self.foreign, other.foreign),
            (&mut self.stale, other.stale),
            (&mut self.resurrected, other.resurrected),
            (&mut self.rolled_back, other.rolled_back),
            (&mut self.torn, other.torn),
            (&mut self.registers, other.registers),
            (&mut self.undecided, other.undecided),
            (&mut self.disputed, other.disputed),
            (&mut self.diverged, other.diverged),
            (&mut self.erased, other.erased),
            (&mut self.empty_served, other.empty_served),
            (&mut self.two_writable, other.two_writable),
            (&mut self.switches, other.switches),
        ];
        for (sum, more) in pairs {
            *sum += more;
        }
        let room = MOST_EXAMPLES.saturating_sub(self.examples.len());
        self.examples
            .extend(other.examples.iter().take(room).cloned());
    }
}
