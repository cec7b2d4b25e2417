//! What happens to redis-server by itself.

use super::{Agent, AgentOutput, DataAtStart, Operation, ServerInfo, Standing};
use crate::position::Position;
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
        if self.running == Some(Operation::Start) {
            self.running = None;
        }
        self.standing = Standing::Fresh;
        self.caught_up = false;
        self.reason.clear();
        out.push(AgentOutput::Decide(format!(
            "redis-server of {} runs, sealed, as {}",
            self.settings.node, info.incarnation
        )));
        if info.keys == 0 && !info.loading && !self.stored.member {
            self.data.blank = true;
            self.data.foreign = false;
        }
        self.server = ServerState::Up;
        self.on_info(now, info);
        self.urgent = true;
    }

    pub(super) fn on_died(&mut self, now: Millis, reason: &str, out: &mut Vec<AgentOutput>) {
        self.running = None;
        self.server = ServerState::Down;
        self.standing = Standing::Fresh;
        self.caught_up = false;
        self.reason = reason.to_owned();
        // Up to two seconds, so that a server that cannot start does not spin.
        self.next_try = now + (RESTART_AFTER << self.failures.min(5));
        self.failures += 1;
        self.urgent = true;
        out.push(AgentOutput::Decide(format!(
            "redis-server of {} ended: {reason}",
            self.settings.node
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

    pub(super) fn on_info(&mut self, now: Millis, info: ServerInfo) {
        self.answered_at = now;
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
        self.info = info;
        self.notice_caught_up();
        self.notice_tampering();
        let awaited = self
            .record
            .as_ref()
            .is_some_and(|r| r.handoff.as_ref() == Some(&self.settings.node));
        self.urgent |= awaited && changed;
    }

    /// An incarnation has a vote from the moment at which it was in step with a primary of this group.
    fn notice_caught_up(&mut self) {
        let in_step = self.info.link_up && !self.info.syncing && !self.info.loading;
        if self.standing.is_following() && in_step && !self.caught_up {
            self.caught_up = true;
            self.failures = 0;
            self.data.blank = false;
            self.urgent = true;
        }
    }

    /// Somebody else gave redis-server a role: it goes through its orders again from the start.
    fn notice_tampering(&mut self) {
        let expected = self.standing.is_master();
        let replica = self.standing.is_following();
        if self.running.is_none()
            && ((expected && !self.info.is_master) || (replica && self.info.is_master))
        {
            self.standing = Standing::Fresh;
            self.caught_up = false;
            self.reason = "its role was changed from outside".to_owned();
            self.urgent = true;
        }
    }

    /// How far this node's data reaches, as far as it can be compared; else what was stored last.
    pub(super) fn position(&self) -> Option<Position> {
        let known = self
            .record
            .as_ref()
            .and_then(|r| r.epoch_of(&self.info.replid));
        match known {
            Some(epoch) if self.caught_up => Some(Position {
                epoch,
                offset: self.info.offset,
            }),
            _ => self.stored.position,
        }
    }
}
