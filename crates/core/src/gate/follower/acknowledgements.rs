//! What a replica acknowledges, read on its way to the server.
//!
//! Memory is bounded whatever is said, and what makes no sense means that nothing more of this connection is understood,
//! never that something else is.

use crate::gate::handshake::number;

/// Longest line that announces how many arguments follow, or how long one is.
const LINE: usize = 32;

/// Arguments of a command that are kept, and bytes of one.
const WORDS: usize = 8;
const WORD: usize = 32;

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expected {
    /// The first line of a command.
    #[default]
    Command,
    /// The length of an argument.
    Length,
    /// So many bytes of an argument and its line end.
    Text(usize),
    /// Nothing that would be understood.
    Nonsense,
}

/// The acknowledgements in a stream of any commands, however it is cut.
#[derive(Debug, Default)]
pub(super) struct Acknowledgements {
    expected: Expected,
    /// The beginning of a line.
    line: Vec<u8>,
    /// Arguments of this command that are still to come.
    left: usize,
    /// The name and those that have come, where they are kept; and whether the one that comes is.
    words: Vec<Vec<u8>>,
    kept: bool,
}

impl Acknowledgements {
    /// The most that these bytes acknowledge, which follow those before.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Option<u64> {
        let mut most = None;
        while !bytes.is_empty() {
            let used = match self.expected {
                Expected::Command | Expected::Length => self.read_line(bytes),
                Expected::Text(left) => self.read_text(bytes, left),
                Expected::Nonsense => return most,
            };
            bytes = &bytes[used..];
            if self.expected == Expected::Length && self.left == 0 {
                self.expected = Expected::Command;
                most = most.max(self.acknowledged());
            }
        }
        most
    }

    /// What the command that has come to its end acknowledges.
    fn acknowledged(&self) -> Option<u64> {
        let (_, said) = self.words.split_first().filter(|_| self.is_for_us())?;
        let pairs = said.chunks_exact(2);
        let ack = |pair: &&[Vec<u8>]| pair[0].eq_ignore_ascii_case(b"ACK");
        pairs.filter(ack).filter_map(|pair| number(&pair[1])).max()
    }

    /// Takes bytes up to the end of the line; returns how many.
    fn read_line(&mut self, bytes: &[u8]) -> usize {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(bytes.len(), |end| end + 1);
        // A longer line is a command of its own, and not for us; its beginning says so.
        let room = LINE - self.line.len();
        self.line.extend_from_slice(&bytes[..used.min(room)]);
        if end.is_some() {
            let mut line = std::mem::take(&mut self.line);
            self.on_line(&line);
            line.clear();
            self.line = line;
        }
        used
    }

    fn on_line(&mut self, line: &[u8]) {
        let count = number(line.get(1..).unwrap_or_default().trim_ascii_end());
        let count = count.and_then(|count| usize::try_from(count).ok());
        self.expected = match (self.expected, line.first(), count) {
            (Expected::Command, Some(b'*'), Some(count)) => {
                self.words.clear();
                self.left = count;
                Expected::Length
            }
            (Expected::Length, Some(b'$'), Some(length)) if length < usize::MAX - 2 => {
                self.kept =
                    self.words.is_empty() || (self.is_for_us() && self.words.len() <= WORDS);
                if self.kept {
                    self.words.push(Vec::new());
                }
                Expected::Text(length + 2)
            }
            // A newline that shows that it lives, or a command in one line.
            (Expected::Command, Some(first), _) if *first != b'*' => Expected::Command,
            _ => Expected::Nonsense,
        };
    }

    /// Takes bytes of an argument of which so many are left, with its line end; returns how many.
    fn read_text(&mut self, bytes: &[u8], left: usize) -> usize {
        let used = bytes.len().min(left);
        if self.kept
            && let Some(word) = self.words.last_mut()
        {
            let text = &bytes[..used.min(left.saturating_sub(2))];
            // One byte more tells that it is too long to be anything.
            let room = (WORD + 1).saturating_sub(word.len());
            word.extend_from_slice(&text[..text.len().min(room)]);
        }
        self.expected = Expected::Text(left - used);
        if used == left {
            self.left -= 1;
            self.expected = Expected::Length;
            let long = self.words.last_mut().filter(|word| word.len() > WORD);
            long.into_iter().for_each(Vec::clear);
        }
        used
    }

    fn is_for_us(&self) -> bool {
        let name = self.words.first();
        name.is_some_and(|name| name.eq_ignore_ascii_case(b"REPLCONF"))
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        let words: usize = self.words.iter().map(Vec::capacity).sum();
        words + self.line.capacity()
    }
}
