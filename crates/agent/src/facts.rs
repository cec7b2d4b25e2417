//! What an agent shows of itself over HTTP.

#[cfg(test)]
mod tests;

use crate::audience::Role;
use holdfast_core::agent::Standing;
use holdfast_core::names::{Epoch, Group, Node};
use holdfast_core::time::Millis;
use holdfast_core::wire::{Report, ServerState};
use holdfast_probes::Metrics;

const STATES: [(&str, ServerState); 5] = [
    ("starting", ServerState::Starting),
    ("loading", ServerState::Loading),
    ("up", ServerState::Up),
    ("hung", ServerState::Hung),
    ("down", ServerState::Down),
];

/// How often something happened since this agent started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) starts: u64,
    pub(crate) deaths: u64,
    pub(crate) hangs: u64,
    pub(crate) promotions: u64,
    pub(crate) seals: u64,
    pub(crate) closings: u64,
    pub(crate) decisions: u64,
    pub(crate) turned_away: u64,
}

/// One agent at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) group: Group,
    pub(crate) node: Node,
    pub(crate) role: Role,
    pub(crate) standing: Standing,
    pub(crate) report: Report,
    /// Epoch and version of the newest record, if there is one.
    pub(crate) record: Option<(Epoch, u64)>,
    /// Milliseconds for which it may still accept writes; 0 without a lease.
    pub(crate) lease_ms: Millis,
    pub(crate) sentinels: (usize, usize),
    pub(crate) counts: Counts,
}

impl holdfast_probes::Facts for Facts {
    /// A primary that serves, or a replica in step with it. A primary that is held for a handoff stays ready.
    fn ready(&self) -> Result<(), String> {
        let report = &self.report;
        if report.state != ServerState::Up {
            return Err(format!("redis-server is {}", self.state()));
        }
        if report.foreign {
            return Err("its data is not known to the group: quarantined".to_owned());
        }
        if report.withheld {
            return Err("it holds keys that the group went on without: withheld".to_owned());
        }
        match self.standing {
            Standing::Open(_) | Standing::Paused(_) => Ok(()),
            Standing::Following(..) if report.caught_up && report.link_up => Ok(()),
            Standing::Following(..) if report.syncing => {
                Err("it copies the primary's data".to_owned())
            }
            Standing::Following(..) => Err("it is not in step with the primary".to_owned()),
            Standing::Promoted(_) => Err("no majority of sentinels lets it serve".to_owned()),
            Standing::Fresh if self.record.is_none() => {
                Err("no sentinel has told it what to be".to_owned())
            }
            Standing::Fresh | Standing::Sealed(_) => {
                Err("it waits for an order of the sentinels".to_owned())
            }
        }
    }

    fn write(&self, metrics: &mut Metrics) {
        metrics.label("group", self.group.as_str());
        metrics.label("node", self.node.as_str());
        self.write_role(metrics);
        self.write_position(metrics);
        self.write_server(metrics);
        self.write_counts(metrics);
    }
}

impl Facts {
    fn state(&self) -> &'static str {
        let known = STATES.iter().find(|(_, state)| *state == self.report.state);
        known.map_or("in an unknown state", |(word, _)| word)
    }

    fn write_role(&self, m: &mut Metrics) {
        let roles = Role::ALL.map(Role::as_str);
        m.state(
            "node_role",
            "What this node is, 1 for that role",
            "role",
            self.role.as_str(),
            &roles,
        );
        m.gauge(
            "node_ready",
            "1 when this node is a serving primary or a replica in step",
            u32::from(holdfast_probes::Facts::ready(self).is_ok()),
        );
        m.gauge(
            "node_writable",
            "1 when clients may write here",
            u32::from(self.standing.is_open()),
        );
        m.gauge(
            "node_lease_seconds",
            "Time for which this node may still accept writes; renewed every 80 ms",
            self.lease_ms as f64 / 1000.0,
        );
        m.gauge(
            "node_epoch",
            "Epoch that this node has promised: it obeys nothing older",
            self.report.promised as f64,
        );
        let (epoch, version) = self.record.unwrap_or_default();
        m.gauge(
            "node_record_epoch",
            "Epoch of the newest record that this node has",
            epoch as f64,
        );
        m.gauge(
            "node_record_version",
            "Version of the newest record that this node has",
            version as f64,
        );
        m.gauge(
            "node_quarantined",
            "1 when this node's data is not known to the group",
            u32::from(self.report.foreign),
        );
        m.gauge(
            "node_withheld",
            "1 when this node keeps keys that the group went on without",
            u32::from(self.report.withheld),
        );
        let (connected, configured) = self.sentinels;
        m.gauge(
            "node_sentinels_connected",
            "Sentinels that this agent is connected with",
            connected as f64,
        );
        m.gauge(
            "node_sentinels_configured",
            "Sentinels that this agent was told of",
            configured as f64,
        );
    }

    fn write_position(&self, m: &mut Metrics) {
        let report = &self.report;
        m.gauge(
            "node_history_epoch",
            "Epoch of the history that this node's data belongs to; 0 if it is not known",
            report.history as f64,
        );
        m.gauge(
            "node_offset_bytes",
            "Replication offset: bytes of that history applied",
            report.offset as f64,
        );
        m.gauge(
            "node_caught_up",
            "1 when this run of redis-server has been in step with a primary, or was one",
            u32::from(report.caught_up),
        );
        m.gauge(
            "node_link_up",
            "1 when the link to the primary is up",
            u32::from(report.link_up),
        );
        m.gauge(
            "node_syncing",
            "1 while a full copy from the primary is under way",
            u32::from(report.syncing),
        );
    }

    fn write_server(&self, m: &mut Metrics) {
        let report = &self.report;
        m.state(
            "server_state",
            "How redis-server is, 1 for that state",
            "state",
            self.state(),
            &STATES.map(|(word, _)| word),
        );
        m.gauge(
            "server_unanswered_seconds",
            "Time since redis-server last answered its agent",
            report.unanswered_ms as f64 / 1000.0,
        );
        m.gauge(
            "server_memory_bytes",
            "Memory used by redis-server, as it says",
            report.memory_bytes as f64,
        );
        if let Some(server) = &report.server {
            let number = format!("{}.{}.{}", server.major, server.minor, server.patch);
            m.gauges(
                "server_info",
                "Always 1; name and number of the redis-server",
                [(
                    vec![("name", server.name.clone()), ("version", number)],
                    1.0,
                )],
            );
        }
        m.gauge("server_keys", "Keys in all databases", report.keys as f64);
        m.gauge(
            "server_ailing",
            "1 when redis-server cannot write to its disk and refuses writes",
            u32::from(report.ailing),
        );
    }

    fn write_counts(&self, m: &mut Metrics) {
        let counts = &self.counts;
        m.counter("server_starts", "Starts of redis-server", counts.starts);
        m.counter(
            "server_deaths",
            "Ends of redis-server, wished ones included",
            counts.deaths,
        );
        m.counter(
            "server_hangs",
            "Times that redis-server stopped answering",
            counts.hangs,
        );
        m.counter(
            "node_promotions",
            "Times that this node was made a primary",
            counts.promotions,
        );
        m.counter(
            "node_seals",
            "Times that this node was cut off for an election",
            counts.seals,
        );
        m.counter(
            "node_closings",
            "Times that a primary was closed because its lease was not renewed",
            counts.closings,
        );
        m.counter(
            "node_decisions",
            "Decisions of this agent",
            counts.decisions,
        );
        m.counter(
            "gate_turned_away",
            "Connections that wanted the replication stream, or acknowledged it, and were no member's",
            counts.turned_away,
        );
    }
}
