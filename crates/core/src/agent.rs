//! The agent's mind: obeys records, decides nothing about roles.
//!
//! ```text
//!  record (newest committed) ─┐
//!  lease (majority)           ├─▶ wanted standing ─▶ one operation at a time ─▶ redis-server
//!  redis-server's own state ──┘          ▲                                        │
//!                                        └──────── Done / Info / Died ◀───────────┘
//! ```
//!
//! The promise is stored before anything is done for an epoch, and a restarted redis-server starts
//! sealed, so an agent that was killed at any point is at worst useless, never harmful.

mod carrying;
mod condition;
mod copies;
mod decision;
mod disk;
mod doubt;
mod floor;
mod gate;
mod history;
mod lease;
mod leaving;
mod orders;
mod reporting;
mod server;
mod standing;
mod state;
mod withheld;

pub use decision::{Decision, KillReason, Sentence};
pub use standing::Standing;
pub use state::{AgentInput, AgentOutput, DataAtStart, Operation, ServerInfo, Settings, Stored};

use crate::gate::GateOrder;
use crate::limits::LOOK_HANDOFF;
use crate::names::{Epoch, Incarnation, Node, Sentinel};
use crate::record::Record;
use crate::time::Millis;
use crate::wire::{FollowAhead, FromSentinel, ServerState, TakeOver};
use carrying::Carrying;
use condition::Unwell;
use copies::Copies;
use doubt::Doubts;
use floor::Floor;
use history::History;
use lease::Leases;
use leaving::Stop;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The state machine of one agent.
#[derive(Clone, Debug)]
pub struct Agent {
    settings: Settings,
    stored: Stored,
    /// Shared, as every step takes it.
    record: Option<Arc<Record>>,
    floor: Floor,
    data: DataAtStart,
    doubts: Doubts,
    server: ServerState,
    /// What keeps redis-server from serving although it lives.
    unwell: Option<Unwell>,
    info: ServerInfo,
    incarnation: Option<Incarnation>,
    caught_up: bool,
    history: Option<History>,
    /// Where redis-server was when it was told to become a master, until it is heard how that ended.
    promoting: Option<u64>,
    standing: Standing,
    running: Option<Operation>,
    storing: bool,
    leases: Leases,
    take_over: Option<TakeOver>,
    follow_ahead: Option<FollowAhead>,
    linked: BTreeSet<Sentinel>,
    stop: Option<Stop>,
    next_report: Millis,
    next_note: Millis,
    next_try: Millis,
    urgent: bool,
    /// When redis-server last answered a look.
    answered_at: Millis,
    /// When the link to the primary was last seen up or copying.
    link_seen: Millis,
    failures: u32,
    reason: String,
    deadline: Option<Millis>,
    paused_until: Option<Millis>,
    /// Version of the newest rule that the gate has confirmed.
    confirmed: u64,
    /// What the gate was told last.
    gate: GateOrder,
    /// The newest epoch in which the gate found that redis-server was no master.
    deposed: Epoch,
    carrying: Carrying,
    copies: Copies,
    /// It was said that its keys are kept from an empty reign.
    withheld: bool,
    /// Members of the sync set that hold replies back.
    lagging: BTreeSet<Node>,
}

impl Agent {
    /// An agent that has just started, with what its disk holds. redis-server is not running yet:
    /// the first step asks for it.
    pub fn new(settings: Settings, stored: Stored) -> Self {
        Self {
            settings,
            floor: Floor::default(),
            stored,
            record: None,
            data: DataAtStart::default(),
            doubts: Doubts::default(),
            server: ServerState::Starting,
            unwell: None,
            info: ServerInfo::default(),
            incarnation: None,
            caught_up: false,
            history: None,
            promoting: None,
            standing: Standing::Fresh,
            running: None,
            storing: false,
            leases: Leases::default(),
            take_over: None,
            follow_ahead: None,
            linked: BTreeSet::new(),
            stop: None,
            next_report: 0,
            next_note: 0,
            next_try: 0,
            urgent: false,
            answered_at: 0,
            link_seen: 0,
            failures: 0,
            reason: String::new(),
            deadline: None,
            paused_until: None,
            confirmed: 0,
            gate: GateOrder::Shut,
            deposed: 0,
            carrying: Carrying::default(),
            copies: Copies::default(),
            withheld: false,
            lagging: BTreeSet::new(),
        }
    }

