//! How a record may become the next one. Each takes the record that it was decided on, so that the
//! compare-and-swap fails when anything else happened in between.

use super::{FORMER_MAX, HISTORY_MAX, Member, Phase, Record, Reign, Terms};
use crate::decided::Decided;
use crate::names::{Epoch, Node, Sentinel};
use crate::syncset::{FormerRule, SyncRule};
use std::collections::BTreeSet;

impl Record {
    /// The first record of a group: `primary` rules epoch 1.
    pub fn first(
        nodes: BTreeSet<Node>,
        primary: Member,
        terms: Terms,
        by: &Sentinel,
        reason: impl Into<Decided>,
    ) -> Self {
        Self {
            version: 1,
            epoch: 1,
            phase: Phase::Appointed,
            primary: Some(primary),
            appointed_at: 1,
            handoff: None,
            lossless: false,
            sync: SyncRule {
                k: terms.k(),
                on_disk: terms.on_disk(),
                ..SyncRule::default()
            },
            sync_at: 1,
            former: Vec::new(),
            keeps_former: false,
            degraded_to: None,
            history: Vec::new(),
            nodes,
            terms,
            by: by.clone(),
            reason: reason.into(),
        }
    }

    /// Begins the next epoch: from here the epoch before can change nothing in the register.
    #[must_use]
    pub fn electing(
        &self,
        handoff: Option<Node>,
        by: &Sentinel,
        reason: impl Into<Decided>,
    ) -> Self {
        let mut next = self.next(by, reason);
        next.epoch += 1;
        next.phase = Phase::Electing;
        next.lossless = false;
        next.handoff = handoff;
        next
    }

    /// Begins an election beyond all that agents have obeyed: this version and epoch, or more. What was promised since this
    /// record is not known, so no rule says who has it.
    #[must_use]
    pub fn overtaking(
        &self,
        version: u64,
        epoch: Epoch,
        by: &Sentinel,
        reason: impl Into<Decided>,
    ) -> Self {
        let mut next = self.electing(None, by, reason);
        next.version = self.version.max(version) + 1;
        next.epoch = self.epoch.max(epoch) + 1;
        next.forget_former();
        next.sync = SyncRule {
            k: self.terms.k(),
            on_disk: self.terms.on_disk(),
            ..SyncRule::default()
        };
        next.sync_at = next.version;
        next
    }

    /// Goes on with an election that another sentinel began or that a handoff failed in: same epoch.
    #[must_use]
    pub fn resumed(
        &self,
        handoff: Option<Node>,
        by: &Sentinel,
        reason: impl Into<Decided>,
    ) -> Self {
        let mut next = self.next(by, reason);
        next.handoff = handoff;
        next
    }

    /// Ends the election: `primary` rules this epoch as soon as it is promoted. Until then nothing is released, so the
    /// rules stay as they are.
    #[must_use]
    pub fn appointed(&self, primary: Member, by: &Sentinel, reason: impl Into<Decided>) -> Self {
        let mut next = self.next(by, reason);
        next.phase = Phase::Appointed;
        next.primary = Some(primary);
        next.appointed_at = next.version;
        next.handoff = None;
        next.lossless = false;
        next
    }

    /// The same after a pause: `primary` has all that its predecessor had.
    #[must_use]
    pub fn appointed_after_pause(
        &self,
        primary: Member,
        by: &Sentinel,
        reason: impl Into<Decided>,
    ) -> Self {
        let mut next = self.appointed(primary, by, reason);
        next.lossless = true;
        next
    }

    /// Ends an election whose rules nobody can satisfy any more: `primary` was chosen by what is on disk. From now on it
    /// alone is known to have what is left.
    #[must_use]
    pub fn appointed_by_data(
        &self,
        primary: Member,
        by: &Sentinel,
        reason: impl Into<Decided>,
    ) -> Self {
        let mut next = self.appointed(primary.clone(), by, reason);
        next.forget_former();
        if next.sync.k.max(next.terms.k()) > 0 {
            next.sync = SyncRule::of([primary], 1).on_disk(self.terms.on_disk());
        }
        next
    }

