//! How far the stream goes that a connection was sent, counted from what the server answered to `PSYNC`.

use crate::gate::handshake::number;

/// Bytes of the mark that ends a copy of unknown length.
const MARK: usize = 40;

/// Bytes of the line that announces a copy.
const HEADER_MAX: usize = 64;

/// How a copy without a length begins.
const WITHOUT_LENGTH: &[u8] = b"$EOF:";

/// What the next byte belongs to.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// The line that announces a copy, as far as it has come.
    Header(Vec<u8>),
    /// So many bytes of a copy.
    Copy(u64),
    /// A copy that ends where its last bytes are this mark; what was read last. The server sends nothing behind it before
    /// the replica has acknowledged it.
    Marked([u8; MARK], Vec<u8>),
    Stream,
    /// Nothing that is known: nothing more is counted.
    Nonsense,
}

/// The stream to one replica.
#[derive(Debug)]
pub(in crate::gate) struct Stream {
    end: u64,
    part: Part,
}

impl Stream {
    /// What this answer begins to one that asked for everything from the byte `from` on; none: it begins no stream.
    pub(in crate::gate) fn of(answer: &str, from: Option<u64>) -> Option<Self> {
        let mut words = answer.split(' ');
        let (end, part) = match (words.next()?, words.next(), words.next(), words.next()) {
            ("+CONTINUE", _, None, None) => (from?.checked_sub(1)?, Part::Stream),
            ("+FULLRESYNC", Some(_), Some(offset), None) => {
                (number(offset.as_bytes())?, Part::Header(Vec::new()))
            }
            _ => return None,
        };
        Some(Self { end, part })
    }

    /// Planted bug: whatever is acknowledged of it was sent.
    pub(in crate::gate) fn trusted() -> Self {
        Self {
            end: u64::MAX,
            part: Part::Stream,
        }
    }

    /// The offset behind the last byte that was sent.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Whether what comes next need only be counted.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.part, Part::Stream | Part::Nonsense)
    }

    /// So many bytes of the stream were sent.
    pub(super) fn count(&mut self, bytes: u64) {
        if self.part == Part::Stream {
            self.end = self.end.saturating_add(bytes);
        }
    }

    /// These were sent, of whatever part.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = match &mut self.part {
                Part::Header(_) => self.read_header(bytes),
                Part::Copy(left) => take(left, bytes.len()),
                Part::Marked(_, tail) => keep_tail(tail, bytes),
                Part::Stream => return self.count(bytes.len() as u64),
                Part::Nonsense => return,
            };
            bytes = &bytes[used..];
            if self.is_copied() {
                self.part = Part::Stream;
            }
        }
    }

    fn is_copied(&self) -> bool {
        match &self.part {
            Part::Copy(left) => *left == 0,
            Part::Marked(mark, tail) => tail == mark,
            _ => false,
        }
    }

    fn read_header(&mut self, bytes: &[u8]) -> usize {
        let Part::Header(line) = &mut self.part else {
            return bytes.len();
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(bytes.len(), |end| end + 1);
        line.extend_from_slice(&bytes[..used.min(HEADER_MAX)]);
        // A newline alone shows that the server lives while it prepares the copy.
        if end.is_some() && line.trim_ascii().is_empty() {
            line.clear();
        } else if end.is_some() || line.len() >= HEADER_MAX {
            self.part = announced(line.trim_ascii()).unwrap_or(Part::Nonsense);
        }
        used
    }
}

/// What this line announces.
fn announced(line: &[u8]) -> Option<Part> {
    if let Some(mark) = line.strip_prefix(WITHOUT_LENGTH) {
        return Some(Part::Marked(mark.try_into().ok()?, Vec::new()));
    }
    Some(Part::Copy(number(line.strip_prefix(b"$")?)?))
}

fn take(left: &mut u64, bytes: usize) -> usize {
    let used = usize::try_from(*left).map_or(bytes, |left| left.min(bytes));
    *left -= used as u64;
    used
}

/// Keeps the last bytes. As a replica does it: the mark is at the end of what has come.
fn keep_tail(tail: &mut Vec<u8>, bytes: &[u8]) -> usize {
    let last = &bytes[bytes.len().saturating_sub(MARK)..];
    tail.extend_from_slice(last);
    let surplus = tail.len().saturating_sub(MARK);
    tail.drain(..surplus);
    bytes.len()
}
