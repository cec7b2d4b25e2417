//! What to do next for a group.

use super::{Decision, Happening, SentinelCore, Trouble};
use crate::limits::{PEER_SILENT, RANK_STEP, STALLED, STALLED_HEARD};
use crate::names::{Group, Node};
use crate::position::Position;
use crate::record::{Phase, Record, Reign};
use crate::register::Versioned;
use crate::time::Millis;
use crate::wire::{Report, Verdict};
use std::sync::Arc;

/// A primary that nobody hears is revoked after this long even if nobody can take over yet: whoever comes back
/// first can then be judged by its data.
const HEIRLESS: Millis = 2_000;

/// Whoever writes the register tells its end within this time, or somebody else finds out.
const UNLEARNED: Millis = 120;

/// A node that goes by a newer record than is known here has heard it from somebody who tells this sentinel too, or did and
/// was not heard.
const UNTOLD: Millis = 1_000;

/// The first sentinel reads all registers at its start; the others only if they have not heard what it found.
const READ_STEP: Millis = 1_000;

/// The new address is published when the new primary says that it is open, or after this long.
const ANNOUNCE_AFTER: Millis = 500;

impl SentinelCore {
    /// Does the next thing for a group, if it is this sentinel's turn.
    pub(super) fn drive(&mut self, now: Millis, name: &Group) {
        if !self.votes() || self.tend_change(now, name) {
            return;
        }
        let Some(group) = self.groups.get(name) else {
            return;
        };
        if !group.changing.is_idle(now) {
            return;
        }
        let Some(rank) = self.rank(now) else { return };
        if self.complete(now, name, rank) {
            return;
        }
        let Some(group) = self.groups.get(name) else {
            return;
        };
        match group.record.clone() {
            None if !group.read => {
                if now >= group.since.max(self.started_at.unwrap_or(now)) + rank * READ_STEP {
                    self.propose_read(now, name);
                }
            }
            None => self.drive_first(now, name, rank),
            Some(record) if self.drive_put_back(now, name, &record) => {}
            Some(record) => match record.phase {
                Phase::Electing => self.drive_election(now, name, &record, rank),
                Phase::Appointed => self.drive_appointed(now, name, &record, rank),
                Phase::Stable => self.drive_stable(now, name, &record, rank),
            },
        }
    }

    /// A value that was accepted here and that nobody has told the end of may or may not be committed. It ends this
    /// sentinel's leases, so somebody has to finish it: reading the register does. And it tells what this sentinel was not
    /// told: one that goes by an old record is in nobody's way for longer than that.
    fn complete(&mut self, now: Millis, name: &Group, rank: u64) -> bool {
        let accepted = self
            .slots
            .get(name)
            .and_then(|slot| slot.accepted.as_ref())
            .map_or(0, |(_, v)| v.version());
        let Some(group) = self.groups.get_mut(name) else {
            return false;
        };
        let known = group.record.as_ref().map_or(0, |r| r.version);
        let outdone = group
            .record()
            .is_some_and(|record| group.is_outdone(record));
        let patience = if accepted > known || (outdone && !group.is_put_back()) {
            UNLEARNED
        } else if outdone {
            UNTOLD
        } else {
            group.unlearned = None;
            return false;
        };
        let since = *group.unlearned.get_or_insert(now);
        let due = now >= since + patience + rank * RANK_STEP;
        if due {
            group.unlearned = Some(now);
            self.propose_read(now, name);
        }
        due
    }

    /// The one whose turn it is goes first; the others follow only if nothing has happened for longer
    /// the later they come. So votes do not split, and a sentinel that dies costs milliseconds.
    pub(super) fn my_turn(&self, now: Millis, name: &Group, record: &Record, rank: u64) -> bool {
        let since = self.groups.get(name).map_or(now, |g| g.since);
        let driver = self.peers.get(&record.by);
        let heard = driver.is_some_and(|p| p.linked && now < p.heard_at + PEER_SILENT);
        let patience = if heard { STALLED_HEARD } else { STALLED };
        record.by == self.settings.name || now >= since + patience + rank * RANK_STEP
    }

