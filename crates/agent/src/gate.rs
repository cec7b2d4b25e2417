//! The gate's shell: between the clients and redis-server, which listens on a Unix socket only.
//!
//! ```text
//!             one thread, one epoll
//!  clients ══▶ Relay ════════════════▶ redis-server     requests: as they come
//!          ◀══ held ◀═════════════════                  replies: held until the core releases them
//!                      Link ─ barrier ─▶                whatever the core issues; its replies go to the core
//!  replicas ═▶ Relay ════════════════▶                  raw, never held; what they acknowledge is heard on the way
//! ```
//!
//! What is released when is decided in [`holdfast_core::gate`]. Here bytes move, within bounds: see `bounds`.

mod bounds;
mod bytes;
mod certificates;
mod dial;
mod doors;
mod gulps;
mod hall;
mod lease;
mod link;
mod poller;
mod question;
mod refusals;
mod relay;
mod seat;
mod spare;
mod turn;
mod turned_away;
mod wire;

pub use certificates::Certificates;
pub use doors::DoorError;
pub use seat::{Seat, Served};

use crate::server::Login;
use crate::server::stat::ProcessId;
use doors::Doors;
use holdfast_core::gate::{Carry, GateOrder, News};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Address;
use holdfast_core::time::Millis;
use lease::Lease;
use poller::{Bell, Ready};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use turn::Turns;

/// Where the server behind the gate is, and how to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Its Unix socket.
    pub socket: PathBuf,
    /// Its process: the gate talks to no other.
    pub id: ProcessId,
    /// How members and this gate log in.
    pub login: Login,
    /// Whether it knows channels that no pattern sees (`SPUBLISH`, from 7.0).
    pub sharded: bool,
    /// The database that holds the stamp, where acknowledgements mean disks.
    pub stamps: Option<u32>,
}

/// What the gate's thread is told.
#[derive(Debug)]
pub(crate) enum Word {
    /// The newest order of the agent's mind.
    Order(GateOrder),
    /// Who is primary and serves, by the newest record.
    Primary(Carry),
    /// The server that is there from now on; `None`: none is.
    Server(Option<Behind>),
    /// Who is connected?
    Census(oneshot::Sender<Vec<Seat>>),
    /// The agent's end is gone.
    End,
}

/// Asks a gate who is connected. The gate need not live as long.
#[derive(Clone, Debug)]
pub struct Register {
    words: Sender<Word>,
    bell: Arc<Bell>,
}

impl Register {
    /// Asks. No answer comes when the gate has ended, or when too many ask at once.
    pub fn census(&self) -> oneshot::Receiver<Vec<Seat>> {
        let (asker, answer) = oneshot::channel();
        let _ = self.words.send(Word::Census(asker));
        self.bell.ring();
        answer
    }
}

/// The agent's end of its gate. Dropping it ends the gate: everything that is held is dropped, every client closed.
#[derive(Debug)]
pub struct Gate {
    words: Sender<Word>,
    bell: Arc<Bell>,
    lease: Arc<Lease>,
    turned_away: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Gate {
    /// Listens at `listen`, with TLS where there are `certificates`, and begins, shut. `tell` is called on the gate's thread
    /// and must not block: where it says that it could not tell, it is called again a moment later.
    ///
    /// # Errors
    /// When the address cannot be listened at, or the kernel refuses an epoll or a thread.
    pub fn start(
        listen: &Address,
        certificates: Option<Certificates>,
        clients_max: usize,
        mutant: Mutant,
        tell: impl Fn(&News) -> bool + Send + 'static,
    ) -> Result<Self, DoorError> {
        let failed = |error: std::io::Error| DoorError::new(listen, &error);
        let doors = Doors::open(listen, certificates)?;
        let bell = Arc::new(Bell::new().map_err(failed)?);
        let (words, heard) = channel();
        let lease = Arc::new(Lease::default());
        let turned_away = Arc::new(AtomicU64::default());
        let turns = Turns::new(
            doors,
            bell.clone(),
            lease.clone(),
            turned_away.clone(),
            clients_max,
            mutant,
            Box::new(tell),
        );
        let turns = turns.map_err(failed)?;
        let thread = std::thread::Builder::new()
            .name("gate".to_owned())
            .spawn(move || run(turns, &heard))
            .map_err(failed)?;
        Ok(Self {
            words,
            bell,
            lease,
            turned_away,
            thread: Some(thread),
        })
    }

    /// Gives it an order.
    pub fn order(&self, order: GateOrder) {
        self.say(Word::Order(order));
    }

    /// Until when it may pass replies on without a rule, in milliseconds of `CLOCK_BOOTTIME`; `None`: not at all. The gate
    /// looks at that clock itself before each reply, so an agent that stood still need not tell it that this is over.
    pub fn renew(&self, until: Option<Millis>) {
        self.lease.renew(until);
    }

    /// Names the primary that serves: sessions that were carried before go there by the shortest way.
    pub fn guide(&self, primary: Carry) {
        self.say(Word::Primary(primary));
    }

    /// How many connections wanted the stream, or acknowledged some of it, and were closed because no member's agent had
    /// proved that they are its.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// For those who want to know who is connected.
    pub fn register(&self) -> Register {
        Register {
            words: self.words.clone(),
            bell: self.bell.clone(),
        }
    }

    /// Names the server behind it.
    pub fn serve(&self, server: Option<Behind>) {
        self.say(Word::Server(server));
    }

    fn say(&self, word: Word) {
        // Few and small: an order for each change of the record, a server for each start.
        let _ = self.words.send(word);
        self.bell.ring();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.say(Word::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The gate's thread.
fn run(mut turns: Turns, heard: &Receiver<Word>) {
    // Waits of some microseconds are meant as such.
    let _ = nix::sys::prctl::set_timerslack(1);
    // The agent takes its turn at once, for its lease. The gate has no lease to keep, and every byte to move: before all others, it
    // would wake for each single one, and take the time of the server and of clients that share its cores.
    let _ = rustix::process::setpriority_process(None, 0);
    let mut ready = Ready::new(bounds::EVENTS_PER_TURN);
    while turns.turn(heard, &mut ready) {}
}
