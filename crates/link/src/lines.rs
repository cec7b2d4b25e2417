//! Messages as lines of JSON, with a bound on their length.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Error, ErrorKind};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Longest message in bytes. A record with 64 nodes and 32 reigns takes less than 16 KiB.
pub const LINE_MAX: u64 = 256 << 10;

/// Buffer of an idle connection, in bytes; reports are about 500 bytes long.
const BUFFER: usize = 1024;

/// Receives messages.
#[derive(Debug)]
pub struct Reader {
    inner: BufReader<OwnedReadHalf>,
    line: Vec<u8>,
}

impl Reader {
    pub(crate) fn new(half: OwnedReadHalf) -> Self {
        Self {
            inner: BufReader::with_capacity(BUFFER, half),
            line: Vec::new(),
        }
    }

    /// The next message; none at the end. Dropping the future loses what was read of a line.
    ///
    /// # Errors
    /// When the connection breaks, or a line is too long or no such message.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        self.line.clear();
        let read = (&mut self.inner)
            .take(LINE_MAX)
            .read_until(b'\n', &mut self.line)
            .await?;
        if read == 0 {
            return Ok(None);
        }
        if self.line.last() != Some(&b'\n') {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "a message was cut short or is too long",
            ));
        }
        let message = serde_json::from_slice(&self.line)
            .map_err(|e| Error::new(ErrorKind::InvalidData, e))?;
        self.line.shrink_to(BUFFER);
        Ok(Some(message))
    }
}

/// Sends messages.
#[derive(Debug)]
pub struct Writer {
    inner: OwnedWriteHalf,
    buffer: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(half: OwnedWriteHalf) -> Self {
        Self {
            inner: half,
            buffer: Vec::new(),
        }
    }

    /// Adds a message to what [`Writer::flush`] sends.
    ///
    /// # Errors
    /// When the message cannot be written as JSON.
    pub fn push<T: Serialize>(&mut self, message: &T) -> Result<(), Error> {
        serde_json::to_writer(&mut self.buffer, message)?;
        self.buffer.push(b'\n');
        Ok(())
    }

    /// Adds a message that is a line of JSON already, its end included.
    pub fn push_raw(&mut self, line: &[u8]) {
        self.buffer.extend_from_slice(line);
    }

    /// Sends all that was pushed.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.inner.write_all(&self.buffer).await?;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER);
        Ok(())
    }
}
