//! The entry of a connection in the server's table: what other tasks may see of it and do to it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use holdfast_resp::Proto;
use tokio::task::AbortHandle;

use crate::commands::CommandId;
use crate::{ClientLine, Event, Ms, Origin, Session};

/// Events that wait for one subscriber at most; one more and it is dropped.
const MAILBOX_EVENTS: usize = 4096;
/// Stands for "not stalled".
const NEVER: u64 = u64::MAX;

pub(super) struct Client {
    pub(super) id: u64,
    address: SocketAddr,
    local_address: SocketAddr,
    since: Ms,
    last_request: AtomicU64,
    last_command: AtomicU16,
    /// Bytes that wait to be sent.
    output_bytes: AtomicUsize,
    /// Since when nothing of them was taken.
    stalled_since: AtomicU64,
    /// Since when a request is only half said.
    partial_since: AtomicU64,
    /// Is the answer to an action awaited?
    waiting: AtomicBool,
    details: Mutex<Details>,
    mailbox: Mutex<Mailbox>,
    task: OnceLock<AbortHandle>,
}

/// What `CLIENT LIST` shows and a session can change.
#[derive(Default)]
struct Details {
    name: Box<str>,
    user: Option<Arc<str>>,
    channels: usize,
    patterns: usize,
    resp3: bool,
    library: Option<Box<crate::session::Library>>,
}

#[derive(Default)]
struct Mailbox {
    events: VecDeque<Event>,
    waker: Option<Waker>,
}

