//! What a replica says on its way to the server: who it is, and how much it has applied.
//!
//! Every byte goes on to the server as it came; here it is only listened to. Memory is bounded whatever is said, and what
//! makes no sense means that nothing more of this connection is understood, never that something else is.

use holdfast_core::names::Address;

/// Longest line that announces how many arguments follow, or how long one is.
const LINE: usize = 32;

/// Arguments of a command that are kept, and bytes of one; a host's name is the longest.
const WORDS: usize = 16;
const WORD: usize = 256;

/// A replica's connection, as far as it was heard.
#[derive(Debug, Default)]
pub(super) struct Replica {
    commands: Commands,
    host: Option<String>,
    port: Option<u16>,
    address: Option<Address>,
}

impl Replica {
    /// Listens to these bytes, which follow those before. Returns the newest acknowledgement among them: how
    /// many bytes of the stream it has applied.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Option<u64> {
        let mut newest = None;
        let (host, port) = (&mut self.host, &mut self.port);
        self.commands.hear(bytes, |words| {
            for pair in words.chunks_exact(2) {
                let Ok(value) = std::str::from_utf8(&pair[1]) else {
                    continue;
                };
                match pair[0].to_ascii_lowercase().as_slice() {
                    b"ack" => newest = number(value).or(newest),
                    b"ip-address" => *host = Some(value.to_owned()),
                    b"listening-port" => *port = value.parse().ok(),
                    _ => {}
                }
            }
        });
        newest
    }

    /// What it announces as its address, once it has told all of it.
    pub(super) fn address(&mut self) -> Option<&Address> {
        if self.address.is_none() {
            self.address = Some(Address::new(self.host.as_deref()?, self.port?));
        }
        self.address.as_ref()
    }
}

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

/// The arguments of `REPLCONF` commands in a stream of any commands, however it is cut.
#[derive(Debug, Default)]
struct Commands {
    expected: Expected,
    /// The beginning of a line.
    line: Vec<u8>,
    /// Arguments of this command that are still to come.
    left: usize,
    /// The name and those that have come, where they are kept; and whether the one that comes is.
    words: Vec<Vec<u8>>,
    kept: bool,
}

impl Commands {
    /// `take` is given what follows the name.
    fn hear(&mut self, mut bytes: &[u8], mut take: impl FnMut(&[Vec<u8>])) {
        while !bytes.is_empty() {
            let used = match self.expected {
                Expected::Command | Expected::Length => self.hear_line(bytes),
                Expected::Text(left) => self.hear_text(bytes, left),
                Expected::Nonsense => return,
            };
            bytes = &bytes[used..];
            if self.expected == Expected::Length && self.left == 0 {
                self.expected = Expected::Command;
                match self.words.split_first() {
                    Some((_, said)) if self.is_for_us() => take(said),
                    _ => {}
                }
            }
        }
    }

    /// Takes bytes up to the end of the line; returns how many.
    fn hear_line(&mut self, bytes: &[u8]) -> usize {
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
        let text = std::str::from_utf8(line.get(1..).unwrap_or_default());
        let count = text.ok().and_then(|text| number(text.trim_end()));
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
    fn hear_text(&mut self, bytes: &[u8], left: usize) -> usize {
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
}

/// Digits alone make a number.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: &[&[&str]] = &[
        &["PING"],
        &["AUTH", "holdfast", "REPLCONF"],
        &["REPLCONF", "listening-port", "7001"],
        &["replconf", "ip-address", "redis-1.redis"],
        &["REPLCONF", "capa", "eof", "capa", "psync2"],
        &["PSYNC", "?", "-1"],
    ];

    fn resp(commands: &[&[&str]]) -> Vec<u8> {
        let mut out = Vec::new();
        for command in commands {
            holdfast_resp::encode_command(command, &mut out);
        }
        out
    }

    fn introduced() -> Replica {
        let mut replica = Replica::default();
        assert_eq!(replica.hear(&resp(FIRST)), None);
        replica
    }

    #[test]
    fn it_tells_its_address_and_what_it_has() {
        let mut replica = introduced();
        let address = Address::new("redis-1.redis", 7001);
        assert_eq!(replica.address(), Some(&address));
        let acks = resp(&[&["REPLCONF", "ACK", "17"], &["REPLCONF", "ack", "4711"]]);
        assert_eq!(replica.hear(&acks), Some(4711));
        assert_eq!(
            replica.hear(&resp(&[&["REPLCONF", "ACK", "5", "FACK", "4"]])),
            Some(5)
        );
        assert_eq!(Replica::default().address(), None);
    }

    #[test]
    fn nothing_else_is_an_acknowledgement() {
        let others: &[&[&str]] = &[
            &["PING", "ACK", "17"],
            &["SET", "REPLCONF", "ACK", "17"],
            &["REPLCONF", "ACK"],
            &["REPLCONF", "ACK", ""],
            &["REPLCONF", "ACK", "-1"],
            &["REPLCONF", "ACK", "+1"],
            &["REPLCONF", "ACK", "1x"],
            &["REPLCONF", "ACK", "99999999999999999999"],
            &["REPLCONF", "GETACK", "*"],
        ];
        for other in others {
            assert_eq!(introduced().hear(&resp(&[other])), None, "{other:?}");
        }
        let long = "1".repeat(10_000);
        let said = [
            resp(&[&["REPLCONF", "ACK", &long], &["SET", "a", &long]]),
            format!("REPLCONF ACK {long}\r\n").into_bytes(),
            resp(&[&["REPLCONF", "ACK", "9"]]),
        ];
        let mut replica = introduced();
        assert_eq!(replica.hear(&said.concat()), Some(9));
        let kept: usize = replica.commands.words.iter().map(Vec::capacity).sum();
        assert!(kept < 2 * WORDS * WORD);
    }

    #[test]
    fn after_nonsense_nothing_is_understood() {
        for nonsense in ["*x\r\n", "*1\r\n:5\r\n", "*1\r\n\r\n", "*-1\r\n"] {
            let mut replica = introduced();
            let said = [nonsense.as_bytes(), &resp(&[&["REPLCONF", "ACK", "9"]])].concat();
            assert_eq!(replica.hear(&said), None, "{nonsense:?}");
        }
    }

    proptest! {
        /// However it is cut, with newlines between and other commands.
        #[test]
        fn pieces_say_the_same(
            commands in prop::collection::vec(prop_oneof![
                any::<u64>().prop_map(|n| resp(&[&["REPLCONF", "ACK", &n.to_string()]])),
                Just(b"\n".to_vec()),
                "[a-z]{0,300}".prop_map(|text| resp(&[&["REPLCONF", "version", &text]])),
                "[a-z\r\n]{0,300}".prop_map(|text| resp(&[&["OTHER", &text, "ACK", "5"]])),
            ], 1..8),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let all = commands.concat();
            let whole = introduced().hear(&all);
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(all.len())).collect();
            cuts.extend([0, all.len()]);
            cuts.sort_unstable();
            let mut replica = introduced();
            let pieces = cuts.windows(2).map(|cut| replica.hear(&all[cut[0]..cut[1]]));
            prop_assert_eq!(pieces.flatten().last(), whole);
        }

        /// Whatever it says, memory stays within bounds.
        #[test]
        fn garbage_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut replica = Replica::default();
            replica.hear(&bytes);
            prop_assert!(replica.commands.words.len() <= WORDS + 1);
            prop_assert!(replica.commands.line.len() <= LINE);
        }
    }
}
