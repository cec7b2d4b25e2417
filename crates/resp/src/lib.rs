//! The RESP codec, versions 2 and 3: frame scanner, request parser, reply decoder, encoders, hard limits.
//!
//! ```text
//!  server side:  bytes ──RequestParser──▶ Args (byte ranges)      Encoder ──▶ bytes
//!  client side:  encode_command ──▶ bytes      bytes ──Scanner──▶ frame end ──decode──▶ Value
//! ```
//!
//! Nothing here reads sockets or clocks. Every length announced by the peer is checked against [`Limits`] *before* room is made for
//! it, and nesting is bounded, so arbitrary bytes cost at most their own size (plus one [`Value`] per element) and never panic.

mod command;
mod decode;
mod encode;
mod error;
mod inline;
mod limits;
mod number;
mod request;
mod scan;
mod value;

pub use command::encode_command;
pub use decode::{Decoder, decode};
pub use encode::{Encoder, Proto};
pub use error::Error;
pub use inline::split_inline;
pub use limits::{Limits, MAX_DEPTH};
pub use number::parse_integer;
pub use request::{Args, RequestParser};
pub use scan::Scanner;
pub use value::Value;
