//! How a gate greets another one to which it brings a session.

use holdfast_core::names::Epoch;
use std::net::SocketAddr;

const GREETING: &str = "HOLDFAST.CARRY";

/// What it says. A gate of before says and hears no address.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gate::relay) struct Greeting {
    /// The reign to which the session goes.
    pub(in crate::gate::relay) epoch: Epoch,
    /// Gates that it came through.
    pub(in crate::gate::relay) hops: u8,
    /// Whose it is: only shown.
    pub(in crate::gate::relay) origin: Option<SocketAddr>,
}

impl Greeting {
    /// As it is said.
    pub(super) fn line(&self) -> String {
        let Self {
            epoch,
            hops,
            origin,
        } = self;
        let origin = origin.map_or_else(String::new, |origin| format!(" {origin}"));
        format!("{GREETING} {epoch} {hops}{origin}\r\n")
    }

    /// As it is heard.
    pub(in crate::gate::relay) fn read(line: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(line).ok()?;
        let mut words = text.strip_prefix(GREETING)?.split_ascii_whitespace();
        Some(Self {
            epoch: words.next()?.parse().ok()?,
            hops: words.next()?.parse().ok()?,
            origin: words.next().and_then(|word| word.parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_of_before_names_no_client() {
        let said = |origin: Option<&str>| Greeting {
            epoch: 7,
            hops: 2,
            origin: origin.and_then(|text| text.parse().ok()),
        };
        let read = |line: &str| Greeting::read(line.as_bytes());
        assert_eq!(read("HOLDFAST.CARRY 7 2\r\n"), Some(said(None)));
        for address in ["10.0.0.9:4711", "[fd00::1]:4711"] {
            let greeting = said(Some(address));
            assert_eq!(greeting.line(), format!("HOLDFAST.CARRY 7 2 {address}\r\n"));
            assert_eq!(read(&greeting.line()), Some(greeting));
        }
        // It is only shown, so what cannot be read does no harm.
        assert_eq!(read("HOLDFAST.CARRY 7 2 somewhere\r\n"), Some(said(None)));
        assert_eq!(read("HOLDFAST.CARRY 7\r\n"), None);
    }
}
