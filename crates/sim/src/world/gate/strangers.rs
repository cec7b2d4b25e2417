//! Connections at a gate that are no member's: a backup that copies and acknowledges, and a hostile client that says whatever
//! a user of the server can say, in the name of a member.

use super::super::World;
use super::super::event::Event;
use super::members::{Line, command};
use holdfast_core::gate::Gate as Core;
use holdfast_core::names::{Address, Node};

/// More than any stream holds.
const FAR: u64 = 1_000_000_000_000_000;

/// Who acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::world) enum Voice {
    /// Whoever is at the other end of this replication link.
    Link(u64),
    /// A node of the cluster that is no member of the group, and has what it says.
    Outsider,
    /// A client in the name of the member with this number, in one of its ways.
    Forger(usize, u64),
}

/// What the server answers the user of a client to each of these.
fn answer(words: &[&str]) -> &'static [u8] {
    match words[0] {
        "PING" => b"+PONG\r\n",
        "AUTH" => b"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
        _ => b"-NOPERM User default has no permissions to run this command\r\n",
    }
}

/// Says all of this, at once or one after the other, and hears the answers.
fn forge(line: &mut Line, core: &mut Core, words: &[&[&str]], at_once: bool) {
    let said: Vec<Vec<u8>> = words.iter().map(|words| command(words)).collect();
    if at_once {
        line.say(&said.concat());
        for words in words {
            line.hear(core, answer(words));
        }
        return;
    }
    for (said, words) in said.iter().zip(words) {
        if line.say(said).1 {
            line.hear(core, answer(words));
        }
    }
}

/// A connection of a node of the cluster that is no member, and has everything; returns what it acknowledges.
fn outsider(line: &mut Line, core: &mut Core, at: &Address, offset: u64) -> u64 {
    line.introduce(core, &Node::from("outsider"), at);
    line.ask(None);
    line.hear(core, format!("+FULLRESYNC 00 {offset}\r\n").as_bytes());
    offset
}

/// A connection that claims to be this member's; returns what it acknowledges.
fn forger(line: &mut Line, core: &mut Core, at: &Address, way: u64) -> u64 {
    let port = at.port.to_string();
    let tells: [&[&str]; 2] = [
        &["REPLCONF", "listening-port", &port],
        &["REPLCONF", "ip-address", &at.host],
    ];
    let before: &[&[&str]] = match way / 2 % 3 {
        0 => &[&["PING"]],
        1 => &[&["AUTH", "holdfast", "password"], &["PING"]],
        _ => &[],
    };
    let psync: &[&str] = &["PSYNC", "?", "-1"];
    let words = [before, &tells, &[psync]].concat();
    forge(line, core, &words, way.is_multiple_of(2));
    FAR
}

impl World {
    /// A barrier is under way at this redis-server: whoever is no member acknowledges it too.
    pub(super) fn strangers_acknowledge(&mut self, node: usize, redis_run: u64, offset: u64) {
        let nodes = self.nodes.len();
        let forger = self.hostile.as_mut().map(|rng| {
            let (who, way) = (rng.bits(), rng.bits());
            Voice::Forger(who as usize % nodes, way)
        });
        let outsider = self.stranger.then_some(Voice::Outsider);
        for voice in outsider.into_iter().chain(forger) {
            let sees = Event::GateSees {
                node,
                run: self.nodes[node].run,
                redis_run,
                voice,
                offset,
            };
            self.queue.push(self.now, sees);
        }
    }

    /// Somebody who is no member speaks, on a connection of its own.
    pub(super) fn stranger_speaks(&mut self, node: usize, voice: Voice, offset: u64) {
        let (now, mutant) = (self.now, self.config.mutant);
        let named = match voice {
            Voice::Forger(number, _) => self.nodes[number].address.clone(),
            _ => Address::new("10.9.9.9", 6379),
        };
        let Some(gate) = &mut self.nodes[node].gate else {
            return;
        };
        let (core, mut line) = (&mut gate.core, Line::new(mutant));
        let offset = match voice {
            Voice::Forger(_, way) => forger(&mut line, core, &named, way),
            _ => outsider(&mut line, core, &named, offset),
        };
        self.counters.hit("acknowledgement of no member");
        let ack = command(&["REPLCONF", "ACK", &offset.to_string()]);
        if let (Some((following, most)), _) = line.say(&ack) {
            core.acknowledged(now, following, most);
        }
        // It stays until the next one of its kind comes.
        if let Some(before) = gate.strangers.replace(line) {
            before.end(&mut gate.core);
        }
        self.pump(node);
    }
}
