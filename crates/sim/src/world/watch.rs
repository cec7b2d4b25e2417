//! Where the world meets the rules: called at the events that could break one.

use super::World;
use super::event::Event;
use super::faults::Fault;
use super::sentinel::group;
use crate::invariants::i04_nothing_after_seal::Seal;
use crate::invariants::{
    Moment, i01_nothing_lost, i02_one_writer, i04_nothing_after_seal, i05_quorums_meet,
    i06_fit_to_rule, i07_empty_never_wins, i08_no_read_rolled_back, i10_handoff_keeps_all,
};
use crate::ledger::Written;
use crate::model::{Command, Message, Refusal};
use holdfast_core::agent::{Operation, Standing};
use holdfast_core::names::{Epoch, Node};
use holdfast_core::record::{Member, Phase, Record};
use holdfast_core::register::{Ballot, Versioned};
use holdfast_core::wire::{PeerMessage, Report, Value};
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
            && !self.nodes[node].foreign
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

    /// A message leaves a sentinel.
    pub(super) fn before_peer_message(&mut self, sentinel: usize, message: &PeerMessage) {
        if !matches!(
            message,
            PeerMessage::Alive { .. } | PeerMessage::Opinion { .. }
        ) {
            let text =
                |message: &PeerMessage| format!("sentinel {sentinel}: says {}", brief(message));
            self.trace.line(self.now, || text(message));
        }
        if matches!(message, PeerMessage::Accepted { .. })
            && self.rng.chance(self.nervous_per_mille)
        {
            // Just after it has answered: what it has promised must be on its disk.
            self.queue
                .push(self.now + 20, Event::Fault(Fault::KillSentinel(sentinel)));
        }
        let broken = self.monitors.register.watch(self.now, message);
        self.violations.extend(broken);
        if let PeerMessage::Refused {
            promised, ballot, ..
        } = message
            && promised > ballot
        {
            self.counters.hit("ballots collided");
        }
        match message {
            PeerMessage::Prepare { ballot, .. } => {
                self.begun(ballot);
            }
            PeerMessage::Accept {
                ballot,
                value: Value::Record(record),
                ..
            } => {
                let decided = self.begun(ballot);
                self.before_proposal(sentinel, record, decided);
            }
            _ => {}
        }
    }

    /// When this attempt was begun, and thus decided.
    fn begun(&mut self, ballot: &Ballot) -> Moment {
        let moment = self.monitors.moment(self.now);
        *self.monitors.begun.entry(ballot.clone()).or_insert(moment)
    }

    /// A sentinel has done something: does it know a newer record that is committed? It may die before anybody hears of it.
    pub(super) fn look_for_decision(&mut self, sentinel: usize) {
        let core = self.sentinels[sentinel].core.as_ref();
        let record = core.and_then(|core| core.group(&group())?.record());
        let newer = record.filter(|record| record.version > self.monitors.decided);
        if let Some(record) = newer.cloned() {
            self.monitors.decided = record.version;
            self.note_decided(&record);
        }
    }

    fn note_decided(&mut self, record: &Record) {
        if self.monitors.unsure.contains(&record.version) {
            self.monitors.by_data = self.monitors.by_data.max(record.epoch);
        }
        if record.phase == Phase::Stable {
            self.succeeded(record);
        }
        if record.terms.k() == 0 && !record.has_held() {
            self.ledger.promise_nothing();
        }
    }

    fn before_proposal(&mut self, sentinel: usize, record: &Record, decided: Moment) {
        self.violations
            .extend(i05_quorums_meet::check(self.now, record));
        if record.phase == Phase::Electing || record.by != self.sentinels[sentinel].name {
            return;
        }
        let known = self.sentinels[sentinel]
            .core
            .as_ref()
            .and_then(|core| core.group(&group())?.record().cloned());
        let Some(before) = known.filter(|known| known.version + 1 == record.version) else {
            return; // an older attempt that is repeated: it was judged when it was made
        };
        if record.phase == Phase::Stable && before.phase != Phase::Electing {
            return; // nobody is chosen by it
        }
        let made = (record.version, record.by.clone(), record.primary.clone());
        if !self.monitors.appointments.insert(made) {
            return; // carried on under another ballot
        }
        if self.is_decided_after(&before) {
            return; // it missed what the others have decided: the register does not accept it any more
        }
        self.violations
            .extend(i10_handoff_keeps_all::check(self, &before, record));
        let by_data = gives_up(&before, record);
        if by_data || (before.is_leased() && before.terms.k() == 0) {
            self.monitors.unsure.insert(record.version);
        }
        if before.handoff.is_some() {
            self.counters.hit("handoff");
        } else if by_data {
            self.counters.hit("chosen by what is on disk");
            self.violations
                .extend(i01_nothing_lost::check_by_data(self, &before));
        } else {
            self.violations
                .extend(i01_nothing_lost::check(self, sentinel, record, decided));
            self.violations.extend(i06_fit_to_rule::check_choice(
                self, sentinel, record, decided,
            ));
        }
    }

    /// A new reign is on record: what its primary lacks of the older ones is lost, also if it ends before
    /// it is opened, for from now on every data set of the new history goes before those of the old.
    fn succeeded(&mut self, record: &Record) {
        if record.epoch <= self.monitors.succeeded {
            return;
        }
        let before = std::mem::replace(&mut self.monitors.succeeded, record.epoch);
        let Some(primary) = &record.primary else {
            return;
        };
        // It may have ended before anybody knew that its reign is on record.
        let promoted = self.monitors.promoted.get(&primary.incarnation).cloned();
        let Some((node, data)) = promoted else {
            return;
        };
        // A reign in between that never came on record may have begun without what was released before.
        if !self.forced && self.monitors.by_data <= before {
            self.check_whole(node, &data);
        }
        for (value, written) in self.ledger.missing_in(&data) {
            if written.epoch < record.epoch {
                self.counters.hit("acknowledged write lost");
                self.ledger.lose(value);
            }
        }
    }

    /// The data of this primary has all that was ever released or shown.
    pub(super) fn check_whole(&mut self, node: usize, data: &[u64]) {
        self.violations
            .extend(i01_nothing_lost::check_released(self, node, data));
        self.violations
            .extend(i08_no_read_rolled_back::check_primary(self, node, data));
    }

    /// An agent begins something.
    pub(super) fn before_operation(&mut self, node: usize, operation: &Operation) {
        self.violations
            .extend(i04_nothing_after_seal::check_order(self, node, operation));
        if *operation == Operation::Promote {
            self.violations.extend(i06_fit_to_rule::check(self, node));
        }
    }

    /// A command of an agent was executed by its redis-server.
    pub(super) fn after_command(
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
    pub(super) fn note_write(&mut self, node: usize, value: u64) {
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
    pub(super) fn before_replication(&mut self, node: usize, message: &Message) {
        if let Message::Snapshot(image) = message {
            self.violations
                .extend(i07_empty_never_wins::check(self, node, image));
        }
    }
}

/// Whether an appointment gives the rules up: its primary was chosen by what is on disk.
fn gives_up(before: &Record, record: &Record) -> bool {
    record.phase == Phase::Appointed
        && (record.sync != before.sync || record.former != before.former)
}

/// A message of the register in a few words.
fn brief(message: &PeerMessage) -> String {
    let number = |ballot: &Ballot| format!("{}/{}", ballot.round, ballot.by);
    match message {
        PeerMessage::Prepare { group, ballot, .. } => {
            format!("prepare {} of `{group}`", number(ballot))
        }
        PeerMessage::Promise {
            group,
            ballot,
            accepted,
            ..
        } => {
            let accepted = accepted
                .as_ref()
                .map(|(ballot, value)| (number(ballot), value.version()));
            format!(
                "promise {} of `{group}`, accepted {accepted:?}",
                number(ballot)
            )
        }
        PeerMessage::Accept {
            group,
            ballot,
            value,
            ..
        } => {
            format!(
                "accept {} of `{group}`: version {}",
                number(ballot),
                value.version()
            )
        }
        PeerMessage::Accepted {
            group,
            ballot,
            lease_ms,
            ..
        } => {
            format!(
                "accepted {} of `{group}`, lease {lease_ms} ms",
                number(ballot)
            )
        }
        PeerMessage::Refused {
            group,
            ballot,
            promised,
            voters,
        } => {
            format!(
                "refused {} of `{group}`: {}, voters {}",
                number(ballot),
                number(promised),
                voters.version
            )
        }
        PeerMessage::Learn { group, value } => {
            format!("learn `{group}` version {}", value.version())
        }
        other => format!("{other:?}"),
    }
}
