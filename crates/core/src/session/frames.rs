//! Where requests begin and end, and which of them matter. Arguments are jumped over by their lengths.

use super::verbs::Verb;

/// Bytes of one request that matters, kept until it is whole.
const REQUEST_MAX: usize = 16 << 10;

/// Bytes of a line like `*3` or `$100` with its end.
const HEADER_MAX: usize = 32;

/// Bytes that the longest name of interest has.
const NAME_MAX: usize = 12;

/// What a client's bytes are just now.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Of a request that nobody wants to know: arguments still to come, and bytes of the present one.
    arguments: u64,
    bytes: u64,
    /// The beginning of a header, or of a request that matters.
    begun: Vec<u8>,
    skipping: bool,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Everything was looked at; the last request is not whole.
    Nothing,
    /// The end of a request that changes no session.
    Plain,
    /// Bytes that ask for nothing and are not answered.
    Empty,
    /// The end of one that may.
    Request(Verb, Vec<Vec<u8>>),
    /// No request at all, or one that is too large to keep.
    Lost,
}

/// A piece of a request at the front of some bytes.
enum Piece {
    Whole(usize, Option<(Verb, Vec<Vec<u8>>)>),
    /// So many bytes ask for nothing.
    Empty(usize),
    /// More is needed to tell what it is.
    Short,
    /// One that nobody wants to know: so many bytes were looked at, so many are still to be skipped, and so many arguments.
    Skip(usize, u64, u64),
    Wrong,
}

impl Frames {
    /// Whether the last request is whole.
    pub(super) fn is_between(&self) -> bool {
        !self.skipping && self.begun.is_empty()
    }

    /// Goes on to the end of one request at most.
    pub(super) fn next(&mut self, bytes: &[u8], at: &mut usize) -> Found {
        if self.skipping {
            return self.skip(bytes, at);
        }
        if self.begun.is_empty() {
            let piece = begin(&bytes[*at..]);
            return self.take(piece, bytes, at);
        }
        // The rest of what was begun is somewhere in here; what lies behind it stays.
        let before = self.begun.len();
        let room = (REQUEST_MAX + HEADER_MAX).saturating_sub(before);
        let more = &bytes[*at..(*at + room).min(bytes.len())];
        let mut begun = std::mem::take(&mut self.begun);
        begun.extend_from_slice(more);
        let mut inside = 0;
        let piece = begin(&begun);
        if matches!(piece, Piece::Short) && begun.len() >= REQUEST_MAX {
            return Found::Lost;
        }
        let found = self.take(piece, &begun, &mut inside);
        // Where it is lost nothing more was taken than before.
        *at += inside.saturating_sub(before);
        found
    }

    fn take(&mut self, piece: Piece, bytes: &[u8], at: &mut usize) -> Found {
        match piece {
            Piece::Whole(end, request) => {
                *at += end;
                request.map_or(Found::Plain, |(verb, args)| Found::Request(verb, args))
            }
            Piece::Empty(end) => {
                *at += end;
                Found::Empty
            }
            Piece::Short if bytes.len() - *at > REQUEST_MAX => Found::Lost,
            Piece::Short => {
                self.begun = bytes[*at..].to_vec();
                *at = bytes.len();
                Found::Nothing
            }
            Piece::Skip(end, rest, arguments) => {
                *at += end;
                (self.skipping, self.bytes, self.arguments) = (true, rest, arguments);
                self.skip(bytes, at)
            }
            Piece::Wrong => Found::Lost,
        }
    }

    fn skip(&mut self, bytes: &[u8], at: &mut usize) -> Found {
        loop {
            let taken = self.bytes.min((bytes.len() - *at) as u64);
            *at += taken as usize;
            self.bytes -= taken;
            if self.bytes > 0 {
                return Found::Nothing;
            }
            if self.arguments == 0 {
                self.skipping = false;
                return Found::Plain;
            }
            match self.header(bytes, at) {
                Some(Ok(length)) => {
                    self.arguments -= 1;
                    self.bytes = length + 2;
                }
                Some(Err(())) => return Found::Lost,
                None => return Found::Nothing,
            }
        }
    }

    /// The next argument's length, perhaps from a header that was begun before.
    fn header(&mut self, bytes: &[u8], at: &mut usize) -> Option<Result<u64, ()>> {
        if self.begun.is_empty()
            && let Some((length, end)) = header(&bytes[*at..], b'$')
        {
            *at += end;
            return Some(length.ok_or(()));
        }
        while *at < bytes.len() {
            self.begun.push(bytes[*at]);
            *at += 1;
            if let Some((length, _)) = header(&self.begun, b'$') {
                self.begun.clear();
                return Some(length.ok_or(()));
            }
        }
        None
    }
}