    fn drive_appointed(&mut self, now: Millis, name: &Group, record: &Record, rank: u64) {
        if self.drive_deposition(now, name, record, rank) || !self.my_turn(now, name, record, rank)
        {
            return;
        }
        let Some(primary) = &record.primary else {
            return;
        };
        let node = self
            .groups
            .get(name)
            .and_then(|g| g.nodes.get(&primary.node));
        let Some(report) = node.filter(|n| n.linked).and_then(|n| n.report.as_ref()) else {
            return;
        };
        let promoted = report.promoted == record.epoch
            && report.incarnation.as_ref() == Some(&primary.incarnation);
        if promoted && report.is_master {
            let from = Position {
                epoch: record.epoch,
                offset: report.offset,
            };
            let reason = Decision::Rules(primary.node.clone(), from);
            let reign = self.reign(name, record, report);
            let rule = self.rule_of_reign(name, record, primary);
            let next = record.settled(reign, rule, &self.settings.name, reason);
            self.propose(now, name, next);
        }
    }

    /// The reign that begins with a primary as this report has it. It is empty only where acknowledged writes may have been
    /// lost before: by a lease, and neither on a person's word nor by a handoff, which takes everything along. An empty
    /// data set that was handed over is one that clients emptied.
    pub(super) fn reign(&self, name: &Group, record: &Record, report: &Report) -> Reign {
        let group = self.groups.get(name);
        let accepted =
            record.lossless || group.is_some_and(|g| g.config.cache || g.forced().is_some());
        Reign {
            epoch: record.epoch,
            replid: report.replid.clone(),
            start: report.offset,
            empty: report.keys == 0 && record.is_leased() && !accepted,
        }
    }

    fn drive_stable(&mut self, now: Millis, name: &Group, record: &Record, rank: u64) {
        if self.drive_deposition(now, name, record, rank)
            || self.drive_handoff_wish(now, name, record, rank)
        {
            return;
        }
        if self.drive_sync(now, name, record, rank) {
            return;
        }
        if rank == 0 && !self.drive_departures(now, name, record) {
            self.drive_membership(now, name, record);
        }
    }

    /// Begins an election when the primary has to go.
    fn drive_deposition(&mut self, now: Millis, name: &Group, record: &Record, rank: u64) -> bool {
        let Some(why) = self.deposed(name) else {
            if let Some(group) = self.groups.get_mut(name) {
                group.deposed_since = None;
            }
            return false;
        };
        let has_heir = self.has_heir(name, record);
        let Some(group) = self.groups.get_mut(name) else {
            return false;
        };
        let since = *group.deposed_since.get_or_insert(now);
        let verdict = group.opinion.as_ref().map_or(Verdict::Fine, |o| o.verdict);
        // Without an heir, one that only hangs may wake up, and one that is not heard may come back.
        let worth = match verdict {
            Verdict::Dead => true,
            Verdict::Gone | Verdict::Silent => has_heir || now >= since + HEIRLESS,
            Verdict::Hung | Verdict::Fine => has_heir,
        };
        if !worth {
            group.trouble = Some(Decision::from(Trouble::NoHeir(why)).into());
            return true;
        }
        if now < since + rank * RANK_STEP {
            return true;
        }
        let node = record
            .primary
            .as_ref()
            .map_or_else(|| Node::from("?"), |p| p.node.clone());
        let reason = Decision::Deposed(node, why);
        let next = record.electing(None, &self.settings.name, reason);
        self.propose(now, name, next);
        true
    }

