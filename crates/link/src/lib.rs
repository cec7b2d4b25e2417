//! Authenticated control connections between agents and sentinels.
//!
//! ```text
//!  dialer                                    acceptor
//!    ── {wire, cluster, kind, name, nonce} ──▶    refused: {refused: "why"}
//!    ◀── {name, nonce, proof} ──
//!    ── {proof} ──▶
//!    ◀── messages, one JSON object a line ──▶
//! ```
//!
//! Both sides prove that they know the shared secret, for both nonces and both names, so that neither
//! a foreign deployment (same names on reused addresses) nor somebody without the secret is obeyed.
//! Nothing is encrypted: where the network is not trusted, run it through mutual TLS.

mod greeting;
mod hex;
mod lines;
mod outbox;
mod secret;
mod whereabouts;

pub use greeting::{Error, Identity, Kind, Met, accept, dial};
pub use hex::random_hex;
pub use lines::{LINE_MAX, Reader, Writer};
pub use outbox::Outbox;
pub use secret::{Secret, SecretError};
pub use whereabouts::Whereabouts;
