//! Replies from bytes.

use bytes::{Buf, Bytes, BytesMut};

use crate::number::{parse_double, parse_integer};
use crate::{Error, Limits, Scanner, Value};

/// Takes the first reply out of `buffer`; `None` (and the buffer untouched) while it is incomplete.
///
/// Looks at the frame from its start on every call: use a [`Decoder`] where large replies arrive in many pieces.
pub fn decode(buffer: &mut BytesMut, limits: &Limits) -> Result<Option<Value>, Error> {
    Decoder::new(*limits).decode(buffer)
}

/// A decoder that remembers how far it has looked: each byte of a reply is scanned once, however it is cut into pieces.
#[derive(Debug, Clone)]
pub struct Decoder {
    limits: Limits,
    scanner: Scanner,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            scanner: Scanner::default(),
        }
    }

    /// Takes the first reply out of `buffer`, which between calls may only have grown at its end. After an error the stream is
    /// out of step and must be closed.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Value>, Error> {
        let Some(end) = self.scanner.advance(buffer, &self.limits)? else {
            return Ok(None);
        };
        let mut frame = buffer.split_to(end).freeze();
        read_value(&mut frame).map(Some)
    }
}

/// Reads one value from the front of a frame that the scanner has found complete; its depth is bounded by the scanner.
fn read_value(frame: &mut Bytes) -> Result<Value, Error> {
    let mut line = take_line(frame)?;
    // A loop, not a recursion: attributes in a row do not count as nesting.
    while line[0] == b'|' {
        read_pairs(frame, &line[1..])?;
        line = take_line(frame)?;
    }
    let rest = line.slice(1..);
    Ok(match line[0] {
        b'+' => Value::Simple(rest),
        b'-' => Value::Error(rest),
        b':' => Value::Integer(
            parse_integer(rest.strip_prefix(b"+").unwrap_or(&rest))
                .ok_or(Error::InvalidScalar("integer"))?,
        ),
        b'$' => Value::Bulk(read_body(frame, &rest)?),
        b'!' => Value::Error(read_body(frame, &rest)?.unwrap_or_default()),
        b'=' => read_verbatim(&read_body(frame, &rest)?.unwrap_or_default())?,
        b'*' if rest.as_ref() == b"-1" => Value::Array(None),
        b'*' => Value::Array(Some(read_items(frame, &rest)?)),
        b'~' => Value::Set(read_items(frame, &rest)?),
        b'>' => Value::Push(read_items(frame, &rest)?),
        b'%' => Value::Map(read_pairs(frame, &rest)?),
        b',' => Value::Double(parse_double(&rest).ok_or(Error::InvalidScalar("double"))?),
        b'#' => Value::Boolean(read_boolean(&rest)?),
        b'_' if rest.is_empty() => Value::Null,
        b'_' => return Err(Error::InvalidScalar("null")),
        b'(' => read_big_number(rest)?,
        other => return Err(Error::UnknownType(other)),
    })
}

fn take_line(frame: &mut Bytes) -> Result<Bytes, Error> {
    let at = memchr::memchr(b'\n', frame)
        .filter(|at| *at >= 2)
        .ok_or(Error::ExpectedLineEnd)?;
    let line = frame.split_to(at - 1);
    frame.advance(2);
    Ok(line)
}

fn read_body(frame: &mut Bytes, length: &[u8]) -> Result<Option<Bytes>, Error> {
    if length == b"-1" {
        return Ok(None);
    }
    let length = parse_integer(length).and_then(|n| usize::try_from(n).ok());
    let length = length
        .filter(|n| n + 2 <= frame.len())
        .ok_or(Error::InvalidBulkLength)?;
    let body = frame.split_to(length);
    frame.advance(2);
    Ok(Some(body))
}

fn read_count(frame: &Bytes, count: &[u8]) -> Result<usize, Error> {
    let count = parse_integer(count).and_then(|n| usize::try_from(n).ok());
    // No element is shorter than three bytes: room is made only for what is really there.
    count
        .filter(|n| *n <= frame.len() / 3)
        .ok_or(Error::InvalidMultibulkLength)
}

fn read_items(frame: &mut Bytes, count: &[u8]) -> Result<Vec<Value>, Error> {
    (0..read_count(frame, count)?)
        .map(|_| read_value(frame))
        .collect()
}

fn read_pairs(frame: &mut Bytes, count: &[u8]) -> Result<Vec<(Value, Value)>, Error> {
    (0..read_count(frame, count)?)
        .map(|_| Ok((read_value(frame)?, read_value(frame)?)))
        .collect()
}

fn read_verbatim(body: &Bytes) -> Result<Value, Error> {
    match body.as_ref() {
        [a, b, c, b':', ..] => Ok(Value::Verbatim {
            format: [*a, *b, *c],
            text: body.slice(4..),
        }),
        _ => Err(Error::InvalidScalar("verbatim string")),
    }
}

fn read_boolean(text: &[u8]) -> Result<bool, Error> {
    match text {
        b"t" => Ok(true),
        b"f" => Ok(false),
        _ => Err(Error::InvalidScalar("boolean")),
    }
}

fn read_big_number(text: Bytes) -> Result<Value, Error> {
    let digits = text.strip_prefix(b"-").unwrap_or(&text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Error::InvalidScalar("big number"));
    }
    Ok(Value::BigNumber(text))
}
