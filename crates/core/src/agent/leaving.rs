//! A wish to stop: a primary hands over first, for as long as somebody may take over.

use super::{Agent, AgentOutput, Decision, Operation};
use crate::limits::NOBODY_LEFT;
use crate::record::Record;
use crate::time::Millis;
use crate::wire::ServerState;
use std::sync::Arc;

/// That somebody wishes this agent to end, and how far that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) handoff: bool,
    until: Millis,
    /// A replica was told to follow nobody any more: from there its position is exact.
    cut_off: bool,
    /// redis-server was told to end.
    pub(super) ordered: bool,
    /// Since when there is nobody to hand over to.
    lonely_since: Option<Millis>,
}

impl Agent {
    pub(super) fn on_stop(&mut self, now: Millis, handoff: bool, within: Millis) {
        if self.stop.is_none() {
            self.stop = Some(Stop {
                handoff,
                until: now + within,
                cut_off: false,
                ordered: false,
                lonely_since: None,
            });
            self.urgent = true;
        }
    }

    /// Carries a wish to stop through. Returns whether it has taken over.
    pub(super) fn advance_stop(&mut self, now: Millis, out: &mut Vec<AgentOutput>) -> bool {
        let Some(stop) = self.stop else { return false };
        if stop.ordered {
            self.end_with_server(out);
            return true;
        }
        let rules = self.standing.is_master() && self.server == ServerState::Up;
        if stop.handoff && rules {
            match self.vain(now, stop) {
                None => return false,
                Some(why) => out.push(AgentOutput::Decide(Decision::NotHandedOver(why))),
            }
        }
        if self.cut_off_first(out) {
            return true;
        }
        if let Some(stop) = &mut self.stop {
            stop.ordered = true;
        }
        if !self.end_with_server(out) {
            self.start(Operation::Stop, out);
        }
        true
    }

    /// A redis-server that has not answered yet is not waited for.
    pub(super) fn stop_starting(&mut self, out: &mut Vec<AgentOutput>) {
        let starting = self.running == Some(Operation::Start);
        if let Some(stop) = self.stop.as_mut().filter(|stop| starting && !stop.ordered) {
            stop.ordered = true;
            self.start(Operation::Stop, out);
        }
    }

    /// A replica is cut off before it ends, once. What it applied after the last look would be in its files and not in its
    /// note: where everything is stopped and the old primary's files are lost, the others are compared by their notes.
    fn cut_off_first(&mut self, out: &mut Vec<AgentOutput>) -> bool {
        let follows = self.standing.is_following() && self.server == ServerState::Up;
        let Some(stop) = self.stop.as_mut().filter(|stop| follows && !stop.cut_off) else {
            return false;
        };
        stop.cut_off = true;
        self.start(Operation::Seal, out);
        true
    }

    /// Where redis-server has ended, so may the agent, once what it noted of that is on disk.
    fn end_with_server(&self, out: &mut Vec<AgentOutput>) -> bool {
        let ended = matches!(self.server, ServerState::Down | ServerState::Starting);
        if ended && !self.storing {
            out.push(AgentOutput::Exit);
        }
        ended
    }

    /// Why waiting for a handoff has no point any more, if that is so.
    fn vain(&mut self, now: Millis, stop: Stop) -> Option<String> {
        if now >= stop.until {
            return Some("nobody took over in the time that it was given".to_owned());
        }
        let why = self.nobody_left();
        let since = why.map(|_| stop.lonely_since.unwrap_or(now));
        self.stop = Some(Stop {
            lonely_since: since,
            ..stop
        });
        let is_over = since.is_some_and(|since| now >= since + NOBODY_LEFT);
        why.filter(|_| is_over)
            .map(|why| format!("{why} for {NOBODY_LEFT} ms"))
    }

    /// Why nobody can take over just now. One sentinel or one connected replica is worth waiting for. Without both, writes
    /// stand still already: the lease has run out, or no reply is released.
    fn nobody_left(&self) -> Option<&'static str> {
        let me = &self.settings.node;
        let only_one = |record: &Arc<Record>| record.nodes.iter().all(|node| node == me);
        if self.info.replicas > 0 {
            None
        } else if self.record.as_ref().is_some_and(only_one) {
            Some("there was no other node in the group")
        } else if self.linked.is_empty() {
            Some("there was neither a connected replica nor a sentinel in reach")
        } else {
            None
        }
    }
}
