//! Which Unix socket is connected with which: the kernel's `sock_diag`, asked by netlink.

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};
use std::collections::HashMap;
use std::io;
use std::time::Duration;

/// `SOCK_DIAG_BY_FAMILY`, `NLM_F_REQUEST | NLM_F_DUMP`; see `sock_diag(7)` and netlink(7).
const BY_FAMILY: u16 = 20;
const DUMP: u16 = 0x301;
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// Bytes of a message's head, and of what is said of a socket before its attributes.
const HEAD: usize = 16;
const SOCKET: usize = 16;

/// `UDIAG_SHOW_PEER` asks for the attribute `UNIX_DIAG_PEER`.
const SHOW_PEER: u32 = 4;
const PEER: u16 = 2;

/// Connected ones only, as bits of states.
const ESTABLISHED: u32 = 1 << 1;

/// Time in which the kernel begins to answer, and goes on.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes of a part of the answer, and parts: a million sockets and more.
const PART: usize = 32 << 10;
const PARTS_MAX: usize = 1 << 12;

/// Of each connected Unix socket of this network namespace the one at the other end, both by inode.
///
/// # Errors
/// When the kernel cannot tell: it was built without `CONFIG_UNIX_DIAG`, or netlink is forbidden.
pub(super) fn peers() -> io::Result<HashMap<u64, u64>> {
    let kind = (AddressFamily::NETLINK, SocketType::RAW);
    let protocol = Some(netlink::SOCK_DIAG);
    let socket = socket_with(kind.0, kind.1, SocketFlags::CLOEXEC, protocol)?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    send(&socket, &question(), SendFlags::empty())?;
    let (mut peers, mut part) = (HashMap::new(), vec![0; PART]);
    for _ in 0..PARTS_MAX {
        let (read, _) = recv(&socket, &mut part[..], RecvFlags::empty())?;
        if take(&part[..read], &mut peers)? {
            return Ok(peers);
        }
    }
    Err(io::Error::other("too many Unix sockets"))
}

fn question() -> Vec<u8> {
    let length = (HEAD + 24) as u32;
    let mut bytes = Vec::with_capacity(length as usize);
    bytes.extend(length.to_ne_bytes());
    bytes.extend([BY_FAMILY, DUMP].map(u16::to_ne_bytes).concat());
    bytes.extend([1_u32, 0].map(u32::to_ne_bytes).concat());
    bytes.extend([AddressFamily::UNIX.as_raw() as u8, 0, 0, 0]);
    let rest = [ESTABLISHED, 0, SHOW_PEER, 0, 0];
    bytes.extend(rest.map(u32::to_ne_bytes).concat());
    bytes
}

/// Reads the messages of one part. `true`: it was the last.
fn take(mut part: &[u8], peers: &mut HashMap<u64, u64>) -> io::Result<bool> {
    while let Some(length) = u32_at(part, 0) {
        let message = part.get(..length as usize).filter(|m| m.len() >= HEAD);
        let message = message.ok_or_else(garbled)?;
        match u16_at(message, 4) {
            Some(DONE) => return Ok(true),
            Some(ERROR) => {
                let code = u32_at(message, HEAD).ok_or_else(garbled)? as i32;
                return Err(io::Error::from_raw_os_error(-code));
            }
            Some(BY_FAMILY) => peers.extend(pair(&message[HEAD..])),
            _ => {}
        }
        part = part.get(aligned(message.len())..).unwrap_or_default();
    }
    Ok(false)
}

/// The inodes of a socket and its peer.
fn pair(socket: &[u8]) -> Option<(u64, u64)> {
    let inode = u32_at(socket, 4)?;
    let mut attributes = socket.get(SOCKET..)?;
    while let Some(length) = u16_at(attributes, 0).filter(|length| *length >= 4) {
        if u16_at(attributes, 2) == Some(PEER) {
            return Some((inode.into(), u32_at(attributes, 4)?.into()));
        }
        attributes = attributes.get(aligned(length as usize)..)?;
    }
    None
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

fn garbled() -> io::Error {
    io::Error::other("sock_diag: a message that cannot be read")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;
    use nix::sys::stat::fstat;
    use std::os::unix::net::UnixStream;

    #[test]
    fn each_end_is_found_by_the_other() {
        let pairs: Vec<_> = (0..1_000)
            .map(|_| UnixStream::pair().expect("a pair"))
            .collect();
        let peers = peers().expect("this kernel tells");
        for (one, other) in &pairs {
            let inode = |end: &UnixStream| fstat(end).expect("its inode").st_ino;
            assert_eq!(peers.get(&inode(one)), Some(&inode(other)));
            assert_eq!(peers.get(&inode(other)), Some(&inode(one)));
        }
    }

    #[test]
    fn what_is_cut_off_is_no_answer() {
        let mut peers = HashMap::new();
        for bytes in [&[][..], &[1], &[0, 0]] {
            assert!(!take(bytes, &mut peers).expect("nothing"));
        }
        // A length of nothing would go on for ever.
        assert!(take(&[0; 64], &mut peers).is_err());
        assert!(take(&200_u32.to_ne_bytes(), &mut peers).is_err());
        assert!(peers.is_empty());
    }
}
