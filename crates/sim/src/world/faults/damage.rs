//! Files that hold less than was written to them, or that redis-server does not read; and copies that fail.

use super::{Fault, Undo};
use crate::model::{CopyFault, Damage, Micros};
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
        let before = host.files.loads(persistence).data;
        let mut rng = host.rng.fork(2);
        host.files.damage(damage, &mut rng);
        // Of somebody else's data nothing may be left.
        host.foreign &= !host.files.is_blank();
        let left = host.files.loads(persistence).data;
        let taken = before.iter().any(|value| !left.contains(value));
        if taken {
            self.counters.hit("files damaged");
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
