//! Where the world meets the rules: called at the events that could break one.

mod register;
mod servers;

use super::World;
use crate::invariants::Moment;
use crate::invariants::i04_nothing_after_seal::Seal;
use crate::model::Files;
use holdfast_core::names::{Epoch, Node};
use holdfast_core::record::{Member, Record};
use holdfast_core::wire::Report;
use std::sync::Arc;

impl World {
    /// Which node has this name.
    pub fn number_of(&self, name: &Node) -> Option<usize> {
        self.nodes.iter().position(|host| host.name == *name)
    }

    /// Which node this is, if its redis-server lives and is the one that is meant.
    pub fn living(&self, member: &Member) -> Option<usize> {
        let node = self.number_of(&member.node)?;
        let redis = self.nodes[node].redis.as_ref()?;
        (redis.incarnation == member.incarnation).then_some(node)
    }

    /// What a node's redis-server holds, if it runs and has read it.
    pub fn data_of(&self, node: usize) -> Option<Arc<Vec<u64>>> {
        let redis = self.nodes.get(node)?.redis.as_ref()?;
        (!redis.server.is_loading()).then(|| redis.server.data().clone())
    }

    /// What the disk of a node holds, in whichever of its files.
    pub fn disk_of(&self, node: usize) -> Vec<u64> {
        let host = &self.nodes[node];
        let running = host.redis.as_ref().map(|redis| redis.server.files());
        let aside = host.aside.iter().flat_map(Files::holds);
        let mut held = running.unwrap_or(&host.files).holds();
        held.extend(aside);
        held
    }

    /// Whether it looks as if a copy for this node's redis-server had failed since its link was last up.
    pub fn has_failed_to_copy(&self, node: usize) -> bool {
        let redis = self.nodes[node].redis.as_ref();
        redis.is_some_and(|redis| {
            let info = redis.server.info();
            // One that ends at the beginning of a history cannot be told from one that failed.
            redis.server.is_log_off() || info.copies_failed > 0 || info.offset <= 1
        })
    }

    /// What the append-only file of a node's redis-server holds, if it runs with one.
    pub fn logged_by(&self, node: usize) -> Option<Arc<Vec<u64>>> {
        let persistence = self.settings.persistence;
        let redis = self.nodes.get(node)?.redis.as_ref()?;
        let files = redis.server.files();
        persistence.appends().then(|| files.loads(persistence).data)
    }

    /// Whether a node holds somebody else's data: in memory, or in its files while it has loaded none or is in quarantine.
    pub fn is_foreign(&self, node: usize) -> bool {
        let host = &self.nodes[node];
        let foreign = |held: &[u64]| held.iter().any(|value| *value >= crate::ledger::FOREIGN);
        let running = host.redis.as_ref();
        let in_files = || {
            let files = running.map_or(&host.files, |redis| redis.server.files());
            foreign(&files.holds())
        };
        let quarantined = running.is_some_and(|redis| redis.found.foreign);
        match self.data_of(node) {
            _ if !host.foreign => false,
            Some(data) => foreign(&data) || (quarantined && in_files()),
            None => in_files(),
        }
    }

    /// How many keys a node has, in memory or in the files that it would read.
    pub fn keys_of(&self, node: usize) -> u64 {
        let host = &self.nodes[node];
        let running = host.redis.as_ref().map(|redis| redis.server.files());
        let files = running.unwrap_or(&host.files);
        let disk = files.loads(self.settings.persistence).data.len();
        let memory = self.data_of(node).map_or(0, |data| data.len());
        if host.foreign {
            0
        } else {
            memory.max(disk) as u64
        }
    }

    /// What redis-server would ignore or overwrite if it were started on the files of a node.
    pub fn ignored_by_start(&self, node: usize) -> Vec<u64> {
        self.nodes[node].files.ignores(self.settings.persistence)
    }

    /// Whether some sentinel knows a newer record than this: whatever is made from this one, the register refuses.
    pub fn is_decided_after(&self, record: &Record) -> bool {
        self.monitors.decided > record.version
    }

    /// Whether clients may write to `node` just now.
    pub fn accepts(&self, node: usize) -> bool {
        let running = self.nodes[node]
            .redis
            .as_ref()
            .filter(|redis| redis.frozen_until <= self.now);
        running.is_some_and(|redis| redis.server.accepts_writes())
    }

    /// Whether `node`'s redis-server has been in step with a primary, or was one, in this run.
    pub fn was_in_step(&self, node: usize) -> bool {
        self.nodes[node]
            .redis
            .as_ref()
            .is_some_and(|redis| redis.was_in_step)
    }

    /// Whether sentinel `by` had, when it decided, `node`'s word that it is sealed for `epoch` and caught up, of the very
    /// redis-server that still runs there.
    pub fn is_elector(&self, by: usize, node: usize, epoch: Epoch, decided: Moment) -> bool {
        let Some(report) = self.monitors.known(by, node, decided) else {
            return false;
        };
        let Some(redis) = &self.nodes[node].redis else {
            return false;
        };
        // Whoever was made a master by somebody outside has a history that nobody knows: nobody can tell how far it is.
        let unknown = redis.tampered && report.history == 0;
        report.sealed == epoch
            && report.caught_up
            && !report.foreign
            && !unknown
            && !self.is_foreign(node)
            && report.incarnation.as_ref() == Some(&redis.incarnation)
    }

    /// A report reaches a sentinel.
    pub(super) fn before_report(&mut self, sentinel: usize, node: usize, report: &Arc<Report>) {
        self.monitors.hear(self.now, sentinel, node, report);
        let Some(redis) = &self.nodes[node].redis else {
            return;
        };
        let same = report.incarnation.as_ref() == Some(&redis.incarnation);
        if same && report.sealed > 0 {
            let seal = Seal {
                epoch: report.sealed,
                redis_run: redis.run,
                offset: report.offset,
            };
            self.monitors.seals.insert(node, seal);
        }
    }
}
