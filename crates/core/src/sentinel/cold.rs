//! When nobody is left who was in step: everything was restarted, or nearly. Choose by data.

use super::choice::{Candidate, loading, member, reports};
use super::election::sealed;
use super::keeps;
use super::{Decision, GroupState, Merit, SentinelCore, Trouble};
use crate::limits::COLD_GRACE;
use crate::mutant::Mutant;
use crate::names::{Group, Node};

use crate::record::Record;
use crate::time::Millis;
use crate::wire::{Report, ServerState};

impl SentinelCore {
    /// No fit node was found. Waits for those that still load or sync, then chooses by what is on disk.
    pub(super) fn drive_cold(&mut self, now: Millis, name: &Group, record: &Record, began: Millis) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let loading = loading(group, record);
        let back: Vec<(&Node, &Report)> = sealed(group, record)
            .filter(|(n, r)| record.nodes.contains(*n) && r.state == ServerState::Up)
            .collect();
        let doubted = back.iter().any(|(_, r)| is_doubted(r));
        let trusted = back.iter().filter(|(_, r)| r.doubt.is_empty());
        let cold: Vec<(Candidate, u64)> = trusted
            .filter_map(|(n, r)| Some((self.cold_candidate(record, n, r)?, r.keys)))
            .collect();
        let cold = if self.settings.mutant == Mutant::PromoteEmpty {
            cold.into_iter().map(|(candidate, _)| candidate).collect()
        } else {
            let any = back.iter().any(|(_, r)| r.keys > 0 && !r.foreign);
            without_empty(cold, any)
        };
        let cold = group.count_readers(cold);
        let (all, here) = (record.nodes.len(), back.len());
        let unwilling = unwilling(&back);
        let forced = group.forced().and_then(|f| forced_candidate(&back, f));
        let many = here > all / 2 && self.names_suffice(record, &back);
        let enough = here == all || (many && now >= began + COLD_GRACE);
        let furthest = || enough.then(|| super::choice::best(cold.clone())).flatten();
        let choice = match forced {
            Some(chosen) => {
                let kept = keeps::by_force(group, &chosen.member.node);
                Some((Merit::Word(kept), chosen))
            }
            None => furthest().map(|chosen| (Merit::Data(here, all, chosen.position), chosen)),
        };
        if let Some((merit, chosen)) = choice {
            let reason = Decision::Appointed {
                node: chosen.member.node.clone(),
                epoch: record.epoch,
                merit,
            };
            let next = record.appointed_by_data(chosen.member, &self.settings.name, reason);
            self.propose(now, name, next);
        } else if cold.is_empty() && !unwilling.is_empty() && !doubted {
            self.complain(name, Trouble::NeverChosen(unwilling));
        } else if here == all && cold.is_empty() && !doubted {
            self.drive_all_blank(now, name, record);
        } else if now >= began + 500 {
            let trouble = waiting(group, record, here, loading, &cold);
            self.complain(name, trouble);
        }
    }

    /// A node that may be chosen by its data. The old primary wins among equals of its epoch: whatever it acknowledged is on
    /// its own disk, unless the end of that is missing.
    fn cold_candidate(&self, record: &Record, node: &Node, report: &Report) -> Option<Candidate> {
        let usable =
            !report.foreign && (!report.blank || self.settings.mutant == Mutant::PromoteEmpty);
        if !usable || report.priority == 0 {
            return None;
        }
        let stored = record.place(report.stored.unwrap_or_default());
        let ruled = record.names(node) && stored.epoch >= record.newest_reign() && !report.shorter;
        let member = member(node, report)?;
        Some(Candidate {
            counts_as: [member.incarnation.clone()].into(),
            stamp: report.stamp.filter(|_| record.is_on_disk()),
            member,
            position: stored,
            ruled,
            priority: report.priority,
            unread_by: 0,
        })
    }

    /// Every node is back and none has any data.
    fn drive_all_blank(&mut self, now: Millis, name: &Group, record: &Record) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let never_held = record.history.is_empty();
        let forced = group.forced();
        if !(never_held || group.config.cache || forced.is_some()) {
            return self.complain(name, Trouble::NoData);
        }
        let mut blank = sealed(group, record)
            .filter(|(_, r)| !r.foreign && r.priority > 0 && r.state == ServerState::Up);
        let first = match forced {
            Some(force) => blank.find(|(n, _)| *n == force),
            None => blank.next(),
        };
        let chosen = first.and_then(|(node, report)| member(node, report));
        drop(blank);
        let Some(chosen) = chosen else { return };
        let reason = Decision::Appointed {
            node: chosen.node.clone(),
            epoch: record.epoch,
            merit: Merit::NoData,
        };
        let next = record.appointed_by_data(chosen, &self.settings.name, reason);
        self.propose(now, name, next);
    }
}

/// A node without a key never wins where `any` has some, be they in doubt, whatever it remembers of its position: its data set may
/// have been lost with the last full copy that did not reach the disk.
fn without_empty(cold: Vec<(Candidate, u64)>, any: bool) -> Vec<Candidate> {
    cold.into_iter()
        .filter(|(_, keys)| !any || *keys > 0)
        .map(|(candidate, _)| candidate)
        .collect()
}

/// A person's word counts for any node that is sealed and whose data is this group's, with data or without.
fn forced_candidate(back: &[(&Node, &Report)], force: &Node) -> Option<Candidate> {
    let (node, report) = back.iter().find(|(n, r)| *n == force && !r.foreign)?;
    let position = report.stored.unwrap_or_default();
    let member = member(node, report)?;
    Some(Candidate {
        counts_as: [member.incarnation.clone()].into(),
        stamp: None,
        member,
        position,
        ruled: false,
        priority: report.priority,
        unread_by: 0,
    })
}

/// Those that are back with data, and may not be chosen.
fn unwilling(back: &[(&Node, &Report)]) -> Vec<String> {
    let never = back.iter().filter(|(_, r)| r.priority == 0 && !r.blank);
    never.map(|(node, _)| node.to_string()).collect()
}

/// Whether it has data, and those are not what they were noted for.
fn is_doubted(report: &Report) -> bool {
    !report.doubt.is_empty() && !report.blank && !report.foreign
}

fn waiting(
    group: &GroupState,
    record: &Record,
    here: usize,
    loading: Vec<String>,
    cold: &[Candidate],
) -> Trouble {
    let all = record.nodes.len();
    if !loading.is_empty() {
        return Trouble::Loading(loading);
    }
    Trouble::NodesMissing(match super::choice::best(cold.to_vec()) {
        Some(best) => format!(
            "{here} of {all} nodes are back; the best of them, {}, reaches {}: waits for the others, or for `holdfast force {} --accept-loss`, which gives up what only the others hold. {}",
            best.member.node,
            best.position,
            best.member.node,
            keeps::of_all(group)
        ),
        None if reports(group).any(|(_, r)| is_doubted(r)) => format!(
            "{here} of {all} nodes are back, and none of them has the data that were noted: waits for one that has, or for \
             `holdfast force NODE --accept-loss`, which goes on from what NODE has. {}",
            keeps::of_all(group)
        ),
        None => format!(
            "{here} of {all} nodes are back and none of them has data: waits for the others"
        ),
    })
}

#[cfg(test)]
mod tests;
