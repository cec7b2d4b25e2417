//! The register value of a group: who is primary, since when, and what that rests on.

mod durability;
mod reign;
mod transitions;

pub use durability::{Durability, OnLossOfQuorum, Terms};
pub use reign::Reign;

use crate::decided::Decided;
use crate::names::{Address, Epoch, Incarnation, Node, Sentinel};
use crate::position::Position;
use crate::register::Versioned;
use crate::server_version::ServerVersion;
use crate::syncset::{FormerRule, SyncRule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most reigns that a record remembers; older histories cannot be compared any more.
pub const HISTORY_MAX: usize = 32;

/// Most former rules that a record keeps. Beyond that only the primary itself is known to have everything, and the
/// next election needs it.
pub const FORMER_MAX: usize = 6;

/// Where a group stands in its current epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The old primary is being revoked; nobody is primary of this epoch yet.
    Electing,
    /// Chosen; it is being promoted and does not serve yet.
    Appointed,
    /// Serving; its history is on record.
    Stable,
}

/// One node in one incarnation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// The node.
    pub node: Node,
    /// The run of its redis-server.
    pub incarnation: Incarnation,
    /// Where clients and replicas reach it.
    pub address: Address,
    /// Name and number of its redis-server, if it told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerVersion>,
}

/// The register value of one group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// Raised by one with each change.
    pub version: u64,
    /// Number of the reign.
    pub epoch: Epoch,
    /// Where that reign stands.
    pub phase: Phase,
    /// The primary of this epoch; while electing, the one being revoked.
    pub primary: Option<Member>,
    /// Version in which that primary was appointed. What a node reported before it knew of that says nothing of its reign.
    #[serde(default)]
    pub appointed_at: u64,
    /// While electing: the node that a planned handoff is meant for.
    #[serde(default)]
    pub handoff: Option<Node>,
    /// While appointed: the new primary has all that its paused predecessor had, so nothing can have been lost.
    #[serde(default)]
    pub lossless: bool,
    /// Whose acknowledgements count. Empty in `async` durability. While electing or appointed: whose did.
    pub sync: SyncRule,
    /// Version in which that rule was set.
    #[serde(default)]
    pub sync_at: u64,
    /// The rules before, oldest first, until the gate has confirmed that the present one covers all that was released:
    /// at most [`FORMER_MAX`]. Elections satisfy them as well.
    #[serde(default)]
    pub former: Vec<FormerRule>,
    /// The gate goes by the present rule, and that waits for nobody, so that nobody is known to have what was released before:
    /// the former rules stay until one that waits for somebody is confirmed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_former: bool,
    /// The k in force while it is lower than the one asked for: degraded, or not reached yet.
    #[serde(default)]
    pub degraded_to: Option<usize>,
    /// The newest reigns, oldest first, at most [`HISTORY_MAX`].
    pub history: Vec<Reign>,
    /// Every node that belongs to the group.
    pub nodes: BTreeSet<Node>,
    /// What an acknowledgement promises.
    #[serde(flatten)]
    pub terms: Terms,
    /// Who wrote this version.
    pub by: Sentinel,
    /// Why.
    pub reason: Decided,
}

impl Versioned for Record {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Record {
    /// The epoch whose history `replid` names, if this record knows it.
    pub fn epoch_of(&self, replid: &str) -> Option<Epoch> {
        self.history
            .iter()
            .rev()
            .find(|reign| reign.replid == replid)
            .map(|reign| reign.epoch)
    }

    /// Epoch of the newest reign; 0 before the first.
    pub fn newest_reign(&self) -> Epoch {
        self.history.last().map_or(0, |reign| reign.epoch)
    }

    /// Whose data a position really tells of. Who has begun to follow a reign and has not come to where that begins holds
    /// nothing of it yet, and less than whoever has all of the reign before.
    pub fn place(&self, mut position: Position) -> Position {
        for pair in self.history.windows(2).rev() {
            if let [before, reign] = pair
                && reign.epoch == position.epoch
                && position.offset < reign.start
            {
                position.epoch = before.epoch;
            }
        }
        position
    }

    /// Whether `node`, in this very incarnation, is the primary of the epoch (not while electing).
    pub fn is_primary(&self, node: &Node, incarnation: &Incarnation) -> bool {
        self.phase != Phase::Electing
            && self
                .primary
                .as_ref()
                .is_some_and(|p| p.node == *node && p.incarnation == *incarnation)
    }

    /// How many replicas a new rule asks for: as many as the group wants, or fewer while it is degraded.
    pub fn k(&self) -> usize {
        self.degraded_to.unwrap_or_else(|| self.terms.k())
    }

    /// Whether the primary may serve without acknowledgements: then a lease is all that protects from a second one.
    pub fn is_leased(&self) -> bool {
        self.sync.k == 0 || self.former.iter().any(|former| former.rule.k == 0)
    }

    /// Whether all that was released is on the disks of those whose acknowledgements counted.
    pub fn is_on_disk(&self) -> bool {
        let mut held = self.rules().filter(|rule| rule.k > 0);
        self.has_held() && held.all(|rule| rule.on_disk)
    }

    /// Whether a node at this address is still where the rules look for this run of it. Once it has another address somebody
    /// else may have had the old one, and may have acknowledged in its place.
    pub fn looks_for(&self, node: &Node, run: &Incarnation, address: &Address) -> bool {
        let named = |rule: &&SyncRule| rule.members.get(node) == Some(run);
        let mut places = self.rules().filter(named).map(|r| r.addresses.get(node));
        places.all(|place| place.is_none_or(|place| place == address))
    }