    /// Takes new nodes into the record, so that a later cold start waits for them as well.
    fn drive_membership(&mut self, now: Millis, name: &Group, record: &Record) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let joined = |node: &Node| {
            let report = group
                .nodes
                .get(node)
                .filter(|n| n.linked)
                .and_then(|n| n.report.as_ref());
            report.is_some_and(|r| r.caught_up && !r.foreign)
        };
        let new: Vec<Node> = group
            .nodes
            .keys()
            .filter(|n| !record.nodes.contains(*n) && joined(n))
            .cloned()
            .collect();
        if new.is_empty() {
            return;
        }
        let mut nodes = record.nodes.clone();
        nodes.extend(new.iter().cloned());
        let next = record.with_nodes(nodes, &self.settings.name, Decision::NodesJoined(new));
        self.propose(now, name, next);
    }

    /// A committed record has become known: remember it, tell the agents and the clients.
    pub(super) fn on_record(
        &mut self,
        now: Millis,
        name: &Group,
        record: Record,
        lease_over: Option<Millis>,
    ) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        if group
            .record
            .as_ref()
            .is_some_and(|known| known.version >= record.version)
        {
            return;
        }
        let before = group.record.as_ref().map(|r| (r.epoch, r.phase));
        let same_election =
            before == Some((record.epoch, record.phase)) && record.handoff.is_none();
        if before.is_some() && record.phase == Phase::Electing && record.handoff.is_some() {
            group.handed_at = Some(now);
        }
        group.read = true;
        group.since = now;
        group.lease_over = lease_over;
        // An election that only changes hands goes on waiting from where it was.
        if group
            .electing
            .is_none_or(|(epoch, _)| epoch != record.epoch)
        {
            group.electing = (record.phase == Phase::Electing).then_some((record.epoch, now));
        }
        group.first_position = None;
        group.deposed_since = None;
        // What an election waits for does not change with the sentinel that leads it.
        if !(same_election && record.phase == Phase::Electing) {
            group.trouble = None;
        }
        if record.phase == Phase::Electing {
            group.paused_at = None;
        }
        let record = Arc::new(record);
        group.record = Some(Arc::clone(&record));
        if before != Some((record.epoch, record.phase)) {
            let appointed = before == Some((record.epoch, Phase::Appointed));
            self.tell_phase(name, &record, appointed);
        }
        if record.by == self.settings.name {
            self.decide(name, record.reason.clone());
            // One sentinel tells the agents; the others remind those whom that does not reach.
            self.show_in_turn(name, &record);
        }
        self.tend(now, name);
    }

    /// The new primary first. The others are told when it is open: clients that its predecessor sends away then find
    /// it at once, and it need not share the processor with those who follow. Where replies wait for them, all at once.
    fn show_in_turn(&mut self, name: &Group, record: &Record) {
        match &record.primary {
            Some(primary) if record.phase == Phase::Stable && record.sync.k == 0 => {
                self.show_record(name, &primary.node);
            }
            _ => self.show_all(name),
        }
    }

    fn tell_phase(&mut self, name: &Group, record: &Record, appointed: bool) {
        match (record.phase, &record.primary) {
            (Phase::Electing, primary) => {
                if let Some(primary) = primary.clone().filter(|_| record.handoff.is_none()) {
                    let have = self.groups.get(name).map_or(0, |g| {
                        g.count(&[Verdict::Dead, Verdict::Gone, Verdict::Hung, Verdict::Silent])
                    });
                    let needed = self.voters.majority();
                    self.happen(name, Happening::Deposed(primary.node, have, needed));
                }
                self.happen(name, Happening::Electing(record.epoch));
            }
            // A handoff goes from electing to stable in one step.
            (Phase::Appointed | Phase::Stable, Some(primary)) if !appointed => {
                self.happen(name, Happening::Appointed(primary.node.clone()));
            }
            _ => {}
        }
    }

    /// Publishes the primary's address to clients when it serves there.
    pub(super) fn announce(&mut self, now: Millis, name: &Group) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let Some(record) = group.record.as_ref().filter(|r| r.phase == Phase::Stable) else {
            return;
        };
        let Some(primary) = &record.primary else {
            return;
        };
        let report = group
            .nodes
            .get(&primary.node)
            .and_then(|n| n.report.as_ref());
        let same = report.filter(|r| r.incarnation.as_ref() == Some(&primary.incarnation));
        let address = same
            .and_then(|r| r.address.clone())
            .unwrap_or_else(|| primary.address.clone());
        let open = same.is_some_and(|r| r.open && r.promoted == record.epoch);
        let next = (record.epoch, primary.node.clone(), address.clone());
        if group.announced.as_ref() == Some(&next) || !(open || now >= group.since + ANNOUNCE_AFTER)
        {
            return;
        }
        let replicas: Vec<Node> = group
            .nodes
            .keys()
            .filter(|n| **n != primary.node)
            .cloned()
            .collect();
        let tells = record.by == self.settings.name && record.sync.k == 0;
        let node = primary.node.clone();
        let from = group.announced.replace(next).map(|(_, _, address)| address);
        self.happen(
            name,
            if from.as_ref() == Some(&address) {
                // Deposed, and chosen again: whoever never suspected it by itself has nothing else to take that back by.
                Happening::Cleared(node)
            } else {
                Happening::Switched { from, to: address }
            },
        );
        for node in replicas {
            self.happen(name, Happening::Replica(node));
        }
        // The others have waited for this: see `show_in_turn`.
        if tells {
            self.show_all(name);
        }
    }
}
