//! Where somebody is to be reached: an address, or a name that may mean another address tomorrow.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::task::JoinHandle;

/// With an address from before at hand, the answer to a look-up is awaited no longer than this.
const PATIENCE: Duration = Duration::from_millis(500);

/// A host and a port. A name is looked up again for every connection, by a thread of its own and one look-up at a time;
/// the last good answer is kept, so that a name server that is down costs nobody a connection that worked before.
#[derive(Debug)]
pub struct Whereabouts {
    host: String,
    port: u16,
    known: Vec<SocketAddr>,
    asking: Option<JoinHandle<std::io::Result<Vec<SocketAddr>>>>,
}

impl Whereabouts {
    /// Of this host, which may be a name or an address without brackets.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        let known = host.parse::<IpAddr>().into_iter();
        Self {
            known: known.map(|ip| SocketAddr::new(ip, port)).collect(),
            host,
            port,
            asking: None,
        }
    }

    /// The addresses to try now. Needs a runtime.
    ///
    /// # Errors
    /// When the name could not be looked up, now or ever.
    pub async fn find(&mut self) -> std::io::Result<Vec<SocketAddr>> {
        if self.host.parse::<IpAddr>().is_ok() {
            return Ok(self.known.clone());
        }
        let (host, port) = (self.host.clone(), self.port);
        let asking = self.asking.get_or_insert_with(|| {
            tokio::spawn(async move {
                let found = tokio::net::lookup_host((host.as_str(), port)).await?;
                Ok(found.collect())
            })
        });
        let answer = if self.known.is_empty() {
            Some(asking.await)
        } else {
            tokio::time::timeout(PATIENCE, asking).await.ok()
        };
        if let Some(answer) = answer {
            self.asking = None;
            self.take(answer.map_err(Error::other).flatten())?;
        }
        Ok(self.known.clone())
    }

    /// What was found last, without asking.
    pub fn known(&self) -> &[SocketAddr] {
        &self.known
    }

    fn take(&mut self, answer: std::io::Result<Vec<SocketAddr>>) -> std::io::Result<()> {
        match answer {
            Ok(found) if !found.is_empty() => self.known = found,
            Err(error) if self.known.is_empty() => return Err(error),
            Ok(_) if self.known.is_empty() => {
                let text = format!("the name {} has no address", self.host);
                return Err(Error::new(ErrorKind::NotFound, text));
            }
            // What worked before may still do.
            Ok(_) | Err(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn an_address_needs_no_look_up() {
        let found = on_a_runtime(Whereabouts::new("::1", 7).find()).unwrap();
        assert_eq!(found, ["[::1]:7".parse().unwrap()]);
    }

    #[test]
    fn a_name_is_looked_up_and_what_it_meant_is_kept_when_the_next_look_up_fails() {
        on_a_runtime(async {
            let mut place = Whereabouts::new("localhost", 7);
            let found = place.find().await.unwrap();
            assert!(found.iter().all(|address| address.ip().is_loopback()));
            "nowhere.invalid".clone_into(&mut place.host);
            assert_eq!(place.find().await.unwrap(), found);
            let unknown = Whereabouts::new("nowhere.invalid", 7).find().await;
            assert!(unknown.is_err());
        });
    }
}
