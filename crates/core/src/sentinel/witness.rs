//! Agents are witnesses of what was written to the register.
//!
//! An agent is shown a version only when a majority has it on disk, and it keeps the epoch that it promised on a disk of its
//! own. So a register in which a majority is found to know of less has lost something: the disks of sentinels were put back
//! to an older state, as volumes are when snapshots of them are restored. What was decided since, and who may have
//! acknowledged what by it, is not known here any more. Nothing is decided then, until the newer state is learned from a
//! sentinel that has it, or a person says from which node's data to go on.

use super::keeps;
use super::{Decision, GroupState, SentinelCore, Trouble};
use crate::mutant::Mutant;
use crate::names::{Epoch, Group, Node};
use crate::record::Record;
use crate::time::Millis;

/// That agents know of more than this sentinel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outdone {
    /// Since when they tell so.
    since: Millis,
    /// The register was read since, and a majority has no more either.
    proven: bool,
}

impl GroupState {
    /// The newest version and epoch that any connected agent of a member tells of, and who. One that is no member (yet) may
    /// have promised something in another life of this group.
    fn witnessed(&self, record: &Record) -> Option<(u64, Epoch, &Node)> {
        let members = self.nodes.iter();
        let linked = members.filter(|(node, s)| s.linked && record.nodes.contains(*node));
        let told = linked.filter_map(|(node, state)| {
            let report = state.report.as_deref()?;
            Some((report.promised, report.version, node))
        });
        let version = told.clone().map(|(_, version, _)| version).max()?;
        told.max().map(|(epoch, _, node)| (version, epoch, node))
    }

    /// Whether an agent tells of more than `record`.
    pub(super) fn is_outdone(&self, record: &Record) -> bool {
        self.witnessed(record)
            .is_some_and(|(version, epoch, _)| version > record.version || epoch > record.epoch)
    }

    /// Whether a member has promised more than `epoch`, which has therefore ended.
    pub(super) fn is_outlived(&self, record: &Record) -> bool {
        self.witnessed(record)
            .is_some_and(|(_, epoch, _)| epoch > record.epoch)
    }

    /// Whether agents tell of more than this sentinel, and it has yet to see whether a majority knows of it.
    pub(super) fn is_unsure(&self) -> bool {
        self.outdone.as_ref().is_some_and(|outdone| !outdone.proven)
    }

    /// Whether it is certain that the register has lost something.
    pub(super) fn is_put_back(&self) -> bool {
        self.outdone.as_ref().is_some_and(|outdone| outdone.proven)
    }

    /// The register was read, or tried to be changed, from `begun` on, and a majority had no more than is known here.
    pub(super) fn note_found(&mut self, begun: Millis) {
        if let Some(outdone) = self.outdone.as_mut().filter(|o| begun >= o.since) {
            outdone.proven = true;
        }
    }

    fn look_at_witnesses(&mut self, now: Millis, record: &Record) {
        if self.is_outdone(record) {
            let first = Outdone {
                since: now,
                proven: false,
            };
            self.outdone.get_or_insert(first);
        } else if self.outdone.take().is_some_and(|outdone| outdone.proven) {
            self.trouble = None;
        }
    }
}

impl SentinelCore {
    /// Decides nothing while agents know of more than the register, but on a person's word. Returns whether that is so.
    pub(super) fn drive_put_back(&mut self, now: Millis, name: &Group, record: &Record) -> bool {
        let Some(group) = self.groups.get_mut(name) else {
            return false;
        };
        if self.settings.mutant == Mutant::TrustARegisterPutBack {
            return false;
        }
        group.look_at_witnesses(now, record);
        if group.outdone.is_none() {
            return false;
        }
        if !group.is_put_back() {
            return true; // the register is read first
        }
        let Some((version, epoch, node)) = group.witnessed(record) else {
            return false;
        };
        let text = format!(
            "the register is of epoch {} (version {}), and {node} has promised epoch {epoch} (version {version} was shown): the disks of \
             sentinels were put back to an older state, so nothing is decided. Give a sentinel its newer disk back, or go on \
             from one node's data with `holdfast force NODE --accept-loss`. {}",
            record.epoch,
            record.version,
            keeps::of_all(group)
        );
        match group.forced() {
            Some(node) => {
                let reason = Decision::RegisterOvertaken(node.clone());
                let next = record.overtaking(version, epoch, &self.settings.name, reason);
                self.propose_over(now, name, record.version, next);
            }
            None => self.complain(name, Trouble::RegisterPutBack(text)),
        }
        true
    }
}
