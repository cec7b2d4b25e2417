//! Revoke, then establish.
//!
//! The record says `electing`; nobody rules. First the old primary is surely closed: it ended, it is
//! sealed, it is gone, or its lease has run out. Then the replicas are sealed, report how far they
//! reach, and the furthest is appointed.

use super::choice::{Candidate, best, loading, reports};
use super::{Decision, GroupState, Merit, SentinelCore, Trouble};
use crate::decided::Decided;
use crate::limits::{COLD_GRACE, POSITIONS_GRACE};
use crate::mutant::Mutant;
use crate::names::{Group, Node};
use crate::record::Record;
use crate::time::Millis;
use crate::wire::{Report, ServerState, Verdict};

/// How long an election waits for a node that is connected and has not been sealed yet.
const SEAL_GRACE: Millis = 150;

impl SentinelCore {
    pub(super) fn drive_election(&mut self, now: Millis, name: &Group, record: &Record, rank: u64) {
        if !self.my_turn(now, name, record, rank) {
            return;
        }
        let lease_over = self.groups.get(name).and_then(|g| g.lease_over);
        let mine = record.by == self.settings.name;
        let Some(lease_over) = lease_over.filter(|_| mine) else {
            let reason = Decision::ElectionResumed(self.settings.name.clone(), record.epoch);
            let next = record.resumed(record.handoff.clone(), &self.settings.name, reason);
            self.propose(now, name, next);
            return;
        };
        if let Some(target) = record.handoff.clone() {
            self.drive_handoff(now, name, record, &target);
        } else if self.is_closed(now, name, record, lease_over) {
            self.survey(now, name, record);
        }
    }

    /// Whether the old primary surely accepts nothing any more. Only a lease asks for that: where replies are held, none is
    /// released without the replicas that are about to be sealed.
    fn is_closed(&self, now: Millis, name: &Group, record: &Record, lease_over: Millis) -> bool {
        let Some(primary) = &record.primary else {
            return true;
        };
        let Some(group) = self.groups.get(name) else {
            return false;
        };
        if !record.is_leased() || self.settings.mutant == Mutant::SkipLeaseWait {
            return true;
        }
        let report = group
            .nodes
            .get(&primary.node)
            .and_then(|n| n.report.as_ref());
        let sealed = report.is_some_and(|r| {
            r.incarnation.as_ref() == Some(&primary.incarnation)
                && (r.sealed == record.epoch || r.paused == record.epoch)
                && !r.open
        });
        let ended = group
            .opinion
            .as_ref()
            .is_some_and(|o| o.verdict == Verdict::Dead);
        let gone = group.count(&[Verdict::Gone, Verdict::Dead]) >= self.voters.majority()
            && group
                .opinion
                .as_ref()
                .is_some_and(|o| o.verdict == Verdict::Gone);
        sealed || ended || gone || now >= lease_over
    }

    /// Has the nodes sealed, hears their positions, appoints the furthest.
    fn survey(&mut self, now: Millis, name: &Group, record: &Record) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        if group.first_position.is_none() {
            group.first_position = Some(now);
            self.show_all(name);
            return;
        }
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let hot = self.heard(group, record);
        let suffices = self.suffices(record, &hot);
        let void = self.is_void(group, record, &hot);
        let by_disk = hot.iter().any(Candidate::is_by_disk);
        let eligible = group.count_readers(eligible(record, hot));
        let began = group.first_position.unwrap_or(now);
        if is_unsealed(now, group, record) && now < began + patience(&eligible) {
            return;
        }
        let loading = loading(group, record);
        if by_disk && !loading.is_empty() && now < began + COLD_GRACE {
            return self.complain(name, Trouble::Loading(loading));
        }
        let word = has_word(record, group);
        let by_data = suffices || group.forced().is_some() || void;
        match best(eligible).filter(|_| suffices && !word) {
            Some(chosen) => self.appoint(now, name, record, chosen),
            None if by_data => {
                let electing = self
                    .groups
                    .get(name)
                    .and_then(|g| g.electing)
                    .map_or(began, |(_, at)| at);
                self.drive_cold(now, name, record, electing);
            }
            None => self.complain(name, Trouble::MembersMissing),
        }
    }

    pub(super) fn appoint(
        &mut self,
        now: Millis,
        name: &Group,
        record: &Record,
        chosen: Candidate,
    ) {
        let reason = Decision::Appointed {
            node: chosen.member.node.clone(),
            epoch: record.epoch,
            merit: merit(&chosen),
        };
        let next = record.appointed(chosen.member, &self.settings.name, reason);
        self.propose(now, name, next);
    }

    /// Tells once why nothing is decided.
    pub(super) fn complain(&mut self, name: &Group, trouble: Trouble) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let trouble = Decided::from(Decision::from(trouble));
        if group.trouble.as_ref() != Some(&trouble) {
            group.trouble = Some(trouble.clone());
            self.decide(name, trouble);
        }
    }
}

