//! Inline requests: a line of words, as people type them into a terminal.

use crate::Error;

/// Splits a line into words the way redis-server does: blanks separate; `"…"` knows `\n \r \t \b \a \xHH` and `\` before any other
/// character; `'…'` knows only `\'`; a closing quote must end its word.
pub fn split_inline(line: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let (word, after) = take_word(rest)?;
        words.push(word);
        rest = after.trim_ascii_start();
    }
    Ok(words)
}

fn take_word(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), Error> {
    let mut word = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        match first {
            b'"' | b'\'' => {
                let after = take_quoted(after, *first, &mut word)?;
                return Ok((word, after));
            }
            b' ' | b'\n' | b'\r' | b'\t' | 0 => break,
            other => word.push(*other),
        }
        rest = after;
    }
    // A NUL ends the line for redis-server; here it is skipped as a blank would be, so that the loop above always moves on.
    Ok((word, rest.strip_prefix(b"\0").unwrap_or(rest)))
}

/// Appends what stands between the quotes to `word`; returns what follows the closing one.
fn take_quoted<'a>(mut rest: &'a [u8], quote: u8, word: &mut Vec<u8>) -> Result<&'a [u8], Error> {
    loop {
        rest = match (quote, rest) {
            (_, []) => return Err(Error::UnbalancedQuotes),
            (b'"', [b'\\', b'x', high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(hex(*high) << 4 | hex(*low));
                after
            }
            (b'"', [b'\\', escaped, after @ ..]) => {
                word.push(unescape(*escaped));
                after
            }
            (b'\'', [b'\\', b'\'', after @ ..]) => {
                word.push(b'\'');
                after
            }
            (_, [first, after @ ..]) if *first == quote => return closed(after),
            (_, [other, after @ ..]) => {
                word.push(*other);
                after
            }
        };
    }
}

fn closed(after: &[u8]) -> Result<&[u8], Error> {
    match after.first() {
        Some(next) if !next.is_ascii_whitespace() => Err(Error::UnbalancedQuotes),
        _ => Ok(after),
    }
}

fn unescape(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn words_and_quotes() {
        let split = |line: &str| {
            split_inline(line.as_bytes()).map(|w| {
                w.into_iter()
                    .map(|w| String::from_utf8(w).unwrap())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(split("  PING  hello ").unwrap(), ["PING", "hello"]);
        assert_eq!(
            split(r#"a "b c" 'd "e' "\x41\n\"" 'it\'s'"#).unwrap(),
            ["a", "b c", "d \"e", "A\n\"", "it's"]
        );
        assert_eq!(split(r#"pre"fix" """#).unwrap(), ["prefix", ""]);
        assert_eq!(split("").unwrap(), Vec::<String>::new());
        assert_eq!(split("a\0b").unwrap(), ["a", "b"]);
        for bad in ["\"open", "'open", "\"a\"b", "'a'b", "\"\\"] {
            assert_eq!(split(bad), Err(Error::UnbalancedQuotes), "{bad}");
        }
    }
}
