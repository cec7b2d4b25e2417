//! A script that runs for longer than `lua-time-limit`: everything but the order to end it is answered with `-BUSY`.
//!
//! What other servers send waits in the sockets, and redis-server's own clock stands still: no pings, no acknowledgements.

use super::command::{LinkId, Message, Refusal, Reply};
use super::server::Server;
use super::{Micros, command::Command};
use std::collections::VecDeque;

/// A script that does not end by itself.
#[derive(Debug)]
pub(super) struct Script {
    since: Micros,
    /// It has written: redis-server does not end it any more.
    wrote: bool,
    waiting: VecDeque<(LinkId, Arrival)>,
}

/// What reaches a server from a replication link.
#[derive(Debug)]
pub(super) enum Arrival {
    Opened,
    Closed,
    Message(Message),
}

impl Server {
    /// Since when it runs a script.
    pub fn busy_since(&self) -> Option<Micros> {
        self.script.as_ref().map(|script| script.since)
    }

    /// What it says while a script runs; none: it runs none.
    pub(super) fn busy(
        &mut self,
        now: Micros,
        command: &Command,
    ) -> Option<Result<Reply, Refusal>> {
        let wrote = self.script.as_ref()?.wrote;
        Some(match command {
            Command::EndScript if wrote => Err(Refusal::Unkillable),
            Command::EndScript => {
                self.end_script(now);
                Ok(Reply::Done)
            }
            _ => Err(Refusal::Busy),
        })
    }

    pub(super) fn begin_script(&mut self, now: Micros, wrote: bool) {
        self.script = Some(Script {
            since: now,
            wrote,
            waiting: VecDeque::new(),
        });
    }

    /// Something arrives while a script runs: it is read afterwards.
    pub(super) fn put_off(&mut self, link: LinkId, arrival: Arrival) -> Option<Arrival> {
        match &mut self.script {
            Some(script) => {
                script.waiting.push_back((link, arrival));
                None
            }
            None => Some(arrival),
        }
    }

    fn end_script(&mut self, now: Micros) {
        let waiting = self.script.take().map(|script| script.waiting);
        for (link, arrival) in waiting.into_iter().flatten() {
            self.arrive(now, link, arrival);
        }
    }
}