fn merit(chosen: &Candidate) -> Merit {
    let stamp = chosen.stamp.map(Merit::Stamp);
    stamp.unwrap_or(Merit::Position(chosen.position))
}

/// Whether a connected node of the group has not been sealed yet.
fn is_unsealed(now: Millis, group: &GroupState, record: &Record) -> bool {
    group.nodes.iter().any(|(node, state)| {
        let unsealed = state.is_up() && !is_sealed(state.report.as_deref(), record);
        unsealed && record.nodes.contains(node) && !group.misses(now, node)
    })
}

fn patience(eligible: &[Candidate]) -> Millis {
    if eligible.is_empty() {
        SEAL_GRACE
    } else {
        POSITIONS_GRACE
    }
}

fn is_sealed(report: Option<&Report>, record: &Record) -> bool {
    report.is_some_and(|r| r.sealed == record.epoch)
}

/// Whether a person has named a node to go on from that can be chosen now: that goes before everything.
fn has_word(record: &Record, group: &GroupState) -> bool {
    let named = group.forced();
    sealed(group, record)
        .any(|(node, r)| named == Some(node) && r.state == ServerState::Up && !r.foreign)
}

/// The connected nodes that were sealed for this epoch.
pub(super) fn sealed<'a>(
    group: &'a GroupState,
    record: &'a Record,
) -> impl Iterator<Item = (&'a Node, &'a Report)> {
    reports(group).filter(|(_, r)| r.sealed == record.epoch)
}

/// Those who may be chosen. Where replies were held, one that may not be chosen must not be the only one to have something.
fn eligible(record: &Record, hot: Vec<Candidate>) -> Vec<Candidate> {
    let furthest = hot.iter().map(Candidate::reach).max();
    let whole = |c: &Candidate| !record.has_held() || Some(c.reach()) == furthest;
    hot.into_iter()
        .filter(|c| c.priority > 0 && whole(c))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{Address, Incarnation, Sentinel};
    use crate::position::Position;
    use crate::record::{Durability, Member, Terms};
    use crate::syncset::SyncRule;
    use std::collections::BTreeSet;

    fn member(node: &str) -> Member {
        Member {
            node: Node::from(node),
            incarnation: Incarnation::from("run"),
            address: Address::new(node, 6379),
            server: None,
        }
    }

    fn candidate(node: &str, priority: u32, offset: u64) -> Candidate {
        Candidate {
            member: member(node),
            counts_as: BTreeSet::new(),
            stamp: None,
            position: Position { epoch: 1, offset },
            ruled: false,
            priority,
            unread_by: 0,
        }
    }

    #[test]
    fn where_replies_were_held_nobody_goes_before_one_that_may_not_be_chosen() {
        let by = Sentinel::from("sentinel-0");
        let hot = || vec![candidate("redis-1", 0, 200), candidate("redis-2", 100, 100)];
        let chosen = |record: &Record| eligible(record, hot()).len();
        let terms = |durability| Terms {
            durability,
            ..Terms::default()
        };
        let first = |terms| {
            let nodes = BTreeSet::new();
            Record::first(nodes, member("redis-0"), terms, &by, Decided::default())
        };
        assert_eq!(chosen(&first(terms(Durability::Async))), 1);
        let held = first(terms(Durability::Quorum));
        assert_eq!(chosen(&held), 0);
        // Degraded: a lease is all that protects now, and what was held before still counts.
        let joint = held.with_rule(SyncRule::default(), &by, Decided::default());
        let degraded = joint.confirmed(&by, Decided::default());
        assert!(degraded.is_leased());
        assert_eq!(chosen(&degraded), 0);
    }
}
