//! The watch's own connection to the server: asks PING, notices any answer. Never blocks, never waits.

use super::{USER, unread};
use holdfast_core::names::Incarnation;
use nix::errno::Errno;
use nix::sys::socket::{
    self, AddressFamily, SockFlag, SockType, UnixAddr, sockopt::PeerCredentials,
};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// An `INFO server` is about 600 bytes; more than this is not waited for.
const GREETING_BYTES: usize = 16 << 10;

/// What the server says to a newcomer for whom there is no place.
const NO_PLACE: &[u8] = b"-ERR max number of clients";

/// What an answer tells of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It lives.
    Any,
    /// It runs a script.
    Busy,
    /// It has no place for another client.
    NoPlace,
}

impl Answer {
    /// The last of some answers counts.
    fn of(bytes: &[u8]) -> Self {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        match lines.rfind(|line| !line.is_empty()) {
            Some(line) if line.starts_with(b"-BUSY ") => Self::Busy,
            Some(line) if line.starts_with(NO_PLACE) => Self::NoPlace,
            _ => Self::Any,
        }
    }
}

/// Connects without waiting, and only to the process that is meant: a socket's file may already belong to the next
/// incarnation, or to a stranger. Fails at once when the backlog is full.
pub(crate) fn connect(path: &Path, pid: u32) -> Result<UnixStream, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd: OwnedFd = socket::socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    socket::connect(fd.as_raw_fd(), &UnixAddr::new(path)?)?;
    let peer = socket::getsockopt(&fd, PeerCredentials)?;
    if peer.pid() == pid as i32 {
        Ok(UnixStream::from(fd))
    } else {
        Err(Errno::ESRCH)
    }
}

/// The connection and what it has learned.
#[derive(Debug)]
pub(super) struct Probe {
    socket: PathBuf,
    pid: u32,
    auth: Vec<u8>,
    stream: Option<UnixStream>,
    greeting: Vec<u8>,
    run_id: Option<Incarnation>,
    connected_once: bool,
}

impl Probe {
    /// A probe of the server with this process number. Connects when it first asks.
    pub(super) fn new(socket: PathBuf, pid: u32, password: &str) -> Self {
        let mut auth = Vec::new();
        holdfast_resp::encode_command(&["AUTH", USER, password], &mut auth);
        Self {
            socket,
            pid,
            auth,
            stream: None,
            greeting: Vec::new(),
            run_id: None,
            connected_once: false,
        }
    }

    /// The server's `run_id`, once it has told.
    pub(super) fn run_id(&self) -> Option<&Incarnation> {
        self.run_id.as_ref()
    }

    /// Has the server ever let it connect?
    pub(super) fn connected_once(&self) -> bool {
        self.connected_once
    }

    /// Sends one question; a closed connection is opened again. What fails here stays an open question.
    pub(super) fn ask(&mut self) {
        if self.stream.is_none() {
            self.stream = connect(&self.socket, self.pid).ok();
            self.connected_once |= self.stream.is_some();
            let auth = self.auth.clone();
            self.send(&auth);
        }
        if self.run_id.is_none() {
            self.send(b"INFO server\r\n");
        } else {
            self.send(b"PING\r\n");
        }
    }

    /// Has the server read all that it was asked? Its event loop runs then, whether it answers or not.
    pub(super) fn taken(&self) -> bool {
        let stream = self.stream.as_ref();
        stream.is_some_and(|stream| unread::bytes(stream) == Some(0))
    }

    /// Whatever has arrived counts as an answer: `+PONG`, `-LOADING`, `-BUSY`, even "max number of clients".
    pub(super) fn answered(&mut self) -> Option<Answer> {
        let stream = self.stream.as_mut()?;
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer) {
            Ok(0) => self.stream = None,
            Ok(length) => {
                self.learn(&buffer[..length]);
                return Some(Answer::of(&buffer[..length]));
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.stream = None,
        }
        None
    }

    fn send(&mut self, bytes: &[u8]) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        // A full socket buffer (thousands of unanswered PINGs) is silence, not an error.
        match stream.write(bytes) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => self.stream = None,
            _ => {}
        }
    }

    /// Collects the greeting until it holds the `run_id`.
    fn learn(&mut self, bytes: &[u8]) {
        if self.run_id.is_some() {
            return;
        }
        if self.greeting.len() > GREETING_BYTES {
            self.greeting.clear();
        }
        self.greeting.extend_from_slice(bytes);
        let text = String::from_utf8_lossy(&self.greeting);
        let found = text
            .split_once("\nrun_id:")
            .and_then(|(_, rest)| rest.split_once("\r\n"));
        self.run_id = found.map(|(id, _)| Incarnation::from(id));
        if self.run_id.is_some() {
            self.greeting = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_tells_how_it_is() {
        let table: [(&[u8], Answer); 5] = [
            (b"+PONG\r\n", Answer::Any),
            (
                b"+OK\r\n-BUSY Redis is busy running a script.\r\n",
                Answer::Busy,
            ),
            (b"-BUSY Redis is busy.\r\n+PONG\r\n", Answer::Any),
            (b"-LOADING Redis is loading\r\n", Answer::Any),
            (b"-ERR max number of clients reached\r\n", Answer::NoPlace),
        ];
        for (said, expected) in table {
            assert_eq!(Answer::of(said), expected, "{said:?}");
        }
    }
}
