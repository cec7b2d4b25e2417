//! Answers of one line each, however they are cut.

/// Bytes of an answer. The longest that a handshake gets are error lines.
const LINE_MAX: usize = 1 << 10;

/// An answer is longer than any that a handshake gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// The beginning of a line.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    /// The next line without its end, and how many of these bytes belong to it.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<Option<(String, usize)>, TooLong> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(bytes.len(), |end| end + 1);
        if self.0.len() + used > LINE_MAX {
            return Err(TooLong);
        }
        self.0.extend_from_slice(&bytes[..used]);
        if end.is_none() {
            return Ok(None);
        }
        let line = std::mem::take(&mut self.0);
        let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        Ok(Some((text, used)))
    }
}
