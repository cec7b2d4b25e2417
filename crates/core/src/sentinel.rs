//! The sentinel's mind: votes, watches, elects, repoints.
//!
//! ```text
//!  reports of agents ─▶ judging ─▶ opinions of a majority ─▶ driving ─▶ register (compare-and-swap)
//!                                                              │  ▲                │
//!                                             seal · promote   │  └── committed ◀──┘
//!                                             follow · lease   ▼
//!                                                            agents
//! ```
//!
//! One sentinel serves many groups; each is a [`group::GroupState`] of its own. Nothing here waits:
//! each step looks at what is known and does the next thing.

mod choice;
mod cold;
mod decision;
mod departed;
mod driving;
mod election;
mod enough;
mod first;
mod forget;
mod group;
mod handoff;
mod heirs;
mod judging;
mod keeps;
mod lease;
mod node;
mod peers;
mod proposing;
mod reconfigure;
mod request;
mod state;
mod status;
mod sync;
mod take_over;
mod voting;
mod witness;

pub use decision::{BY_WORD, Cause, Decision, Merit, Trouble, Wish};
pub use group::GroupState;
pub use node::NodeState;
pub use peers::PeerState;
pub use state::{
    Answer, GroupConfig, Happening, Persistent, Request, SentinelInput, SentinelOutput,
    SentinelSettings, Written,
};

