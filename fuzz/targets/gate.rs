//! The gate with a model of redis-server behind it: whatever happens in whatever order, a reply goes out only when k members of
//! the sync set have what it tells of, whoever else acknowledges whatever.
#![no_main]

use arbitrary::Arbitrary;
use holdfast_core::gate::{
    Answer, Answered, Connection, Doorkeeper, Following, Gate, Handshake, Hold,
};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Address, Node};
use holdfast_core::record::Member;
use holdfast_core::syncset::SyncRule;
use libfuzzer_sys::fuzz_target;
use std::collections::VecDeque;

const CLIENTS: usize = 4;
const MEMBERS: usize = 3;

#[derive(Arbitrary, Debug)]
enum Step {
    /// A client's write is executed, and its reply is on the way to the gate.
    Write(u8),
    /// The gate reads everything that the server sent on this connection.
    Read(u8),
    /// A member applies so much more of the stream.
    Apply(u8, u8),
    /// A member acknowledges what it has applied.
    Acknowledge(u8),
    /// Somebody who is no member acknowledges more than there is.
    Forge(u8),
    /// A barrier is sent if one is due, and the server executes it.
    Barrier(u16),
    /// The server's next answer on this link reaches the gate.
    Answer(u8),
    /// A link breaks and is made again.
    Relink(u8),
    /// A client leaves, and another takes its place.
    Renew(u8),
}

/// What one client's connection holds.
#[derive(Default)]
struct Client {
    connection: Option<Connection>,
    /// Replies that the gate has not read: the offset behind each.
    coming: VecDeque<u64>,
    /// Replies that it has read, one byte each, since the connection was opened.
    read: Vec<u64>,
}

/// Takes the name of a node for its proof.
struct Door;

impl Doorkeeper for Door {
    fn proves(&self, _user: &[u8], password: &[u8]) -> Option<Node> {
        Some(Node::from(std::str::from_utf8(password).ok()?))
    }

    fn login(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
    }
}

/// A connection of this node, by the handshake that a gate reads.
fn follow(gate: &mut Gate, node: &str, at: &Address) -> Following {
    let mut handshake = Handshake::new(Mutant::None);
    let port = at.port.to_string();
    let said: [&[&str]; 4] = [
        &["AUTH", "holdfast", node],
        &["REPLCONF", "listening-port", &port],
        &["REPLCONF", "ip-address", &at.host],
        &["PSYNC", "?", "-1"],
    ];
    for words in said {
        let bulks = words
            .iter()
            .map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let bytes = format!("*{}\r\n{}", words.len(), bulks.collect::<String>());
        handshake.said(bytes.as_bytes(), &Door);
        let answer: &[u8] = match words[0] {
            "PSYNC" => b"+FULLRESYNC 00 100\r\n",
            _ => b"+OK\r\n",
        };
        if let Answered::Follows(follower) = handshake.answered(answer) {
            return gate.follow(&follower);
        }
    }
    unreachable!("a member follows")
}

struct World {
    members: [Following; MEMBERS],
    gate: Gate,
    now: u64,
    offset: u64,
    k: usize,
    applied: [u64; MEMBERS],
    clients: [Client; CLIENTS],
    links: [VecDeque<Answer>; 4],
}

fn address(member: usize) -> Address {
    Address::new(format!("10.0.0.{member}"), 6379)
}

fn rule(k: usize) -> SyncRule {
    let member = |index: usize| Member {
        node: format!("redis-{index}").as_str().into(),
        incarnation: format!("{index:040}").as_str().into(),
        address: address(index),
        server: None,
    };
    SyncRule::of((0..MEMBERS).map(member), k)
}

