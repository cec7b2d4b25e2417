//! Lines: `CHECKSUM KEY TAB TEXT`, where the checksum is of all that follows it.

use std::collections::BTreeMap;

/// What the bytes of a file say.
pub(crate) enum Parsed {
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

/// At the end of the header of a file that ends with a [`Mark`]. White space: what reads a header as JSON reads over it.
const MARKED: char = '\t';

/// The header's line, in a file that ends with a mark.
pub(crate) fn write_header(header: &str) -> String {
    write("", &format!("{header}{MARKED}"))
}

/// How far a file was synced, in its last bytes: `CHECKSUM LENGTH`. Written after each sync and made safe with the next,
/// or by the kernel within seconds, so it never says more than what was synced.
pub(crate) struct Mark;

impl Mark {
    /// Bytes that it takes. A file's length is a multiple of a disk's block, so that the mark never lies in two.
    pub(crate) const LENGTH: usize = 30;

    pub(crate) fn write(synced: u64) -> String {
        let body = format!("{synced:020}");
        format!("{:08x} {body}\n", crc32fast::hash(body.as_bytes()))
    }

    fn read(bytes: &[u8]) -> Option<usize> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let (sum, body) = text.split_once(' ')?;
        let whole = u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(body.as_bytes());
        body.parse().ok().filter(|_| whole)
    }
}

/// Reads all lines. The last one may have been on its way when the power went, and then nobody was told of
/// it: it has no end, or holes where blocks were not written. Anything else that does not read is damage, and so is the
/// lack of what the mark at the end says was synced: a file that was cut short, or whose last blocks were lost, must not
/// be taken for an older state of itself.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    if !is_marked(bytes) {
        return parse_lines(bytes);
    }
    let place = bytes.len().saturating_sub(Mark::LENGTH);
    let (lines, end) = bytes.split_at(place);
    let Some(synced) = Mark::read(end) else {
        return Parsed::Damaged(whole_lines(bytes) + 1);
    };
    match parse_lines(lines) {
        Parsed::Whole(_, _, used) if used < synced => {
            Parsed::Damaged(whole_lines(&lines[..used]) + 1)
        }
        Parsed::Whole(header, texts, used) => {
            let plain = header.trim_end_matches(MARKED).to_owned();
            Parsed::Whole(plain, texts, used)
        }
        damaged @ Parsed::Damaged(_) => damaged,
    }
}

fn whole_lines(bytes: &[u8]) -> usize {
    let lines = bytes.split_inclusive(|b| *b == b'\n');
    lines
        .take_while(|line| line.strip_suffix(b"\n").and_then(read).is_some())
        .count()
}

/// Whether the header says that there is a mark at the end.
pub(crate) fn is_marked(bytes: &[u8]) -> bool {
    let header = bytes.split(|b| *b == b'\n').next().and_then(read);
    header.is_some_and(|(key, text)| key.is_empty() && text.ends_with(MARKED))
}

fn parse_lines(bytes: &[u8]) -> Parsed {
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
    header.map_or(Parsed::Damaged(1), |header| {
        Parsed::Whole(header, texts, used)
    })
}
