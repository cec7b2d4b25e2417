//! One group, as one sentinel sees it.

use super::proposing::Changing;
use super::witness::Outdone;
use super::{GroupConfig, NodeState};
use crate::decided::Decided;
use crate::limits::{SILENT_MIN, SILENT_MIN_HELD};
use crate::names::{Address, Epoch, Node, Sentinel};
use crate::record::{Phase, Record};
use crate::time::Millis;
use crate::wire::{Opinion, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything that a sentinel knows of one group.
#[derive(Clone, Debug)]
pub struct GroupState {
    pub(super) config: GroupConfig,
    /// Shared, as every look at the group takes it.
    pub(super) record: Option<Arc<Record>>,
    /// The register has been read since this sentinel started.
    pub(super) read: bool,
    /// Since when its slot holds a value newer than the newest committed one that it knows.
    pub(super) unlearned: Option<Millis>,
    /// Agents know of more than this sentinel.
    pub(super) outdone: Option<Outdone>,
    /// Since when this epoch is being elected, by this sentinel's clock.
    pub(super) electing: Option<(Epoch, Millis)>,
    /// Version of the voters under which this sentinel last completed a read or a write of the register.
    pub(super) spread: u64,
    /// When the record came to be what it is, by this sentinel's clock.
    pub(super) since: Millis,
    pub(super) changing: Changing,
    pub(super) nodes: BTreeMap<Node, NodeState>,
    /// What the others think of the primary, and when they said so.
    pub(super) opinions: BTreeMap<Sentinel, Opinion>,
    pub(super) opinion: Option<Opinion>,
    pub(super) opinion_said: Millis,
    pub(super) deposed_since: Option<Millis>,
    /// Until when this sentinel's last lease to the primary of that epoch runs.
    pub(super) granted: Option<(Epoch, Millis)>,
    /// While it drives an election: when the old primary's lease is over.
    pub(super) lease_over: Option<Millis>,
    pub(super) first_position: Option<Millis>,
    pub(super) announced: Option<(Epoch, Node, Address)>,
    pub(super) asked: Vec<super::handoff::Asked>,
    /// At most one: its change of the record is under way.
    pub(super) forgetting: Option<super::forget::Forgetting>,
    /// A person's word to go on from this node's data, and the newest reign when it was said: it counts until the next.
    pub(super) word: Option<(Node, Epoch)>,
    pub(super) paused_at: Option<Millis>,
    pub(super) trouble: Option<Decided>,
    /// When the last handoff began, as far as this sentinel saw it.
    pub(super) handed_at: Option<Millis>,
    /// Since when too few members of the sync set are in step.
    pub(super) short_since: Option<Millis>,
}

impl GroupState {
    pub(super) fn new(config: GroupConfig) -> Self {
        Self {
            config,
            record: None,
            read: false,
            unlearned: None,
            outdone: None,
            electing: None,
            spread: 0,
            since: 0,
            changing: Changing::default(),
            nodes: BTreeMap::new(),
            opinions: BTreeMap::new(),
            opinion: None,
            opinion_said: 0,
            deposed_since: None,
            granted: None,
            lease_over: None,
            first_position: None,
            announced: None,
            asked: Vec::new(),
            forgetting: None,
            word: None,
            paused_at: None,
            trouble: None,
            handed_at: None,
            short_since: None,
        }
    }

    /// The newest committed record that this sentinel has.
    pub fn record(&self) -> Option<&Record> {
        self.record.as_deref()
    }

    /// The nodes, by name.
    pub fn nodes(&self) -> &BTreeMap<Node, NodeState> {
        &self.nodes
    }

    /// The nodes that are judged as primaries: the one on record, and the one that clients are still given.
    pub(super) fn primaries(&self) -> BTreeSet<Node> {
        let recorded = self.record().and_then(|r| r.primary.as_ref());
        let announced = self.announced.as_ref().map(|(_, node, _)| node);
        recorded
            .map(|member| &member.node)
            .into_iter()
            .chain(announced)
            .cloned()
            .collect()
    }

    /// When the record came to be what it is, by this sentinel's clock.
    pub fn since(&self) -> Millis {
        self.since
    }

    /// The primary's node and address that clients are given, with the epoch.
    pub fn announced(&self) -> Option<&(Epoch, Node, Address)> {
        self.announced.as_ref()
    }

    /// What this sentinel thinks of the primary; none when all is well.
    pub fn opinion(&self) -> Option<&Opinion> {
        self.opinion.as_ref()
    }

    /// What another sentinel thinks of the primary; none when all is well.
    pub fn opinion_of(&self, sentinel: &Sentinel) -> Option<&Opinion> {
        self.opinions.get(sentinel)
    }

    /// How the group was configured.
    pub fn config(&self) -> &GroupConfig {
        &self.config
    }

    /// The nodes that are in step with the primary, as far as this sentinel has seen.
    pub fn steps(&self) -> Vec<&Node> {
        let in_step = self.nodes.iter().filter(|(_, s)| s.behind_since.is_none());
        in_step.map(|(node, _)| node).collect()
    }

    /// What is wrong, in a sentence.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_ref().map(|said| said.text.as_str())
    }

    /// The node that a person wants to go on from, in the election under way.
    pub(super) fn forced(&self) -> Option<&Node> {
        let (node, since) = self.word.as_ref()?;
        (*since == self.newest_reign()).then_some(node)
    }

    /// As [`Record::newest_reign`]; 0 without a record.
    pub(super) fn newest_reign(&self) -> Epoch {
        self.record.as_ref().map_or(0, |r| r.newest_reign())
    }

    /// The silence for which a primary is suspected at the earliest.
    pub(super) fn silent_least(&self) -> Millis {
        if self.record.as_ref().is_some_and(|r| !r.is_leased()) {
            SILENT_MIN_HELD
        } else {
            SILENT_MIN
        }
    }

    /// Whether `node` is the primary, or was, and has not been heard for so long that nobody waits for its word.
    pub(super) fn misses(&self, now: Millis, node: &Node) -> bool {
        let ruled = self.record.as_ref().is_some_and(|r| r.names(node));
        let silent = |s: &NodeState| now > s.heard_at + s.silent_limit(self.silent_least());
        ruled && self.nodes.get(node).is_some_and(silent)
    }

    /// How many voters (this one included) hold one of `verdicts` about the primary.
    pub(super) fn count(&self, verdicts: &[Verdict]) -> usize {
        let Some(primary) = self.record.as_ref().and_then(|r| r.primary.as_ref()) else {
            return 0;
        };
        let about = |o: &&Opinion| o.node == primary.node && o.incarnation == primary.incarnation;
        let all = self.opinions.values().chain(self.opinion.as_ref());
        all.filter(about)
            .filter(|o| verdicts.contains(&o.verdict))
            .count()
    }

    /// Everybody counts as heard now.
    pub(super) fn distrust(&mut self, now: Millis) {
        for node in self.nodes.values_mut() {
            node.heard_at = now;
            node.gone_at = node.gone_at.map(|_| now);
        }
        self.since = self.since.max(now);
        self.deposed_since = None;
    }

    /// Whether `node` may see `record` yet. While an election waits until the old primary is surely
    /// closed, the replicas go on following it: what it still acknowledges is not lost. Only the
    /// sentinel that drives the election knows when that is.
    pub(super) fn may_see(&self, me: &Sentinel, record: &Record, node: &Node) -> bool {
        if record.phase != Phase::Electing || record.handoff.is_some() || record.names(node) {
            return true;
        }
        record.by == *me && self.first_position.is_some()
    }
}
