//! What bounds the gate.

use std::time::Duration;

/// Bytes of one connection that may wait for its client, held or not; beyond, the server's socket is not read.
pub(super) const HELD_PER_CLIENT: usize = 4 << 20;

/// Bytes of all connections that may wait for clients. Beyond, each is left its [`HELD_ALWAYS`], so that clients that do not
/// read cannot stop those that do.
pub(super) const HELD_TOTAL: usize = 256 << 20;

/// Bytes of each connection that may always wait.
pub(super) const HELD_ALWAYS: usize = 64 << 10;

/// Bytes that one read takes; what the server does not take of it waits, and the client is not read meanwhile.
pub(super) const READ: usize = 64 << 10;

/// Bytes that one read takes of a reply that has turned out to be large.
pub(super) const READ_LARGE: usize = 256 << 10;

/// Pieces of that size that are kept for use again: 8 MiB.
pub(super) const SPARE_MAX: usize = 32;

/// Reads from one socket in a turn; the rest is for the next, so that no client keeps the others waiting.
pub(super) const READS_PER_TURN: usize = 16;

/// Connections taken in a turn.
pub(super) const ACCEPTS_PER_TURN: usize = 64;

/// Events taken in a turn.
pub(super) const EVENTS_PER_TURN: usize = 1024;

/// Time that a TLS handshake may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);

/// Steps of TLS handshakes in a turn. One costs up to a millisecond of CPU (RSA), and many clients may come at once.
pub(super) const HANDSHAKES_PER_TURN: usize = 8;

/// Connections looked at in a turn for those who ask who is connected: two system calls each.
pub(super) const LOOKS_PER_TURN: usize = 128;

/// Those who may wait to be told.
pub(super) const CENSUSES_MAX: usize = 4;
