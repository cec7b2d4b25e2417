//! Data for people and programs, to stdout.

use crate::exit::{Exit, Failure};
use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

/// Whether there is still somebody at the other end of stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Here,
    /// It has seen enough (`| head`), which is no failure.
    Gone,
}

/// Prints a line, or several.
///
/// # Errors
/// When it cannot be written, for example because the disk is full.
pub(crate) fn print(text: impl Display) -> Result<Reader, Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::Here),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::new(Exit::Failed, format!("cannot print: {error}"))),
    }
}

/// Prints a line on the way. What goes on must not depend on whether somebody listens.
pub(crate) fn tell(line: impl Display) {
    let _ = print(line);
}
