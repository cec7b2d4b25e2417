//! What a sentinel shows of itself over HTTP.

mod groups;
#[cfg(test)]
mod tests;

use crate::tally::{Durations, Tally};
use holdfast_core::names::Group;
use holdfast_core::status::GroupStatus;
use holdfast_probes::Metrics;
use std::collections::BTreeMap;

/// A sentinel that has run for so long is ready whoever connects: there may be no primary to wait for.
const FOUND_WITHIN_S: u64 = 10;

/// One sentinel at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) votes: bool,
    pub(crate) voters: usize,
    /// Other sentinels: connected, configured.
    pub(crate) peers: (usize, usize),
    pub(crate) groups: Vec<GroupStatus>,
    pub(crate) tallies: BTreeMap<Group, Tally>,
    pub(crate) durations: Durations,
    pub(crate) clients: holdfast_protocol::Facts,
}

impl holdfast_probes::Facts for Facts {
    /// Ready is who votes, and whom the primaries have found again. One that came back without its disk knows the
    /// records soon, but a rolling restart that took the next sentinel before this one is voted in would leave no
    /// majority; and one that took it before the primary is connected here would leave no majority to renew its lease.
    fn ready(&self) -> Result<(), String> {
        if !self.votes {
            let (connected, configured) = self.peers;
            return Err(format!(
                "it does not vote yet: {connected} of {configured} other sentinels are connected"
            ));
        }
        match self.groups.iter().find(|group| lacks_its_primary(group)) {
            Some(group) if self.clients.uptime_s < FOUND_WITHIN_S => Err(format!(
                "the primary of {} has not connected yet",
                group.group
            )),
            _ => Ok(()),
        }
    }

    fn write(&self, metrics: &mut Metrics) {
        metrics.label("sentinel", &self.name);
        self.write_sentinel(metrics);
        self.write_clients(metrics);
        self.write_groups(metrics);
        self.write_nodes(metrics);
        self.write_counts(metrics);
    }
}

/// There is a primary, and its agent has not told this sentinel that it serves.
fn lacks_its_primary(group: &GroupStatus) -> bool {
    group.primary.as_ref().is_some_and(|primary| {
        let mut nodes = group.nodes.iter();
        !nodes.any(|node| node.name == *primary && node.writable)
    })
}

impl Facts {
    fn write_sentinel(&self, m: &mut Metrics) {
        let ready = holdfast_probes::Facts::ready(self).is_ok();
        m.gauge(
            "sentinel_ready",
            "1 when this sentinel votes",
            u32::from(ready),
        );
        m.gauge(
            "sentinel_voting",
            "1 when this sentinel votes",
            u32::from(self.votes),
        );
        m.gauge(
            "sentinel_voters",
            "Sentinels that vote, as this one knows",
            self.voters as f64,
        );
        let (connected, configured) = self.peers;
        m.gauge(
            "sentinel_peers_connected",
            "Other sentinels that this one is connected with",
            connected as f64,
        );
        m.gauge(
            "sentinel_peers_configured",
            "Other sentinels that this one was told of",
            configured as f64,
        );
    }

    fn write_clients(&self, m: &mut Metrics) {
        let clients = &self.clients;
        m.gauge(
            "sentinel_clients_connected",
            "Connections of clients",
            clients.connected as f64,
        );
        m.gauge(
            "sentinel_clients_max",
            "Most connections of clients served at once",
            clients.max_clients as f64,
        );
        m.gauge(
            "sentinel_clients_subscribed",
            "Clients that have subscribed to events",
            clients.subscribers as f64,
        );
        m.counter(
            "sentinel_clients_accepted",
            "Connections of clients accepted",
            clients.accepted,
        );
        m.counter(
            "sentinel_clients_rejected",
            "Connections of clients turned away at the limit",
            clients.rejected,
        );
        m.counter(
            "sentinel_clients_dropped",
            "Clients cut off because they did not read",
            clients.slow_readers_dropped,
        );
        m.counter("sentinel_commands", "Commands of clients", clients.commands);
        m.counter(
            "sentinel_command_errors",
            "Commands of clients that were answered with an error",
            clients.errors,
        );
    }
}
