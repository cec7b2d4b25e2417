//! Flags that hold more than one word.

use holdfast_core::names::Address;
use holdfast_core::record::{Durability, OnLossOfQuorum};
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

/// `NAME:NODES[:DURABILITY[=K]][:degrade][:cache]`
pub(super) fn group(text: &str) -> Result<GroupOptions, String> {
    let wrong = || {
        format!(
            "`{text}`: write NAME:NODES[:DURABILITY[=REPLICAS]][:degrade][:cache], for example mymaster:4 or mymaster:4:quorum=1"
        )
    };
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
        sync_replicas: 1,
        on_loss_of_quorum: OnLossOfQuorum::Hold,
        cache: false,
    };
    for part in parts {
        match part {
            "cache" => group.cache = true,
            "degrade" => group.on_loss_of_quorum = OnLossOfQuorum::Degrade,
            other => (group.durability, group.sync_replicas) = promise(other, nodes)?,
        }
    }
    Ok(group)
}

/// `quorum=2`: a durability, and how many replicas it asks for; 1 without a number.
fn promise(text: &str, nodes: usize) -> Result<(Durability, usize), String> {
    let Some((name, number)) = text.split_once('=') else {
        return Ok((durability(text)?, 1));
    };
    let most = nodes.saturating_sub(1);
    let replicas = number.parse().ok().filter(|n| (1..=most).contains(n));
    let replicas = replicas.ok_or_else(|| {
        format!("`{text}`: a group of {nodes} nodes can ask for 1 to {most} replicas")
    })?;
    Ok((durability(name)?, replicas))
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
        let two = super::group("mymaster:4:quorum=2:degrade").unwrap();
        assert_eq!(
            (two.sync_replicas, two.on_loss_of_quorum),
            (2, OnLossOfQuorum::Degrade)
        );
        for wrong in [
            "",
            "mymaster",
            ":4",
            "mymaster:x",
            "mymaster:4:maybe",
            "mymaster:4:quorum=0",
            "mymaster:4:quorum=4",
        ] {
            assert!(super::group(wrong).is_err(), "{wrong}");
        }
    }
}
