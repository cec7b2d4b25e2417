//! From the newest record to the next operation.

use super::floor::Floor;
use super::{Agent, AgentOutput, Decision, KillReason, Operation, Standing, Stored};
use crate::record::{Phase, Record};
use crate::time::Millis;
use crate::wire::{FollowAhead, ServerState, TakeOver};

/// A replica whose link stays down for this long is told again whom to follow.
const FOLLOW_AGAIN: Millis = 2_000;

/// A paused primary that was not sealed in time is fenced by its watchdog after this long; its pause lasts longer.
pub(super) const PAUSED_MAX: Millis = 1_000;

/// Time between two tries of an operation that failed.
const RETRY: Millis = 50;

impl Agent {
    /// Does the next thing towards what the record wants, if nothing is being done.
    pub(super) fn advance(&mut self, now: Millis, out: &mut Vec<AgentOutput>) {
        if self.storing {
            return;
        }
        self.tend_condition(now, out);
        if self.server == ServerState::Hung {
            // Whatever was asked of a frozen server is not going to be answered.
            if self.running.is_some() || !self.advance_stop(now, out) {
                self.obey_hung(now, out);
            }
            return;
        }
        if self.running.is_some() {
            self.stop_starting(out);
            return;
        }
        if self.advance_stop(now, out) {
            return;
        }
        match self.server {
            ServerState::Down | ServerState::Starting if self.may_start(now) => {
                self.start(Operation::Start, out);
            }
            ServerState::Up if self.must_read_again() => {
                self.kill(KillReason::Emptied, out);
            }
            ServerState::Up => self.obey(now, out),
            ServerState::Loading => drop(self.disk_first(out)),
            _ => {}
        }
    }

    fn may_start(&self, now: Millis) -> bool {
        let ran = self.incarnation.is_some();
        now >= self.next_try && (self.settings.restart || !ran)
    }

    fn obey(&mut self, now: Millis, out: &mut Vec<AgentOutput>) {
        let Some(record) = self.record.clone() else {
            return;
        };
        if self.data.foreign || self.promise_first(&record, out) || now < self.next_try {
            return;
        }
        if self.disk_first(out) {
            return;
        }
        if let Some(operation) = self.wanted(&record, now) {
            self.start(operation, out);
        }
    }

    /// A promise is on disk before anything is done for its epoch.
    fn promise_first(&mut self, record: &Record, out: &mut Vec<AgentOutput>) -> bool {
        // A stranger's data does not become this group's by a promise, and who has just started must first hear that this
        // record is not one of those that the group has left behind.
        if self.data.foreign || !self.may_trust(record) {
            return true;
        }
        self.floor = Floor::Found;
        if record.epoch <= self.stored.promised && self.stored.member {
            return false;
        }
        let stored = Stored {
            promised: record.epoch.max(self.stored.promised),
            member: true,
            ..self.stored.clone()
        };
        self.stored.member = true;
        self.storing = true;
        out.push(AgentOutput::Store {
            stored,
            durable: true,
        });
        true
    }

    /// The operation that brings redis-server closer to what the record says, if any is missing.
    fn wanted(&self, record: &Record, now: Millis) -> Option<Operation> {
        let epoch = record.epoch;
        let mine = self
            .incarnation
            .as_ref()
            .is_some_and(|i| record.is_primary(&self.settings.node, i));
        match record.phase {
            Phase::Electing => self.wanted_electing(record, now),
            _ if mine => self.wanted_primary(record, now),
            // The others go on as they are until the appointed one can be followed; its predecessor ends.
            // One that is held for a handoff stays held, so that its clients wait instead of being sent away before
            // there is somewhere to go.
            Phase::Appointed if matches!(self.standing, Standing::Paused(_)) => None,
            Phase::Appointed if self.standing.is_master() => Some(Operation::Seal),
            Phase::Appointed => None,
            Phase::Stable => {
                let address = record
                    .primary
                    .as_ref()
                    .filter(|p| p.node != self.settings.node)?
                    .address
                    .clone();
                let followed = Standing::Following(epoch, address.clone());
                match self.standing {
                    _ if self.standing.is_master() => Some(Operation::Seal),
                    _ if self.may_not_copy(record, now) => {
                        self.standing.is_following().then_some(Operation::Seal)
                    }
                    _ if self.standing == followed && now < self.link_seen + FOLLOW_AGAIN => None,
                    _ if self.is_withheld() => {
                        self.standing.is_following().then_some(Operation::Seal)
                    }
                    _ => self.may_follow().then_some(Operation::Follow(address)),
                }
            }
        }
    }

    fn wanted_electing(&self, record: &Record, now: Millis) -> Option<Operation> {
        let epoch = record.epoch;
        if let Some(target) = &record.handoff {
            if *target == self.settings.node {
                return self.may_take_over(record).then_some(Operation::Promote);
            }
            if !self.standing.is_master() {
                return self.wanted_ahead(record);
            }
            let pause =
                record.names(&self.settings.node) && self.standing != Standing::Paused(epoch);
            return (pause && self.may_pause(now)).then_some(Operation::Pause);
        }
        (self.standing != Standing::Sealed(epoch)).then_some(Operation::Seal)
    }

    /// The target of a handoff need not wait for its appointment to be written: with all of the paused primary's data it
    /// becomes a master that refuses writes, and opens when the register says so.
    fn may_take_over(&self, record: &Record) -> bool {
        let whole = |word: &TakeOver| {
            word.version == record.version
                && word.replid == self.info.replid
                && word.offset <= self.info.offset
        };
        self.standing.is_following() && self.caught_up && self.take_over.as_ref().is_some_and(whole)
    }

