//! Those who follow a redis-server through its gate: they and the server speak bytes, and the gate's own code reads them.

use super::super::World;
use super::super::network::Place;
use crate::model::{Message, Replid};
use holdfast_core::gate::{
    Answered, Doorkeeper, Follower, Following, Gate as Core, Handshake, Said,
};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Address, Node};

/// The user that members log in as.
pub(super) const USER: &str = "holdfast";

/// Only agents know how a proof is made; here it is a word that no hostile client says.
pub(super) struct Door;

/// What the agent of this node gives its redis-server to say.
fn proof(node: &Node) -> String {
    format!("proof of {node}")
}

impl Doorkeeper for Door {
    fn proves(&self, user: &[u8], password: &[u8]) -> Option<Node> {
        let said = std::str::from_utf8(password).ok()?;
        let node = said.strip_prefix("proof of ")?;
        (user == USER.as_bytes()).then(|| Node::from(node))
    }

    fn login(&self, out: &mut Vec<u8>) {
        out.extend(command(&["AUTH", USER, "password"]));
    }
}

/// A command as bytes.
pub(super) fn command(words: &[&str]) -> Vec<u8> {
    let bulks = words
        .iter()
        .map(|word| format!("${}\r\n{word}\r\n", word.len()));
    let count = format!("*{}\r\n", words.len());
    std::iter::once(count)
        .chain(bulks)
        .collect::<String>()
        .into_bytes()
}

/// One connection through the gate that asks for the stream.
#[derive(Debug)]
pub(super) struct Line {
    state: State,
    /// Where the stream stands that it was sent.
    end: u64,
}

#[derive(Debug)]
enum State {
    Opening(Handshake),
    Follows(Box<Follower>, Following),
    Closed,
}

impl Line {
    pub(super) fn new(mutant: Mutant) -> Self {
        Self {
            state: State::Opening(Handshake::new(mutant)),
            end: 0,
        }
    }

    /// It says this. Returns what it acknowledges, and whether anything of it goes on to the server.
    pub(super) fn say(&mut self, bytes: &[u8]) -> (Option<(Following, u64)>, bool) {
        match &mut self.state {
            State::Opening(handshake) => {
                let goes_on = matches!(handshake.said(bytes, &Door), Said::Handshake(_));
                if !goes_on {
                    self.state = State::Closed;
                }
                (None, goes_on)
            }
            State::Follows(follower, following) => match follower.said(bytes) {
                Ok(most) => (most.map(|most| (*following, most)), true),
                Err(_) => {
                    self.state = State::Closed;
                    (None, false)
                }
            },
            State::Closed => (None, false),
        }
    }

    /// The server sends it this.
    pub(super) fn hear(&mut self, core: &mut Core, bytes: &[u8]) {
        match &mut self.state {
            State::Opening(handshake) => match handshake.answered(bytes) {
                Answered::Waits => {}
                Answered::Follows(follower) => {
                    let following = core.follow(&follower);
                    self.state = State::Follows(follower, following);
                }
                Answered::Refused(_) => self.state = State::Closed,
            },
            State::Follows(follower, _) => follower.sent(bytes),
            State::Closed => {}
        }
    }

    /// All that a member says and is answered before it asks for the stream.
    pub(super) fn introduce(&mut self, core: &mut Core, node: &Node, address: &Address) {
        self.say(&command(&["PING"]));
        self.hear(core, b"-NOAUTH Authentication required.\r\n");
        let port = address.port.to_string();
        let tells: [&[&str]; 4] = [
            &["AUTH", USER, &proof(node)],
            &["REPLCONF", "listening-port", &port],
            &["REPLCONF", "ip-address", &address.host],
            &["REPLCONF", "capa", "eof", "capa", "psync2"],
        ];
        self.say(&tells.map(command).concat());
        self.hear(core, &b"+OK\r\n".repeat(tells.len()));
    }

    /// It asks for the stream behind what it has.
    pub(super) fn ask(&mut self, have: Option<(Replid, u64)>) {
        let (replid, from) = have.map_or_else(
            || ("?".to_owned(), "-1".to_owned()),
            |(replid, offset)| (name(replid), (offset + 1).to_string()),
        );
        self.end = have.map_or(0, |(_, offset)| offset);
        self.say(&command(&["PSYNC", &replid, &from]));
    }

    /// The server's message, as bytes. Of the stream only its length is sent.
    fn hear_message(&mut self, core: &mut Core, message: &Message) {
        match message {
            Message::FullResync(replid, offset) => {
                self.end = *offset;
                let answer = format!("+FULLRESYNC {} {offset}\r\n", name(*replid));
                self.hear(core, answer.as_bytes());
            }
            Message::Continue(replid) => {
                let answer = format!("+CONTINUE {}\r\n", name(*replid));
                self.hear(core, answer.as_bytes());
            }
            Message::Refused => self.hear(core, b"-NOMASTERLINK no\r\n"),
            Message::Snapshot(_) => self.hear(core, b"\n$5\r\nREDIS"),
            Message::Stream(entries) => self.hear_stream(entries.last().map(|one| one.end)),
            Message::Next(entry) => self.hear_stream(Some(entry.end)),
            Message::Psync { .. } | Message::Ack(_) => {}
        }
    }

    fn hear_stream(&mut self, end: Option<u64>) {
        let end = end.unwrap_or(self.end);
        if let State::Follows(follower, _) = &mut self.state
            && follower.is_counted()
        {
            follower.sent_more(end.saturating_sub(self.end));
            self.end = end;
        }
    }

    /// It has ended.
    pub(super) fn end(self, core: &mut Core) {
        if let State::Follows(_, following) = self.state {
            core.leave(following);
        }
    }
}

fn name(replid: Replid) -> String {
    format!("{:040x}", replid.0)
}

impl World {
    /// A replica reaches redis-server through the gate and asks for the stream.
    pub(in crate::world) fn gate_meets(
        &mut self,
        node: usize,
        link: u64,
        from: Place,
        message: &Message,
    ) {
        let Place::Node(from) = from else { return };
        let (name, mutant) = (self.nodes[from].name.clone(), self.config.mutant);
        if let Message::Psync { have, from } = message
            && let Some(gate) = &mut self.nodes[node].gate
        {
            let mut member = Line::new(mutant);
            member.introduce(&mut gate.core, &name, from);
            member.ask(*have);
            if let Some(before) = gate.lines.insert(link, member) {
                before.end(&mut gate.core);
            }
        }
    }

    /// redis-server sends something on a replication link, through the gate.
    pub(in crate::world) fn gate_relays(&mut self, node: usize, link: u64, message: &Message) {
        if let Some(gate) = &mut self.nodes[node].gate
            && let Some(member) = gate.lines.get_mut(&link)
        {
            member.hear_message(&mut gate.core, message);
        }
    }

    /// A replication link has ended.
    pub(in crate::world) fn gate_parts(&mut self, node: usize, link: u64) {
        if let Some(gate) = &mut self.nodes[node].gate
            && let Some(member) = gate.lines.remove(&link)
        {
            member.end(&mut gate.core);
        }
    }
}
