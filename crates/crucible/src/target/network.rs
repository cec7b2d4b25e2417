//! A network of its own for a group: one namespace per process, all on one bridge.
//!
//! ```text
//!  root namespace: bridge hfXXXXbr 10.A.B.1 ── clients
//!     ├─ hfXXXXn0 10.A.B.10   node 0
//!     ├─ hfXXXXn1 10.A.B.11   node 1
//!     └─ hfXXXXs0 10.A.B.30   sentinel 0
//! ```
//!
//! Needs the right to make namespaces (root, or `CAP_NET_ADMIN` and `CAP_SYS_ADMIN`). Names carry this process's pid: whatever a
//! killed run has left behind is removed at the next start.

mod filter;
mod relay;

pub use filter::{Filter, Side};
pub use relay::Relay;

use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

const PREFIX: &str = "hfc";

/// Where one process lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of its namespace; also of the bridge's end of its cable.
    pub namespace: String,
    /// Its address.
    pub ip: String,
}

/// A bridge with namespaces plugged into it; taken down when dropped.
#[derive(Debug)]
pub struct Network {
    name: String,
    subnet: String,
    nodes: usize,
    sentinels: usize,
}

impl Network {
    /// Why namespaces cannot be used here, if so.
    pub fn obstacle() -> Option<String> {
        let probe = format!("{PREFIX}{}probe", std::process::id());
        let outcome = ip(&["netns", "add", &probe])
            .map_err(|error| format!("network namespaces are not allowed here ({error:#})"))
            .and_then(|()| {
                ip(&["netns", "exec", &probe, "iptables", "-w", "-S"]).map_err(|error| {
                    format!("cables are pulled by iptables: install it ({error:#})")
                })
            });
        let _ = ip(&["netns", "del", &probe]);
        outcome.err()
    }

    /// Builds a network with room for so many nodes and sentinels.
    pub fn create(nodes: usize, sentinels: usize) -> Result<Self> {
        remove_leftovers();
        let (name, subnet) = free_name()?;
        let network = Self {
            name,
            subnet,
            nodes,
            sentinels,
        };
        network.build()?;
        Ok(network)
    }

    /// Where node number `index` lives.
    pub fn node(&self, index: usize) -> Place {
        self.place('n', index, 10)
    }

    /// Where sentinel number `index` lives.
    pub fn sentinel(&self, index: usize) -> Place {
        self.place('s', index, 100)
    }

    /// All namespaces of nodes, in order.
    pub fn node_namespaces(&self) -> Vec<String> {
        (0..self.nodes)
            .map(|index| self.node(index).namespace)
            .collect()
    }

    /// Pulls the cable of `place`: nothing gets in or out, and nobody is told.
    pub fn cut(&self, place: &Place) -> Result<()> {
        ip(&["link", "set", &place.namespace, "down"])
    }

    /// Plugs it in again.
    pub fn mend(&self, place: &Place) -> Result<()> {
        ip(&["link", "set", &place.namespace, "up"])
    }

    /// Drops everything between `place` and the group's other processes; clients in the root namespace still reach it.
    pub fn isolate_from_group(&self, place: &Place) -> Result<()> {
        let bridge = format!("{}.1/32", self.subnet);
        let peers = format!("{}.0/24", self.subnet);
        for (direction, chain) in [("-s", "INPUT"), ("-d", "OUTPUT")] {
            Self::rule(place, &["-A", chain, direction, &bridge, "-j", "ACCEPT"])?;
            Self::rule(
                place,
                &[
                    "-A",
                    chain,
                    direction,
                    &format!("{}/32", place.ip),
                    "-j",
                    "ACCEPT",
                ],
            )?;
            Self::rule(place, &["-A", chain, direction, &peers, "-j", "DROP"])?;
        }
        Ok(())
    }

    /// The address of all clients in the root namespace.
    pub fn clients(&self) -> String {
        format!("{}.1", self.subnet)
    }

    /// Addresses of all places but `these`.
    pub fn others(&self, these: &[&Place]) -> Vec<String> {
        self.places()
            .into_iter()
            .filter(|place| !these.contains(&place))
            .map(|place| place.ip)
            .collect()
    }

    /// A filter at `place` against `peers` that is not closed yet.
    pub fn filter(&self, place: &Place, peers: &[String], side: Side) -> Filter {
        Filter {
            namespace: place.namespace.clone(),
            peers: peers.join(","),
            side,
        }
    }

    /// What `place` begins to say to `target` from now on goes to `instead`.
    pub fn lead_through(
        &self,
        place: &Place,
        target: SocketAddr,
        instead: SocketAddr,
    ) -> Result<()> {
        let rule = format!(
            "-t nat -A OUTPUT -p tcp -d {} --dport {} -j DNAT --to-destination {instead}",
            target.ip(),
            target.port()
        );
        Self::rule(place, &rule.split(' ').collect::<Vec<_>>())
    }

