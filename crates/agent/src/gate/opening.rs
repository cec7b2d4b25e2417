//! What kind of connection it is, by its first commands.
//!
//! A replica begins with `PING`, `AUTH` and `REPLCONF`, and then asks for the stream; a client may begin with the first two.
//! Their answers tell nothing of the data, so they are not held: a replica that waited for a barrier could not become one
//! of those who acknowledge it. From the first other command on nothing here looks at what a client says.

use super::bounds::OPENING;

/// What the bytes so far say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// So many bytes are commands of a handshake; what follows them is not complete.
    Handshake(usize),
    /// A client's command is among them.
    Client,
    /// So many bytes reach to the end of a request for the stream.
    Replica(usize),
    /// So many bytes are the greeting of another gate, which brings a session.
    Carried(usize),
}

/// The commands of a handshake.
const HANDSHAKE: [&[u8]; 3] = [b"PING", b"AUTH", b"REPLCONF"];

/// The requests for the stream.
const STREAM: [&[u8]; 2] = [b"PSYNC", b"SYNC"];

/// How a gate greets another one.
const GREETING: &[u8] = b"HOLDFAST.CARRY";

/// Judges the first bytes of a connection.
pub(super) fn judge(bytes: &[u8]) -> Opening {
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        match command(rest) {
            Some((name, end)) if is_one_of(name, &STREAM) => return Opening::Replica(at + end),
            Some((name, end)) if at == 0 && name == GREETING => return Opening::Carried(end),
            Some((name, end)) if is_one_of(name, &HANDSHAKE) => at += end,
            None if may_become_handshake(rest) => return Opening::Handshake(at),
            _ => return Opening::Client,
        }
    }
    Opening::Handshake(at)
}

fn is_one_of(name: &[u8], names: &[&[u8]]) -> bool {
    names.iter().any(|one| name.eq_ignore_ascii_case(one))
}

/// Whether an incomplete command may still be one of a handshake.
fn may_become_handshake(rest: &[u8]) -> bool {
    if rest.len() > OPENING {
        return false;
    }
    // An array without a name is one that has not come far; else an inline command, as far as it has come.
    let name = if rest.first() == Some(&b'*') {
        array_name(rest).unwrap_or_default()
    } else {
        rest
    };
    let known = HANDSHAKE.iter().chain(&STREAM).chain([&GREETING]);
    known.clone().any(|one| is_begun(name, one))
}

/// Whether `name` is the beginning of `one`, or goes on behind it.
fn is_begun(name: &[u8], one: &[u8]) -> bool {
    let length = name.len().min(one.len());
    name[..length].eq_ignore_ascii_case(&one[..length])
}

/// The name of the first command and where it ends, if it is complete.
fn command(bytes: &[u8]) -> Option<(&[u8], usize)> {
    if bytes.first() != Some(&b'*') {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let name = bytes[..end].split(u8::is_ascii_whitespace).next()?;
        return Some((name, end + 1));
    }
    let (count, mut at) = number(bytes, 0)?;
    let mut name: &[u8] = &[];
    for word in 0..count {
        let (length, start) = number(bytes, at)?;
        let end = start.checked_add(length)?;
        let text = bytes.get(start..end)?;
        bytes.get(end..end + 2)?;
        if word == 0 {
            name = text;
        }
        at = end + 2;
    }
    Some((name, at))
}

/// The name of a command that is an array, as far as it has come.
fn array_name(bytes: &[u8]) -> Option<&[u8]> {
    let (_, at) = number(bytes, 0)?;
    let (length, start) = number(bytes, at)?;
    let end = start.saturating_add(length).min(bytes.len());
    bytes.get(start..end)
}

/// The number in a line like `*3` or `$4` that begins at `at`, and where the next line begins.
fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let line = bytes.get(at + 1..)?;
    let length = line.iter().position(|byte| *byte == b'\n')?;
    let digits = std::str::from_utf8(&line[..length]).ok()?.trim_end();
    Some((digits.parse().ok()?, at + 1 + length + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resp(commands: &[&[&str]]) -> Vec<u8> {
        let mut out = Vec::new();
        for command in commands {
            holdfast_resp::encode_command(command, &mut out);
        }
        out
    }

    #[test]
    fn a_replica_is_known_when_it_asks_for_the_stream() {
        let handshake = resp(&[
            &["PING"],
            &["AUTH", "holdfast", "secret"],
            &["REPLCONF", "listening-port", "6379"],
        ]);
        assert_eq!(judge(&handshake), Opening::Handshake(handshake.len()));
        let whole = [handshake.clone(), resp(&[&["psync", "?", "-1"]])].concat();
        assert_eq!(judge(&whole), Opening::Replica(whole.len()));
        assert_eq!(judge(b"SYNC\r\n"), Opening::Replica(6));
        // However it is cut.
        for cut in 0..whole.len() {
            match judge(&whole[..cut]) {
                Opening::Handshake(end) => assert!(end <= cut),
                other => panic!("{cut}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_client_is_known_by_any_other_command() {
        for commands in [
            &[&["GET", "a"][..]][..],
            &[&["PING"], &["SET", "a", "1"]],
            &[&["AUTH", "secret"], &["HELLO", "3"]],
            &[&["PINGS"]],
        ] {
            assert_eq!(judge(&resp(commands)), Opening::Client, "{commands:?}");
        }
        for inline in [
            &b"GET a\r\n"[..],
            b"get",
            b"*1\r\n$4\r\nQU",
            b"garbage",
            b"*x\r\n$1\r\n",
        ] {
            assert_ne!(judge(inline), Opening::Replica(0));
        }
        assert_eq!(judge(b"get"), Opening::Client);
        assert_eq!(judge(b"*2\r\n$3\r\nGE"), Opening::Client);
    }

    #[test]
    fn a_large_first_command_is_not_waited_for() {
        let mut auth = b"*2\r\n$4\r\nAUTH\r\n$100000\r\n".to_vec();
        assert_eq!(judge(&auth), Opening::Handshake(0));
        auth.resize(OPENING + 1, b'x');
        assert_eq!(judge(&auth), Opening::Client);
    }
}
