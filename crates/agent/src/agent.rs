//! The agent's loop: inputs in, outputs out.

mod guarding;
mod hands;
mod leftover;
mod looking;
mod names;
mod renewing;
mod sampling;
mod showing;
mod start;

use crate::clients::Outlook;
use crate::clock::boottime;
use crate::control::Dialing;
use crate::facts::Facts;
use crate::memory::Memory;
use crate::options::Options;
use crate::server::{DeathReason, Drift, Event, Watch};
use hands::Hands;
use holdfast_core::agent::{Agent, AgentInput, AgentOutput, Operation, ServerInfo};
use holdfast_core::decided::Decided;
use holdfast_core::gate::News;
use holdfast_core::names::{Epoch, Node, Sentinel};
use holdfast_core::time::Millis;
use holdfast_core::wire::{FromSentinel, ToSentinel};
use holdfast_link::Outbox;
use holdfast_probes::Questions;
use looking::Look;
use showing::Showing;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

pub use start::run;

/// Pace of the core's clock: how finely a lease's end is met. The watchdog meets it exactly.
const TICK: Duration = Duration::from_millis(20);

/// Pace at which the watchdog's own life is checked.
const WATCHDOG_CHECK: Duration = Duration::from_secs(1);

/// Most notices that wait.
const INBOX_MAX: usize = 1024;

/// What everything round the core tells the agent.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A sentinel can be reached.
    Linked(Sentinel, Outbox),
    /// It cannot any more.
    Unlinked(Sentinel),
    /// A sentinel said something.
    Sentinel(Sentinel, FromSentinel),
    /// A promise is on disk.
    Stored(Epoch),
    /// redis-server answers for the first time.
    Started(u32, ServerInfo),
    /// A look at it, begun at this time.
    Looked(u32, Millis, Look),
    /// It says that a copy failed, and why.
    CopyFailed(u32, String),
    /// A setting of redis-server's was changed by somebody else, and has been set back.
    Drifted(u32, Drift),
    /// The gate has something to tell.
    Gate(News),
    /// Somebody asks who is connected.
    Asked(oneshot::Sender<Outlook>),
    /// An operation on it ended.
    Done(u32, Operation, Result<ServerInfo, String>),
}

/// Milliseconds of `CLOCK_BOOTTIME`: the clock of leases and of the watchdog's deadlines.
fn now() -> Millis {
    boottime().map_or(0, |now| now.as_millis() as Millis)
}

/// One running agent.
struct Running {
    options: Options,
    dialing: Dialing,
    core: Agent,
    node: Node,
    hands: Hands,
    memory: Memory,
    showing: Showing,
    sentinels: BTreeMap<Sentinel, Outbox>,
    done_at: Millis,
    exit: Option<anyhow::Result<()>>,
}

