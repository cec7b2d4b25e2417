//! How much of what was sent through a Unix socket the other end has not read yet.

use std::ffi::c_int;
use std::os::fd::AsFd;

/// `SIOCOUTQ`, which is `TIOCOUTQ`; see unix(7).
const OUTQ: rustix::ioctl::Opcode = nix::libc::TIOCOUTQ as rustix::ioctl::Opcode;

/// Bytes, with the kernel's own for each message; 0 when all was read. `None` when the kernel does not tell.
pub(super) fn bytes(socket: impl AsFd) -> Option<c_int> {
    // SAFETY: the kernel writes one `int` for this request, which is what the getter holds.
    #[allow(unsafe_code)]
    let asked = unsafe {
        let getter = rustix::ioctl::Getter::<OUTQ, c_int>::new();
        rustix::ioctl::ioctl(socket, getter)
    };
    asked.ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_was_read_is_gone() {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        assert_eq!(bytes(&one), Some(0));
        one.write_all(b"PING\r\n").unwrap();
        assert!(bytes(&one).is_some_and(|bytes| bytes > 0));
        other.read_exact(&mut [0; 6]).unwrap();
        assert_eq!(bytes(&one), Some(0));
    }
}
