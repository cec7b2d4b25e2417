//! What happens to redis-server by itself.

use super::{
    Agent, AgentOutput, DataAtStart, Decision, KillReason, Operation, ServerInfo, Standing,
};
use crate::time::Millis;
use crate::wire::ServerState;

/// Pause before redis-server is started again after it ended.
const RESTART_AFTER: Millis = 50;

impl Agent {
    pub(super) fn on_started(
        &mut self,
        now: Millis,
        info: ServerInfo,
        data: DataAtStart,
        out: &mut Vec<AgentOutput>,
    ) {
        self.data = data;
        self.doubts.renew();
        self.forget_said();
        if self.running == Some(Operation::Start) {
            self.running = None;
        }
        self.standing = Standing::Fresh;
        self.caught_up = false;
        self.history = None;
        self.promoting = None;
        self.unwell = None;
        self.reason.clear();
        out.push(AgentOutput::Decide(Decision::ServerRuns(
            info.incarnation.clone(),
        )));
        self.server = ServerState::Up;
        self.on_info(now, info, out);
        self.urgent = true;
    }

    pub(super) fn on_died(&mut self, now: Millis, reason: &str, out: &mut Vec<AgentOutput>) {
        self.notice_end_of_copy(now, reason);
        self.running = None;
        self.server = ServerState::Down;
        self.standing = Standing::Fresh;
        self.caught_up = false;
        self.unwell = None;
        self.reason = reason.to_owned();
        // Up to two seconds, so that a server that cannot start does not spin.
        self.next_try = now + (RESTART_AFTER << self.failures.min(5));
        self.failures += 1;
        self.urgent = true;
        out.push(AgentOutput::Decide(Decision::ServerEnded(
            reason.to_owned(),
        )));
    }

    pub(super) fn on_hung(&mut self, reason: String) {
        if matches!(self.server, ServerState::Up | ServerState::Loading) {
            self.server = ServerState::Hung;
            self.reason = reason;
            self.urgent = true;
        }
    }

    pub(super) fn on_recovered(&mut self) {
        if self.server == ServerState::Hung {
            self.server = ServerState::Up;
            self.reason.clear();
            self.urgent = true;
        }
    }

    pub(super) fn on_info(&mut self, now: Millis, info: ServerInfo, out: &mut Vec<AgentOutput>) {
        self.answered_at = now;
        if info.link_up || info.syncing {
            self.link_seen = now;
        }
        if !matches!(self.server, ServerState::Up | ServerState::Loading) {
            return;
        }
        let changed = info.link_up != self.info.link_up || info.offset != self.info.offset;
        let state = if info.loading {
            ServerState::Loading
        } else {
            ServerState::Up
        };
        self.urgent |= state != self.server;
        self.server = state;
        self.incarnation = Some(info.incarnation.clone());
        let before = std::mem::replace(&mut self.info, info);
        self.notice_doubt(&before, out);
        self.notice_caught_up();
        self.notice_copy(now, out);
        self.notice_history();
        self.settle(now);
        self.notice_tampering(out);
        let awaited = self
            .record
            .as_ref()
            .is_some_and(|r| r.handoff.as_ref() == Some(&self.settings.node));
        self.urgent |= awaited && changed;
    }

    /// An incarnation has a vote from the moment at which it was in step with a primary of this group.
    fn notice_caught_up(&mut self) {
        if self.is_in_step() && !self.caught_up {
            self.caught_up = true;
            self.failures = 0;
            self.data.blank = false;
            self.doubts.dispel();
            self.doubts.forget_files();
            self.next_note = 0;
            self.urgent = true;
        }
    }

    /// A replica that took writes of clients holds what its primary does not have. Restarted, it has to ask for a copy.
    pub(super) fn on_writable(&mut self, out: &mut Vec<AgentOutput>) {
        let runs = matches!(self.server, ServerState::Up | ServerState::Loading);
        if runs && !self.standing.is_master() {
            self.kill(KillReason::WritableReplica, out);
        }
    }

    /// Somebody else gave redis-server a role. A replica goes through its orders again from the start; a
    /// primary that was made a replica may have lost what it acknowledged, so it ends, and an election
    /// decides.
    fn notice_tampering(&mut self, out: &mut Vec<AgentOutput>) {
        if self.running.is_some() {
            return;
        }
        if let (Standing::Open(epoch), true) = (&self.standing, self.info.fenced) {
            // The watchdog was quicker than the news of a renewed lease.
            self.standing = Standing::Promoted(*epoch);
            self.urgent = true;
        }
        if let (Standing::Promoted(_), true, false) =
            (&self.standing, self.info.is_master, self.info.fenced)
        {
            // Nobody let it take writes: its fence was opened from outside.
            return self.start(Operation::Fence, out);
        }
        if self.standing.is_master() && (!self.info.is_master || self.is_deposed()) {
            self.kill(KillReason::RoleChanged, out);
        } else if self.standing.is_following() && self.info.is_master {
            self.standing = Standing::Fresh;
            self.caught_up = false;
            self.reason = "its role was changed from outside".to_owned();
            self.urgent = true;
        } else if self.info.is_master {
            self.seal_again(out);
        }
    }

    /// A sealed server that is a master would hand its data, or its emptiness, to whoever still follows its address.
    fn seal_again(&mut self, out: &mut Vec<AgentOutput>) {
        match self.standing {
            Standing::Fresh => self.start(Operation::Seal, out),
            // Obeyed once more: a promotion that was not answered in time leads here as well.
            Standing::Sealed(_) => self.standing = Standing::Fresh,
            _ => return,
        }
        self.urgent = true;
    }
}
