//! Messages as lines of JSON, with a bound on their length.

use serde::Serialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::io::{Error, ErrorKind};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Longest message in bytes. A record with 64 nodes and 32 reigns takes less than 16 KiB.
pub const LINE_MAX: u64 = 256 << 10;

/// Longest line in bytes before the other end has proven who it is; a greeting takes less than 700.
pub(crate) const GREETING_LINE_MAX: u64 = 2 << 10;

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
        self.next_within(LINE_MAX).await
    }

    /// The same with another bound on the line, in bytes.
    pub(crate) async fn next_within<T: DeserializeOwned>(
        &mut self,
        most: u64,
    ) -> Result<Option<T>, Error> {
        self.line.clear();
        let read = (&mut self.inner)
            .take(most)
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
        let message = parse(&self.line)?;
        self.line.shrink_to(BUFFER);
        Ok(Some(message))
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(line)
        .or_else(|error| by_tag(line).ok_or_else(|| Error::new(ErrorKind::InvalidData, error)))
}

/// What `T` makes of the tag alone. The variant that serde takes for an unknown tag admits no content, yet a message of
/// a newer version has some. A tag that `T` knows admits no lack of it: such a message stays an error.
fn by_tag<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let tagged: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).ok()?;
    let (tag, _) = tagged.into_iter().next()?;
    T::deserialize(IntoDeserializer::<serde::de::value::Error>::into_deserializer(tag)).ok()
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Message {
        Number(u64),
        #[serde(other)]
        Unknown,
    }

    fn read(line: &str) -> Result<Message, String> {
        parse(line.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_message_of_a_newer_version_is_unknown_whatever_it_holds() {
        assert_eq!(read(r#"{"number":7}"#), Ok(Message::Number(7)));
        assert_eq!(read(r#""rest""#), Ok(Message::Unknown));
        assert_eq!(read(r#"{"take_over":{"offset":7}}"#), Ok(Message::Unknown));
        assert_eq!(read(r#"{"list":[1,{"a":2}]}"#), Ok(Message::Unknown));
    }

    #[test]
    fn a_known_message_that_makes_no_sense_is_an_error() {
        assert!(read(r#"{"number":"seven"}"#).is_err());
        assert!(read(r#"{"number":7"#).is_err());
        assert!(read(r"{}").is_err());
    }
}
