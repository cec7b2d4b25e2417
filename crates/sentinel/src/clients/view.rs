//! What clients are shown: both styles of discovery read from this one view, so they always agree.

use super::Clients;
use super::events::wire;
use holdfast_core::names::{Address, Group, Node};
use holdfast_core::record::Phase;
use holdfast_core::sentinel::{GroupState, Happening, NodeState, SentinelCore};
use holdfast_core::time::Millis;
use holdfast_core::wire::Report;
use holdfast_protocol::{CachedInfo, FailoverState, Link, SentinelPeer, Setting};
use std::collections::BTreeMap;

/// Defaults of the settings that are shown because tools read them. Holdfast's own times are adaptive
/// and not set here.
const DOWN_AFTER_MS: u64 = 300;
const FAILOVER_TIMEOUT_MS: u64 = 5_000;

/// Since when things are as they are, by the view's clock, and settings that clients changed.
#[derive(Debug, Default)]
pub(super) struct Memory {
    groups: BTreeMap<Group, GroupMemory>,
}

#[derive(Debug, Default)]
struct GroupMemory {
    suspected: Option<u64>,
    deposed: Option<u64>,
    replicas_down: BTreeMap<Node, u64>,
    settings: BTreeMap<&'static str, Setting>,
}

impl Memory {
    /// Notes what happened at `at`.
    pub(super) fn note(&mut self, at: u64, group: &Group, happening: &Happening) {
        let group = self.groups.entry(group.clone()).or_default();
        match happening {
            Happening::Suspected(_) => group.suspected = Some(at),
            Happening::Deposed(..) => {
                group.suspected.get_or_insert(at);
                group.deposed = Some(at);
            }
            Happening::Cleared(_) | Happening::Switched { .. } => {
                group.suspected = None;
                group.deposed = None;
            }
            Happening::ReplicaDown(node) => drop(group.replicas_down.insert(node.clone(), at)),
            Happening::ReplicaUp(node) => drop(group.replicas_down.remove(node)),
            _ => {}
        }
    }

    /// Whether clients are told that its primary is down.
    pub(super) fn is_suspected(&self, group: &Group) -> bool {
        self.groups
            .get(group)
            .is_some_and(|group| group.suspected.is_some())
    }

    /// Keeps settings that clients changed, to be shown again.
    pub(super) fn set(&mut self, group: &Group, settings: &[Setting]) {
        let group = self.groups.entry(group.clone()).or_default();
        for setting in settings {
            group.settings.insert(setting.name(), *setting);
        }
    }
}

impl Clients {
    pub(super) fn show(
        &self,
        now: Millis,
        core: &SentinelCore,
        name: &Group,
        state: &GroupState,
    ) -> holdfast_protocol::Group {
        let empty = GroupMemory::default();
        let memory = self.memory.groups.get(name).unwrap_or(&empty);
        let last = core.last_primary(name);
        let ruler = state.announced().or(last.as_ref());
        let record = state.record();
        let number = |setting: &str, default: u64| match memory.settings.get(setting) {
            Some(Setting::DownAfterMs(ms) | Setting::FailoverTimeoutMs(ms)) => *ms,
            Some(Setting::ParallelSyncs(count)) => u64::from(*count),
            None => default,
        };
        let replicas = state
            .nodes()
            .iter()
            .filter(|(node, _)| ruler.is_none_or(|(_, r, _)| r != *node));
        let primary =
            ruler.map(|(_, node, address)| self.primary(now, memory, state, node, address));
        holdfast_protocol::Group {
            name: name.to_string(),
            replicas: replicas
                .filter_map(|(n, s)| self.replica(now, memory, state, n, s))
                .collect(),
            primary,
            sentinels: self.sentinels(now, core, state),
            quorum: (core.settings().set.len() / 2 + 1) as u32,
            config_epoch: record.map_or(0, |r| r.epoch),
            down_after_ms: number("down-after-milliseconds", DOWN_AFTER_MS),
            failover_timeout_ms: number("failover-timeout", FAILOVER_TIMEOUT_MS),
            parallel_syncs: number("parallel-syncs", 1) as u32,
            failover: record.and_then(|r| match r.phase {
                Phase::Electing => Some(FailoverState::SelectReplica),
                Phase::Appointed => Some(FailoverState::WaitPromotion),
                Phase::Stable => None,
            }),
            failover_forced: false,
            failover_coordinated: record.is_some_and(|r| r.handoff.is_some()),
        }
    }

