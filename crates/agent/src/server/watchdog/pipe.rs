//! What goes through the pipe: a header once, then deadlines.

use crate::server::stat::ProcessId;
use std::io::{self, Read};
use std::path::PathBuf;

/// Bytes of a deadline: nanoseconds of `CLOCK_BOOTTIME`, little-endian; 0 for none.
pub(super) const RECORD_BYTES: usize = 8;

/// What a watchdog says, once, when it is on guard.
pub(crate) const READY: u8 = 6;

/// Longest header, in bytes. It must fit an empty pipe.
const MAX_HEADER: usize = 2 << 10;

/// Whom to watch, and how to reach it. The secret goes by the pipe: command lines and environments can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub server: ProcessId,
    pub socket: PathBuf,
    pub password: String,
}

impl Header {
    /// Length (4 bytes, little-endian), then four lines.
    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        let socket = self
            .socket
            .to_str()
            .ok_or_else(|| io::Error::other("the socket's path is not UTF-8"))?;
        let text = format!(
            "{}\n{}\n{socket}\n{}\n",
            self.server.pid, self.server.start_time, self.password
        );
        if text.len() > MAX_HEADER {
            return Err(io::Error::other("the watchdog's header is too long"));
        }
        Ok([&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat())
    }

    /// Reads what [`Header::encode`] wrote.
    pub(super) fn read(reader: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        reader.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_HEADER {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut text = vec![0; length];
        reader.read_exact(&mut text)?;
        let text = String::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData)?;
        Self::parse(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.splitn(4, '\n');
        let server = ProcessId {
            pid: lines.next()?.parse().ok()?,
            start_time: lines.next()?.parse().ok()?,
        };
        Some(Self {
            server,
            socket: PathBuf::from(lines.next()?),
            password: lines.next()?.to_owned(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        let header = Header {
            server: ProcessId {
                pid: 7,
                start_time: 99,
            },
            socket: "/a b/redis.sock".into(),
            password: "p\nw".to_owned(),
        };
        let bytes = header.encode().expect("short enough");
        assert_eq!(
            Header::read(&mut bytes.as_slice()).expect("readable"),
            header
        );
        assert!(Header::read(&mut &bytes[..9]).is_err());
    }
}