    /// One step: takes an input, says what to do. `now` never goes back.
    pub fn step(&mut self, now: Millis, input: AgentInput) -> Vec<AgentOutput> {
        let mut out = Vec::new();
        match input {
            AgentInput::Tick => {}
            AgentInput::Linked(sentinel) => self.on_linked(sentinel),
            AgentInput::Unlinked(sentinel) => self.on_unlinked(&sentinel),
            AgentInput::Sentinel(from, message) => self.on_message(from, message, &mut out),
            AgentInput::Started(info, data) => self.on_started(now, info, data, &mut out),
            AgentInput::Died(reason) => self.on_died(now, &reason, &mut out),
            AgentInput::Refused(why) => self.on_refused(now, why, &mut out),
            AgentInput::SetAside(result) => self.on_set_aside(now, result, &mut out),
            AgentInput::Hung(reason) => self.on_hung(reason),
            AgentInput::Recovered => self.on_recovered(),
            AgentInput::Writable => self.on_writable(&mut out),
            AgentInput::Rested(files) => self.on_rested(&files, &mut out),
            AgentInput::Condition { condition, for_ms } => {
                self.on_condition(now, condition, for_ms);
            }
            AgentInput::Info(info) => self.on_info(now, info, &mut out),
            AgentInput::Glance(glance) => {
                let info = self.info.after(glance);
                self.on_info(now, info, &mut out);
            }
            AgentInput::CopyFailed(why) => self.on_copy_failed(now, why, &mut out),
            AgentInput::Done(operation, result) => self.on_done(now, operation, result, &mut out),
            AgentInput::Stored(promised) => self.on_stored(promised),
            AgentInput::Confirmed { version } => self.on_confirmed(version),
            AgentInput::Lagging(nodes) => self.on_lagging(nodes),
            AgentInput::Drained => self.on_drained(),
            AgentInput::Deposed(epoch) => self.on_deposed(epoch),
            AgentInput::Stop { handoff, within } => self.on_stop(now, handoff, within),
        }
        self.guard_lease(now, &mut out);
        self.keep_aside(now, &mut out);
        self.advance(now, &mut out);
        self.notice_withheld(&mut out);
        self.notice_held_copies(&mut out);
        self.direct_gate(now, &mut out);
        self.report(now, &mut out);
        out
    }

    /// How often redis-server should be looked at now, in milliseconds.
    pub fn look_every(&self) -> Millis {
        let record = self.record.as_ref();
        let handoff = record.filter(|r| r.handoff.as_ref() == Some(&self.settings.node));
        let told = self.take_over.as_ref().map(|word| word.version);
        if let Some(record) = handoff {
            // With the word the primary is paused, and every look may be the last.
            if told == Some(record.version) {
                1
            } else {
                LOOK_HANDOFF
            }
        } else if self.standing.is_following() && !self.caught_up {
            20
        } else {
            100
        }
    }

    /// What redis-server is to the group just now.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The epoch that this agent has promised: it obeys nothing older.
    pub fn promised(&self) -> Epoch {
        self.stored.promised
    }

    /// The newest record that it has.
    pub fn record(&self) -> Option<&Record> {
        self.record.as_deref()
    }

    fn on_linked(&mut self, sentinel: Sentinel) {
        self.linked.insert(sentinel);
        self.urgent = true;
    }

    /// A closed connection may be all that a sentinel needs to count this node as gone, so what that
    /// sentinel granted ends now.
    fn on_unlinked(&mut self, sentinel: &Sentinel) {
        self.linked.remove(sentinel);
        self.leases.forget(sentinel);
        self.floor.forget(sentinel);
    }

    fn on_message(&mut self, from: Sentinel, message: FromSentinel, out: &mut Vec<AgentOutput>) {
        match message {
            FromSentinel::Record(record) => self.on_record(*record, out),
            FromSentinel::Lease(lease) => self.leases.grant(from, lease),
            FromSentinel::TakeOver(word) => self.take_over = Some(word),
            FromSentinel::FollowAhead(word) => self.follow_ahead = Some(word),
            FromSentinel::Newest(newest) => self.on_newest(from, newest),
            FromSentinel::Unknown => {}
        }
    }

    fn on_record(&mut self, record: Record, out: &mut Vec<AgentOutput>) {
        let newer = self
            .record
            .as_ref()
            .is_none_or(|known| record.version > known.version);
        if !newer || record.epoch < self.stored.promised {
            return;
        }

        let news = self
            .record
            .as_ref()
            .is_none_or(|known| record.epoch > known.epoch);
        if self.data.foreign && news {
            out.push(AgentOutput::Decide(Decision::Quarantined));
        }
        if news {
            self.forget_copies();
        }
        self.record = Some(Arc::new(record));
        self.urgent = true;
    }

    fn on_stored(&mut self, promised: Epoch) {
        self.storing = false;
        self.stored.promised = self.stored.promised.max(promised);
    }
}