    fn primary(
        &self,
        now: Millis,
        memory: &GroupMemory,
        state: &GroupState,
        node: &Node,
        address: &Address,
    ) -> holdfast_protocol::Node {
        let known = state.nodes().get(node);
        let report = known.and_then(|n| n.report.as_deref());
        // Never announced by this run of the sentinel: the last one on record, which is being replaced, or which this
        // sentinel cannot judge as it has no majority.
        let last = state.announced().is_none();
        let replaced = state.record().is_some_and(|r| r.phase != Phase::Stable);
        let unheard = state.record().is_none() && !known.is_some_and(|n| n.linked);
        let since = self.at(state.since());
        holdfast_protocol::Node {
            address: wire(address),
            s_down_since: memory
                .suspected
                .or((last && (replaced || unheard)).then_some(since)),
            o_down_since: memory.deposed.or((last && replaced).then_some(since)),
            reports_primary: report.is_none_or(|r| r.is_master),
            ..self.node(now, known, report)
        }
    }

    fn replica(
        &self,
        now: Millis,
        memory: &GroupMemory,
        state: &GroupState,
        node: &Node,
        known: &NodeState,
    ) -> Option<holdfast_protocol::Node> {
        let report = known.report.as_deref()?;
        let primary = state.announced().map(|(_, _, address)| wire(address));
        Some(holdfast_protocol::Node {
            address: wire(report.address.as_ref()?),
            // Stock clients pass over a replica that is down; one that has no whole copy answers with nothing.
            s_down_since: memory
                .replicas_down
                .get(node)
                .copied()
                .or(known.copying_since.map(|at| self.at(at))),
            reports_primary: report.is_master,
            primary_link_down_since: (!report.link_up).then_some(self.at(known.heard_at)),
            primary_link_ok: report.link_up,
            follows: primary,
            promoted: state
                .record()
                .is_some_and(|r| r.phase == Phase::Appointed && r.names(node)),
            priority: report.priority,
            hidden: report.foreign,
            ..self.node(now, Some(known), Some(report))
        })
    }

    fn node(
        &self,
        now: Millis,
        known: Option<&NodeState>,
        report: Option<&Report>,
    ) -> holdfast_protocol::Node {
        let heard = self.at(known.map_or(now, |n| n.heard_at));
        holdfast_protocol::Node {
            run_id: report
                .and_then(|r| r.incarnation.as_ref())
                .map(ToString::to_string)
                .unwrap_or_default(),
            link: Link {
                connected: known.is_some_and(|n| n.linked),
                last_ok_reply: heard,
                last_reply: heard,
                ..Link::default()
            },
            info: Some(CachedInfo {
                at: heard,
                text: None,
            }),
            role_reported_at: heard,
            offset: report.map_or(0, |r| r.offset as i64),
            ..holdfast_protocol::Node::default()
        }
    }

    fn sentinels(&self, now: Millis, core: &SentinelCore, state: &GroupState) -> Vec<SentinelPeer> {
        let me = &core.settings().name;
        let others = core.settings().set.iter().filter(|name| *name != me);
        others
            .filter_map(|name| {
                let peer = core.peers().find(|(n, _)| *n == name).map(|(_, p)| p);
                let id = peer.and_then(|p| p.identity.clone()).map(|(id, _)| id);
                let id = id.or_else(|| core.voters().members.get(name).cloned())?;
                let linked = peer.is_some_and(|p| p.linked);
                let heard = self.at(peer.map_or(now, |p| p.heard_at));
                Some(SentinelPeer {
                    id,
                    address: wire(&self.address_of(name)?),
                    link: Link {
                        connected: linked,
                        last_ok_reply: heard,
                        last_reply: heard,
                        ..Link::default()
                    },
                    s_down_since: (!linked).then_some(heard),
                    finds_primary_down: state.opinion_of(name).is_some(),
                    last_hello: heard,
                    vote: state.record().map(|r| {
                        (
                            core.voters()
                                .members
                                .get(&r.by)
                                .cloned()
                                .unwrap_or_default(),
                            r.epoch,
                        )
                    }),
                })
            })
            .collect()
    }
}
