//! Hard limits on what a peer may announce or send.

/// The deepest nesting that any [`Limits`] can allow.
pub const MAX_DEPTH: usize = 32;

/// Limits on one frame. What goes over them is an error of the stream: the connection cannot be used any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one whole frame, headers included.
    pub frame_bytes: usize,
    /// Bytes of one bulk string.
    pub bulk_bytes: usize,
    /// Elements of one frame, counted over all levels.
    pub elements: usize,
    /// Levels of nesting of a reply; more than [`MAX_DEPTH`] reads as [`MAX_DEPTH`].
    pub depth: usize,
    /// Bytes of an inline request, of a header line or of a simple string, without the line end.
    pub inline_bytes: usize,
}

impl Limits {
    /// For what a client sends to us: small commands (256 KiB a frame, 1,024 arguments).
    pub const REQUEST: Self = Self {
        frame_bytes: 256 * 1024,
        bulk_bytes: 128 * 1024,
        elements: 1024,
        depth: 1,
        inline_bytes: 64 * 1024,
    };

    /// For what a redis-server answers to us: INFO, COMMAND, ROLE and the like (64 MiB a frame, a million elements).
    pub const REPLY: Self = Self {
        frame_bytes: 64 * 1024 * 1024,
        bulk_bytes: 64 * 1024 * 1024,
        elements: 1024 * 1024,
        depth: 16,
        inline_bytes: 64 * 1024,
    };
}

impl Default for Limits {
    /// [`Limits::REPLY`].
    fn default() -> Self {
        Self::REPLY
    }
}
