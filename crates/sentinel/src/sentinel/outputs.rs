//! Carrying out what the core wants.

use super::Running;
use crate::clients::Asked;
use holdfast_core::names::Sentinel;
use holdfast_core::sentinel::{SentinelInput, SentinelOutput};
use holdfast_core::wire::PeerMessage;

impl Running {
    /// Does one thing. A message of the sentinel to itself comes back as the next input.
    pub(super) fn carry_out(&mut self, output: SentinelOutput) -> Option<SentinelInput> {
        match output {
            SentinelOutput::ToPeer { to, message } => return self.send(&to, message),
            SentinelOutput::ToAgent {
                group,
                node,
                message,
            } => {
                let key = (group, node);
                let sent = self
                    .agents
                    .get(&key)
                    .is_none_or(|(_, outbox)| outbox.send(&message));
                if !sent {
                    // Its reader notices that the connection ends, and says so.
                    self.agents.remove(&key);
                    let (group, node) = key;
                    return Some(SentinelInput::AgentGone {
                        group,
                        node,
                        reset: false,
                    });
                }
            }
            SentinelOutput::Persist { written, then } => self.disk.write(written, then),
            SentinelOutput::Decide { group, said } => {
                let by = self.core.settings().name.to_string();
                self.showing.decided(&self.core, &group, &said);
                self.decisions.note(&group, &by, said);
            }
            SentinelOutput::Happened { group, happening } => {
                self.showing.happened(&self.core, &group, &happening);
                self.clients.happened(&self.core, &group, &happening);
            }
            SentinelOutput::Answer { id, result } => self.clients.answer(id, result),
        }
        None
    }

    fn send(&mut self, to: &Sentinel, message: PeerMessage) -> Option<SentinelInput> {
        if *to == self.core.settings().name {
            return Some(SentinelInput::Peer {
                from: to.clone(),
                message,
            });
        }
        let sent = self
            .peers
            .get(to)
            .is_none_or(|outbox| outbox.send(&message));
        if !sent {
            self.peers.remove(to);
        }
        None
    }

    /// Sends what had to wait for the disk.
    pub(super) fn send_all(&mut self, messages: Vec<(Sentinel, PeerMessage)>) {
        for (to, message) in messages {
            if let Some(input) = self.send(&to, message) {
                self.step(input);
            }
        }
    }

    /// Passes a client's request on to the core, or answers it at once.
    pub(super) fn ask(&mut self, asked: Asked) {
        let now = crate::bell::now();
        if let Some((id, group, request)) =
            self.clients.begin(now, &self.core, &self.decisions, asked)
        {
            self.step(SentinelInput::Ask { id, group, request });
        }
    }
}
