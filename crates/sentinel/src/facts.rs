//! What a sentinel shows of itself over HTTP.

mod groups;
#[cfg(test)]
mod tests;

use crate::tally::{Durations, Tally};
use holdfast_core::names::Group;
use holdfast_core::status::GroupStatus;
use holdfast_probes::Metrics;
use std::collections::BTreeMap;

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
    /// Ready is who votes. One that came back without its disk knows the records soon, but a rolling restart that took
    /// the next sentinel before this one is voted in would leave no majority.
    fn ready(&self) -> Result<(), String> {
        if self.votes {
            return Ok(());
        }
        let (connected, configured) = self.peers;
        Err(format!(
            "it does not vote yet: {connected} of {configured} other sentinels are connected"
        ))
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
