//! Requests from clients: arrays of bulk strings, or inline lines.

use std::ops::Range;

use crate::number::parse_integer;
use crate::{Error, Limits, split_inline};

/// Bytes of the longest line with a count or a length: type, sign, 20 digits.
const COUNT_LINE_BYTES: usize = 32;
/// Arguments are kept as ranges of 32 bits.
const MAX_FRAME_BYTES: usize = u32::MAX as usize;
/// What redis-server lets a client send before it has authenticated.
const UNAUTHENTICATED_ARGS: usize = 10;
const UNAUTHENTICATED_BULK_BYTES: usize = 16 * 1024;

/// The arguments of one request: views into the buffer that was parsed, or (inline requests) owned words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Args {
    ranges: Vec<Range<u32>>,
    words: Vec<Vec<u8>>,
}

impl Args {
    /// How many arguments there are, the command's name included.
    pub fn len(&self) -> usize {
        self.ranges.len() + self.words.len()
    }

    /// Is it the empty request (`*0`, an empty line), which gets no reply?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Argument `index` of a request that was parsed from `buffer`; empty when there is none.
    pub fn get<'a>(&'a self, buffer: &'a [u8], index: usize) -> &'a [u8] {
        match self.ranges.get(index) {
            Some(range) => buffer
                .get(range.start as usize..range.end as usize)
                .unwrap_or_default(),
            None => self.words.get(index).map(Vec::as_slice).unwrap_or_default(),
        }
    }

    /// All arguments, as views into `buffer`.
    pub fn views<'a>(&'a self, buffer: &'a [u8]) -> Vec<&'a [u8]> {
        (0..self.len())
            .map(|index| self.get(buffer, index))
            .collect()
    }

    fn clear(&mut self) {
        self.ranges.clear();
        self.words.clear();
    }
}

/// An incremental parser: give it the same buffer, longer each time, and it goes on where it stopped, so each byte is looked at
/// once. Reuse it: it keeps the room for the arguments.
#[derive(Debug, Clone, Default)]
pub struct RequestParser {
    args: Args,
    position: usize,
    /// Arguments still to come; `None` between requests.
    missing: Option<usize>,
    /// May the client send large requests? Set to `false` until it has authenticated.
    restricted: bool,
}

impl RequestParser {
    /// While `restricted`, a request has at most 10 arguments of at most 16 KiB (the client has yet to authenticate).
    pub fn restrict(&mut self, restricted: bool) {
        self.restricted = restricted;
    }

    /// Is a request begun but not complete?
    pub fn is_partial(&self) -> bool {
        self.missing.is_some()
    }

    /// Bytes that the parser itself holds on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.args.ranges.capacity() * size_of::<Range<u32>>()
    }

    /// The arguments of the request that [`RequestParser::advance`] has just completed.
    pub fn args(&self) -> &Args {
        &self.args
    }

    /// Parses on. `Some(end)`: the request is `buffer[..end]`, see [`RequestParser::args`]; the next one must then be at the start
    /// of the buffer. `None`: more bytes are needed. After an error the stream is lost: send the error and close.
    pub fn advance(&mut self, buffer: &[u8], limits: &Limits) -> Result<Option<usize>, Error> {
        if self.missing.is_none() {
            self.args.clear();
            self.position = 0;
            match buffer.first() {
                None => return Ok(None),
                Some(b'*') => {}
                Some(_) => return self.inline(buffer, limits),
            }
            let Some(count) = self.count(buffer, limits)? else {
                return Ok(None);
            };
            self.missing = Some(count);
        }
        while let Some(missing @ 1..) = self.missing {
            if !self.bulk(buffer, limits)? {
                return Ok(None);
            }
            self.missing = Some(missing - 1);
        }
        self.missing = None;
        Ok(Some(self.position))
    }

    fn inline(&mut self, buffer: &[u8], limits: &Limits) -> Result<Option<usize>, Error> {
        let window = &buffer[..buffer.len().min(limits.inline_bytes + 2)];
        let Some(at) = memchr::memchr(b'\n', window) else {
            return if window.len() > limits.inline_bytes {
                Err(Error::InlineTooLong)
            } else {
                Ok(None)
            };
        };
        let line = &window[..at];
        self.args.words = split_inline(line.strip_suffix(b"\r").unwrap_or(line))?;
        if self.args.len() > limits.elements {
            return Err(Error::TooManyElements);
        }
        Ok(Some(at + 1))
    }

    /// The header line; zero or less arguments is an empty request, as for redis-server.
    fn count(&mut self, buffer: &[u8], limits: &Limits) -> Result<Option<usize>, Error> {
        let Some((line, after)) = count_line(buffer, Error::CountLineTooLong)? else {
            return Ok(None);
        };
        let count = parse_integer(&line[1..]).ok_or(Error::InvalidMultibulkLength)?;
        let count = usize::try_from(count).unwrap_or(0);
        if count > limits.elements {
            return Err(Error::InvalidMultibulkLength);
        }
        if self.restricted && count > UNAUTHENTICATED_ARGS {
            return Err(Error::UnauthenticatedMultibulk);
        }
        self.position = after;
        Ok(Some(count))
    }

    /// One argument. `false`: it is not there yet.
    fn bulk(&mut self, buffer: &[u8], limits: &Limits) -> Result<bool, Error> {
        let rest = buffer.get(self.position..).unwrap_or_default();
        match rest.first() {
            None => return Ok(false),
            Some(b'$') => {}
            Some(other) => return Err(Error::ExpectedBulk(*other)),
        }
        let Some((line, after)) = count_line(rest, Error::BulkLineTooLong)? else {
            return Ok(false);
        };
        let length = self.bulk_length(&line[1..], limits)?;
        let start = self.position + after;
        let end = start.saturating_add(length);
        if end.saturating_add(2) > limits.frame_bytes.min(MAX_FRAME_BYTES) {
            return Err(Error::FrameTooLarge);
        }
        let tail = buffer.get(end..).unwrap_or_default();
        if tail.iter().zip(b"\r\n").any(|(have, want)| have != want) {
            return Err(Error::ExpectedLineEnd);
        }
        if tail.len() < 2 {
            return Ok(false);
        }
        self.args.ranges.push(start as u32..end as u32);
        self.position = end + 2;
        Ok(true)
    }

    fn bulk_length(&self, text: &[u8], limits: &Limits) -> Result<usize, Error> {
        let length = parse_integer(text).and_then(|n| usize::try_from(n).ok());
        let length = length
            .filter(|n| *n <= limits.bulk_bytes)
            .ok_or(Error::InvalidBulkLength)?;
        if self.restricted && length > UNAUTHENTICATED_BULK_BYTES {
            return Err(Error::UnauthenticatedBulk);
        }
        Ok(length)
    }
}

/// The count line at the front of `rest` without CR LF, and where the next byte is.
fn count_line(rest: &[u8], too_long: Error) -> Result<Option<(&[u8], usize)>, Error> {
    let window = &rest[..rest.len().min(COUNT_LINE_BYTES)];
    match memchr::memchr(b'\n', window) {
        Some(at) if at >= 2 && window[at - 1] == b'\r' => Ok(Some((&window[..at - 1], at + 1))),
        Some(_) => Err(Error::ExpectedLineEnd),
        None if window.len() < COUNT_LINE_BYTES => Ok(None),
        None => Err(too_long),
    }
}
