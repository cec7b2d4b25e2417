//! Where replies begin and end. What is in them is jumped over by its lengths, save the beginning of those that matter.

/// Bytes of a header like `$100`, with its end.
const HEADER_MAX: usize = 32;

/// Values that one reply may hold.
const VALUES_MAX: u64 = 1 << 40;

/// What a server's bytes are just now.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Values of the present reply that are still to come; 0 between two replies.
    values: u64,
    /// Bytes of the present value that are still to come.
    bytes: u64,
    /// The present value is a line, whose end is still to come.
    line: bool,
    /// The beginning of a header.
    begun: Vec<u8>,
    /// The first byte of the present reply.
    kind: u8,
    /// How much of its beginning is kept, and that beginning.
    keep: usize,
    head: Vec<u8>,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Everything was looked at; the last reply is not whole.
    Nothing,
    /// The end of a reply of this kind: its first byte.
    Reply(u8),
    /// No reply at all.
    Lost,
}

/// How many replies without elements are whole at the front of these bytes, at most so many; goes on behind them. This is for
/// speed: what it leaves goes through [`Answers::next`].
#[inline]
pub(super) fn pass(bytes: &[u8], at: &mut usize, most: u64) -> u64 {
    let mut passed = 0;
    while passed < most
        && let Some(end) = whole(&bytes[*at..])
    {
        *at += end;
        passed += 1;
    }
    passed
}

/// Where the reply at the front ends, if it has no elements and is whole.
#[inline]
fn whole(bytes: &[u8]) -> Option<usize> {
    let line = bytes.iter().take(HEADER_MAX).position(|b| *b == b'\n')?;
    let length = match bytes[0] {
        b'+' | b'-' | b':' => return Some(line + 1),
        b'$' => number(&bytes[1..line])?,
        _ => return None,
    };
    let rest = usize::try_from(length).map_or(0, |length| length + 2);
    let end = line + 1 + rest;
    (end <= bytes.len()).then_some(end)
}

impl Answers {
    /// Whether the last reply is whole.
    #[inline]
    pub(super) fn is_between(&self) -> bool {
        self.values == 0 && self.bytes == 0 && !self.line
    }

    /// Goes on to the end of one reply at most. Of a reply that begins here so many bytes are kept as its head.
    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8], at: &mut usize, keep: usize) -> Heard {
        let from = *at;
        if self.is_between() {
            let Some(kind) = bytes.get(from) else {
                return Heard::Nothing;
            };
            (self.kind, self.keep, self.values) = (*kind, keep, 1);
            self.head.clear();
        }
        let heard = self.go_on(bytes, at);
        if self.keep > self.head.len() {
            let end = (*at).min(from + self.keep - self.head.len());
            self.head.extend_from_slice(&bytes[from..end]);
        }
        heard
    }

    /// The beginning of the reply that was found last.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Its first element, if it has one that is a string and lies in its head.
    pub(super) fn first_element(&self) -> Option<&[u8]> {
        let mut lines = self.head.split(|byte| *byte == b'\n').skip(1);
        let (header, word) = (lines.next()?, lines.next()?);
        let string = matches!(header.first(), Some(b'$'));
        string.then(|| word.strip_suffix(b"\r")).flatten()
    }

    fn go_on(&mut self, bytes: &[u8], at: &mut usize) -> Heard {
        loop {
            let here = self.bytes.min((bytes.len() - *at) as u64);
            *at += here as usize;
            self.bytes -= here;
            if self.line {
                let end = bytes[*at..].iter().position(|byte| *byte == b'\n');
                *at = end.map_or(bytes.len(), |end| *at + end + 1);
                self.line = end.is_none();
            }
            if self.bytes > 0 || self.line {
                return Heard::Nothing;
            }
            if self.values == 0 {
                return Heard::Reply(self.kind);
            }
            match self.value(bytes, at) {
                Some(true) => {}
                Some(false) => return Heard::Nothing,
                None => return Heard::Lost,
            }
        }
    }

    /// Begins the next value. `false`: its header is not whole. `None`: it has none.
    fn value(&mut self, bytes: &[u8], at: &mut usize) -> Option<bool> {
        let Some(next) = bytes.get(*at) else {
            return Some(false);
        };
        let kind = *self.begun.first().unwrap_or(next);
        match kind {
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => {
                self.line = true;
                self.values -= 1;
                return Some(true);
            }
            b'$' | b'=' | b'!' | b'*' | b'~' | b'>' | b'%' | b'|' => {}
            _ => return None,
        }
        let Some(header) = self.header(bytes, at).ok()? else {
            return Some(false);
        };
        self.values -= 1;
        match (kind, header) {
            (_, -1) => {}
            (b'$' | b'=' | b'!', length) => self.bytes = u64::try_from(length).ok()? + 2,
            (_, count) => {
                // An attribute stands before its value.
                let count = u64::try_from(count).ok()?;
                let count = count * if b"%|".contains(&kind) { 2 } else { 1 };
                self.values += count + u64::from(kind == b'|');
            }
        }
        (self.values <= VALUES_MAX).then_some(true)
    }

    /// The number in a header, perhaps one that was begun before.
    fn header(&mut self, bytes: &[u8], at: &mut usize) -> Result<Option<i64>, ()> {
        let rest = &bytes[*at..];
        let end = rest.iter().take(HEADER_MAX).position(|b| *b == b'\n');
        let piece = &rest[..end.unwrap_or(rest.len())];
        if self.begun.len() + piece.len() > HEADER_MAX {
            return Err(());
        }
        *at += piece.len() + usize::from(end.is_some());
        if end.is_none() {
            self.begun.extend_from_slice(piece);
            return Ok(None);
        }
        if self.begun.is_empty() {
            return number(&piece[1..]).map(Some).ok_or(());
        }
        self.begun.extend_from_slice(piece);
        let number = number(&self.begun[1..]);
        self.begun.clear();
        number.map(Some).ok_or(())
    }
}

/// The kinds of the elements of a whole array; `None` for anything else.
pub(super) fn elements(array: &[u8]) -> Option<Vec<u8>> {
    let first = array.iter().position(|byte| *byte == b'\n')?;
    let count = match array.first() {
        Some(b'*') => number(&array[1..first])?,
        _ => return None,
    };
    let (mut at, mut kinds, mut answers) = (first + 1, Vec::new(), Answers::default());
    for _ in 0..count {
        match answers.next(array, &mut at, 0) {
            Heard::Reply(kind) => kinds.push(kind),
            Heard::Nothing | Heard::Lost => return None,
        }
    }
    (at == array.len()).then_some(kinds)
}

fn number(line: &[u8]) -> Option<i64> {
    let digits = line.strip_suffix(b"\r")?;
    if digits == b"-1" {
        return Some(-1);
    }
    if digits.is_empty() || digits.len() > 17 {
        return None;
    }
    digits.iter().try_fold(0_i64, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        Some(sum * 10 + digit)
    })
}
