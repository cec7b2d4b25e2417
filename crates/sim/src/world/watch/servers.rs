//! What agents and redis-servers do.

use crate::invariants::{
    i02_one_writer, i04_nothing_after_seal, i06_fit_to_rule, i07_empty_never_wins,
    i14_nothing_overwritten, i16_versions,
};
use crate::ledger::Written;
use crate::model::{Command, Message, Refusal};
use crate::world::World;
use holdfast_core::agent::{Operation, Standing};

impl World {
    /// An agent begins something.
    pub(in crate::world) fn before_operation(&mut self, node: usize, operation: &Operation) {
        self.violations
            .extend(i04_nothing_after_seal::check_order(self, node, operation));
        if *operation == Operation::Promote {
            self.violations.extend(i06_fit_to_rule::check(self, node));
            self.violations
                .extend(i14_nothing_overwritten::check_promotion(self, node));
        }
    }

    /// A command of an agent was executed by its redis-server.
    pub(in crate::world) fn after_command(
        &mut self,
        node: usize,
        command: &Command,
        result: Result<(), Refusal>,
    ) {
        if result.is_err() {
            return;
        }
        if matches!(command, Command::ReplicaOf(_) | Command::Unpause) {
            self.wake_barriers(node);
        }
        match command {
            Command::Fence(false) => self.opened(node),
            Command::ReplicaOf(None) => {
                let data = self.data_of(node);
                let Some(redis) = self.nodes[node].redis.as_ref() else {
                    return;
                };
                if let Some(data) = data {
                    let incarnation = redis.incarnation.clone();
                    self.monitors.promoted.insert(incarnation, (node, data));
                }
            }
            _ => {}
        }
    }

    /// A node was opened to writes: what it lacks of what was acknowledged is lost.
    fn opened(&mut self, node: usize) {
        let Some(agent) = &self.nodes[node].agent else {
            return;
        };
        let epoch = match agent.standing() {
            Standing::Promoted(epoch) | Standing::Open(epoch) => *epoch,
            _ => agent.promised(),
        };
        if let Some(redis) = self.nodes[node].redis.as_mut() {
            if redis.opened_for > epoch {
                self.counters.hit("opened for an older epoch");
            }
            redis.opened_for = epoch;
            // Who was promoted and never opened has released nothing: its disk has all that it can tell.
            redis.was_in_step = true;
        }
        self.monitors.opened = self.monitors.opened.max(epoch);
        let Some(data) = self.data_of(node) else {
            return;
        };
        if self.has_gates() && epoch < self.monitors.succeeded {
            return; // it does not know yet that its reign has ended
        }
        let missing = self.ledger.missing_in(&data);
        for (value, _) in &missing {
            self.counters.hit("acknowledged write lost");
            self.ledger.lose(*value);
        }
        let now = self.now;
        self.trace
            .mark(&[now, node as u64, epoch, missing.len() as u64]);
        self.trace.line(now, || {
            format!(
                "node {node}: OPEN for epoch {epoch}; {} acknowledged writes are lost",
                missing.len()
            )
        });
    }

    /// A redis-server has executed a client's write.
    pub(in crate::world) fn note_write(&mut self, node: usize, value: u64) {
        let at = self.now;
        if i02_one_writer::just_woke(self, node)
            && self.nodes[node]
                .redis
                .as_ref()
                .is_some_and(|redis| redis.opened_for < self.monitors.opened)
        {
            self.counters.hit("old primary woke up revoked");
        }
        self.violations
            .extend(i02_one_writer::check_write(self, node));
        self.violations
            .extend(i04_nothing_after_seal::check_write(self, node));
        let Some(redis) = &self.nodes[node].redis else {
            return;
        };
        let written = Written {
            node,
            redis_run: redis.run,
            at,
            epoch: redis.opened_for,
        };
        let stale = written.epoch < self.monitors.opened.max(self.monitors.succeeded);
        self.ledger.note(value, written);
        if stale {
            // In the known gap, or under a lease that its successor waits for: it is not counted as kept anywhere.
            self.ledger.lose(value);
        }
        self.trace.mark(&[at, node as u64, value]);
    }

    /// Replication is about to reach a redis-server.
    pub(in crate::world) fn before_replication(&mut self, node: usize, message: &Message) {
        if let Message::Snapshot(image) = message {
            self.violations
                .extend(i07_empty_never_wins::check(self, node, image));
            let broken = i16_versions::check_copy(self, node, image);
            self.violations.extend(broken);
        }
    }
}