impl World {
    fn new(k: usize) -> Self {
        let mut gate = Gate::new(Mutant::None);
        gate.hold(Hold::by(7, 1, &rule(k)));
        (0..4).for_each(|link| gate.link_ready(link));
        let members =
            std::array::from_fn(|one| follow(&mut gate, &format!("redis-{one}"), &address(one)));
        let mut world = Self {
            members,
            gate,
            now: 1_000_000,
            offset: 100,
            k,
            applied: [0; MEMBERS],
            clients: Default::default(),
            links: Default::default(),
        };
        (0..CLIENTS).for_each(|client| world.renew(client));
        world
    }

    fn renew(&mut self, index: usize) {
        let client = &mut self.clients[index];
        if let Some(old) = client.connection.take() {
            self.gate.close(old);
        }
        *client = Client {
            connection: Some(self.gate.open(index)),
            ..Client::default()
        };
    }

    fn take(&mut self, step: &Step) {
        self.now += 50;
        match *step {
            Step::Write(client) => self.write(usize::from(client) % CLIENTS),
            Step::Read(client) => self.read(usize::from(client) % CLIENTS),
            Step::Apply(member, bytes) => {
                let applied = &mut self.applied[usize::from(member) % MEMBERS];
                *applied = (*applied + u64::from(bytes)).min(self.offset);
            }
            Step::Acknowledge(member) => {
                let member = usize::from(member) % MEMBERS;
                let (following, applied) = (self.members[member], self.applied[member]);
                self.gate.acknowledged(self.now, following, applied);
            }
            Step::Forge(stranger) => {
                let nobody = Address::new(format!("10.0.1.{stranger}"), 6379);
                let stranger = follow(&mut self.gate, &format!("stranger-{stranger}"), &nobody);
                self.gate.acknowledged(self.now, stranger, u64::MAX);
                self.gate.leave(stranger);
            }
            Step::Barrier(pause) => self.barrier(pause),
            Step::Answer(link) => self.answer(usize::from(link) % 4),
            Step::Relink(link) => {
                let link = usize::from(link) % 4;
                self.links[link].clear();
                self.gate.link_lost(link);
                self.gate.link_ready(link);
            }
            Step::Renew(client) => self.renew(usize::from(client) % CLIENTS),
        }
        self.judge();
    }

    fn write(&mut self, client: usize) {
        if let Some(connection) = self.clients[client].connection {
            self.gate.asked(self.now, connection);
            self.offset += 1;
            self.clients[client].coming.push_back(self.offset);
        }
    }

    fn read(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let count = client.coming.len() as u64;
        client.read.extend(client.coming.drain(..));
        if let Some(connection) = client.connection.filter(|_| count > 0) {
            self.gate.held(connection, count);
        }
    }

    /// The server executes what is sent at once: everything whose reply was read before has a lower offset.
    fn barrier(&mut self, pause: u16) {
        self.now += u64::from(pause);
        if let Some(issue) = self.gate.next(self.now) {
            let told = Answer::Master(self.offset);
            self.offset += 1;
            let count = Answer::Count(1);
            self.links[issue.link].extend([told, count, count]);
        }
    }

    fn answer(&mut self, link: usize) {
        if let Some(answer) = self.links[link].pop_front() {
            self.gate.answer(self.now, link, answer);
        }
    }

    fn judge(&mut self) {
        let released: Vec<(Connection, u64)> = self.gate.released().collect();
        for (connection, up_to) in released {
            let client = self
                .clients
                .iter()
                .find(|client| client.connection == Some(connection));
            let Some(client) = client else { continue };
            assert!(
                up_to as usize <= client.read.len(),
                "released what was never read"
            );
            let newest = client.read[..up_to as usize].last().copied().unwrap_or(0);
            let have = self
                .applied
                .iter()
                .filter(|applied| **applied >= newest)
                .count();
            assert!(
                have >= self.k,
                "{have} members have {newest}: {:?}",
                self.applied
            );
        }
        self.gate.news().for_each(drop);
    }
}

fuzz_target!(|input: (u8, Vec<Step>)| {
    let mut world = World::new(1 + usize::from(input.0) % MEMBERS);
    input.1.iter().take(2000).for_each(|step| world.take(step));
});