    /// Every cable is plugged in and every filter is open.
    pub fn calm(&self) -> Result<()> {
        for place in self.places() {
            self.mend(&place)?;
            Self::rule(&place, &["-F"])?;
        }
        Ok(())
    }

    /// Undoes [`Network::isolate_from_group`].
    pub fn reunite_with_group(&self, place: &Place) -> Result<()> {
        Self::rule(place, &["-F"])
    }

    /// `command` to be run inside `namespace`, or unchanged where there is none.
    pub fn inside(namespace: Option<&str>, command: Vec<String>) -> Vec<String> {
        let Some(namespace) = namespace else {
            return command;
        };
        let mut words = ["ip", "netns", "exec", namespace]
            .map(str::to_owned)
            .to_vec();
        words.extend(command);
        words
    }

    fn place(&self, kind: char, index: usize, first: usize) -> Place {
        Place {
            namespace: format!("{}{kind}{index}", self.name),
            ip: format!("{}.{}", self.subnet, first + index),
        }
    }

    fn places(&self) -> Vec<Place> {
        let nodes = (0..self.nodes).map(|index| self.node(index));
        nodes
            .chain((0..self.sentinels).map(|index| self.sentinel(index)))
            .collect()
    }

    fn bridge(&self) -> String {
        format!("{}br", self.name)
    }

    fn build(&self) -> Result<()> {
        let bridge = self.bridge();
        ip(&["link", "add", &bridge, "type", "bridge"])?;
        ip(&[
            "addr",
            "add",
            &format!("{}.1/24", self.subnet),
            "dev",
            &bridge,
        ])?;
        ip(&["link", "set", &bridge, "up"])?;
        self.places().iter().try_for_each(|place| self.plug(place))
    }

    fn plug(&self, place: &Place) -> Result<()> {
        let name = place.namespace.as_str();
        ip(&["netns", "add", name])?;
        ip(&[
            "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name,
        ])?;
        ip(&["link", "set", name, "master", &self.bridge(), "up"])?;
        ip(&[
            "-n",
            name,
            "addr",
            "add",
            &format!("{}/24", place.ip),
            "dev",
            "eth0",
        ])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        ip(&["-n", name, "link", "set", "eth0", "up"])
    }

    fn rule(place: &Place, rule: &[&str]) -> Result<()> {
        let mut words = vec!["netns", "exec", &place.namespace, "iptables", "-w"];
        words.extend(rule);
        ip(&words)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for place in self.places() {
            let _ = ip(&["netns", "del", &place.namespace]);
            let _ = ip(&["link", "del", &place.namespace]);
        }
        let _ = ip(&["link", "del", &self.bridge()]);
    }
}

/// Runs `ip`; its complaint becomes the error.
fn ip(words: &[&str]) -> Result<()> {
    let output = Command::new("ip")
        .args(words)
        .output()
        .context("run `ip` (package iproute2)")?;
    if !output.status.success() {
        bail!(
            "ip {}: {}",
            words.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// A name and a subnet that are not in use. The name must leave room: interface names have 15 characters.
fn free_name() -> Result<(String, String)> {
    let pid = std::process::id();
    for number in 0..200 {
        let name = format!("{PREFIX}{pid}{}", char::from(b'a' + number % 26));
        let subnet = format!(
            "10.{}.{}",
            64 + (pid / 200) % 64,
            (pid + u32::from(number)) % 250 + 1
        );
        let taken = Path::new("/sys/class/net")
            .join(format!("{name}br"))
            .exists();
        if !taken && !routed(&subnet) {
            return Ok((name, subnet));
        }
    }
    bail!("no free subnet for the drill's network")
}

fn routed(subnet: &str) -> bool {
    let output = Command::new("ip").args(["-4", "addr"]).output();
    output.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).contains(&format!(" {subnet}."))
    })
}

/// Removes what runs that are no longer alive have left behind.
fn remove_leftovers() {
    let namespaces = list("/run/netns").into_iter().map(|name| ("netns", name));
    let links = list("/sys/class/net")
        .into_iter()
        .map(|name| ("link", name));
    for (kind, name) in namespaces.chain(links) {
        if owner(&name).is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = ip(&[kind, "del", &name]);
        }
    }
}

fn list(dir: &str) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// The pid in a name of ours.
fn owner(name: &str) -> Option<u32> {
    let rest = name.strip_prefix(PREFIX)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_have_an_owner() {
        assert_eq!(owner("hfc1234an0"), Some(1234));
        assert_eq!(owner("hfc1234abr"), Some(1234));
        assert_eq!(owner("hfcx"), None);
        assert_eq!(owner("docker0"), None);
    }

    #[test]
    fn interface_names_fit() {
        let network = Network {
            name: format!("{PREFIX}4194304a"),
            subnet: "10.1.2".into(),
            nodes: 0,
            sentinels: 0,
        };
        assert!(network.sentinel(4).namespace.len() <= 15 && network.bridge().len() <= 15);
    }
}
