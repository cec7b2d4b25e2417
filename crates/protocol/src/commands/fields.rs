//! The fields of MASTER, REPLICAS and SENTINELS. Their order is part of the contract: shell scripts count lines.

use std::borrow::Cow;

use crate::{Group, Link, Ms, Node, Reconfiguration, SentinelPeer};

/// One field: its name and its value as text.
pub(super) type Field<'a> = (&'static str, Cow<'a, str>);

/// Fields in the making; every number is text on the wire.
struct Fields<'a> {
    now: Ms,
    list: Vec<Field<'a>>,
}

impl<'a> Fields<'a> {
    fn text(&mut self, name: &'static str, value: impl Into<Cow<'a, str>>) {
        self.list.push((name, value.into()));
    }

    fn number(&mut self, name: &'static str, value: impl Into<i128>) {
        self.list.push((name, Cow::Owned(value.into().to_string())));
    }

    fn age(&mut self, name: &'static str, since: Ms) {
        self.number(name, self.now.saturating_sub(since));
    }

    fn age_if(&mut self, name: &'static str, since: Option<Ms>) {
        if let Some(since) = since {
            self.age(name, since);
        }
    }

    /// What all kinds of instances begin with, after name, address, run id and flags.
    fn link(&mut self, link: &Link, failover: Option<&'static str>) {
        self.number("link-pending-commands", link.pending_commands);
        self.number("link-refcount", 1);
        if let Some(state) = failover {
            self.text("failover-state", state);
        }
        self.number(
            "last-ping-sent",
            link.ping_sent
                .map_or(0, |sent| self.now.saturating_sub(sent)),
        );
        self.age("last-ok-ping-reply", link.last_ok_reply);
        self.age("last-ping-reply", link.last_reply);
    }

    fn role(&mut self, node: &Node) {
        self.number(
            "info-refresh",
            node.info
                .as_ref()
                .map_or(0, |info| self.now.saturating_sub(info.at)),
        );
        self.text(
            "role-reported",
            if node.reports_primary {
                "master"
            } else {
                "slave"
            },
        );
        self.age("role-reported-time", node.role_reported_at);
    }
}

/// The flags that are set, joined by commas.
fn joined(flags: &[(bool, &'static str)]) -> String {
    flags
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, word)| *word)
        .collect::<Vec<_>>()
        .join(",")
}

fn primary_flags(group: &Group, node: &Node) -> String {
    joined(&[
        (node.s_down_since.is_some(), "s_down"),
        (node.o_down_since.is_some(), "o_down"),
        (true, "master"),
        (!node.link.connected, "disconnected"),
        (group.failover.is_some(), "failover_in_progress"),
        (
            group.failover.is_some() && group.failover_forced,
            "force_failover",
        ),
        (node.rebooted, "master_reboot"),
        (
            group.failover.is_some() && group.failover_coordinated,
            "coordinated_failover",
        ),
    ])
}

fn replica_flags(node: &Node) -> String {
    joined(&[
        (node.s_down_since.is_some(), "s_down"),
        (true, "slave"),
        (!node.link.connected, "disconnected"),
        (node.promoted, "promoted"),
        (node.reconfiguration == Reconfiguration::Sent, "reconf_sent"),
        (
            node.reconfiguration == Reconfiguration::InProgress,
            "reconf_inprog",
        ),
        (node.reconfiguration == Reconfiguration::Done, "reconf_done"),
    ])
}

fn sentinel_flags(peer: &SentinelPeer) -> String {
    joined(&[
        (peer.s_down_since.is_some(), "s_down"),
        (true, "sentinel"),
        (!peer.link.connected, "disconnected"),
        (peer.finds_primary_down, "master_down"),
    ])
}

/// The fields of a group and its primary.
pub(super) fn primary_fields<'a>(group: &'a Group, node: &'a Node, now: Ms) -> Vec<Field<'a>> {
    let mut fields = Fields {
        now,
        list: Vec::with_capacity(26),
    };
    fields.text("name", &group.name);
    fields.text("ip", &node.address.host);
    fields.number("port", node.address.port);
    fields.text("runid", &node.run_id);
    fields.text("flags", primary_flags(group, node));
    fields.link(&node.link, group.failover.map(crate::FailoverState::word));
    fields.age_if("s-down-time", node.s_down_since);
    fields.age_if("o-down-time", node.o_down_since);
    fields.number("down-after-milliseconds", group.down_after_ms);
    fields.role(node);
    fields.number("config-epoch", group.config_epoch);
    fields.number("num-slaves", group.replicas.len() as u64);
    fields.number("num-other-sentinels", group.sentinels.len() as u64);
    fields.number("quorum", group.quorum);
    fields.number("failover-timeout", group.failover_timeout_ms);
    fields.number("parallel-syncs", group.parallel_syncs);
    fields.list
}

/// The fields of a replica.
pub(super) fn replica_fields<'a>(group: &'a Group, node: &'a Node, now: Ms) -> Vec<Field<'a>> {
    let mut fields = Fields {
        now,
        list: Vec::with_capacity(24),
    };
    fields.text("name", node.address.to_string());
    fields.text("ip", &node.address.host);
    fields.number("port", node.address.port);
    fields.text("runid", &node.run_id);
    fields.text("flags", replica_flags(node));
    fields.link(&node.link, None);
    fields.age_if("s-down-time", node.s_down_since);
    fields.number("down-after-milliseconds", group.down_after_ms);
    fields.role(node);
    fields.number(
        "master-link-down-time",
        node.primary_link_down_since
            .map_or(0, |since| now.saturating_sub(since)),
    );
    fields.text(
        "master-link-status",
        if node.primary_link_ok { "ok" } else { "err" },
    );
    fields.text(
        "master-host",
        node.follows
            .as_ref()
            .map_or("?", |address| address.host.as_str()),
    );
    fields.number(
        "master-port",
        node.follows.as_ref().map_or(0, |address| address.port),
    );
    fields.number("slave-priority", node.priority);
    fields.number("slave-repl-offset", node.offset);
    fields.number("replica-announced", u8::from(!node.hidden));
    fields.list
}

/// The fields of another sentinel.
pub(super) fn sentinel_fields<'a>(
    group: &'a Group,
    peer: &'a SentinelPeer,
    now: Ms,
) -> Vec<Field<'a>> {
    let mut fields = Fields {
        now,
        list: Vec::with_capacity(16),
    };
    fields.text("name", &peer.id);
    fields.text("ip", &peer.address.host);
    fields.number("port", peer.address.port);
    fields.text("runid", &peer.id);
    fields.text("flags", sentinel_flags(peer));
    fields.link(&peer.link, None);
    fields.age_if("s-down-time", peer.s_down_since);
    fields.number("down-after-milliseconds", group.down_after_ms);
    fields.age("last-hello-message", peer.last_hello);
    fields.text(
        "voted-leader",
        peer.vote
            .as_ref()
            .map_or("?", |(leader, _)| leader.as_str()),
    );
    fields.number(
        "voted-leader-epoch",
        peer.vote.as_ref().map_or(0, |(_, epoch)| *epoch),
    );
    fields.list
}
