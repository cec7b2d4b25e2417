//! What people and programs are shown.

use super::choice::position_of;
use super::handoff::behind;
use super::{GroupState, NodeState, SentinelCore};
use crate::names::{Address, Epoch, Group, Node};
use crate::position::Position;
use crate::record::Phase;
use crate::status::{GroupStatus, NodeStatus, STATUS_VERSION, SentinelStatus};
use crate::time::Millis;
use crate::wire::{Report, ServerState, Value, Verdict};

impl SentinelCore {
    /// A group as this sentinel sees it; decisions and addresses of sentinels are the shell's to add.
    pub fn status(&self, now: Millis, name: &Group) -> Option<GroupStatus> {
        let group = self.groups.get(name)?;
        let record = group.record.as_ref();
        Some(GroupStatus {
            version: STATUS_VERSION,
            group: name.to_string(),
            sentinel: self.settings.name.to_string(),
            epoch: record.map_or(0, |r| r.epoch),
            phase: phase(group).to_owned(),
            durability: record
                .map_or(group.config.terms, |r| r.terms)
                .durability
                .to_string(),
            sync_set: record.map_or_else(Vec::new, |r| {
                r.sync.members.keys().map(ToString::to_string).collect()
            }),
            sync_replicas: record.map_or(0, |r| r.sync.k),
            primary: group
                .announced
                .as_ref()
                .map(|(_, node, _)| node.to_string()),
            primary_address: group
                .announced
                .as_ref()
                .map(|(_, _, address)| address.clone()),
            trouble: self.trouble(now, group),
            leads: record.is_some_and(|r| r.phase == Phase::Electing && r.by == self.settings.name),
            nodes: group
                .nodes
                .iter()
                .map(|(node, state)| node_status(now, group, node, state))
                .collect(),
            sentinels: self
                .settings
                .set
                .iter()
                .map(|s| self.sentinel_status(group, s))
                .collect(),
            decisions: Vec::new(),
        })
    }

    /// The last primary that served, where none has been announced since this sentinel started: the one on record, or on
    /// this sentinel's own disk while the record cannot be read. It may be down; clients that ask in the middle of an
    /// outage still find their group.
    pub fn last_primary(&self, name: &Group) -> Option<(Epoch, Node, Address)> {
        let accepted = self.slots.get(name).and_then(|s| s.accepted.as_ref());
        let stored = match accepted {
            Some((_, Value::Record(record))) => Some(record.as_ref()),
            _ => None,
        };
        let record = self.groups.get(name)?.record().or(stored)?;
        let served = !record.history.is_empty();
        let primary = record.primary.as_ref().filter(|_| served)?;
        Some((record.epoch, primary.node.clone(), primary.address.clone()))
    }

    fn trouble(&self, now: Millis, group: &GroupState) -> Option<String> {
        if self.voters.version == 0 {
            return Some(
                "the sentinels have not formed yet: all of them must be connected once".to_owned(),
            );
        }
        if !self.votes() {
            return Some("this sentinel lost its disk or is new: it does not vote until the others have taken it in".to_owned());
        }
        let linked = self
            .peers
            .iter()
            .filter(|(n, p)| p.linked && self.voters.members.contains_key(*n))
            .count()
            + 1;
        if linked < self.voters.majority() {
            return Some(format!(
                "only {linked} of {} sentinels are connected: nothing can be decided",
                self.voters.members.len()
            ));
        }
        let leads = group.record().is_some_and(|r| r.by == self.settings.name);
        let told = group
            .trouble
            .as_ref()
            .map(|said| said.text.clone())
            .filter(|_| leads || !leaderless(now, group));
        told.or_else(|| shortage(group))
            .or_else(|| leaderless(now, group).then(|| NO_PRIMARY.to_owned()))
            .or_else(|| no_choice(group))
    }

    fn sentinel_status(&self, group: &GroupState, name: &crate::names::Sentinel) -> SentinelStatus {
        let me = *name == self.settings.name;
        let peer = self.peers.get(name);
        let identity = if me {
            Some(self.settings.identity.clone())
        } else {
            peer.and_then(|p| p.identity.clone()).map(|(i, _)| i)
        };
        let opinion = if me {
            group.opinion.as_ref()
        } else {
            group.opinions.get(name)
        };
        SentinelStatus {
            name: name.to_string(),
            id: identity
                .clone()
                .or_else(|| self.voters.members.get(name).cloned())
                .unwrap_or_default(),
            address: None,
            connected: me || peer.is_some_and(|p| p.linked),
            voting: identity.is_some_and(|i| self.voters.has(name, &i)),
            suspects: opinion.map(|o| o.node.to_string()),
        }
    }
}

/// A change of primary that takes longer than this is told.
const CHANGE_MAX: Millis = 2_000;

/// What a sentinel says of an election that another one leads.
const NO_PRIMARY: &str = "no primary serves: an election goes on, and the sentinel that leads it knows what it waits for";

/// Whether there has been no primary for so long that something keeps the next one from being chosen.
fn leaderless(now: Millis, group: &GroupState) -> bool {
    let stable = group.record().is_some_and(|r| r.phase == Phase::Stable);
    let since = group.electing.map_or(group.since, |(_, at)| at);
    group.record.is_some() && !stable && now > since + CHANGE_MAX
}

