//! The lines of a redis.conf, read exactly as redis-server reads them.

use std::fmt::Write;

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it stands in the file, counting from 1.
    pub number: usize,
    /// Its key in small letters.
    pub key: String,
    /// Its arguments, quotes and escapes resolved.
    pub args: Vec<String>,
}

/// A line that redis-server would refuse too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// Where.
    pub number: usize,
    /// What is wrong.
    pub what: &'static str,
}

/// All settings of a file; empty lines and lines that begin with `#` are skipped.
pub(super) fn parse(text: &str) -> Result<Vec<Line>, BadLine> {
    let numbered = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()));
    numbered
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let mut args = split(line)
                .map_err(|what| BadLine { number, what })?
                .into_iter();
            let key = args.next().unwrap_or_default().to_ascii_lowercase();
            Ok(Line {
                number,
                key,
                args: args.collect(),
            })
        })
        .collect()
}

/// An argument as it can be written into a file: in quotes where it must be.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', byte as char]),
            b' '..=b'~' => out.push(byte as char),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push('"');
    out
}

/// Words of a line, with the quoting rules of redis-server: `"…"` with escapes, `'…'` with `\'` only, and a
/// closing quote must be followed by a space.
fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut rest = line.as_bytes();
    let mut words = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Ok(words);
        }
        let (word, after) = take_word(rest)?;
        words.push(String::from_utf8(word).map_err(|_| "a value is not UTF-8")?);
        rest = after;
    }
}

fn take_word(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let mut word = Vec::new();
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'"' | b'\'' => return take_quoted(word, byte, after),
            b' ' | b'\n' | b'\r' | b'\t' | 0 => break,
            _ => word.push(byte),
        }
        rest = after;
    }
    Ok((word, rest))
}

fn take_quoted(
    mut word: Vec<u8>,
    quote: u8,
    mut rest: &[u8],
) -> Result<(Vec<u8>, &[u8]), &'static str> {
    loop {
        let (&byte, after) = rest.split_first().ok_or("a quote is not closed")?;
        rest = after;
        if byte == quote {
            let ends = rest.first().is_none_or(u8::is_ascii_whitespace);
            return if ends {
                Ok((word, rest))
            } else {
                Err("a closing quote must be followed by a space")
            };
        }
        if byte == b'\\' && quote == b'"' {
            let (escaped, used) = escape(rest);
            word.push(escaped);
            rest = &rest[used..];
        } else if byte == b'\\' && rest.first() == Some(&b'\'') {
            word.push(b'\'');
            rest = &rest[1..];
        } else {
            word.push(byte);
        }
    }
}

/// The byte meant by what follows a backslash, and how many bytes that took.
fn escape(rest: &[u8]) -> (u8, usize) {
    let hex = |byte: &u8| (*byte as char).to_digit(16).map(|digit| digit as u8);
    match rest {
        [b'x', high, low, ..] if hex(high).is_some() && hex(low).is_some() => {
            (hex(high).unwrap_or(0) * 16 + hex(low).unwrap_or(0), 3)
        }
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b't', ..] => (b'\t', 1),
        [b'b', ..] => (8, 1),
        [b'a', ..] => (7, 1),
        [other, ..] => (*other, 1),
        [] => (b'\\', 0),
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<String> {
        parse(line).expect("readable").remove(0).args
    }

    #[test]
    fn reads_keys_comments_and_quotes() {
        let text =
            "# a comment\n\n  MaxMemory 100mb  \n\tsave 900 1\n#x\nrequirepass \"a b\\x41\\\"\"\n";
        let lines = parse(text).expect("readable");
        let keys: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.key.as_str()))
            .collect();
        assert_eq!(keys, [(3, "maxmemory"), (4, "save"), (6, "requirepass")]);
        assert_eq!(lines[2].args, ["a bA\""]);
        assert_eq!(args("k 'it\\'s' \"\" tail"), ["it's", "", "tail"]);
        assert_eq!(args("k a\"b c\""), ["ab c"]);
    }

    #[test]
    fn refuses_what_the_server_refuses() {
        assert_eq!(
            parse("a b\nk \"open"),
            Err(BadLine {
                number: 2,
                what: "a quote is not closed"
            })
        );
        assert!(parse("k \"x\"y").is_err());
    }

    #[test]
    fn what_is_quoted_reads_back() {
        for text in [
            "",
            "plain",
            "two words",
            "q\"uo'te",
            "back\\slash",
            "tab\there",
            "ü",
            "#x",
        ] {
            assert_eq!(args(&format!("k {}", quoted(text))), [text], "{text:?}");
        }
    }
}
