//! Whose acknowledgements are on this node's disk, where the group promises that (`fsync`).
//!
//! A restarted node is another incarnation, but its append-only file has what the one before acknowledged. So the node
//! remembers, on disk, for which incarnations that is true. It is true of one from the moment at which nothing is between
//! its memory and its files; it ends, for all of them, when a copy of a primary takes the place of the data: what is
//! acknowledged then is in no file until the copy is written out. redis-server may begin such a copy by itself and be
//! done before anybody looks; then its files tell ([`DataAtStart::unfinished`]). To be told whom to follow ends nothing:
//! after a loss of power that may be a primary which is not back, and this disk be needed to choose the next.
//!
//! [`DataAtStart::unfinished`]: super::DataAtStart::unfinished

use super::{Agent, AgentOutput, Standing};
use crate::mutant::Mutant;
use crate::names::Incarnation;
use std::collections::BTreeSet;

/// Most incarnations that a disk stands for. Each is one that ruled without a copy since; beyond, those before
/// lose their vote.
const DISK_MAX: usize = 8;

impl Agent {
    /// What is remembered of the disk is true before anything else is done. Returns whether it has to be written first.
    pub(super) fn disk_first(&mut self, out: &mut Vec<AgentOutput>) -> bool {
        let disk = self.disk_now();
        if disk == self.stored.disk || self.data.foreign {
            return false;
        }
        self.stored.disk = disk;
        self.storing = true;
        self.urgent = true;
        out.push(AgentOutput::Store {
            stored: self.stored.clone(),
            durable: true,
        });
        true
    }

    /// Whether this node may serve: where disks are promised, its own has everything and that is remembered.
    pub(super) fn may_keep(&self) -> bool {
        let held = self.record.as_ref().is_some_and(|r| r.sync.on_disk);
        !(held && self.settings.on_disk) || self.is_kept()
    }

    /// Whether all that this incarnation acknowledges is on its disk.
    fn is_kept(&self) -> bool {
        let own = self.incarnation.as_ref();
        own.is_some_and(|own| self.stored.disk.contains(own))
    }

    fn disk_now(&self) -> BTreeSet<Incarnation> {
        if !self.settings.on_disk {
            return BTreeSet::new();
        }
        let (info, following) = (&self.info, self.standing.is_following());
        let kept = self.is_kept();
        let copied = !kept && info.link_up && !info.on_disk;
        let copying = following && (info.syncing || info.loading || copied);
        let lost = (self.data.unfinished || self.is_unlike()) && !kept;
        let before = if self.forgets(copying || lost) {
            BTreeSet::new()
        } else {
            self.stored.disk.clone()
        };
        if copying || kept || !info.on_disk {
            return before;
        }
        self.with_own(before)
    }

    /// What a disk stands for whose files have everything that this incarnation has.
    fn with_own(&self, mut disk: BTreeSet<Incarnation>) -> BTreeSet<Incarnation> {
        let own = self.incarnation.clone().unwrap_or_default();
        if self.standing.is_following() && self.caught_up && self.info.link_up {
            return BTreeSet::from([own]);
        }
        if matches!(self.standing, Standing::Promoted(_) | Standing::Open(_)) {
            if disk.len() >= DISK_MAX {
                disk.clear();
            }
            disk.insert(own);
        }
        disk
    }

    fn forgets(&self, gone: bool) -> bool {
        gone && self.settings.mutant != Mutant::KeepVoteOverCopy
    }
}
