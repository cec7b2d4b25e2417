//! Finds the end of a reply frame without building it.

use crate::number::parse_integer;
use crate::{Error, Limits, MAX_DEPTH};

/// Bytes of the longest header line with a length or a count: sign, 20 digits.
const COUNT_LINE_BYTES: usize = 32;

/// An incremental scanner over the front of a buffer: give it the same buffer, longer each time, and it goes on where it stopped.
///
/// Small and without allocation; a fresh scanner (or one that has returned an end) starts at the first byte of a frame.
#[derive(Debug, Clone)]
pub struct Scanner {
    /// Everything before this offset is known to be well-formed.
    position: usize,
    /// Elements seen or announced in this frame.
    elements: usize,
    /// Elements still to come on each open level; the first level is the frame itself.
    open: [u32; MAX_DEPTH + 1],
    /// Levels open; 0 between frames.
    levels: usize,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            position: 0,
            elements: 0,
            open: [0; MAX_DEPTH + 1],
            levels: 0,
        }
    }
}

/// What one header line announces.
enum Header {
    /// The element ends with this line.
    Line,
    /// This many bytes and CR LF follow.
    Body(usize),
    /// This many elements follow, one level down.
    Children(usize),
    /// This many elements follow, one level down, and then the element that they describe.
    Attribute(usize),
}

impl Scanner {
    /// Scans on. `Some(end)`: the first frame of `buffer` is `buffer[..end]`, and the scanner is ready for the next frame, which
    /// must then be at the start of the buffer. `None`: more bytes are needed. After an error the stream is lost.
    pub fn advance(&mut self, buffer: &[u8], limits: &Limits) -> Result<Option<usize>, Error> {
        if self.levels == 0 {
            self.levels = 1;
            self.open[0] = 1;
        }
        while self.levels > 0 {
            if self.open[self.levels - 1] == 0 {
                self.levels -= 1;
            } else if !self.element(buffer, limits)? {
                return Ok(None);
            }
        }
        let end = self.position;
        *self = Self::default();
        Ok(Some(end))
    }

    /// One element (for an aggregate: its header). `false`: it is not there yet.
    fn element(&mut self, buffer: &[u8], limits: &Limits) -> Result<bool, Error> {
        let rest = buffer.get(self.position..).unwrap_or_default();
        let Some((line, after)) = header_line(rest, limits)? else {
            return within(self.position + rest.len(), limits).map(|()| false);
        };
        let header = read_header(line, limits)?;
        let body = if let Header::Body(length) = header {
            length.saturating_add(2)
        } else {
            0
        };
        within((self.position + after).saturating_add(body), limits)?;
        if let Header::Body(length) = header
            && !body_ends(&rest[after..], length)?
        {
            return Ok(false);
        }
        self.position += after + body;
        self.open[self.levels - 1] -= 1;
        match header {
            Header::Children(count) => self.descend(count, limits)?,
            Header::Attribute(count) => {
                self.open[self.levels - 1] += 1;
                self.descend(count, limits)?;
            }
            Header::Line | Header::Body(_) => {}
        }
        Ok(true)
    }

    fn descend(&mut self, count: usize, limits: &Limits) -> Result<(), Error> {
        if self.levels > limits.depth.min(MAX_DEPTH) {
            return Err(Error::TooDeep);
        }
        // An attribute costs one element even when empty: a run of them is bounded too.
        self.elements += count.max(1);
        if self.elements > limits.elements {
            return Err(Error::TooManyElements);
        }
        self.open[self.levels] = count as u32;
        self.levels += 1;
        Ok(())
    }
}

fn within(bytes: usize, limits: &Limits) -> Result<(), Error> {
    if bytes > limits.frame_bytes {
        Err(Error::FrameTooLarge)
    } else {
        Ok(())
    }
}

/// The line at the front of `rest` without CR LF, and where the next one begins.
fn header_line<'a>(rest: &'a [u8], limits: &Limits) -> Result<Option<(&'a [u8], usize)>, Error> {
    let Some(kind) = rest.first() else {
        return Ok(None);
    };
    let (longest, too_long) = match kind {
        b'$' | b'!' | b'=' => (COUNT_LINE_BYTES, Error::BulkLineTooLong),
        b'*' | b'%' | b'~' | b'>' | b'|' => (COUNT_LINE_BYTES, Error::CountLineTooLong),
        b'+' | b'-' | b':' | b',' | b'#' | b'_' | b'(' => {
            (limits.inline_bytes, Error::InlineTooLong)
        }
        other => return Err(Error::UnknownType(*other)),
    };
    let window = &rest[..rest.len().min(longest + 2)];
    match memchr::memchr(b'\n', window) {
        Some(at) if at >= 2 && window[at - 1] == b'\r' => Ok(Some((&window[..at - 1], at + 1))),
        Some(_) => Err(Error::ExpectedLineEnd),
        None if window.len() < longest + 2 => Ok(None),
        None => Err(too_long),
    }
}

fn read_header(line: &[u8], limits: &Limits) -> Result<Header, Error> {
    let count = |per_item: usize| -> Result<usize, Error> {
        let count = parse_integer(&line[1..]).and_then(|n| usize::try_from(n).ok());
        let count = count
            .and_then(|n| n.checked_mul(per_item))
            .ok_or(Error::InvalidMultibulkLength)?;
        if count > limits.elements {
            Err(Error::TooManyElements)
        } else {
            Ok(count)
        }
    };
    match line[0] {
        b'$' | b'*' if &line[1..] == b"-1" => Ok(Header::Line),
        b'$' | b'!' | b'=' => {
            let length = parse_integer(&line[1..]).and_then(|n| usize::try_from(n).ok());
            length
                .filter(|n| *n <= limits.bulk_bytes)
                .map(Header::Body)
                .ok_or(Error::InvalidBulkLength)
        }
        b'*' | b'~' | b'>' => count(1).map(Header::Children),
        b'%' => count(2).map(Header::Children),
        b'|' => count(2).map(Header::Attribute),
        _ => Ok(Header::Line),
    }
}

/// Is the whole body there? Its CR LF is checked as far as it has come.
fn body_ends(rest: &[u8], length: usize) -> Result<bool, Error> {
    let end = rest.get(length..).unwrap_or_default();
    if end.iter().zip(b"\r\n").any(|(have, want)| have != want) {
        return Err(Error::ExpectedLineEnd);
    }
    Ok(end.len() >= 2)
}
