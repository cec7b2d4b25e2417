//! A reply as a tree.

use bytes::Bytes;

/// A reply of a server. Texts are views into the received frame: a kept [`Bytes`] keeps its whole frame in memory.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `+OK`: a status line.
    Simple(Bytes),
    /// `-ERR …`, or a RESP3 bulk error; without the type byte.
    Error(Bytes),
    /// `:42`.
    Integer(i64),
    /// A string of bytes; `None` is the RESP2 null bulk.
    Bulk(Option<Bytes>),
    /// A sequence; `None` is the RESP2 null array.
    Array(Option<Vec<Value>>),
    /// RESP3 map, in the order of the wire, duplicates kept.
    Map(Vec<(Value, Value)>),
    /// RESP3 set, in the order of the wire, duplicates kept.
    Set(Vec<Value>),
    /// RESP3 out-of-band message (a published event, for example).
    Push(Vec<Value>),
    /// RESP3 double.
    Double(f64),
    /// RESP3 boolean.
    Boolean(bool),
    /// RESP3 null.
    Null,
    /// RESP3 big number, as its decimal text.
    BigNumber(Bytes),
    /// RESP3 text with a format of three letters (`txt`, `mkd`).
    Verbatim {
        /// The three letters.
        format: [u8; 3],
        /// The text itself.
        text: Bytes,
    },
}

impl Value {
    /// A bulk string.
    pub fn bulk(text: impl Into<Bytes>) -> Self {
        Self::Bulk(Some(text.into()))
    }

    /// The bytes of a status, bulk, verbatim or big number; `None` for all else, errors included.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Simple(text)
            | Self::Bulk(Some(text))
            | Self::BigNumber(text)
            | Self::Verbatim { text, .. } => Some(text),
            _ => None,
        }
    }

    /// [`Value::as_bytes`] where they are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The text of an error reply; bytes that are not UTF-8 are replaced.
    pub fn error(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Error(text) => Some(String::from_utf8_lossy(text)),
            _ => None,
        }
    }

    /// An integer, or a text that reads as one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => crate::parse_integer(self.as_bytes()?),
        }
    }

    /// The elements of an array, set or push.
    pub fn as_slice(&self) -> Option<&[Value]> {
        match self {
            Self::Array(Some(items)) | Self::Set(items) | Self::Push(items) => Some(items),
            _ => None,
        }
    }

    /// Is it a null of either version?
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::Bulk(None) | Self::Array(None))
    }

    /// Is it the status `OK`?
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Simple(text) if text.as_ref() == b"OK")
    }
}
