//! SIGSTOP, of one process or of many.

use super::Fault;
use crate::model::Micros;
use crate::world::World;

impl World {
    pub(super) fn freeze(&mut self, fault: &Fault, until: Micros) {
        match fault {
            Fault::FreezeRedis(node) => {
                let node = self.aim(*node);
                self.freeze_redis(node, until, false);
            }
            Fault::FreezeAgent(node) => {
                let node = self.aim(*node);
                stop(&mut self.nodes[node].agent_frozen_until, self.now, until);
            }
            Fault::FreezePod(node) => {
                let node = self.aim(*node);
                self.freeze_pod(node, until);
            }
            Fault::FreezeSentinel(sentinel) => {
                stop(&mut self.sentinels[*sentinel].frozen_until, self.now, until);
            }
            _ => {
                (0..self.nodes.len()).for_each(|node| self.freeze_pod(node, until));
                let now = self.now;
                self.sentinels
                    .iter_mut()
                    .for_each(|host| stop(&mut host.frozen_until, now, until));
            }
        }
    }

    /// Agent and watchdog never stand still for longer than their redis-server: nobody would close it. An agent that stands
    /// still already goes on no sooner than the others, or it would replace its redis-server under a watchdog that sleeps.
    fn freeze_pod(&mut self, node: usize, until: Micros) {
        let now = self.now;
        self.freeze_redis(node, until, true);
        let late = self.rng.below(5_000);
        let host = &mut self.nodes[node];
        let until = host
            .redis
            .as_ref()
            .map_or(until, |redis| redis.frozen_until);
        host.agent_frozen_until = host.agent_frozen_until.max(until + late);
        stop(&mut host.watchdog_frozen_until, now, until + late);
    }

    fn freeze_redis(&mut self, node: usize, until: Micros, whole: bool) {
        let now = self.now;
        if let Some(redis) = self.nodes[node].redis.as_mut() {
            stop(&mut redis.frozen_until, now, until);
            if whole {
                redis.thawed_at = Some(redis.frozen_until);
            }
        }
    }
}

/// SIGSTOP; who is stopped already stays so for as long as was said before, so that what waits for it
/// keeps its order.
fn stop(frozen_until: &mut Micros, now: Micros, until: Micros) {
    if *frozen_until <= now {
        *frozen_until = until;
    }
}
