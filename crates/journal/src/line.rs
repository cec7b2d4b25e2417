//! Lines: `CHECKSUM KEY TAB TEXT`, where the checksum is of all that follows it.

use std::collections::BTreeMap;

/// What the bytes of a file say.
pub(crate) enum Parsed {
    Nothing,
    /// Header, newest text of each key, and where the last whole line ends.
    Whole(String, BTreeMap<String, String>, usize),
    Damaged(usize),
}

/// One line with its end.
pub(crate) fn write(key: &str, text: &str) -> String {
    let body = format!("{key}\t{text}");
    format!("{:08x} {body}\n", crc32fast::hash(body.as_bytes()))
}

/// Key and text of one line.
fn read(line: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(line).ok()?;
    let (sum, body) = text.split_once(' ')?;
    let whole = u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(body.as_bytes());
    body.split_once('\t').filter(|_| whole)
}

/// Reads all lines. The last one may have been on its way when the power went, and then nobody was told of
/// it: it has no end, or holes where blocks were not written. Anything else that does not read is damage.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let end = bytes
        .iter()
        .rposition(|b| *b != 0)
        .map_or(0, |last| last + 1);
    let (mut header, mut texts, mut used) = (None, BTreeMap::new(), 0);
    let mut lines = bytes[..end]
        .split_inclusive(|b| *b == b'\n')
        .enumerate()
        .peekable();
    while let Some((number, line)) = lines.next() {
        let body = line.strip_suffix(b"\n");
        match body.and_then(read) {
            Some(("", text)) if number == 0 => header = Some(text.to_owned()),
            Some((key, text)) if number > 0 => drop(texts.insert(key.to_owned(), text.to_owned())),
            _ => {
                let torn =
                    number > 0 && lines.peek().is_none() && (body.is_none() || line.contains(&0));
                if !torn {
                    return Parsed::Damaged(number + 1);
                }
                break;
            }
        }
        used += line.len();
    }
    header.map_or(Parsed::Nothing, |header| Parsed::Whole(header, texts, used))
}
