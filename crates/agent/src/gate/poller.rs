//! Which socket has news: epoll, edge-triggered, each socket registered once.

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, epoll, eventfd, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use std::io;
use std::time::Duration;

/// Waits shorter than this are met to the microsecond, with one call more.
const FINE: Duration = Duration::from_millis(3);

/// Wakes the gate's thread from another one.
#[derive(Debug)]
pub(super) struct Bell(OwnedFd);

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(eventfd(0, flags)?))
    }

    /// A bell that rings already needs no second ring.
    pub(super) fn ring(&self) {
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub(super) fn silence(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> rustix::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whose news it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Bell,
    Door,
    Link(usize),
    Client(usize),
    Server(usize),
}

impl Source {
    fn pack(self) -> epoll::EventData {
        let (kind, index) = match self {
            Self::Bell => (0, 0),
            Self::Door => (1, 0),
            Self::Link(index) => (2, index),
            Self::Client(index) => (3, index),
            Self::Server(index) => (4, index),
        };
        epoll::EventData::new_u64(kind | (index as u64) << 3)
    }

    fn unpack(data: epoll::EventData) -> Self {
        let (kind, index) = (data.u64() & 7, (data.u64() >> 3) as usize);
        match kind {
            0 => Self::Bell,
            1 => Self::Door,
            2 => Self::Link(index),
            3 => Self::Client(index),
            _ => Self::Server(index),
        }
    }
}

/// News of one socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) source: Source,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// The other end has closed, or the connection broke.
    pub(super) ended: bool,
}

/// The epoll.
#[derive(Debug)]
pub(super) struct Poller {
    epoll: OwnedFd,
}

/// What the kernel says, before it is read; stays on its thread.
pub(super) struct Ready(Vec<epoll::Event>);

impl Ready {
    pub(super) fn new(events: usize) -> Self {
        Self(Vec::with_capacity(events))
    }
}

const READ: epoll::EventFlags = epoll::EventFlags::IN
    .union(epoll::EventFlags::RDHUP)
    .union(epoll::EventFlags::ET);

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { epoll })
    }

    /// From now on `socket` is watched for bytes to read. Closing it ends that.
    pub(super) fn add(&self, socket: impl AsFd, source: Source) -> Result<(), Errno> {
        epoll::add(&self.epoll, socket, source.pack(), READ)
    }

    /// Room to write is news too, or no longer. Only while there is something to write: a Unix socket would ring at every
    /// read of the other end.
    pub(super) fn watch_room(
        &self,
        socket: impl AsFd,
        source: Source,
        wanted: bool,
    ) -> Result<(), Errno> {
        let room = if wanted {
            epoll::EventFlags::OUT
        } else {
            epoll::EventFlags::empty()
        };
        epoll::modify(&self.epoll, socket, source.pack(), READ | room)
    }

    /// Waits until something happens, but not longer; fills `events`.
    pub(super) fn wait(
        &self,
        ready: &mut Ready,
        events: &mut Vec<Event>,
        patience: Option<Duration>,
    ) -> Result<(), Errno> {
        let mut patience = patience;
        if let Some(fine) = patience.filter(|wait| !wait.is_zero() && *wait < FINE) {
            let mut epoll = [PollFd::new(&self.epoll, PollFlags::IN)];
            poll(&mut epoll, Some(&timespec(fine)))?;
            patience = Some(Duration::ZERO);
        }
        ready.0.clear();
        let until = patience.map(timespec);
        epoll::wait(&self.epoll, spare_capacity(&mut ready.0), until.as_ref())?;
        events.clear();
        events.extend(ready.0.iter().map(event));
        Ok(())
    }
}

fn event(event: &epoll::Event) -> Event {
    let flags = event.flags;
    let any = |of: epoll::EventFlags| flags.intersects(of);
    let broken = epoll::EventFlags::HUP | epoll::EventFlags::ERR;
    Event {
        source: Source::unpack(event.data),
        readable: any(epoll::EventFlags::IN | epoll::EventFlags::RDHUP | broken),
        writable: any(epoll::EventFlags::OUT | broken),
        ended: any(epoll::EventFlags::RDHUP | broken),
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as i64,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
