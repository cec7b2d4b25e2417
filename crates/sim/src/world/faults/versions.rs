//! Nodes of two server versions: upgrades, one node after the other or one alone, and ways back.

use super::{Fault, Size};
use crate::model::Micros;
use crate::rng::Rng;
use crate::world::World;
use crate::world::network::Place;
use crate::world::sentinel::group;
use holdfast_core::agent::AgentInput;
use holdfast_core::sentinel::{Request, SentinelInput};
use holdfast_core::server_version::ServerVersion;
use holdfast_core::status::NodeStatus;

/// An older server and a newer one, which reads what the older writes; the older does not read what the newer writes.
const PAIRS: [[&str; 2]; 5] = [
    ["redis 7.0.15", "redis 8.6.2"],
    ["redis 7.0.15", "valkey 8.0.1"],
    ["redis 7.0.15", "valkey 9.0.0"],
    ["valkey 8.0.1", "valkey 9.0.0"],
    ["valkey 8.0.1", "redis 8.2.3"],
];

/// The older and the newer server of a run.
#[derive(Clone, Debug)]
pub(in crate::world) struct Versions {
    old: ServerVersion,
    new: ServerVersion,
}

impl Versions {
    /// One of the pairs.
    pub(in crate::world) fn draw(rng: &mut Rng) -> Self {
        let [old, new] = *rng.pick(&PAIRS).unwrap_or(&PAIRS[0]);
        let named = |text: &str| ServerVersion::from(text.to_owned());
        Self {
            old: named(old),
            new: named(new),
        }
    }

    /// What nodes run at first.
    pub(in crate::world) fn first(&self) -> ServerVersion {
        self.old.clone()
    }
}

/// A rolling upgrade, a node that goes one way or the other, or a handoff; often a node needs a copy afterwards.
pub(super) fn draw(rng: &mut Rng, at: Micros, node: usize, size: Size) -> Vec<(Micros, Fault)> {
    let mut faults = Vec::new();
    match rng.below(5) {
        0 | 1 => {
            let (newer, pace) = (rng.chance(800), rng.between(200, 1_500) * 1_000);
            let upgraded = rng.between(1, size.nodes);
            let turn = |n: u64| (at + n * pace, Fault::Install(n as usize, newer, true));
            faults.extend((0..upgraded).map(turn));
        }
        2 | 3 => faults.push((at, Fault::Install(node, rng.chance(600), rng.chance(500)))),
        _ => faults.push((at, Fault::HandBack(node))),
    }
    let other = rng.below(size.nodes) as usize;
    let later = at + rng.between(300, 4_000) * 1_000;
    match rng.below(4) {
        0 => faults.push((later, Fault::LoseVolume(other))),
        1 => faults.push((later, Fault::KillReplica(other))),
        2 => faults.push((later, Fault::KillPrimary)),
        _ => {}
    }
    faults
}

impl World {
    /// Another program is installed; the pod ends for that, and comes back.
    pub(super) fn install(&mut self, node: usize, newer: bool, orderly: bool, long: Micros) {
        let Some(versions) = &self.versions else {
            return;
        };
        let program = if newer { &versions.new } else { &versions.old };
        self.nodes[node].program = Some(program.clone());
        self.counters
            .hit(if newer { "upgraded" } else { "downgraded" });
        if orderly {
            let within = self.rng.between(200, 3_000);
            let handoff = true;
            self.agent_step(node, AgentInput::Stop { handoff, within });
        } else {
            self.kill_pod(node, "its program is replaced");
            self.boot_later(Place::Node(node), long);
        }
    }

    /// A person asks for a handoff to this node, and says that it may be to an older server.
    pub(super) fn hand_back(&mut self, node: usize) {
        let sentinel = self.rng.below(self.sentinels.len() as u64) as usize;
        if self.sentinels[sentinel].frozen_until > self.now {
            return;
        }
        self.may_go_back = true;
        self.requests += 1;
        let (id, group) = (self.requests, group());
        let request = Request::Downgrade(self.nodes[node].name.clone());
        self.sentinel_step(sentinel, SentinelInput::Ask { id, group, request });
    }

    /// The person in charge upgrades the nodes that the status shows as too old for the data.
    pub(in crate::world) fn upgrade_stuck(&mut self) {
        let Some(newest) = self.versions.as_ref().map(|versions| versions.new.clone()) else {
            return;
        };
        for node in 0..self.nodes.len() {
            let host = &self.nodes[node];
            let old = host.program.as_ref() != Some(&newest);
            if old && host.boot_at.is_none() && (self.is_stuck(node) || self.is_too_old(node)) {
                self.counters.hit("person upgraded a node");
                self.install(node, true, false, 300_000);
            }
        }
    }

    /// Whether some sentinel shows that it cannot read its primary's copies.
    fn is_stuck(&self, node: usize) -> bool {
        let name = self.nodes[node].name.as_str();
        self.sentinels.iter().any(|host| {
            let now = host.clock.at(self.now);
            let status = host
                .core
                .as_ref()
                .and_then(|core| core.status(now, &group()));
            let nodes = status.map(|status| status.nodes).unwrap_or_default();
            nodes
                .iter()
                .any(|shown| shown.name == name && advises(shown))
        })
    }

    /// Whether its redis-server is not started on files that it cannot read.
    fn is_too_old(&self, node: usize) -> bool {
        let (host, persistence) = (&self.nodes[node], self.settings.persistence);
        let unread = host.files.unreadable_by(persistence, host.program.as_ref());
        host.redis.is_none() && unread.is_some()
    }
}

/// Whether the node's own words ask for an upgrade.
fn advises(shown: &NodeStatus) -> bool {
    let reason = shown.reason.as_deref();
    reason.is_some_and(|reason| reason.contains("upgrade this node"))
}
