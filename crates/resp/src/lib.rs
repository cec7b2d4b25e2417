//! The RESP codec: frame scanner, encoder, limits.
