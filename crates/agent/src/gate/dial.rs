//! Connections to another gate.

use super::poller::Bell;
use holdfast_core::names::Address;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, OnceLock};

/// Where an address is; a name takes a moment to be looked up.
#[derive(Debug, Default)]
pub(super) struct Places(Arc<OnceLock<SocketAddr>>);

impl Places {
    /// Looks it up, a name on a thread of its own, which rings when it has found it. A name that is not found has no place.
    pub(super) fn find(address: &Address, bell: Arc<Bell>) -> Self {
        let place = Arc::new(OnceLock::new());
        if let Ok(ip) = address.host.parse::<IpAddr>() {
            let _ = place.set(SocketAddr::new(ip, address.port));
            return Self(place);
        }
        let (found, name) = (place.clone(), (address.host.clone(), address.port));
        let look = move || {
            let mut places = name.to_socket_addrs().into_iter().flatten();
            if let Some(place) = places.next() {
                let _ = found.set(place);
                bell.ring();
            }
        };
        let thread = std::thread::Builder::new().name("gate-names".to_owned());
        let _ = thread.spawn(look);
        Self(place)
    }

    pub(super) fn get(&self) -> Option<&SocketAddr> {
        self.0.get()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.get().is_none()
    }
}

/// Begins to connect; the socket has room when that has ended.
pub(super) fn dial(place: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = match place {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    let _ = sockopt::set_tcp_nodelay(&socket, true);
    match connect(&socket, &place) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error),
    }
}
