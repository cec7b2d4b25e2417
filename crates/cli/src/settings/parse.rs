//! Flags that hold more than one word.

use holdfast_core::names::Address;
use holdfast_core::record::Durability;
use holdfast_sentinel::{GroupOptions, Peer};

/// `NAME=CONTROL,CLIENTS`
pub(super) fn peer(text: &str) -> Result<Peer, String> {
    let wrong = || {
        format!(
            "`{text}`: write NAME=CONTROL,CLIENTS, for example sentinel-0=10.0.0.1:27379,10.0.0.1:26379"
        )
    };
    let (name, addresses) = text.trim().split_once('=').ok_or_else(wrong)?;
    let (control, clients) = addresses.split_once(',').ok_or_else(wrong)?;
    let address = |text: &str| text.trim().parse::<Address>();
    Ok(Peer {
        name: name.into(),
        control: address(control)?,
        clients: address(clients)?,
    })
}

/// `NAME:NODES[:DURABILITY][:cache]`
pub(super) fn group(text: &str) -> Result<GroupOptions, String> {
    let wrong = || format!("`{text}`: write NAME:NODES[:async][:cache], for example mymaster:4");
    let mut parts = text.trim().split(':');
    let name = parts
        .next()
        .filter(|name| !name.is_empty())
        .ok_or_else(wrong)?;
    let nodes = parts
        .next()
        .and_then(|nodes| nodes.parse().ok())
        .ok_or_else(wrong)?;
    let mut group = GroupOptions {
        name: name.into(),
        nodes,
        durability: Durability::Async,
        cache: false,
    };
    for part in parts {
        match part {
            "cache" => group.cache = true,
            other => group.durability = durability(other)?,
        }
    }
    Ok(group)
}

/// `async`, `quorum` or `fsync`
pub(crate) fn durability(text: &str) -> Result<Durability, String> {
    match text {
        "async" => Ok(Durability::Async),
        "quorum" => Ok(Durability::Quorum),
        "fsync" => Ok(Durability::Fsync),
        _ => Err(format!(
            "`{text}` is no durability: use async, quorum or fsync"
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn peers() {
        let peer = peer("s-0=[::1]:27379,example.org:26379").unwrap();
        assert_eq!(
            (
                peer.name.as_str(),
                peer.control.host.as_str(),
                peer.clients.port
            ),
            ("s-0", "::1", 26379)
        );
        for wrong in ["", "s-0", "s-0=127.0.0.1:1", "s-0=127.0.0.1:1,127.0.0.1"] {
            assert!(super::peer(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn groups() {
        let group = group("mymaster:4:quorum:cache").unwrap();
        assert_eq!(
            (group.nodes, group.durability, group.cache),
            (4, Durability::Quorum, true)
        );
        for wrong in ["", "mymaster", ":4", "mymaster:x", "mymaster:4:maybe"] {
            assert!(super::group(wrong).is_err(), "{wrong}");
        }
    }
}
