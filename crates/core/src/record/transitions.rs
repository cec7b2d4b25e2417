//! How a record may become the next one. Each takes the record that it was decided on, so that the
//! compare-and-swap fails when anything else happened in between.

use super::{Durability, HISTORY_MAX, Member, Phase, Record, Reign};
use crate::names::{Node, Sentinel};
use crate::syncset::SyncRule;
use std::collections::BTreeSet;

impl Record {
    /// The first record of a group: `primary` rules epoch 1.
    pub fn first(
        nodes: BTreeSet<Node>,
        primary: Member,
        durability: Durability,
        by: &Sentinel,
        reason: String,
    ) -> Self {
        Self {
            version: 1,
            epoch: 1,
            phase: Phase::Appointed,
            primary: Some(primary),
            appointed_at: 1,
            handoff: None,
            sync: SyncRule::default(),
            previous_sync: None,
            history: Vec::new(),
            nodes,
            durability,
            by: by.clone(),
            reason,
        }
    }

    /// Begins the next epoch: from here the epoch before can change nothing in the register.
    /// When that epoch never became stable, its predecessor's rule stays in force as well.
    #[must_use]
    pub fn electing(&self, handoff: Option<Node>, by: &Sentinel, reason: String) -> Self {
        let mut next = self.next(by, reason);
        next.epoch += 1;
        next.phase = Phase::Electing;
        next.handoff = handoff;
        next
    }

    /// Goes on with an election that another sentinel began or that a handoff failed in: same epoch.
    #[must_use]
    pub fn resumed(&self, handoff: Option<Node>, by: &Sentinel, reason: String) -> Self {
        let mut next = self.next(by, reason);
        next.handoff = handoff;
        next
    }

    /// Ends the election: `primary` rules this epoch as soon as it is promoted.
    #[must_use]
    pub fn appointed(
        &self,
        primary: Member,
        sync: SyncRule,
        by: &Sentinel,
        reason: String,
    ) -> Self {
        let mut next = self.next(by, reason);
        next.phase = Phase::Appointed;
        next.primary = Some(primary);
        next.appointed_at = next.version;
        next.handoff = None;
        // An epoch that never became stable released nothing: the rule before it still counts.
        let stable = std::mem::replace(&mut next.sync, sync);
        next.previous_sync.get_or_insert(stable);
        next
    }

    /// The appointed primary has been promoted: its history is on record, it may serve.
    #[must_use]
    pub fn settled(&self, replid: String, start: u64, by: &Sentinel, reason: String) -> Self {
        let mut next = self.next(by, reason);
        next.phase = Phase::Stable;
        next.previous_sync = None;
        next.history.push(Reign {
            epoch: self.epoch,
            replid,
            start,
        });
        let surplus = next.history.len().saturating_sub(HISTORY_MAX);
        next.history.drain(..surplus);
        next
    }

    /// Ends a handoff in one step: `primary` had all that its paused predecessor had, and has been promoted.
    #[must_use]
    pub fn handed_over(
        &self,
        primary: Member,
        (replid, start): (String, u64),
        sync: SyncRule,
        by: &Sentinel,
        reason: String,
    ) -> Self {
        let mut next = self
            .appointed(primary, sync, by, String::new())
            .settled(replid, start, by, reason);
        next.version = self.version + 1;
        next.appointed_at = next.version;
        next
    }

    /// The group has another set of nodes.
    #[must_use]
    pub fn with_nodes(&self, nodes: BTreeSet<Node>, by: &Sentinel, reason: String) -> Self {
        let mut next = self.next(by, reason);
        next.nodes = nodes;
        next
    }

    fn next(&self, by: &Sentinel, reason: String) -> Self {
        Self {
            version: self.version + 1,
            by: by.clone(),
            reason,
            ..self.clone()
        }
    }
}