    /// The appointed primary has been promoted: its history is on record, it may serve by `sync`.
    #[must_use]
    pub fn settled(
        &self,
        reign: Reign,
        sync: SyncRule,
        by: &Sentinel,
        reason: impl Into<Decided>,
    ) -> Self {
        let mut next = self.next(by, reason);
        next.phase = Phase::Stable;
        next.lossless = false;
        // While the epoch before was being elected its lease ran out, so only its rules count on.
        next.former.retain(|former| former.rule.k > 0);
        next.replace_rule(sync, self.epoch - 1);
        next.history.push(reign);
        let surplus = next.history.len().saturating_sub(HISTORY_MAX);
        next.history.drain(..surplus);
        next
    }

    /// Ends a handoff in one step: `primary` had all that its paused predecessor had, and has been promoted.
    #[must_use]
    pub fn handed_over(
        &self,
        primary: Member,
        reign: Reign,
        sync: SyncRule,
        by: &Sentinel,
        reason: impl Into<Decided>,
    ) -> Self {
        let mut next = self.next(by, Decided::default());
        next.primary = Some(primary);
        next.handoff = None;
        next.appointed_at = next.version;
        next = next.settled(reign, sync, by, reason);
        next.version = self.version + 1;
        next.sync_at = next.version;
        next
    }

    /// Another rule holds from now on. The one before stays in force for elections until the gate has confirmed the new one.
    #[must_use]
    pub fn with_rule(&self, rule: SyncRule, by: &Sentinel, reason: impl Into<Decided>) -> Self {
        let mut next = self.next(by, reason);
        next.replace_rule(rule, self.epoch);
        next
    }

    /// The gate has confirmed the present rule: it covers everything that was ever released. One that waits for nobody covers
    /// nothing: what was released before the group degraded is looked for where it was acknowledged.
    #[must_use]
    pub fn confirmed(&self, by: &Sentinel, reason: impl Into<Decided>) -> Self {
        let mut next = self.next(by, reason);
        let degraded = self.sync.k == 0 && self.terms.k() > 0;
        next.former.retain(|former| degraded && former.rule.k > 0);
        next.keeps_former = !next.former.is_empty();
        next
    }

    /// The group asks for something else. Its rule follows as soon as it can be kept.
    #[must_use]
    pub fn with_terms(&self, terms: Terms, by: &Sentinel, reason: impl Into<Decided>) -> Self {
        let mut next = self.next(by, reason);
        let now = self.k();
        next.terms = terms;
        if terms.k() == 0 && next.keeps_former {
            next.forget_former();
        }
        next.degraded_to = Some(now).filter(|k| *k < terms.k());
        next
    }

    /// The group has another set of nodes.
    #[must_use]
    pub fn with_nodes(
        &self,
        nodes: BTreeSet<Node>,
        by: &Sentinel,
        reason: impl Into<Decided>,
    ) -> Self {
        let mut next = self.next(by, reason);
        next.nodes = nodes;
        next
    }

    /// Sets the rule. What was released by the one before, in epochs up to `until`, may be known to it alone.
    fn replace_rule(&mut self, rule: SyncRule, until: Epoch) {
        let before = std::mem::replace(&mut self.sync, rule);
        self.sync_at = self.version;
        self.degraded_to = Some(self.sync.k).filter(|k| *k < self.terms.k());
        self.keeps_former = false;
        // Without acknowledgements there is only a lease, and that has run out when the epoch is another one.
        let counts = before.k > 0 || (until == self.epoch && self.sync.k > 0);
        if !counts {
            return;
        }
        self.former.push(FormerRule {
            rule: before,
            until,
        });
        if self.former.len() > FORMER_MAX {
            let on_disk = self.former.iter().all(|former| former.rule.on_disk);
            let only = SyncRule::of(self.primary.clone(), 1).on_disk(on_disk);
            let leased = self.former.iter().any(|former| former.rule.k == 0);
            self.former = vec![FormerRule { rule: only, until }];
            if leased {
                let rule = SyncRule::default();
                self.former.push(FormerRule { rule, until });
            }
        }
    }

    fn forget_former(&mut self) {
        self.former.clear();
        self.keeps_former = false;
    }

    fn next(&self, by: &Sentinel, reason: impl Into<Decided>) -> Self {
        Self {
            version: self.version + 1,
            by: by.clone(),
            reason: reason.into(),
            ..self.clone()
        }
    }
}
