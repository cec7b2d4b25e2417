//! The addresses behind the names of primaries.

use holdfast_core::limits::NODES_MAX;
use holdfast_core::names::Address;
use holdfast_link::Whereabouts;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;

/// What a look-up may delay a failover by.
const PATIENCE: Duration = Duration::from_millis(150);

/// Names that primaries announced, and what they meant. redis-server looks a name up on its only thread, and serves nobody
/// meanwhile: a name server that is down would hang it. So it is given addresses.
#[derive(Default)]
pub(super) struct Names {
    known: BTreeMap<Address, Whereabouts>,
}

impl Names {
    /// The primary by its address; by its name only if that was never found.
    pub(super) async fn reachable(&mut self, primary: &Address) -> Address {
        if primary.host.parse::<IpAddr>().is_ok() {
            return primary.clone();
        }
        if self.known.len() >= NODES_MAX && !self.known.contains_key(primary) {
            self.known.clear();
        }
        let place = self
            .known
            .entry(primary.clone())
            .or_insert_with(|| Whereabouts::new(&*primary.host, primary.port));
        let found = tokio::time::timeout(PATIENCE, place.find()).await;
        let found = match found {
            Ok(found) => found.unwrap_or_default(),
            Err(_) => place.known().to_vec(),
        };
        let chosen = listening(&found).await.or(found.first().copied());
        chosen.map_or_else(
            || primary.clone(),
            |address| Address::new(address.ip().to_string(), primary.port),
        )
    }
}

/// Where several addresses are behind a name, of both families for example, the first at which somebody listens.
async fn listening(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    if addresses.len() < 2 {
        return None;
    }
    let connecting = TcpStream::connect(addresses);
    let connected = tokio::time::timeout(PATIENCE, connecting).await.ok()?;
    connected.ok()?.peer_addr().ok()
}
