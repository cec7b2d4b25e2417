//! How a connection shows what it is: a client, another gate, or a member of the group that follows the server behind this
//! gate.
//!
//! ```text
//!  PING · AUTH holdfast <proof> · REPLCONF … ──▶ an answer to each ──▶ PSYNC ──▶ +FULLRESYNC, +CONTINUE ──▶ Follower
//!       └─ any other command: a client                             └─ no proof, or not every answer read: refused
//! ```
//!
//! Both directions pass through here, and every answer is read in order. A connection is a member's only if it proved the
//! member's name, every command before `PSYNC` was answered, and `PSYNC` itself was answered by the stream. Nothing else
//! that it says counts. No answer of a handshake tells anything of the data, so none is held: a replica that waited for a
//! barrier could not become one of those who acknowledge it.

mod lines;
mod refusal;
mod requests;
#[cfg(test)]
mod tests;

pub use refusal::Refusal;

use super::follower::{Follower, Stream};
use crate::mutant::Mutant;
use crate::names::{Address, Node};
use lines::{Lines, TooLong};
pub(super) use requests::number;
use requests::{Next, Request, next};
use std::collections::VecDeque;

/// Commands of a handshake that may wait for their answers. A replica has five at most.
const PENDING_MAX: usize = 16;

/// Who may say that it is a member, and how it is logged in.
pub trait Doorkeeper {
    /// The node whose agent made this password.
    fn proves(&self, user: &[u8], password: &[u8]) -> Option<Node>;

    /// `AUTH` as the server behind the gate takes it from a member.
    fn login(&self, out: &mut Vec<u8>);
}

/// What bytes of the connection mean.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// These go to the server, which may be none yet.
    Handshake(Vec<u8>),
    /// It is a client. These are all of its bytes that have not gone to the server.
    Client(Vec<u8>),
    /// It is a gate that brings a session: all of its bytes, and where its greeting ends.
    Carried(Vec<u8>, usize),
    /// It is to be closed.
    Refused(Refusal),
}

/// What bytes of the server mean. All of them go to the connection first.
#[derive(Debug)]
pub enum Answered {
    /// Nothing new.
    Waits,
    /// It is a member from here on, and gets the stream.
    Follows(Box<Follower>),
    /// It is to be closed.
    Refused(Refusal),
}

/// A command that the server has not answered.
#[derive(Debug)]
enum Pending {
    /// A login, by a proof or by anything else.
    Login(Option<Node>),
    Other,
}

/// What a connection asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    /// All of the stream.
    Whole,
    /// The stream from this byte on, since it has the ones before.
    From(u64),
}

/// The beginning of one connection.
#[derive(Debug)]
pub struct Handshake {
    /// The beginning of a command.
    rest: Vec<u8>,
    /// Something was said before that.
    begun: bool,
    pending: VecDeque<Pending>,
    answers: Lines,
    /// It gave a proof.
    proved: bool,
    /// Whose agent gave it its password, once the server has let it in.
    member: Option<Node>,
    host: Option<String>,
    port: Option<u16>,
    asked: Asked,
    mutant: Mutant,
}

impl Handshake {
    /// Of a connection that has said nothing, with a planted bug or [`Mutant::None`].
    pub fn new(mutant: Mutant) -> Self {
        Self {
            rest: Vec::new(),
            begun: false,
            pending: VecDeque::new(),
            answers: Lines::default(),
            proved: false,
            member: None,
            host: None,
            port: None,
            asked: Asked::Nothing,
            mutant,
        }
    }

    /// Bytes of it that have not gone to the server.
    pub fn waiting(&self) -> usize {
        self.rest.len()
    }

    /// Whether it has proved a name: no session of a client's comes of it, whatever it says later.
    pub fn is_member(&self) -> bool {
        self.proved
    }

    /// Whether it has asked for the stream.
    pub fn is_syncing(&self) -> bool {
        self.asked != Asked::Nothing
    }