/// What keeps acknowledgements from being what the group asks for.
fn shortage(group: &GroupState) -> Option<String> {
    let record = group.record.as_ref()?;
    let (k, wished) = (record.sync.k, record.terms.k());
    if k > 0 && group.short_since.is_some() && record.phase == Phase::Stable {
        return Some(format!(
            "replies are held: fewer than {k} replicas of the sync set are in step"
        ));
    }
    (record.phase == Phase::Stable && k < wished)
        .then(|| format!("degraded: a reply waits for {k} replicas instead of {wished}"))
}

/// Nobody could take over, because nobody may be chosen.
fn no_choice(group: &GroupState) -> Option<String> {
    let record = group.record.as_ref().filter(|r| r.phase == Phase::Stable)?;
    let others = group.nodes.iter().filter(|(node, _)| !record.names(node));
    let mut others = others.filter_map(|(_, state)| state.report.as_ref());
    let none = others.clone().next().is_some() && others.all(|r| r.priority == 0);
    none.then(|| {
        "no node can take over: all but the primary have priority 0, which means never".to_owned()
    })
}

fn phase(group: &GroupState) -> &'static str {
    match group.record.as_ref().map(|r| r.phase) {
        None => "empty",
        Some(Phase::Electing) => "electing",
        Some(Phase::Appointed) => "appointed",
        Some(Phase::Stable) => "stable",
    }
}

fn node_status(now: Millis, group: &GroupState, node: &Node, state: &NodeState) -> NodeStatus {
    let report = state.report.as_deref();
    let position = report.and_then(|r| position(group, r));
    let leader = group
        .announced
        .as_ref()
        .and_then(|(_, n, _)| group.nodes.get(n)?.report.as_ref());
    let leader = leader.and_then(|r| position_of(group.record.as_deref(), r));
    let suspects = group
        .opinions
        .iter()
        .filter(|(_, o)| o.node == *node)
        .map(|(s, _)| s.to_string());
    let own = group
        .opinion
        .iter()
        .filter(|o| o.node == *node)
        .map(|_| "this sentinel".to_owned());
    NodeStatus {
        name: node.to_string(),
        address: report.and_then(|r| r.address.clone()),
        role: report.map_or("unknown", role).to_owned(),
        state: condition(now, group, node, state).to_owned(),
        epoch: report.map_or(0, |r| r.promised),
        position,
        lag_bytes: leader.zip(position).and_then(|(l, p)| behind(l, p)),
        memory_bytes: report.map(|r| r.memory_bytes),
        keys: report.map(|r| r.keys),
        noted_keys: report.and_then(|r| r.noted_keys),
        run_id: state.incarnation().map(ToString::to_string),
        priority: report.map(|r| r.priority),
        server: report
            .and_then(|r| r.server.as_ref())
            .map(ToString::to_string),
        writable: state.linked && report.is_some_and(|r| r.open),
        heard_ms_ago: Some(now.saturating_sub(state.heard_at)),
        suspected_by: suspects.chain(own).collect(),
        reason: report.map(reason).filter(|r| !r.is_empty()),
        refused: report.is_some_and(is_refused),
    }
}

/// An agent that does not start redis-server on its files reports the reason as its doubt too; after a death they differ.
fn is_refused(report: &Report) -> bool {
    report.state == ServerState::Down && !report.doubt.is_empty() && report.doubt == report.reason
}

fn reason(report: &Report) -> String {
    match (report.reason.as_str(), report.doubt.as_str()) {
        (reason, "") => reason.to_owned(),
        ("", doubt) => doubt.to_owned(),
        (reason, doubt) if reason == doubt => doubt.to_owned(),
        (reason, doubt) => format!("{doubt}; {reason}"),
    }
}

fn position(group: &GroupState, report: &Report) -> Option<Position> {
    position_of(group.record.as_deref(), report).or(report.stored)
}

fn role(report: &Report) -> &'static str {
    match report {
        r if r.promoted > 0 || r.paused > 0 => "primary",
        r if r.sealed > 0 || !r.caught_up && !r.link_up => "sealed",
        _ => "replica",
    }
}

fn condition(now: Millis, group: &GroupState, node: &Node, state: &NodeState) -> &'static str {
    let Some(report) = &state.report else {
        return "starting";
    };
    // Other verdicts are not of silence: what the node's agent reports says more.
    let unheard = group
        .opinion
        .as_ref()
        .is_some_and(|o| o.node == *node && matches!(o.verdict, Verdict::Silent | Verdict::Gone));
    match report.state {
        _ if !state.linked => "gone",
        _ if report.foreign => "quarantined",
        ServerState::Down => "down",
        ServerState::Hung => "hung",
        _ if unheard || state.is_silent(now) => "silent",
        _ if report.condition.word().is_some() => report.condition.word().unwrap_or_default(),
        ServerState::Starting => "starting",
        ServerState::Loading => "loading",
        ServerState::Up if report.withheld => "withheld",
        ServerState::Up if !report.doubt.is_empty() => "doubted",
        ServerState::Up if report.stuck => "stuck",
        ServerState::Up if report.syncing || (!report.caught_up && !report.is_master) => "syncing",
        ServerState::Up => "up",
    }
}
