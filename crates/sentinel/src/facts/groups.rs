//! What a sentinel shows of its groups and their nodes.

use super::Facts;
use crate::tally::Tally;
use holdfast_core::names::Group;
use holdfast_core::status::{GroupStatus, NodeStatus};
use holdfast_probes::Metrics;

const PHASES: [&str; 4] = ["empty", "electing", "appointed", "stable"];

type Labels = Vec<(&'static str, String)>;

impl Facts {
    pub(super) fn write_groups(&self, m: &mut Metrics) {
        let mut each = |name, help, value: fn(&GroupStatus) -> f64| {
            m.gauges(
                name,
                help,
                self.groups
                    .iter()
                    .map(|group| (of_group(group), value(group))),
            );
        };
        each(
            "group_epoch",
            "Epoch of the newest record; 0 before the first start",
            |g| g.epoch as f64,
        );
        each(
            "group_primary_known",
            "1 when clients are given a primary",
            |g| f64::from(g.primary.is_some()),
        );
        each(
            "group_writable",
            "1 when the primary says that clients may write",
            |g| f64::from(writable(g)),
        );
        each(
            "group_trouble",
            "1 when something is wrong; status says what",
            |g| f64::from(g.trouble.is_some()),
        );
        each("group_nodes", "Nodes that ever reported", |g| {
            g.nodes.len() as f64
        });
        each(
            "group_nodes_up",
            "Nodes whose redis-server answers and is in step",
            |g| g.nodes.iter().filter(|n| n.state == "up").count() as f64,
        );
        let phases = self.groups.iter().flat_map(|group| {
            PHASES.map(|phase| {
                (
                    [of_group(group), vec![("phase", phase.to_owned())]].concat(),
                    f64::from(group.phase == phase),
                )
            })
        });
        m.gauges(
            "group_phase",
            "Where the group stands in its epoch, 1 for that phase",
            phases,
        );
    }

    pub(super) fn write_nodes(&self, m: &mut Metrics) {
        let mut each = |name, help, value: fn(&NodeStatus) -> Option<f64>| {
            let nodes = self
                .groups
                .iter()
                .flat_map(|group| group.nodes.iter().map(move |node| (group, node)));
            let values =
                nodes.filter_map(|(group, node)| Some((of_node(group, node), value(node)?)));
            m.gauges(name, help, values);
        };
        each(
            "group_node_up",
            "1 when the node's redis-server answers and is in step",
            |n| Some(f64::from(n.state == "up")),
        );
        each(
            "group_node_primary",
            "1 when the node is the primary",
            |n| Some(f64::from(n.role == "primary")),
        );
        each(
            "group_node_lag_bytes",
            "Bytes of the primary's history that the node has not applied; absent when not comparable",
            |n| Some(n.lag_bytes? as f64),
        );
        each(
            "group_node_offset_bytes",
            "Replication offset of the node",
            |n| Some(n.position?.offset as f64),
        );
        each(
            "group_node_heard_seconds",
            "Time since this sentinel last heard the node's agent",
            |n| Some(n.heard_ms_ago? as f64 / 1000.0),
        );
        each(
            "group_node_suspects",
            "Sentinels that suspect the node",
            |n| Some(n.suspected_by.len() as f64),
        );
    }

    pub(super) fn write_counts(&self, m: &mut Metrics) {
        let mut each = |name, help, value: fn(&Tally) -> u64| {
            let groups = self.groups.iter().map(|group| {
                let tally = self
                    .tallies
                    .get(&Group::from(group.group.clone()))
                    .copied()
                    .unwrap_or_default();
                (of_group(group), value(&tally))
            });
            m.counters(name, help, groups);
        };
        each(
            "group_suspicions",
            "Times that this sentinel suspected the primary",
            |t| t.suspicions,
        );
        each(
            "group_failovers",
            "Elections begun because the primary failed",
            |t| t.elections,
        );
        each("group_handoffs", "Planned changes of primary begun", |t| {
            t.handoffs
        });
        each(
            "group_switches",
            "Times that clients were given another primary",
            |t| t.switches,
        );
        each(
            "group_server_restarts",
            "Restarts of a redis-server seen",
            |t| t.reboots,
        );
        each("group_decisions", "Decisions of this sentinel", |t| {
            t.decisions
        });
        m.seconds(
            "failover_seconds",
            "Time from the first suspicion to the new primary, over all groups",
            &self.durations.failovers,
        );
        m.seconds(
            "handoff_seconds",
            "Time from the begin of a handoff to the new primary, over all groups",
            &self.durations.handoffs,
        );
    }
}

fn of_group(group: &GroupStatus) -> Labels {
    vec![("group", group.group.clone())]
}

fn of_node(group: &GroupStatus, node: &NodeStatus) -> Labels {
    vec![("group", group.group.clone()), ("node", node.name.clone())]
}

fn writable(group: &GroupStatus) -> bool {
    let is_primary = |node: &&NodeStatus| Some(&node.name) == group.primary.as_ref();
    group
        .nodes
        .iter()
        .find(is_primary)
        .is_some_and(|node| node.writable)
}
