//! The watch over one server process: sees it die, sees it hang, reaps it.
//!
//! One timer does it all. Each look costs one `pread` of `/proc/PID/statm`, and at every second look a PING is written;
//! its socket is not registered with the runtime's reactor, so an idle watch wakes the agent only by that timer.
//!
//! A wake-up costs some 40 µs, which is why looks are no denser: the death of a small server also rings SIGCHLD, at
//! once and for nothing. Only that of a large one, which rings seconds late, has to wait for the next look.

use super::cgroup::OomKills;
use super::event::{Death, DeathReason, Event};
use super::hang::{Activity, Change, Silence};
use super::log;
use super::probe::{Answer, Probe};
use super::stat::{Eye, Stat};
use holdfast_core::wire::Condition;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// How closely a server is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// A primary: a look every 20 ms, a PING every 40 ms.
    Vigilant,
    /// All others: a look every 50 ms, a PING every 100 ms.
    Relaxed,
}

impl Watch {
    fn interval(self) -> Duration {
        Duration::from_millis(match self {
            Self::Vigilant => 20,
            Self::Relaxed => 50,
        })
    }
}

/// Looks from one PING to the next.
const LOOKS_PER_PING: u32 = 2;

/// Time between attempts to reap a dead server whose memory the kernel is still freeing.
const REAP_EVERY: Duration = Duration::from_millis(20);

/// The signal that no process can report.
const SIGKILL: i32 = nix::sys::signal::Signal::SIGKILL as i32;

/// Looks between two checks of slow things: 10 s when vigilant, 25 s otherwise.
const LOOKS_PER_CHECK: u32 = 512;

/// What the watch and the server's owner share.
#[derive(Debug)]
pub(super) struct Shared {
    /// The process; locked for single calls only.
    child: Mutex<Child>,
    /// Set before the agent itself kills.
    killed: AtomicBool,
    vigilant: AtomicBool,
    /// The death, once it is seen.
    pub death: watch::Sender<Option<Death>>,
    /// True once the kernel has released everything (memory, ports) and the child is reaped.
    pub released: watch::Sender<bool>,
}

impl Shared {
    pub(super) fn new(child: Child) -> Arc<Self> {
        Arc::new(Self {
            child: Mutex::new(child),
            killed: AtomicBool::new(false),
            vigilant: AtomicBool::new(false),
            death: watch::Sender::new(None),
            released: watch::Sender::new(false),
        })
    }

    pub(super) fn set(&self, watch: Watch) {
        self.vigilant
            .store(watch == Watch::Vigilant, Ordering::Relaxed);
    }

    fn mode(&self) -> Watch {
        if self.vigilant.load(Ordering::Relaxed) {
            Watch::Vigilant
        } else {
            Watch::Relaxed
        }
    }

    /// SIGKILL. Safe at any time: a child that is not reaped keeps its number, and a reaped one is not signalled.
    pub(super) fn kill(&self) {
        self.killed.store(true, Ordering::Relaxed);
        let _ = self.child().kill();
    }

