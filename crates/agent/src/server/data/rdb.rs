//! Does a snapshot hold a key? Reads its head only: marks and auxiliary fields come before the first key.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Auxiliary field: two strings.
const AUX: u8 = 0xfa;
/// End of the snapshot.
const END: u8 = 0xff;
/// Auxiliary fields that are read before a snapshot is taken for one with data.
const MAX_AUX: usize = 64;
/// Longest auxiliary string that is read.
const MAX_STRING: u64 = 64 << 10;

/// True for a snapshot that ends before its first key. A file that is no snapshot, or is cut off, holds data for all
/// that we know.
pub(super) fn is_empty(path: &Path) -> io::Result<bool> {
    let mut reader = BufReader::new(File::open(path)?);
    Ok(ends_at_once(&mut reader)?.unwrap_or(false))
}

/// The replication id that the snapshot was made with, if it has one.
pub(super) fn replid(path: &Path) -> io::Result<Option<String>> {
    const KEY: &[u8] = b"\xfa\x07repl-id\x28";
    let mut head = Vec::new();
    File::open(path)?.take(4096).read_to_end(&mut head)?;
    let at = head.windows(KEY.len()).position(|window| window == KEY);
    let id = at.and_then(|at| head.get(at + KEY.len()..at + KEY.len() + 40));
    Ok(id.map(|id| String::from_utf8_lossy(id).into_owned()))
}

/// Whether the snapshot at the reader's place holds nothing; `None` when it is no snapshot that we can read.
pub(super) fn ends_at_once(reader: &mut impl Read) -> io::Result<Option<bool>> {
    match read_head(reader) {
        Ok(empty) => Ok(empty),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_head(reader: &mut impl Read) -> io::Result<Option<bool>> {
    let mut magic = [0; 9];
    reader.read_exact(&mut magic)?;
    // REDIS0011, or VALKEY080.
    let number = magic
        .strip_prefix(b"REDIS")
        .or_else(|| magic.strip_prefix(b"VALKEY"));
    if !number.is_some_and(|number| number.iter().all(u8::is_ascii_digit)) {
        return Ok(None);
    }
    for _ in 0..MAX_AUX {
        match byte(reader)? {
            AUX => {
                skip_string(reader)?;
                skip_string(reader)?;
            }
            END => return skip(reader, 8).map(|()| Some(true)),
            _ => return Ok(Some(false)),
        }
    }
    Ok(Some(false))
}

/// Strings carry their length in 6, 14 or 32 bits, or are an integer of 1, 2 or 4 bytes.
fn skip_string(reader: &mut impl Read) -> io::Result<()> {
    let first = byte(reader)?;
    let low = u64::from(first & 0x3f);
    let length = match (first >> 6, first) {
        (0, _) => low,
        (1, _) => low << 8 | u64::from(byte(reader)?),
        (2, 0x80) => u64::from(four_bytes(reader)?),
        (3, _) if low < 3 => 1 << low,
        _ => return Err(io::ErrorKind::UnexpectedEof.into()),
    };
    if length > MAX_STRING {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else {
        skip(reader, length)
    }
}

fn byte(reader: &mut impl Read) -> io::Result<u8> {
    let mut one = [0];
    reader.read_exact(&mut one)?;
    Ok(one[0])
}

fn four_bytes(reader: &mut impl Read) -> io::Result<u32> {
    let mut four = [0; 4];
    reader.read_exact(&mut four)?;
    Ok(u32::from_be_bytes(four))
}

fn skip(reader: &mut impl Read, bytes: u64) -> io::Result<()> {
    let copied = io::copy(&mut reader.take(bytes), &mut io::sink())?;
    if copied == bytes {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    const HEAD: &[u8] =
        b"REDIS0010\xfa\x09redis-ver\x067.0.15\xfa\x05ctime\xc2R%\x03k\xfa\x08aof-base\xc0\x01";

    fn look(tail: &[u8]) -> Option<bool> {
        ends_at_once(&mut [HEAD, tail].concat().as_slice()).expect("no I/O here")
    }

    #[test]
    fn only_an_end_right_after_the_head_is_empty() {
        assert_eq!(look(b"\xff12345678"), Some(true));
        assert_eq!(look(b"\xfe\x00\xfb\x01\x00"), Some(false));
        assert_eq!(look(b"\xf5functions are data"), Some(false));
        assert_eq!(look(b"\xff123"), None, "cut off in its checksum");
        assert_eq!(look(b""), None);
        let damaged = b"REDIS0\xff\xff\xff\xff12345678";
        assert_eq!(
            ends_at_once(&mut &damaged[..]).expect("no I/O here"),
            None,
            "a version that is not a number"
        );
        assert_eq!(
            ends_at_once(&mut &b"*1\r\n$4\r\nPING\r\n"[..]).expect("no I/O here"),
            None
        );
    }
}
