//! Files that hold less than was written to them, or that redis-server does not read; and copies that fail.

use super::{Fault, Undo};
use crate::model::{CopyFault, Damage, Files, Micros, Persistence};
use crate::world::World;
use crate::world::event::Event;
use crate::world::network::Place;

impl World {
    pub(super) fn on_damage(&mut self, fault: &Fault, long: Micros) {
        match fault {
            Fault::BreakCopies(node, fault, long) => self.break_copies(*node, *fault, *long),
            Fault::KillReplica(node) if self.serving() != Some(*node) => {
                self.kill_redis(*node, "crashed");
            }
            Fault::LosePrimary(long) => self.lose_primary(*long),
            Fault::Damage(node, damage) => {
                let node = self.aim(*node);
                self.damage(node, *damage, long);
            }
            Fault::DamageAll(damage) => self.damage_all(*damage),
            _ => {}
        }
    }

    /// The pod ends, its files are damaged, and it comes back.
    pub(super) fn damage(&mut self, node: usize, damage: Damage, after: Micros) {
        self.kill_pod(node, "its files are damaged");
        self.boot_later(Place::Node(node), after);
        let persistence = self.settings.persistence;
        let host = &mut self.nodes[node];
        let before = host.files.clone();
        let mut rng = host.rng.fork(2);
        host.files.damage(damage, &mut rng);
        // Of somebody else's data nothing may be left.
        host.foreign &= !host.files.is_blank();
        let held = before.loads(persistence).data;
        let left = host.files.loads(persistence).data;
        let taken = held.iter().filter(|value| !left.contains(value));
        let taken: Vec<u64> = taken.copied().collect();
        if !taken.is_empty() {
            self.counters.hit("files damaged");
        }
        if persistence == Persistence::AppendAlways {
            self.lose_what_no_note_tells(node, &before, &taken);
            self.lose_what_no_disk_has();
        }
    }

    /// Where disks are the promise, and one has lost what came after its last note: nothing can tell that it ever had it.
    fn lose_what_no_note_tells(&mut self, node: usize, before: &Files, taken: &[u64]) {
        let stored = self.nodes[node].disk.read().unwrap_or_default();
        let noted = stored.newest_note().and_then(|note| note.files.log.last());
        let told = before.first_entries(noted.map_or(0, |file| file.bytes));
        for value in taken.iter().filter(|value| !told.contains(value)) {
            if self.ledger.is_released(*value) {
                self.ledger.lose(*value);
            }
        }
    }

    /// Where disks are the promise, what every one of them has lost is lost: nothing is left from which it could be had.
    pub(super) fn lose_what_no_disk_has(&mut self) {
        let all = 0..self.nodes.len();
        let held = all.flat_map(|node| {
            let memory = self
                .data_of(node)
                .into_iter()
                .flat_map(|data| data.to_vec());
            memory.chain(self.disk_of(node)).collect::<Vec<u64>>()
        });
        let held: Vec<u64> = held.collect();
        if self.ledger.lose_all_but(&held) > 0 {
            self.counters.hit("every disk lost a write");
        }
    }

    /// Every pod ends, and the files of all are damaged in the same way.
    pub(super) fn damage_all(&mut self, damage: Damage) {
        for node in 0..self.nodes.len() {
            let after = self.rng.between(1, 40) * 50_000;
            self.damage(node, damage, after);
        }
    }

    /// Full copies that this node receives fail for a while.
    pub(super) fn break_copies(&mut self, node: usize, fault: CopyFault, long: Micros) {
        self.copies_fail(node, fault);
        let mend = Event::Undo(Undo::MendCopies(node));
        self.queue.push(self.now + long, mend);
    }

    pub(super) fn copies_fail(&mut self, node: usize, fault: CopyFault) {
        let host = &mut self.nodes[node];
        host.copies_fail = fault;
        if let Some(redis) = &mut host.redis {
            redis.server.fail_copies(fault);
        }
    }

    /// The node that serves is gone for longer than a start waits for it.
    pub(super) fn lose_primary(&mut self, long: Micros) {
        if let Some(node) = self.serving() {
            self.kill_pod(node, "gone for long");
            self.boot_later(Place::Node(node), long);
        }
    }

    /// Which fault of this kind comes next, for the plan.
    pub(super) fn some_damage(rng: &mut crate::rng::Rng, node: usize) -> Fault {
        let damage = *rng.pick(&Damage::ALL).unwrap_or(&Damage::CutLog);
        if rng.chance(300) {
            Fault::DamageAll(damage)
        } else {
            Fault::Damage(node, damage)
        }
    }
}