    fn reap(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits, but not past the end of a child.
struct Children(Option<Signal>);

impl Children {
    /// Without the signal (the system refuses the handler) looks alone must do.
    fn new() -> Self {
        Self(signal(SignalKind::child()).ok())
    }

    async fn wait(&mut self, interval: Duration) {
        let ended = async {
            match &mut self.0 {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        };
        let _ = tokio::time::timeout(interval, ended).await;
    }
}

fn condition(answer: Answer) -> Condition {
    match answer {
        Answer::Any => Condition::Well,
        Answer::Busy => Condition::Busy,
        Answer::NoPlace => Condition::Crowded,
    }
}

/// One watch. Ends when the server is reaped.
#[derive(Debug)]
pub(super) struct Watcher {
    pub pid: u32,
    pub shared: Arc<Shared>,
    pub eye: Eye,
    pub probe: Probe,
    pub events: mpsc::Sender<Event>,
    pub log: PathBuf,
    /// Length of the log when the server was started.
    pub log_from: u64,
    pub oom_before: OomKills,
    /// What was told last.
    pub condition: Condition,
}

impl Watcher {
    /// Watches to the end.
    pub(super) async fn run(mut self) {
        self.until_death().await;
        let death = self.death();
        self.shared.death.send_replace(Some(death.clone()));
        self.report(Event::Died(death)).await;
        while self.shared.reap().is_none() {
            tokio::time::sleep(REAP_EVERY).await;
        }
        super::reaper::disown(self.pid);
        self.shared.released.send_replace(true);
    }

    async fn until_death(&mut self) {
        let started = Instant::now();
        let mut silence = Silence::default();
        let mut cpu_ticks = 0;
        let mut announced = false;
        let mut children = Children::new();
        for looks in 0_u32.. {
            let mode = self.shared.mode();
            if self.dead() {
                return;
            }
            if silence.open()
                && let Some(answer) = self.probe.answered()
            {
                if !announced {
                    announced = self.announce().await;
                }
                self.notice(condition(answer), silence.open_ms()).await;
                self.judge(silence.answered()).await;
            } else if silence.open() && self.probe.taken() {
                self.judge(silence.taken()).await;
            }
            let activity = || self.activity(&mut cpu_ticks);
            let now_ms = started.elapsed().as_millis() as u64;
            let change = silence.look(now_ms, mode.interval().as_millis() as u64, activity);
            self.judge(change).await;
            if silence.held() {
                self.notice(Condition::Paused, silence.open_ms()).await;
            }
            if looks.is_multiple_of(LOOKS_PER_PING) {
                self.probe.ask();
                silence.asked();
            }
            if looks.is_multiple_of(LOOKS_PER_CHECK) {
                self.check();
            }
            children.wait(mode.interval()).await;
        }
    }

    /// The log stays bounded, and an old kill in the neighbourhood is not taken for the reason of a later death.
    fn check(&mut self) {
        let _ = log::rotate(&self.log);
        if self.eye.has_memory() {
            self.oom_before = OomKills::now();
        }
    }

    /// The first answer of this incarnation.
    async fn announce(&self) -> bool {
        let Some(run_id) = self.probe.run_id().cloned() else {
            return false;
        };
        self.report(Event::Up {
            pid: self.pid,
            run_id,
        })
        .await;
        true
    }

    /// Tells what keeps it from serving, when that changes.
    async fn notice(&mut self, condition: Condition, for_ms: u64) {
        let pid = self.pid;
        if std::mem::replace(&mut self.condition, condition) != condition {
            self.report(Event::Condition {
                pid,
                condition,
                for_ms,
            })
            .await;
        }
    }

    async fn judge(&self, change: Option<Change>) {
        let pid = self.pid;
        let event = change.map(|change| match change {
            Change::Hung {
                activity,
                silent_ms,
            } => Event::Hung {
                pid,
                activity,
                silent_ms,
            },
            Change::Recovered => Event::Recovered { pid },
        });
        if let Some(event) = event {
            self.report(event).await;
        }
    }

    /// Waits while the channel is full: nothing is lost, and the hang count takes the delay for its own.
    async fn report(&self, event: Event) {
        let _ = self.events.send(event).await;
    }

    /// The cheap look, and a second one where it says "no memory" (a zombie, or about to be one).
    fn dead(&self) -> bool {
        !self.eye.has_memory() && self.eye.stat().is_none_or(|stat| stat.dying())
    }

    fn activity(&self, cpu_ticks: &mut u64) -> Activity {
        if !self.probe.connected_once() {
            return Activity::Starting;
        }
        let Some(stat) = self.eye.stat() else {
            return Activity::Running;
        };
        let grew = std::mem::replace(cpu_ticks, stat.cpu_ticks) != stat.cpu_ticks;
        Activity::of(stat.state, grew)
    }

    fn death(&self) -> Death {
        let stat = self.eye.stat();
        let reason = self.reason(stat);
        let said = match reason {
            // So ends one that could not load what it was given, after it has found that the file is whole.
            DeathReason::Exit(0) => log::cause(&self.log, self.log_from),
            DeathReason::Signal(SIGKILL)
            | DeathReason::Killed
            | DeathReason::OutOfMemory
            | DeathReason::Unknown => None,
            DeathReason::Exit(_) | DeathReason::Signal(_) => {
                log::complaint(&self.log, self.log_from)
            }
        };
        Death {
            pid: self.pid,
            run_id: self.probe.run_id().cloned(),
            reason,
            said,
        }
    }

    /// The kernel knows the exit status from the first moment of a death; the parent is told it at the last.
    fn reason(&self, stat: Option<Stat>) -> DeathReason {
        let status = self
            .shared
            .reap()
            .or_else(|| stat.map(|stat| ExitStatus::from_raw(stat.exit_code)));
        let Some(status) = status else {
            return DeathReason::Unknown;
        };
        match (status.signal(), status.code()) {
            (Some(signal), _)
                if signal == SIGKILL && self.shared.killed.load(Ordering::Relaxed) =>
            {
                DeathReason::Killed
            }
            (Some(signal), _)
                if signal == SIGKILL && OomKills::now().more_than(self.oom_before) =>
            {
                DeathReason::OutOfMemory
            }
            (Some(signal), _) => DeathReason::Signal(signal),
            (None, Some(code)) => DeathReason::Exit(code),
            (None, None) => DeathReason::Unknown,
        }
    }
}