    /// The connection said this.
    pub fn said(&mut self, bytes: &[u8], door: &impl Doorkeeper) -> Said {
        if self.is_syncing() {
            return Said::Refused(Refusal::Hasty);
        }
        self.rest.extend_from_slice(bytes);
        let said = std::mem::take(&mut self.rest);
        let (mut at, mut forward) = (0, Vec::new());
        loop {
            let (request, end) = match next(&said[at..]) {
                Next::Whole(request, length) => (request, at + length),
                Next::Begun => {
                    self.rest.extend_from_slice(&said[at..]);
                    return Said::Handshake(forward);
                }
                Next::Other => return self.client(said),
            };
            let first = !std::mem::replace(&mut self.begun, true);
            match request {
                Request::Greeting if first => return Said::Carried(said, end),
                Request::Greeting => return self.client(said),
                Request::Sync => return Said::Refused(Refusal::Unnumbered),
                Request::Psync(from) => {
                    return self.ask(from, &said[at..], end == said.len(), forward);
                }
                _ if self.pending.len() >= PENDING_MAX => return self.client(said),
                request => self.note(request, &said[at..end], door, &mut forward),
            }
            at = end;
        }
    }

    fn client(&self, said: Vec<u8>) -> Said {
        if self.is_member() {
            Said::Refused(Refusal::Strayed)
        } else {
            Said::Client(said)
        }
    }

    /// A command that is answered by one line.
    fn note(
        &mut self,
        request: Request<'_>,
        raw: &[u8],
        door: &impl Doorkeeper,
        out: &mut Vec<u8>,
    ) {
        let proved = match request {
            Request::Login(user, password) => door.proves(user, password),
            _ => None,
        };
        self.proved |= proved.is_some();
        if proved.is_some() {
            door.login(out);
        } else {
            out.extend_from_slice(raw);
        }
        if let Request::Tells(host, port) = request {
            self.host = host.map(str::to_owned).or(self.host.take());
            self.port = port.or(self.port);
        }
        self.pending.push_back(match request {
            Request::Login(..) => Pending::Login(proved),
            _ => Pending::Other,
        });
    }

    fn ask(&mut self, from: Option<u64>, raw: &[u8], alone: bool, mut forward: Vec<u8>) -> Said {
        // Planted bug: whoever asks is believed, however much it has asked for before.
        let believed = self.mutant == Mutant::CountAForgedAcknowledgement;
        if !alone || !(self.pending.is_empty() || believed) {
            return Said::Refused(Refusal::Hasty);
        }
        if self.member.is_none() && !believed {
            return Said::Refused(Refusal::Unproven);
        }
        self.asked = from.map_or(Asked::Whole, Asked::From);
        forward.extend_from_slice(raw);
        Said::Handshake(forward)
    }

    /// The server answered this.
    pub fn answered(&mut self, mut bytes: &[u8]) -> Answered {
        while !bytes.is_empty() {
            let (line, used) = match self.answers.next(bytes) {
                Ok(Some(found)) => found,
                Ok(None) => return Answered::Waits,
                Err(TooLong) => return Answered::Refused(Refusal::of_server("")),
            };
            bytes = &bytes[used..];
            if let Some(answered) = self.on_answer(&line, bytes) {
                return answered;
            }
        }
        Answered::Waits
    }

    fn on_answer(&mut self, line: &str, rest: &[u8]) -> Option<Answered> {
        if self.mutant == Mutant::CountAForgedAcknowledgement
            && self.is_syncing()
            && line.starts_with('+')
        {
            return Some(self.follower(Stream::trusted(), rest));
        }
        let from = match (self.pending.pop_front(), self.asked) {
            (Some(Pending::Login(node)), _) => {
                self.member = node.filter(|_| line == "+OK");
                return None;
            }
            (Some(Pending::Other), _) => return None,
            (None, Asked::Nothing) => return Some(Answered::Refused(Refusal::of_server(line))),
            // The server shows that it lives while it prepares a copy.
            (None, _) if line.is_empty() => return None,
            (None, Asked::Whole) => None,
            (None, Asked::From(from)) => Some(from),
        };
        Some(match Stream::of(line, from) {
            Some(stream) => self.follower(stream, rest),
            None => Answered::Refused(Refusal::of_server(line)),
        })
    }

    fn follower(&mut self, stream: Stream, rest: &[u8]) -> Answered {
        let address = self.host.take().zip(self.port);
        let address = address.map(|(host, port)| Address::new(host, port));
        let mut follower = Follower::new(self.member.take(), address, stream);
        follower.sent(rest);
        Answered::Follows(Box::new(follower))
    }
}