/// A panic elsewhere cannot leave these plain values half-written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    pub(super) fn new(id: u64, address: SocketAddr, local_address: SocketAddr, now: Ms) -> Self {
        Self {
            id,
            address,
            local_address,
            since: now,
            last_request: AtomicU64::new(now),
            last_command: AtomicU16::new(CommandId::default().packed()),
            output_bytes: AtomicUsize::new(0),
            stalled_since: AtomicU64::new(NEVER),
            partial_since: AtomicU64::new(NEVER),
            waiting: AtomicBool::new(false),
            details: Mutex::default(),
            mailbox: Mutex::default(),
            task: OnceLock::new(),
        }
    }

    /// Whether it comes from this machine: by loopback, or from the very address at which it was met.
    pub(super) fn origin(&self, open: bool) -> Origin {
        let (from, to) = (
            self.address.ip().to_canonical(),
            self.local_address.ip().to_canonical(),
        );
        if open || from.is_loopback() || from == to {
            Origin::Here
        } else {
            Origin::Elsewhere
        }
    }

    pub(super) fn runs_as(&self, task: AbortHandle) {
        let _ = self.task.set(task);
    }

    /// Cuts the connection off, without a word.
    pub(super) fn cut(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    /// Notes that a request was handled.
    pub(super) fn touch(&self, now: Ms, command: CommandId) {
        self.last_request.store(now, Relaxed);
        self.last_command.store(command.packed(), Relaxed);
    }

    /// Notes what of the session has changed.
    pub(super) fn describe(&self, session: &Session) {
        let (channels, patterns) = session.subscription_counts();
        *lock(&self.details) = Details {
            name: session.name.clone(),
            user: session.user.clone(),
            channels,
            patterns,
            resp3: session.proto == Proto::Resp3,
            library: session.library.clone(),
        };
    }

    /// Notes how much waits to be sent; `progress` when the client took some since.
    pub(super) fn note_output(&self, waiting: usize, progress: bool, now: Ms) {
        self.output_bytes.store(waiting, Relaxed);
        if waiting == 0 {
            self.stalled_since.store(NEVER, Relaxed);
        } else if progress || self.stalled_since.load(Relaxed) == NEVER {
            self.stalled_since.store(now, Relaxed);
        }
    }

    /// For how long the client has taken nothing of what waits for it.
    pub(super) fn stalled_ms(&self, now: Ms) -> Option<Ms> {
        let since = self.stalled_since.load(Relaxed);
        (since != NEVER).then(|| now.saturating_sub(since))
    }

    /// Notes whether a request is only half said, and whether it is a new one.
    pub(super) fn note_partial(&self, partial: bool, new: bool, now: Ms) {
        if !partial {
            self.partial_since.store(NEVER, Relaxed);
        } else if new || self.partial_since.load(Relaxed) == NEVER {
            self.partial_since.store(now, Relaxed);
        }
    }

    /// For how long its last request has been half said.
    pub(super) fn partial_ms(&self, now: Ms) -> Option<Ms> {
        let since = self.partial_since.load(Relaxed);
        (since != NEVER).then(|| now.saturating_sub(since))
    }

    /// For how long it has sent nothing; `None` for a subscriber, who has nothing to send.
    pub(super) fn idle_ms(&self, now: Ms) -> Option<Ms> {
        let details = lock(&self.details);
        (details.channels + details.patterns == 0)
            .then(|| now.saturating_sub(self.last_request.load(Relaxed)))
    }

    /// Puts an event into the mailbox. `false`: it is full.
    pub(super) fn post(&self, event: &Event) -> bool {
        let mut mailbox = lock(&self.mailbox);
        if mailbox.events.len() >= MAILBOX_EVENTS {
            return false;
        }
        mailbox.events.push_back(event.clone());
        if let Some(waker) = mailbox.waker.take() {
            waker.wake();
        }
        true
    }

    /// Empties the mailbox, and gives back its memory.
    pub(super) fn take_events(&self) -> VecDeque<Event> {
        std::mem::take(&mut lock(&self.mailbox).events)
    }

    /// Whom [`Client::post`] and [`Client::wake_if_waiting`] wake.
    pub(super) fn register(&self, waker: &Waker) {
        let mut mailbox = lock(&self.mailbox);
        if mailbox
            .waker
            .as_ref()
            .is_none_or(|known| !known.will_wake(waker))
        {
            mailbox.waker = Some(waker.clone());
        }
    }

    pub(super) fn set_waiting(&self, waiting: bool) {
        self.waiting.store(waiting, Relaxed);
    }

    /// Lets a connection that awaits an answer look at the clock.
    pub(super) fn wake_if_waiting(&self) {
        if self.waiting.load(Relaxed)
            && let Some(waker) = lock(&self.mailbox).waker.take()
        {
            waker.wake();
        }
    }

    pub(super) fn line(&self, now: Ms) -> ClientLine {
        let details = lock(&self.details);
        let library = details.library.as_deref().cloned().unwrap_or_default();
        ClientLine {
            id: self.id,
            address: self.address,
            local_address: self.local_address,
            name: details.name.clone(),
            user: details.user.clone().unwrap_or_else(|| Arc::from("")),
            age_s: now.saturating_sub(self.since) / 1000,
            idle_s: now.saturating_sub(self.last_request.load(Relaxed)) / 1000,
            channels: details.channels,
            patterns: details.patterns,
            resp: if details.resp3 { 3 } else { 2 },
            command: CommandId::unpacked(self.last_command.load(Relaxed)).full_name(),
            library_name: library.name,
            library_version: library.version,
            output_bytes: self.output_bytes.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_here_and_who_is_elsewhere() {
        let origin = |from: &str, to: &str, open| {
            let end = |ip: &str| SocketAddr::new(ip.parse().unwrap_or_else(|_| panic!("{ip}")), 1);
            Client::new(1, end(from), end(to), 0).origin(open)
        };
        for (from, to) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.8.9.1", "127.0.0.1"),
            ("::1", "::1"),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.1", "::ffff:10.0.0.1"),
            ("fd00::1", "fd00::1"),
        ] {
            assert_eq!(origin(from, to, false), Origin::Here, "{from} {to}");
        }
        for (from, to) in [("10.0.0.2", "10.0.0.1"), ("fd00::2", "fd00::1")] {
            assert_eq!(origin(from, to, false), Origin::Elsewhere, "{from} {to}");
            assert_eq!(origin(from, to, true), Origin::Here, "{from} {to}");
        }
    }
}
