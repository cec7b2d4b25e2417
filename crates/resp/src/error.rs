//! What can be wrong with a stream of frames. After any of these the stream is out of step and must be closed.

/// A protocol error. The texts are those that redis-server sends after `ERR `, where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The number of arguments of a request, or of elements of a reply, is not a number or over the limit.
    #[error("Protocol error: invalid multibulk length")]
    InvalidMultibulkLength,
    /// A bulk length is not a number, negative where that is not allowed, or over the limit.
    #[error("Protocol error: invalid bulk length")]
    InvalidBulkLength,
    /// An argument of a request does not start with `$`.
    #[error("Protocol error: expected '$', got '{}'", printable(*.0))]
    ExpectedBulk(u8),
    /// The line with the number of arguments is too long.
    #[error("Protocol error: too big mbulk count string")]
    CountLineTooLong,
    /// The line with a bulk length is too long.
    #[error("Protocol error: too big bulk count string")]
    BulkLineTooLong,
    /// An inline request, or a simple string, is longer than the limit.
    #[error("Protocol error: too big inline request")]
    InlineTooLong,
    /// An inline request with an open quote.
    #[error("Protocol error: unbalanced quotes in request")]
    UnbalancedQuotes,
    /// More than ten arguments before the client has authenticated.
    #[error("Protocol error: unauthenticated multibulk length")]
    UnauthenticatedMultibulk,
    /// An argument over 16 KiB before the client has authenticated.
    #[error("Protocol error: unauthenticated bulk length")]
    UnauthenticatedBulk,
    /// CR LF missing where the format demands it.
    #[error("Protocol error: expected CRLF")]
    ExpectedLineEnd,
    /// The frame is larger than the limit.
    #[error("Protocol error: frame too large")]
    FrameTooLarge,
    /// The frame holds more elements than the limit.
    #[error("Protocol error: too many elements")]
    TooManyElements,
    /// The frame is nested deeper than the limit.
    #[error("Protocol error: nested too deeply")]
    TooDeep,
    /// A frame of an unknown type.
    #[error("Protocol error: unknown frame type '{}'", printable(*.0))]
    UnknownType(u8),
    /// An integer, double, boolean, null or verbatim string that does not follow the format.
    #[error("Protocol error: invalid {0}")]
    InvalidScalar(&'static str),
}

/// One character for a message: a control or non-ASCII byte would break the line of the error reply.
fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' {
        char::from(byte)
    } else {
        '?'
    }
}
