//! A redis-server that lives and does not serve: a script that never ends, a client's pause.

use crate::model::{Command, Micros};
use crate::world::World;

impl World {
    /// A client runs a script that never ends.
    pub(super) fn run_script(&mut self, node: usize, wrote: bool) {
        let now = self.now;
        let idle = self.nodes[node]
            .redis
            .as_ref()
            .is_some_and(|redis| redis.up && redis.frozen_until <= now);
        if idle {
            self.counters.hit("endless script");
            let _ = self.with_redis(node, |server| server.command(now, Command::Script(wrote)));
        }
    }

    /// A client says `CLIENT PAUSE`: whatever comes on an ordinary connection waits.
    pub(super) fn pause_clients(&mut self, node: usize, long: Micros) {
        let now = self.now;
        if let Some(redis) = self.nodes[node].redis.as_mut().filter(|redis| redis.up) {
            redis.silent_until = redis.silent_until.max(now + long);
            self.counters.hit("paused by a client");
        }
    }
}