use crate::decided::Decided;
use crate::limits::{ALIVE_EVERY, FROZEN, FROZEN_TOLD, GROUPS_MAX, NODES_MAX};
use crate::names::{Group, Node, Sentinel};
use crate::record::Record;
use crate::register::{Slot, Voters};
use crate::time::Millis;
use crate::wire::{FromSentinel, PeerMessage, Report, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Groups looked at in one tick.
const GROUPS_PER_TICK: usize = 250;

/// The register that holds the voters themselves.
const VOTERS: &str = "";

/// The state machine of one sentinel.
#[derive(Clone, Debug)]
pub struct SentinelCore {
    settings: SentinelSettings,
    voters: Voters,
    slots: BTreeMap<Group, Slot<Value>>,
    groups: BTreeMap<Group, GroupState>,
    peers: BTreeMap<Sentinel, PeerState>,
    voters_change: proposing::Changing,
    /// When the present voters became known here.
    voters_since: Millis,
    started_at: Option<Millis>,
    last_step: Millis,
    next_alive: Millis,
    /// Which of the groups are looked at next, when there are too many for every tick.
    turn: usize,
    out: Vec<SentinelOutput>,
}

impl SentinelCore {
    /// A sentinel that has just started, with what its disk holds.
    pub fn new(settings: SentinelSettings, persistent: Persistent) -> Self {
        let groups = settings.groups.iter().take(GROUPS_MAX);
        let groups = groups
            .map(|config| (config.name.clone(), GroupState::new(config.clone())))
            .collect();
        Self {
            settings,
            voters: persistent.voters,
            slots: persistent.slots,
            groups,
            peers: BTreeMap::new(),
            voters_change: proposing::Changing::default(),
            voters_since: 0,
            started_at: None,
            last_step: 0,
            next_alive: 0,
            turn: 0,
            out: Vec::new(),
        }
    }

    /// One step: takes an input, says what to do, in this order. `now` never goes back.
    pub fn step(&mut self, now: Millis, input: SentinelInput) -> Vec<SentinelOutput> {
        self.notice_time(now);
        match input {
            SentinelInput::Tick => self.on_tick(now),
            SentinelInput::AgentLinked { group, node } => self.on_agent_linked(now, &group, node),
            SentinelInput::AgentGone { group, node, reset } => {
                self.on_agent_gone(now, &group, &node, reset);
            }
            SentinelInput::Report {
                group,
                node,
                report,
            } => self.on_report(now, &group, &node, report),
            SentinelInput::PeerLinked(peer) => self.on_peer_linked(now, peer),
            SentinelInput::PeerGone(peer) => self.on_peer_gone(&peer),
            SentinelInput::Peer { from, message } => self.on_peer(now, &from, message),
            SentinelInput::Reconfigure { set, groups } => self.on_reconfigure(now, set, groups),
            SentinelInput::Ask { id, group, request } => self.on_ask(now, id, &group, request),
        }
        std::mem::take(&mut self.out)
    }

    /// Who votes, as far as this sentinel knows.
    pub fn voters(&self) -> &Voters {
        &self.voters
    }

    /// Whether this sentinel votes.
    pub fn votes(&self) -> bool {
        self.voters
            .has(&self.settings.name, &self.settings.identity)
    }

    /// A group's state, for display and checks.
    pub fn group(&self, group: &Group) -> Option<&GroupState> {
        self.groups.get(group)
    }

    /// All groups, by name.
    pub fn groups(&self) -> impl Iterator<Item = (&Group, &GroupState)> {
        self.groups.iter()
    }

    /// The other sentinels, by name.
    pub fn peers(&self) -> impl Iterator<Item = (&Sentinel, &PeerState)> {
        self.peers.iter()
    }

    /// What this sentinel was told at start.
    pub fn settings(&self) -> &SentinelSettings {
        &self.settings
    }

    /// The slot of a register, for checks.
    pub fn slot(&self, group: &Group) -> Option<&Slot<Value>> {
        self.slots.get(group)
    }

    /// A sentinel that did not run for a while knows nothing of what happened meanwhile: it counts
    /// everybody as heard now, so that it suspects nobody for its own absence.
    fn notice_time(&mut self, now: Millis) {
        let started = *self.started_at.get_or_insert(now);
        let gap = now.saturating_sub(self.last_step);
        if self.last_step > started && gap > FROZEN {
            for group in self.groups.values_mut() {
                group.distrust(now);
            }
            for peer in self.peers.values_mut() {
                peer.heard_at = now;
            }
            if gap < FROZEN_TOLD {
                self.last_step = now;
                return;
            }
            let told = Decision::Slept(self.settings.name.clone(), gap);
            self.decide(&Group::from(VOTERS), told);
        }
        self.last_step = now;
    }

    fn on_tick(&mut self, now: Millis) {
        if now >= self.next_alive {
            self.next_alive = now + ALIVE_EVERY;
            self.say_alive();
        }
        self.tend_voters(now);
        // What agents and sentinels say is dealt with at once; only silence has to be looked for. With very many groups
        // each is looked at less often, which delays what waits for a lease anyway.
        let stride = 1 + self.groups.len() / GROUPS_PER_TICK;
        self.turn = (self.turn + 1) % stride;
        let names: Vec<Group> = self
            .groups
            .keys()
            .skip(self.turn)
            .step_by(stride)
            .cloned()
            .collect();
        for name in names {
            self.tend(now, &name);
        }
    }

    /// Judges and drives one group.
    fn tend(&mut self, now: Millis, name: &Group) {
        self.judge(now, name);
        self.drive(now, name);
        self.announce(now, name);
        self.drop_departed(now, name);
        self.tend_asked(now, name);
        self.tend_forgetting(now, name);
        self.remind(now, name);
    }

    fn on_agent_linked(&mut self, now: Millis, name: &Group, node: Node) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        if group.nodes.len() >= NODES_MAX && !group.nodes.contains_key(&node) {
            return;
        }
        group
            .nodes
            .entry(node.clone())
            .or_insert_with(|| NodeState::new(now))
            .on_linked(now);
        self.show_record(name, &node);
    }

    fn on_agent_gone(&mut self, now: Millis, name: &Group, node: &Node, reset: bool) {
        let Some(state) = self
            .groups
            .get_mut(name)
            .and_then(|g| g.nodes.get_mut(node))
        else {
            return;
        };
        state.on_gone(now, reset);
        self.tend(now, name);
    }

    fn on_report(&mut self, now: Millis, name: &Group, node: &Node, report: Arc<Report>) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let least = group.silent_least();
        let Some(state) = group.nodes.get_mut(node) else {
            return;
        };
        let before = state.incarnation().cloned();
        let asks_newest = report.asks_newest;
        let news = state.on_report(now, report, least);
        let rebooted = before.is_some_and(|before| state.incarnation() != Some(&before));
        if rebooted {
            self.happen(name, Happening::Rebooted(node.clone()));
        }
        self.grant(now, name, node);
        if asks_newest {
            self.tell_newest(name, node);
        }
        if news {
            self.tend(now, name);
        }
    }

    /// Shows `node` the newest committed record, if it is its turn to see it.
    fn show_record(&mut self, name: &Group, node: &Node) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let Some(record) = group.record.clone() else {
            return;
        };
        if !group.may_see(&self.settings.name, &record, node) {
            return;
        }
        let now = self.last_step;
        let Some(state) = group.nodes.get_mut(node).filter(|s| s.linked) else {
            return;
        };
        state.shown(now, record.version);
        let message = FromSentinel::Record(Box::new(Record::clone(&record)));
        self.out.push(SentinelOutput::ToAgent {
            group: name.clone(),
            node: node.clone(),
            message,
        });
    }

    /// Shows the newest record to every node that may see it and has not.
    fn show_all(&mut self, name: &Group) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let Some(version) = group.record.as_ref().map(|r| r.version) else {
            return;
        };
        let behind = group
            .nodes
            .iter()
            .filter(|(_, s)| s.linked && s.shown_version < version);
        let behind: Vec<Node> = behind.map(|(n, _)| n.clone()).collect();
        for node in behind {
            self.show_record(name, &node);
        }
    }

    /// A record that a node still has not taken is shown again.
    fn remind(&mut self, now: Millis, name: &Group) {
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let Some(version) = group.record.as_ref().map(|r| r.version) else {
            return;
        };
        let since = group.since;
        let lagging: Vec<Node> = group
            .nodes
            .iter()
            .filter(|(_, s)| s.lags(now, version, since))
            .map(|(n, _)| n.clone())
            .collect();
        for node in lagging {
            self.show_record(name, &node);
        }
    }

    fn decide(&mut self, group: &Group, said: impl Into<Decided>) {
        self.out.push(SentinelOutput::Decide {
            group: group.clone(),
            said: said.into(),
        });
    }

    fn happen(&mut self, group: &Group, happening: Happening) {
        self.out.push(SentinelOutput::Happened {
            group: group.clone(),
            happening,
        });
    }

    fn send(&mut self, to: &Sentinel, message: PeerMessage) {
        self.out.push(SentinelOutput::ToPeer {
            to: to.clone(),
            message,
        });
    }
}
