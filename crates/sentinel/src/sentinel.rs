//! The sentinel's loop: inputs in, outputs out.

mod disk;
mod outputs;
mod renewing;
mod showing;
mod start;

use crate::bell;
use crate::clients::Clients;
use crate::control::{Connection, Dialing, Notice};
use crate::decisions::Decisions;
use crate::facts::Facts;
use crate::options::Options;
use disk::Disk;
use holdfast_core::names::{Group, Node, Sentinel};
use holdfast_core::sentinel::{SentinelCore, SentinelInput};
use holdfast_link::Outbox;
use holdfast_probes::Questions;
use showing::Showing;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

pub use start::run;

/// Pace of the core's clock.
const TICK: Duration = Duration::from_millis(30);

/// Notices taken in one go before anything is written to the connections.
const BATCH: usize = 256;

/// One running sentinel.
struct Running {
    options: Options,
    core: SentinelCore,
    dialing: Dialing,
    /// Version of the voters that [`Dialing::reach`] last went by.
    reached: u64,
    agents: BTreeMap<(Group, Node), (Connection, Outbox)>,
    peers: BTreeMap<Sentinel, Outbox>,
    disk: Disk,
    clients: Clients,
    decisions: Decisions,
    showing: Showing,
}

impl Running {
    /// Serves until told to stop.
    async fn serve(
        mut self,
        mut inbox: mpsc::Receiver<Notice>,
        mut questions: Questions<Facts>,
        mut renewed: mpsc::Receiver<Result<Options, String>>,
    ) {
        self.reach();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut notices = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                _ = tick.tick() => self.step(SentinelInput::Tick),
                taken = inbox.recv_many(&mut notices, BATCH) => {
                    if taken == 0 {
                        return;
                    }
                    for notice in notices.drain(..) {
                        self.take(notice);
                    }
                }
                asked = self.clients.asked() => self.ask(asked),
                question = questions.next() => question.answer(self.facts()),
                Some(options) = renewed.recv() => self.renew(options),
            }
            if self.core.voters().version != self.reached {
                self.reach();
            }
            self.clients.refresh(bell::now(), &self.core);
        }
    }

    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::AgentLinked(id, group, node, outbox) => {
                self.agents
                    .insert((group.clone(), node.clone()), (id, outbox));
                self.step(SentinelInput::AgentLinked { group, node });
            }
            Notice::AgentGone(id, group, node, reset) if self.is_current(id, &group, &node) => {
                self.agents.remove(&(group.clone(), node.clone()));
                self.step(SentinelInput::AgentGone { group, node, reset });
            }
            Notice::Report(id, group, node, report) if self.is_current(id, &group, &node) => {
                self.step(SentinelInput::Report {
                    group,
                    node,
                    report,
                });
            }
            Notice::AgentGone(..) | Notice::Report(..) => {}
            Notice::AgentDecision(group, node, said) => {
                self.decisions.note(&group, node.as_str(), said);
            }
            Notice::PeerLinked(peer, outbox, ip) => {
                self.clients.met(&peer, ip);
                self.peers.insert(peer.clone(), outbox);
                self.step(SentinelInput::PeerLinked(peer));
            }
            Notice::PeerGone(peer) => {
                self.peers.remove(&peer);
                self.step(SentinelInput::PeerGone(peer));
            }
            Notice::Peer(from, message) => self.step(SentinelInput::Peer { from, message }),
            Notice::Persisted(messages) => self.send_all(messages),
        }
    }

    fn is_current(&self, id: Connection, group: &Group, node: &Node) -> bool {
        self.agents
            .get(&(group.clone(), node.clone()))
            .is_some_and(|(current, _)| *current == id)
    }

    /// One step of the core, and of what it says to itself.
    fn step(&mut self, input: SentinelInput) {
        let now = bell::now();
        let mut inputs = std::collections::VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for output in self.core.step(now, input) {
                inputs.extend(self.carry_out(output));
            }
        }
    }
}