    fn rules(&self) -> impl Iterator<Item = &SyncRule> {
        let former = self.former.iter().map(|former| &former.rule);
        former.chain([&self.sync])
    }

    /// The rule that holds until the gate has taken the present one over, if both are of this reign.
    pub fn rule_before(&self) -> Option<&SyncRule> {
        let last = self.former.last().filter(|f| f.until == self.epoch)?;
        Some(&last.rule).filter(|_| !self.keeps_former)
    }

    /// Whether the gate has not confirmed the present rule yet.
    pub fn is_joint(&self) -> bool {
        !self.former.is_empty() && !self.keeps_former
    }

    /// Whether what was released may be known only to those who acknowledged it.
    pub fn has_held(&self) -> bool {
        self.sync.k > 0 || self.former.iter().any(|former| former.rule.k > 0)
    }

    /// Whether `node` is named as primary, in whatever incarnation and phase.
    pub fn names(&self, node: &Node) -> bool {
        self.primary.as_ref().is_some_and(|p| p.node == *node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(terms: Terms) -> Record {
        let nodes = BTreeSet::new();
        let by = Sentinel::from("sentinel-0");
        Record::first(nodes, member("redis-0"), terms, &by, Decided::default())
    }

    fn member(node: &str) -> Member {
        Member {
            node: Node::from(node),
            incarnation: Incarnation::from("run"),
            address: Address::new(node, 6379),
            server: None,
        }
    }

    /// A reply waited for redis-1, and now it waits for nobody.
    fn degraded() -> Record {
        let by = Sentinel::from("sentinel-0");
        let mut record = first(Terms {
            durability: Durability::Quorum,
            ..Terms::default()
        });
        record.phase = Phase::Stable;
        record.sync = SyncRule::of([member("redis-1")], 1);
        record.with_rule(SyncRule::default(), &by, Decided::default())
    }

    #[test]
    fn what_was_released_before_a_group_degraded_is_not_forgotten() {
        let by = Sentinel::from("sentinel-0");
        let joint = degraded();
        assert!(joint.is_joint() && joint.rule_before().is_some());
        let kept = joint.confirmed(&by, Decided::default());
        assert!(!kept.is_joint() && kept.is_leased() && kept.has_held());
        assert_eq!((kept.former.len(), kept.rule_before()), (1, None));
        // Another election may choose another primary: it is still not forgotten.
        let reign = Reign {
            epoch: 2,
            replid: "second".to_owned(),
            start: 0,
            empty: false,
        };
        let electing = kept.electing(None, &by, Decided::default());
        let rule = SyncRule::of([member("redis-2")], 1);
        let next = electing.settled(reign, rule, &by, Decided::default());
        assert!(next.is_joint() && next.former[0].rule.members.len() == 1);
        assert!(next.confirmed(&by, Decided::default()).former.is_empty());
        // Who asks for `async` does not ask for that.
        let nothing = kept.with_terms(Terms::default(), &by, Decided::default());
        assert!(!nothing.has_held());
    }

    #[test]
    fn a_rule_that_waits_for_nobody_takes_nothing_off_the_disks() {
        let by = Sentinel::from("sentinel-0");
        let mut joint = degraded();
        for on_disk in [false, true] {
            joint.former[0].rule.on_disk = on_disk;
            assert_eq!(
                joint.confirmed(&by, Decided::default()).is_on_disk(),
                on_disk
            );
        }
        assert!(!first(Terms::default()).is_on_disk(), "nothing was held");
    }

    #[test]
    fn a_run_is_looked_for_where_the_rules_name_it() {
        let joint = degraded();
        let asks = |name: &str, host: &str| {
            let one = member(name);
            joint.looks_for(&one.node, &one.incarnation, &Address::new(host, 6379))
        };
        assert!(asks("redis-1", "redis-1") && !asks("redis-1", "redis-2"));
        assert!(asks("redis-2", "anywhere"), "no rule names it");
    }

    #[test]
    fn who_was_chosen_by_its_data_is_all_that_is_left_of_a_degraded_group_too() {
        let by = Sentinel::from("sentinel-0");
        let electing = degraded().electing(None, &by, Decided::default());
        let chosen = electing.appointed_by_data(member("redis-2"), &by, Decided::default());
        assert_eq!(chosen.sync, SyncRule::of([member("redis-2")], 1));
        assert!(chosen.former.is_empty());
        // Nor is the rule in force forgotten where the group asks for `async` by now.
        let mut leaving = electing;
        leaving.terms = Terms::default();
        leaving.sync = SyncRule::of([member("redis-1")], 1);
        let chosen = leaving.appointed_by_data(member("redis-2"), &by, Decided::default());
        assert_eq!(chosen.sync, SyncRule::of([member("redis-2")], 1));
    }

    #[test]
    fn a_position_before_the_beginning_of_its_reign_is_of_the_one_before() {
        let mut record = first(Terms::default());
        record.history = [(1, 0), (2, 100), (4, 200)]
            .map(|(epoch, start)| Reign {
                epoch,
                replid: format!("history-{epoch}"),
                start,
                empty: false,
            })
            .to_vec();
        let placed = |epoch, offset| record.place(Position { epoch, offset }).epoch;
        assert_eq!([placed(4, 200), placed(4, 199), placed(4, 99)], [4, 2, 1]);
        assert_eq!([placed(2, 300), placed(1, 0), placed(3, 50)], [2, 1, 3]);
    }
}
