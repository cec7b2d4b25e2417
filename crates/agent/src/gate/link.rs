//! A connection for barriers.

use super::Behind;
use super::poller::{Poller, Source};
use crate::server::probe::connect;
use crate::server::{STAMP, USER};
use ::bytes::BytesMut;
use holdfast_core::gate::Answer;
use holdfast_core::stamp::Stamp;
use holdfast_resp::{Decoder, Limits, Value, encode_command};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::os::unix::net::UnixStream;

/// Bytes of a ROLE with many replicas fit; more is read in pieces.
const READ: usize = 4 << 10;

/// The longest time that `WAIT` may block the link, in milliseconds.
const WAIT_MS: &str = "100";

/// The marker's channel. Sharded channels are seen by no pattern, so no client ever gets it that does not ask for it by name.
const CHANNEL: &str = "holdfast";

/// Writes a stamp, in every case: it is what moves the stream. It never falls within a reign, though barriers on several
/// connections may be executed in another order than they were numbered; and it is written when memory is full too.
const WRITE_STAMP: &str = "#!lua flags=allow-oom
local new, old = ARGV[1], redis.call('GET', KEYS[1])
if old and old:sub(1, 20) == new:sub(1, 20) and old > new then new = old end
redis.call('SET', KEYS[1], new)
return 1";

/// One connection to the server, logged in.
#[derive(Debug)]
pub(super) struct Link {
    stream: UnixStream,
    decoder: Decoder,
    buffer: BytesMut,
    scratch: Vec<u8>,
    /// Answers that are missing before it is logged in.
    greetings: usize,
    sharded: bool,
}

impl Link {
    /// Connects and logs in, without waiting for the answer.
    pub(super) fn open(behind: &Behind, index: usize, poller: &Poller) -> Option<Self> {
        let stream = connect(&behind.socket, behind.id.pid).ok()?;
        poller.add(&stream, Source::Link(index)).ok()?;
        let mut auth = Vec::new();
        encode_command(&["AUTH", USER, behind.login.password()], &mut auth);
        if let Some(database) = behind.stamps {
            encode_command(&["SELECT", &database.to_string()], &mut auth);
        }
        let link = Self {
            stream,
            decoder: Decoder::new(Limits::REPLY),
            buffer: BytesMut::new(),
            scratch: Vec::with_capacity(READ),
            greetings: 1 + usize::from(behind.stamps.is_some()),
            sharded: behind.sharded,
        };
        link.send(&auth).then_some(link)
    }

    /// Sends a barrier, in one write. `false`: the link is lost.
    pub(super) fn barrier(&self, replicas: usize, stamp: Option<Stamp>) -> bool {
        let mut bytes = Vec::with_capacity(512);
        if let Some(stamp) = stamp {
            let text = stamp.to_text();
            encode_command(&["EVAL", WRITE_STAMP, "1", STAMP, &text], &mut bytes);
        }
        encode_command(&["ROLE"], &mut bytes);
        if stamp.is_none() {
            let publish = if self.sharded { "SPUBLISH" } else { "PUBLISH" };
            encode_command(&[publish, CHANNEL, ""], &mut bytes);
        }
        encode_command(&["WAIT", &replicas.to_string(), WAIT_MS], &mut bytes);
        self.send(&bytes)
    }

    /// Reads what has come, and hands the answers over. `Ok(true)`: it has just been logged in.
    pub(super) fn read(&mut self, mut take: impl FnMut(Answer)) -> Result<bool, Errno> {
        let mut ready = false;
        loop {
            self.scratch.clear();
            let read = match recv(
                &self.stream,
                spare_capacity(&mut self.scratch),
                RecvFlags::empty(),
            ) {
                Ok((0, _)) => return Err(Errno::CONNRESET),
                Ok((read, _)) => read,
                Err(Errno::AGAIN) => return Ok(ready),
                Err(error) => return Err(error),
            };
            self.buffer.extend_from_slice(&self.scratch);
            while let Some(value) = self
                .decoder
                .decode(&mut self.buffer)
                .map_err(|_| Errno::PROTO)?
            {
                if self.greetings == 0 {
                    take(answer(&value));
                } else if value.is_ok() {
                    self.greetings -= 1;
                    ready |= self.greetings == 0;
                } else {
                    return Err(Errno::ACCESS);
                }
            }
            if read < READ {
                return Ok(ready);
            }
        }
    }

    fn send(&self, bytes: &[u8]) -> bool {
        let sent = send(&self.stream, bytes, SendFlags::NOSIGNAL);
        sent.is_ok_and(|sent| sent == bytes.len())
    }
}

/// What a reply is to the core. Whatever is not exactly what was asked for is no answer.
fn answer(value: &Value) -> Answer {
    match value {
        Value::Integer(count) => u64::try_from(*count).map_or(Answer::Refused, Answer::Count),
        Value::Array(Some(items)) => match items.first().and_then(Value::as_str) {
            Some("master") => offset(items).map_or(Answer::Refused, Answer::Master),
            Some("slave") => Answer::NotMaster,
            _ => Answer::Refused,
        },
        _ => Answer::Refused,
    }
}

/// `master`, the offset, and the replicas; what they have is heard from themselves.
fn offset(items: &[Value]) -> Option<u64> {
    u64::try_from(items.get(1)?.as_integer()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    fn read(text: &str) -> Answer {
        let mut buffer = BytesMut::from(text);
        let value = Decoder::new(Limits::REPLY).decode(&mut buffer);
        answer(&value.expect("RESP").expect("whole"))
    }

    #[test]
    fn only_what_was_asked_for_is_an_answer() {
        let role =
            "*3\r\n$6\r\nmaster\r\n:100\r\n*1\r\n*3\r\n$3\r\nr-1\r\n$4\r\n6379\r\n$2\r\n97\r\n";
        assert_eq!(read(role), Answer::Master(100));
        assert_eq!(read(":2\r\n"), Answer::Count(2));
        let replica = "*5\r\n$5\r\nslave\r\n$1\r\na\r\n:1\r\n$9\r\nconnected\r\n:3\r\n";
        assert_eq!(read(replica), Answer::NotMaster);
        for other in [
            "-BUSY Redis is busy running a script.\r\n",
            "-LOADING\r\n",
            "+OK\r\n",
            ":-1\r\n",
            "$-1\r\n",
            "*1\r\n$8\r\nsentinel\r\n",
            "*3\r\n$6\r\nmaster\r\n:-1\r\n*0\r\n",
        ] {
            assert_eq!(read(other), Answer::Refused, "{other}");
        }
    }
}
