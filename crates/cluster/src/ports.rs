//! Free ports: what is taken is skipped, never fought over.

use crate::error::StartError;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

/// How many ports above the base are looked at before giving up.
const SEARCH: u16 = 1_000;

/// The ports of one group, reserved against every other group of this machine for as long as it lives.
///
/// A port that was found free can be taken by another `up` before the process that gets it listens.
/// So each is also claimed by an abstract socket of its name: the kernel frees it with its holder, and
/// it exists per network namespace, as ports do.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    claims: Vec<UnixListener>,
    given: BTreeSet<u16>,
}

impl Ports {
    /// `wanted` if it is free, else the next free one from `base` on.
    pub(crate) fn take(
        &mut self,
        wanted: Option<u16>,
        base: u16,
        purpose: &str,
    ) -> Result<u16, StartError> {
        let last = base.saturating_add(SEARCH);
        wanted
            .into_iter()
            .chain(base..=last)
            .find(|port| self.claim(*port))
            .ok_or_else(|| StartError::bad(format!("no free port for {purpose} between {base} and {last}: choose another --base-port")))
    }

    fn claim(&mut self, port: u16) -> bool {
        if port == 0 || self.given.contains(&port) {
            return false;
        }
        let Some(claim) = claim_name(port) else {
            return false;
        };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            return false;
        }
        self.claims.push(claim);
        self.given.insert(port)
    }
}

fn claim_name(port: u16) -> Option<UnixListener> {
    let name = SocketAddr::from_abstract_name(format!("holdfast-port-{port}")).ok()?;
    UnixListener::bind_addr(&name).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn free_port() -> u16 {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    }

    #[test]
    fn skips_a_port_that_someone_listens_on() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(
            Ports::default().take(Some(port), port, "test").unwrap(),
            port
        );
    }

    #[test]
    fn two_groups_never_get_the_same_port() {
        let base = free_port();
        let (mut one, mut other) = (Ports::default(), Ports::default());
        let first = one.take(None, base, "test").unwrap();
        assert_ne!(first, other.take(Some(first), base, "test").unwrap());
        drop(one);
        assert_eq!(other.take(Some(first), base, "test").unwrap(), first);
    }
}