/// The name of the request at the front of these bytes, once all of it is there.
pub(super) fn name(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.first() != Some(&b'*') {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let mut words = bytes[..end].split(u8::is_ascii_whitespace);
        return words.find(|word| !word.is_empty());
    }
    let (_, name_at) = header(bytes, b'*')?;
    let (length, end) = header(bytes.get(name_at..)?, b'$')?;
    let start = name_at + end;
    bytes.get(start..start.checked_add(usize::try_from(length?).ok()?)?)
}

/// Looks at the request at the front of these bytes.
fn begin(bytes: &[u8]) -> Piece {
    if bytes.first() != Some(&b'*') {
        return inline(bytes);
    }
    let Some((count, name_at)) = header(bytes, b'*') else {
        return Piece::Short;
    };
    let count = match count {
        Some(count) => count,
        // Nothing was asked: the server takes no notice.
        None if bytes.starts_with(b"*-") => return Piece::Empty(name_at),
        None => return Piece::Wrong,
    };
    if count == 0 {
        return Piece::Empty(name_at);
    }
    let Some((length, end)) = header(&bytes[name_at..], b'$') else {
        return Piece::Short;
    };
    let Some(length) = length else {
        return Piece::Wrong;
    };
    let start = name_at + end;
    let verb = if length as usize > NAME_MAX {
        None
    } else {
        let Some(name) = bytes.get(start..start + length as usize) else {
            return Piece::Short;
        };
        Verb::named(name)
    };
    match verb {
        None => past(bytes, start, length, count - 1),
        Some(verb) => whole(bytes, name_at, count, verb),
    }
}

/// Jumps over the arguments of a request that nobody wants to know.
fn past(bytes: &[u8], start: usize, first: u64, arguments: u64) -> Piece {
    let (mut at, mut length, mut left) = (start as u64, first, arguments);
    loop {
        at += length + 2;
        let here = at as usize;
        if here > bytes.len() {
            return Piece::Skip(bytes.len(), at - bytes.len() as u64, left);
        }
        if left == 0 {
            return Piece::Whole(here, None);
        }
        let Some((next, end)) = header(&bytes[here..], b'$') else {
            return Piece::Skip(here, 0, left);
        };
        let Some(next) = next else {
            return Piece::Wrong;
        };
        (at, length, left) = (at + end as u64, next, left - 1);
    }
}

/// Takes a request that matters apart.
fn whole(bytes: &[u8], name_at: usize, count: u64, verb: Verb) -> Piece {
    let (mut at, mut args) = (name_at, Vec::new());
    for left in (0..count).rev() {
        let Some((length, end)) = header(&bytes[at..], b'$') else {
            return Piece::Short;
        };
        let Some(length) = length else {
            return Piece::Wrong;
        };
        at += end;
        // A script that is too large to keep is only not remembered.
        if verb == Verb::Script && (at as u64).saturating_add(length) > REQUEST_MAX as u64 {
            return past(bytes, at, length, left);
        }
        let length = length as usize;
        if bytes.len() < at + length + 2 {
            return Piece::Short;
        }
        args.push(bytes[at..at + length].to_vec());
        at += length + 2;
    }
    Piece::Whole(at, Some((verb, args)))
}

/// A line of words, as people type it.
fn inline(bytes: &[u8]) -> Piece {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return Piece::Short;
    };
    // redis-server finds no end of a line behind such a byte.
    if bytes[..end].contains(&0) {
        return Piece::Wrong;
    }
    let words = bytes[..end].split(u8::is_ascii_whitespace);
    let mut words = words.filter(|word| !word.is_empty()).peekable();
    let verb = words.peek().copied().and_then(Verb::named);
    let quoted = bytes[..end].iter().any(|byte| b"\"'".contains(byte));
    match verb {
        Some(_) if quoted => Piece::Wrong,
        Some(verb) => Piece::Whole(end + 1, Some((verb, words.map(<[u8]>::to_vec).collect()))),
        None if words.peek().is_none() => Piece::Empty(end + 1),
        // A name in quotes may be any.
        None if words.peek().is_some_and(|word| b"\"'".contains(&word[0])) => Piece::Wrong,
        None => Piece::Whole(end + 1, None),
    }
}

/// The number in a line like `*3` or `$4`, and where the next line begins; `None` while it is not whole.
#[inline]
fn header(bytes: &[u8], kind: u8) -> Option<(Option<u64>, usize)> {
    let (first, rest) = bytes.split_first()?;
    if *first != kind {
        return Some((None, bytes.len()));
    }
    let mut number = 0_u64;
    for (index, byte) in rest.iter().enumerate() {
        match byte {
            b'0'..=b'9' if index < 18 => number = number * 10 + u64::from(byte - b'0'),
            // The server looks at the first byte of the line's end only.
            b'\r' if index > 0 => {
                return (rest.len() > index + 1).then_some((Some(number), index + 3));
            }
            b'-' if index == 0 && kind == b'*' => {
                let end = rest.iter().position(|byte| *byte == b'\n')?;
                return Some((None, end + 2));
            }
            _ => return Some((None, bytes.len())),
        }
    }
    None
}