impl Running {
    /// Serves until redis-server was stopped as wished, or cannot be started at all.
    async fn serve(
        mut self,
        mut inbox: mpsc::Receiver<Notice>,
        mut events: mpsc::Receiver<Event>,
        mut stops: mpsc::Receiver<AgentInput>,
        mut questions: Questions<Facts>,
        mut renewed: mpsc::Receiver<Result<Options, String>>,
    ) -> anyhow::Result<()> {
        let mut watchdog = tokio::time::interval(WATCHDOG_CHECK);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => self.on_event(event),
                _ = tick.tick() => self.step(AgentInput::Tick),
                _ = watchdog.tick() => self.hands.check_watchdog(),
                Some(notice) = inbox.recv() => self.take(notice),
                Some(stop) = stops.recv() => {
                    self.showing.note_stop();
                    self.step(stop);
                }
                question = questions.next() => question.answer(self.showing.facts(&self.core, self.sentinels.len(), self.hands.turned_away())),
                Some(options) = renewed.recv() => self.renew(options),
            }
            if let Some(result) = self.exit.take() {
                return result;
            }
        }
    }

    /// Takes over options, or files named in them, that changed.
    fn renew(&mut self, renewed: Result<Options, String>) {
        let named = |next: Options| {
            if next.sentinels.is_empty() {
                Err("it names no sentinel".to_owned())
            } else {
                Ok(next)
            }
        };
        let next = match renewed.and_then(named) {
            Ok(next) => next,
            Err(why) => {
                return tracing::warn!("the changed configuration is not taken over: {why}");
            }
        };
        let (renewed, fixed) = self.options.renewed(next);
        if let Some(key) = fixed {
            tracing::warn!("`{key}` has changed: that counts from the next start on");
        }
        self.options = renewed;
        self.dialing.reach(&self.options.sentinels);
        self.showing.configured(&self.options);
        self.hands.renew(self.options.clone());
    }

    fn take(&mut self, notice: Notice) {
        let current = self.hands.pid();
        match notice {
            Notice::Linked(sentinel, outbox) => {
                self.sentinels.insert(sentinel.clone(), outbox);
                self.step(AgentInput::Linked(sentinel));
            }
            Notice::Unlinked(sentinel) => {
                self.sentinels.remove(&sentinel);
                self.step(AgentInput::Unlinked(sentinel));
            }
            Notice::Sentinel(from, message) => self.step(AgentInput::Sentinel(from, message)),
            Notice::Stored(promised) => self.step(AgentInput::Stored(promised)),
            Notice::Started(pid, info) if Some(pid) == current => {
                self.hands.let_in();
                let data = self.hands.data().clone();
                self.step(AgentInput::Started(info, data));
            }
            // A look that was begun before the last operation ended may show what was before it.
            Notice::Looked(pid, begun, look) if Some(pid) == current && begun > self.done_at => {
                self.step(match look {
                    Look::Thorough(info) => AgentInput::Info(info),
                    Look::Glance(glance) => AgentInput::Glance(glance),
                });
            }
            Notice::CopyFailed(pid, why) if Some(pid) == current => {
                self.step(AgentInput::CopyFailed(why));
            }
            Notice::Done(pid, operation, result) if Some(pid) == current => {
                self.done_at = now();
                self.hands.note_done();
                tracing::debug!("done: {operation:?}");
                self.step(AgentInput::Done(operation, result));
            }
            Notice::Gate(News::Confirmed(version)) => self.step(AgentInput::Confirmed { version }),
            Notice::Gate(News::Lagging(nodes)) => self.step(AgentInput::Lagging(nodes)),
            Notice::Gate(News::Drained) => self.step(AgentInput::Drained),
            Notice::Gate(News::Deposed(epoch)) => self.step(AgentInput::Deposed(epoch)),
            // Whoever has given up waiting does not mind.
            Notice::Asked(asker) => drop(asker.send(self.hands.outlook())),
            Notice::Drifted(pid, drift) if Some(pid) == current => self.on_drift(&drift),
            // Of a server before; or a look at this one tells the same.
            Notice::Started(..)
            | Notice::Looked(..)
            | Notice::CopyFailed(..)
            | Notice::Done(..)
            | Notice::Drifted(..) => {}
        }
    }

    fn on_drift(&mut self, drift: &Drift) {
        let said = Decided {
            code: "SettingChanged".to_owned(),
            text: format!("{}: {drift}", self.node),
        };
        tracing::warn!(reason = said.code, "{said}");
        self.tell(&ToSentinel::Decision(said));
        if drift.let_replicas_be_written() {
            self.step(AgentInput::Writable);
        }
    }

    fn on_event(&mut self, event: Event) {
        let current = self.hands.pid();
        match event {
            Event::Up { pid, .. } if Some(pid) == current => self.hands.move_in(),
            Event::Died(death) if Some(death.pid) == current => {
                if let (DeathReason::Exit(0), Some(files)) = (&death.reason, self.hands.files()) {
                    self.step(AgentInput::Rested(files));
                }
                self.hands.bury();
                self.step(AgentInput::Died(death.to_string()));
            }
            Event::Hung {
                pid,
                activity,
                silent_ms,
            } if Some(pid) == current => {
                self.step(AgentInput::Hung(format!(
                    "no answer for {silent_ms} ms, {}",
                    activity.as_words()
                )));
            }
            Event::Condition {
                pid,
                condition,
                for_ms,
            } if Some(pid) == current => {
                self.step(AgentInput::Condition { condition, for_ms });
            }
            Event::Recovered { pid } if Some(pid) == current => self.step(AgentInput::Recovered),
            _ => {}
        }
    }

    fn step(&mut self, input: AgentInput) {
        for output in self.core.step(now(), input) {
            self.showing.note(&output);
            self.carry_out(output);
        }
        self.hands.guide_gate(self.core.serving_primary());
        self.showing.look(&self.core);
        let vigilant = self.core.standing().is_master();
        self.hands.watch(
            if vigilant {
                Watch::Vigilant
            } else {
                Watch::Relaxed
            },
            self.core.look_every(),
        );
    }

    fn carry_out(&mut self, output: AgentOutput) {
        match output {
            AgentOutput::Broadcast(report) => self.tell(&ToSentinel::Report(report)),
            AgentOutput::Store { stored, durable } => {
                self.hands.note(&stored);
                self.memory.write(stored, durable);
            }
            AgentOutput::SetAside(why) => {
                let result = self.hands.keep_data(&why);
                self.step(AgentInput::SetAside(result));
            }
            AgentOutput::Do(Operation::Start) => self.start(),
            AgentOutput::Do(operation) => {
                tracing::debug!("begins: {operation:?}");
                self.hands.carry_out(operation);
            }
            AgentOutput::Deadline(until) => self.hands.set_deadline(until),
            AgentOutput::Decide(decision) => {
                let said = decision.said(&self.node);
                tracing::info!(reason = said.code, "{said}");
                self.tell(&ToSentinel::Decision(said));
            }
            AgentOutput::Gate(order) => self.hands.order_gate(order),
            AgentOutput::Exit => self.exit = Some(Ok(())),
        }
    }

    fn start(&mut self) {
        match self.hands.start() {
            Ok(()) => {}
            Err(hands::StartFailure::Refused(why)) => self.step(AgentInput::Refused(why)),
            Err(error) if error.is_passing() => self.step(AgentInput::Died(error.to_string())),
            Err(error) => {
                self.exit = Some(Err(anyhow::Error::new(error)
                    .context(format!("start redis-server of {}", self.node))));
            }
        }
    }

    /// Tells every sentinel. One that is too slow loses its connection, and gets a newer report on the next.
    fn tell(&mut self, message: &ToSentinel) {
        Outbox::send_all(&mut self.sentinels, message);
    }
}