    /// A replica that stays one goes on with the target as soon as that has taken over, from the same history: it need not
    /// have all of that yet, since the target has.
    fn wanted_ahead(&self, record: &Record) -> Option<Operation> {
        let known = |word: &&FollowAhead| {
            word.version == record.version && word.replid == self.info.replid && self.caught_up
        };
        let word = self.follow_ahead.as_ref().filter(known)?;
        let reached = Standing::Following(word.epoch, word.address.clone());
        (self.standing.is_following() && self.standing != reached)
            .then(|| Operation::Follow(word.address.clone()))
    }

    fn wanted_primary(&self, record: &Record, now: Millis) -> Option<Operation> {
        let epoch = record.epoch;
        match self.standing {
            Standing::Open(e) if e == epoch => None,
            Standing::Promoted(e) if e == epoch => {
                let leased = record.sync.k > 0
                    || self
                        .lease_until(epoch)
                        .is_some_and(|until| until > now + 20);
                let ready = record.phase == Phase::Stable && leased && self.may_keep();
                (ready && self.stop.is_none_or(|s| !s.ordered)).then_some(Operation::Open)
            }
            // A predecessor that rules again takes a new history like any other.
            Standing::Open(_) | Standing::Promoted(_) | Standing::Paused(_) => {
                Some(Operation::Seal)
            }
            _ => Some(Operation::Promote),
        }
    }

    /// A frozen old primary cannot be told to refuse writes; once it is revoked it must not wake up.
    fn obey_hung(&mut self, now: Millis, out: &mut Vec<AgentOutput>) {
        let Some(record) = self.record.clone() else {
            return;
        };
        if self.promise_first(&record, out) || now < self.next_try {
            return;
        }
        let revoked = match self.standing {
            Standing::Open(e) | Standing::Promoted(e) => e < record.epoch,
            Standing::Paused(_) => true,
            _ => false,
        };
        if revoked {
            self.kill(KillReason::Revoked(self.reason.clone()), out);
        }
    }

    /// Ends redis-server at once.
    pub(super) fn kill(&mut self, why: KillReason, out: &mut Vec<AgentOutput>) {
        if self.running == Some(Operation::Kill) {
            return;
        }
        out.push(AgentOutput::Decide(Decision::ServerKilled(why)));
        self.start(Operation::Kill, out);
    }

    pub(super) fn start(&mut self, operation: Operation, out: &mut Vec<AgentOutput>) {
        if operation == Operation::Open {
            // The watchdog knows before the server is opened.
            let leased = self.record.as_ref().filter(|r| r.sync.k == 0);
            let until = leased.and_then(|r| self.lease_until(r.epoch));
            self.deadline = until;
            out.push(AgentOutput::Deadline(until));
        }
        if operation == Operation::Pause {
            // From here the deadline is that of the pause, whatever the lease says.
            self.paused_until = None;
        }
        if operation == Operation::Promote {
            self.promoting = Some(self.info.offset);
        }
        self.running = Some(operation.clone());
        out.push(AgentOutput::Do(operation));
    }

    /// Notes how an operation ended.
    pub(super) fn on_done(
        &mut self,
        now: Millis,
        operation: Operation,
        result: Result<super::ServerInfo, String>,
        out: &mut Vec<AgentOutput>,
    ) {
        if self.running.as_ref() != Some(&operation) {
            return;
        }
        self.running = None;
        self.urgent = true;
        match result {
            Ok(info) => {
                if operation == Operation::EndScript {
                    self.on_script_ended(now);
                }
                self.stand(now, operation);
                self.on_info(now, info, out);
                self.tell_standing(out);
            }
            Err(why) => self.on_failed(now, &operation, &why, out),
        }
    }

    fn on_failed(
        &mut self,
        now: Millis,
        operation: &Operation,
        why: &str,
        out: &mut Vec<AgentOutput>,
    ) {
        self.next_try = now + RETRY;
        self.reason = format!("{operation:?} failed: {why}");
        let was_master = self.standing.is_master();
        match operation {
            // It may or may not be open, or refuse writes: only its end is certain.
            Operation::Open => self.kill(KillReason::NotOpened, out),
            Operation::Fence => self.kill(KillReason::NotFenced, out),
            Operation::EndScript => self.on_script_unended(now, why, out),
            Operation::Seal | Operation::Pause if was_master => {
                self.kill(KillReason::NotSealed, out);
            }
            _ => {}
        }
    }

    fn stand(&mut self, now: Millis, operation: Operation) {
        let Some(record) = &self.record else { return };
        let epoch = record.epoch.min(self.stored.promised);
        let reigns = self.standing.clone();
        self.standing = match operation {
            Operation::Seal => Standing::Sealed(epoch),
            Operation::Pause => Standing::Paused(epoch),
            Operation::Promote => {
                self.promoting = None;
                Standing::Promoted(epoch)
            }
            Operation::Follow(address) => {
                self.promoting = None;
                self.link_seen = now;
                Standing::Following(epoch, address)
            }
            Operation::Open => match reigns {
                Standing::Promoted(e) => Standing::Open(e),
                other => other,
            },
            Operation::Fence => match reigns {
                Standing::Open(e) => Standing::Promoted(e),
                other => other,
            },
            Operation::Start | Operation::Kill | Operation::Stop | Operation::EndScript => reigns,
        };
    }

    fn tell_standing(&mut self, out: &mut Vec<AgentOutput>) {
        if let Standing::Open(e) = self.standing {
            self.caught_up = true;
            self.data.blank = false;
            // Whatever they were, from here they are the group's.
            self.doubts.dispel();
            self.failures = 0;
            self.note_reign();
            out.push(AgentOutput::Decide(Decision::Opened(e)));
        }
        if let Standing::Sealed(e) = self.standing {
            out.push(AgentOutput::Decide(Decision::Sealed {
                epoch: e,
                offset: self.info.offset,
            }));
        }
    }
}
