//! Replies to bytes, in the version that the client speaks.

use bytes::BufMut;

use crate::Value;
use crate::command::{put_bulk, put_header};
use crate::number::format_double;

/// The version of the protocol that a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Proto {
    /// The version that every connection starts with.
    #[default]
    Resp2,
    /// Asked for by `HELLO 3`.
    Resp3,
}

/// Writes replies: one call per element; aggregates are a header, then their elements.
#[derive(Debug)]
pub struct Encoder<'a, B> {
    out: &'a mut B,
    proto: Proto,
}

impl<'a, B: BufMut> Encoder<'a, B> {
    /// An encoder that appends to `out`.
    pub fn new(out: &'a mut B, proto: Proto) -> Self {
        Self { out, proto }
    }

    /// The version in use.
    pub fn proto(&self) -> Proto {
        self.proto
    }

    /// Goes on in another version: what was written stays.
    pub fn set_proto(&mut self, proto: Proto) {
        self.proto = proto;
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.out.put_u8(kind);
        // A line end inside the text would forge a second reply: blank it out, as redis-server does.
        for part in text.split_inclusive(|b| matches!(b, b'\r' | b'\n')) {
            match part.split_last() {
                Some((b'\r' | b'\n', head)) => {
                    self.out.put_slice(head);
                    self.out.put_u8(b' ');
                }
                _ => self.out.put_slice(part),
            }
        }
        self.out.put_slice(b"\r\n");
    }

    /// `+text`. Line ends in the text become blanks.
    pub fn simple(&mut self, text: impl AsRef<[u8]>) {
        self.line(b'+', text.as_ref());
    }

    /// `+OK`.
    pub fn ok(&mut self) {
        self.out.put_slice(b"+OK\r\n");
    }

    /// `-text`: the text begins with its code (`ERR`, `NOAUTH`, …). Line ends in the text become blanks.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        self.line(b'-', text.as_ref());
    }

    /// `:number`.
    pub fn integer(&mut self, number: i64) {
        put_header(self.out, b':', number);
    }

    /// A string of bytes.
    pub fn bulk(&mut self, text: impl AsRef<[u8]>) {
        put_bulk(self.out, text.as_ref());
    }

    /// Null where a string could stand.
    pub fn null(&mut self) {
        self.by_version(b"$-1\r\n", b"_\r\n");
    }

    /// Null where an array could stand.
    pub fn null_array(&mut self) {
        self.by_version(b"*-1\r\n", b"_\r\n");
    }

    fn by_version(&mut self, resp2: &[u8], resp3: &[u8]) {
        self.out.put_slice(if self.proto == Proto::Resp3 {
            resp3
        } else {
            resp2
        });
    }

    fn aggregate(&mut self, resp3: u8, count: usize) {
        let kind = if self.proto == Proto::Resp3 {
            resp3
        } else {
            b'*'
        };
        put_header(self.out, kind, count as i64);
    }

    /// Header of an array: `count` elements follow.
    pub fn array(&mut self, count: usize) {
        put_header(self.out, b'*', count as i64);
    }

    /// Header of a map: `pairs` times name and value follow. Flat array in RESP2.
    pub fn map(&mut self, pairs: usize) {
        self.aggregate(
            b'%',
            if self.proto == Proto::Resp3 {
                pairs
            } else {
                pairs * 2
            },
        );
    }

    /// Header of a set: `count` elements follow. An array in RESP2.
    pub fn set(&mut self, count: usize) {
        self.aggregate(b'~', count);
    }

    /// Header of an out-of-band message: `count` elements follow. An array in RESP2.
    pub fn push(&mut self, count: usize) {
        self.aggregate(b'>', count);
    }

    /// A double; a bulk string in RESP2.
    pub fn double(&mut self, number: f64) {
        let text = format_double(number);
        match self.proto {
            Proto::Resp3 => self.line(b',', text.as_bytes()),
            Proto::Resp2 => self.bulk(text),
        }
    }

    /// A boolean; 1 or 0 in RESP2.
    pub fn boolean(&mut self, yes: bool) {
        if yes {
            self.by_version(b":1\r\n", b"#t\r\n");
        } else {
            self.by_version(b":0\r\n", b"#f\r\n");
        }
    }

    /// A big number by its decimal text; a bulk string in RESP2.
    pub fn big_number(&mut self, digits: &[u8]) {
        match self.proto {
            Proto::Resp3 => self.line(b'(', digits),
            Proto::Resp2 => self.bulk(digits),
        }
    }

    /// A text with a format of three letters; a bulk string in RESP2.
    pub fn verbatim(&mut self, format: [u8; 3], text: &[u8]) {
        if self.proto == Proto::Resp2 {
            return self.bulk(text);
        }
        put_header(self.out, b'=', text.len() as i64 + 4);
        self.out.put_slice(&format);
        self.out.put_u8(b':');
        self.out.put_slice(text);
        self.out.put_slice(b"\r\n");
    }

    /// A whole value, in the nearest form that the version has.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Simple(text) => self.simple(text),
            Value::Error(text) => self.error(text),
            Value::Integer(number) => self.integer(*number),
            Value::Bulk(Some(text)) => self.bulk(text),
            Value::Bulk(None) | Value::Null => self.null(),
            Value::Array(None) => self.null_array(),
            Value::Array(Some(items)) => self.items(items, Self::array),
            Value::Set(items) => self.items(items, Self::set),
            Value::Push(items) => self.items(items, Self::push),
            Value::Map(pairs) => {
                self.map(pairs.len());
                for (name, value) in pairs {
                    self.value(name);
                    self.value(value);
                }
            }
            Value::Double(number) => self.double(*number),
            Value::Boolean(yes) => self.boolean(*yes),
            Value::BigNumber(digits) => self.big_number(digits),
            Value::Verbatim { format, text } => self.verbatim(*format, text),
        }
    }

    fn items(&mut self, items: &[Value], header: fn(&mut Self, usize)) {
        header(self, items.len());
        for item in items {
            self.value(item);
        }
    }
}
