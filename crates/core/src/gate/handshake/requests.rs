//! The commands of a handshake, as a replica says them. Whatever differs in anything is a client's.

/// Bytes of a command in which it must be whole.
pub(super) const REQUEST_MAX: usize = 4 << 10;

/// Words of a command; a replica's longest has seven.
const WORDS_MAX: usize = 16;

/// How a gate greets another one.
const GREETING: &[u8] = b"HOLDFAST.CARRY";

/// Names that a handshake begins with, as far as they have come.
const NAMES: [&[u8]; 6] = [b"PING", b"AUTH", b"REPLCONF", b"PSYNC", b"SYNC", GREETING];

/// What a replica tells of itself before it asks for the stream. Each is answered by one line.
const TOLD: [&[u8]; 4] = [b"listening-port", b"ip-address", b"capa", b"version"];

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    Ping,
    /// User and password.
    Login(&'a [u8], &'a [u8]),
    /// Host and port, as far as it tells them.
    Tells(Option<&'a str>, Option<u16>),
    /// The stream, from this byte on; `None`: all of it.
    Psync(Option<u64>),
    Sync,
    /// Of another gate.
    Greeting,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// A command of this many bytes.
    Whole(Request<'a>, usize),
    /// Nothing, or the beginning of one.
    Begun,
    /// Something that no replica says.
    Other,
}

/// The next command in these bytes.
pub(super) fn next(bytes: &[u8]) -> Next<'_> {
    if bytes.is_empty() {
        return Next::Begun;
    }
    if bytes[0] != b'*' {
        return inline(bytes);
    }
    let count = header(bytes, 0, b'*').map(|(count, _)| count);
    if bytes.contains(&b'\n') && !count.is_some_and(|count| (1..=WORDS_MAX).contains(&count)) {
        return Next::Other;
    }
    match words(bytes) {
        Some((words, length)) => {
            request(&words).map_or(Next::Other, |one| Next::Whole(one, length))
        }
        None if may_become_one(bytes, array_name(bytes).unwrap_or_default()) => Next::Begun,
        None => Next::Other,
    }
}

/// A probe that looks whether somebody is there; a replica says nothing in one line.
fn inline(bytes: &[u8]) -> Next<'_> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        let begun = may_become_one(bytes, bytes);
        return if begun { Next::Begun } else { Next::Other };
    };
    let line = bytes[..end].trim_ascii();
    if line.eq_ignore_ascii_case(b"PING") {
        return Next::Whole(Request::Ping, end + 1);
    }
    if line.starts_with(GREETING) {
        return Next::Whole(Request::Greeting, end + 1);
    }
    Next::Other
}

fn request<'a>(words: &[&'a [u8]]) -> Option<Request<'a>> {
    let (name, rest) = words.split_first()?;
    match (name.to_ascii_uppercase().as_slice(), rest) {
        (b"PING", []) => Some(Request::Ping),
        (b"AUTH", [password]) => Some(Request::Login(b"default", password)),
        (b"AUTH", [user, password]) => Some(Request::Login(user, password)),
        (b"REPLCONF", pairs) if !pairs.is_empty() && pairs.len() % 2 == 0 => tells(pairs),
        (b"PSYNC", [_, from]) => Some(Request::Psync(number(from))),
        (b"SYNC", _) => Some(Request::Sync),
        _ => None,
    }
}

fn tells<'a>(pairs: &[&'a [u8]]) -> Option<Request<'a>> {
    let (mut host, mut port) = (None, None);
    for pair in pairs.chunks_exact(2) {
        let known = TOLD
            .iter()
            .position(|told| pair[0].eq_ignore_ascii_case(told))?;
        match known {
            0 => port = Some(number(pair[1]).and_then(|port| u16::try_from(port).ok())?),
            1 => host = Some(std::str::from_utf8(pair[1]).ok()?),
            _ => {}
        }
    }
    Some(Request::Tells(host, port))
}

/// Whether an incomplete command with this much of its name may become one of a handshake.
fn may_become_one(bytes: &[u8], name: &[u8]) -> bool {
    let begun = |one: &&[u8]| {
        let length = name.len().min(one.len());
        name[..length].eq_ignore_ascii_case(&one[..length])
    };
    bytes.len() <= REQUEST_MAX && NAMES.iter().any(begun)
}

/// The words of a command that is an array, and its length, if it is whole.
fn words(bytes: &[u8]) -> Option<(Vec<&[u8]>, usize)> {
    let (count, mut at) = header(bytes, 0, b'*')?;
    let mut words = Vec::with_capacity(count.min(WORDS_MAX));
    for _ in 0..count {
        let (length, start) = header(bytes, at, b'$')?;
        let end = start.checked_add(length)?;
        words.push(bytes.get(start..end)?);
        bytes.get(end..end + 2)?;
        at = end + 2;
    }
    Some((words, at))
}

/// The name of a command that is an array, as far as it has come.
fn array_name(bytes: &[u8]) -> Option<&[u8]> {
    let (_, at) = header(bytes, 0, b'*')?;
    let (length, start) = header(bytes, at, b'$')?;
    let end = start.saturating_add(length).min(bytes.len());
    bytes.get(start..end)
}

/// The number in a line that begins at `at` with this sign, and where the next line begins.
fn header(bytes: &[u8], at: usize, sign: u8) -> Option<(usize, usize)> {
    let line = bytes.get(at..).filter(|rest| rest.first() == Some(&sign))?;
    let end = line.iter().position(|byte| *byte == b'\n')?;
    let digits = line[1..end].strip_suffix(b"\r").unwrap_or(&line[1..end]);
    Some((usize::try_from(number(digits)?).ok()?, at + end + 1))
}

/// Digits alone make a number.
pub(in crate::gate) fn number(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}
