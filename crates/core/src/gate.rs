//! The gate: what a server answered is held until enough replicas have everything behind it.
//!
//! ```text
//!  client ── request ──▶ server ── reply ──▶ held ──▶ open batch ──(barrier is sent)──▶ closed batch ──▶ client
//!                                                          │                                ▲
//!                                  ROLE · PUBLISH · WAIT ──┘── offset O ── acks beyond O ───┘
//! ```
//!
//! No reply is ever parsed. A barrier is three commands in one write on a connection of the gate's own: `ROLE` tells an
//! offset O that is at least that of every reply read before the write; the published marker moves the stream beyond O;
//! `WAIT` makes the replicas acknowledge. Their acknowledgements come through the gate too, each on a connection that has
//! proved whose it is ([`Handshake`]) and for no more than it was sent ([`Follower`]). A batch is released once, in every rule in force, k members of the sync set acknowledged *more* than O:
//! they have what is behind the replies, and they still followed this primary after it executed them, so that no later
//! primary was elected before. That also makes reads linearizable, without a clock.
//!
//! Nothing else counts: not the number that `WAIT` returns (it counts connections, also those of strangers), and no error
//! reply (a server that runs a long script flushes some replies before their effects have an offset, and answers `-BUSY`).
//! It does not matter in which order an acknowledgement and O are read: what is more than O was acknowledged after O.
//!
//! The shell moves the bytes; here is only the arithmetic. Times are microseconds of any clock that never goes back.

mod acks;
mod awaited;
mod barrier;
mod batches;
mod connections;
mod follower;
mod handshake;
mod hold;
mod laggards;
mod news;
mod order;
mod pace;
#[cfg(test)]
mod tests;

pub use acks::Following;
pub use barrier::{Answer, Issue};
pub use connections::Connection;
pub use follower::Follower;
pub use handshake::{Answered, Doorkeeper, Handshake, Refusal, Said};
pub use hold::Hold;
pub use news::News;
pub use order::{Carry, GateOrder};

use crate::mutant::Mutant;
use crate::stamp::Stamp;
use acks::Acks;
use awaited::Awaited;
use barrier::{Barrier, Step};
use batches::Batches;
use connections::Connections;
use hold::Unconfirmed;
use laggards::Laggards;
use pace::Pace;

/// Microseconds of a local clock that never goes back.
pub type Micros = u64;

/// Most connections for barriers. `WAIT` blocks the one that it is sent on, for a while longer than its barrier needs.
pub const LINKS_MAX: usize = 4;

/// Bytes of one read that may be the echo of a barrier; what is more is news.
const UNASKED_MOST: u64 = 2 << 10;

/// The gate of one server.
#[derive(Debug)]
pub struct Gate {
    hold: Option<Hold>,
    connections: Connections,
    batches: Batches,
    acks: Acks,
    awaited: Awaited,
    links: [Option<Barrier>; LINKS_MAX],
    ready: [bool; LINKS_MAX],
    pace: Pace,
    unconfirmed: Option<Unconfirmed>,
    laggards: Laggards,
    /// All that the open batch holds may be the echo of barriers.
    unasked: bool,
    /// The newest barrier came back and did not settle what it covers: no hurry with the next.
    short: bool,
    released: Vec<(Connection, u64)>,
    news: Vec<News>,
    mutant: Mutant,
}

impl Gate {
    /// A gate that releases nothing before its first [`Gate::hold`].
    pub fn new(mutant: Mutant) -> Self {
        Self {
            hold: None,
            connections: Connections::default(),
            batches: Batches::default(),
            acks: Acks::new(mutant),
            awaited: Awaited::default(),
            links: [const { None }; LINKS_MAX],
            ready: [false; LINKS_MAX],
            pace: Pace::default(),
            unconfirmed: None,
            laggards: Laggards::default(),
            unasked: true,
            short: false,
            released: Vec::new(),
            news: Vec::new(),
            mutant,
        }
    }

    /// Rules to release by from now on. A barrier follows even if nothing is held, to confirm them.
    pub fn hold(&mut self, hold: Hold) {
        if self
            .hold
            .as_ref()
            .is_some_and(|old| old.epoch != hold.epoch)
        {
            self.shut();
        }
        self.pace.afresh();
        self.unconfirmed = Some(Unconfirmed {
            version: hold.version,
            first: self.batches.next(),
            offset: None,
        });
        self.hold = Some(hold);
    }

    /// Releases nothing any more, and forgets every connection and what it holds. Answers to barriers that are under way
    /// belong to nothing from here: the shell opens new links.
    pub fn shut(&mut self) {
        self.hold = None;
        self.connections.clear();
        self.batches.clear();
        self.acks.clear();
        self.awaited.clear();
        self.links = [const { None }; LINKS_MAX];
        self.ready = [false; LINKS_MAX];
        self.pace = Pace::default();
        self.unconfirmed = None;
        self.laggards = Laggards::default();
        self.unasked = true;
        self.released.clear();
        self.news.clear();
    }

    /// Whether replies may be released once they are acknowledged.
    pub fn is_holding(&self) -> bool {
        self.hold.is_some()
    }

    /// A new connection in this slot. Whatever was held for the one before in it is forgotten.
    pub fn open(&mut self, slot: usize) -> Connection {
        self.connections.open(slot)
    }

    /// The connection has ended.
    pub fn close(&mut self, connection: Connection) {
        let waited = self.connections.close(connection);
        self.pace.answered(waited);
    }

    /// Bytes of a client went to the server.
    pub fn asked(&mut self, now: Micros, connection: Connection) {
        let moment = self.pace.moment(now);
        self.pace.spoken();
        if self.connections.asked(connection, moment) {
            self.pace.asked();
        }
    }

    /// This connection may be told what it did not ask for: it subscribed, monitors or tracks keys. Of what a barrier does it
    /// may be told too, and that alone is no reason for the next one at once.
    pub fn listens(&mut self, connection: Connection) {
        self.connections.listens(connection);
    }

    /// So many bytes were read from the server for this connection, after all that was held before.
    pub fn held(&mut self, connection: Connection, bytes: u64) {
        let number = self.batches.next();
        self.unasked &= bytes <= UNASKED_MOST && self.connections.may_be_unasked(connection);
        if let Some((first, waited)) = self.connections.held(connection, bytes, number) {
            self.pace.answered(waited);
            if first {
                self.batches.touch(connection);
            }
        }
    }

    /// A barrier's connection stands.
    pub fn link_ready(&mut self, link: usize) {
        self.links[link] = None;
        self.ready[link] = true;
    }

    /// It ended; what its barrier covered is covered by the next one.
    pub fn link_lost(&mut self, link: usize) {
        self.links[link] = None;
        self.ready[link] = false;
    }

    /// How many links are worth having now: one more than barriers under way, since a settled one keeps its link for a while.
    pub fn links_wanted(&self) -> usize {
        self.pace.links() + 1
    }

    /// The barrier to send now, if it is time for one. What was held before belongs to it: it is to be sent before
    /// anything else is read.
    pub fn next(&mut self, now: Micros) -> Option<Issue> {
        let replicas = self.hold.as_ref()?.most_needed();
        let link = self.free_link()?;
        if !self.is_due(now) {
            return None;
        }
        let held = self.batches.touched() > 0;
        let number = self.batches.close(&self.connections);
        if self.mutant == Mutant::ReleaseEarly {
            self.batches.set_offset(number, 0);
            self.batches.release(&mut self.released, |_| true);
        }
        if held && self.batches.touched() == 0 {
            self.pace.covers(std::mem::replace(&mut self.unasked, true));
        }
        let stamp = self.stamp(number);
        self.links[link] = Some(Barrier::new(number, now, stamp.is_some()));
        self.pace.issued(now);
        Some(Issue {
            link,
            replicas,
            stamp,
        })
    }

    /// When [`Gate::next`] is worth asking again, if nothing happens before.
    pub fn wake_at(&self) -> Option<Micros> {
        let wanted = self.batches.touched() > 0 || self.owes_barrier();
        let waits = self.hold.is_some() && self.free_link().is_some() && wanted;
        waits.then(|| self.due_at())
    }

    /// How long to wait for more before the next look at the sockets, after a turn with so many events: many clients that
    /// are answered one by one cost a wake-up each.
    pub fn linger(&self, events: usize) -> Option<Micros> {
        self.hold.as_ref()?;
        self.pace.linger(events)
    }

    /// A reply on a barrier's connection. They come in the order of the commands.
    pub fn answer(&mut self, now: Micros, link: usize, answer: Answer) {
        let Some(barrier) = &mut self.links[link] else {
            return;
        };
        let step = barrier.step;
        if step == Step::Stamp && matches!(answer, Answer::Count(_)) {
            barrier.note_stamp();
        }
        let ended = barrier.advance().then_some(*barrier);
        match answer {
            Answer::Master(offset) if step == Step::Role => self.on_role(now, link, offset),
            Answer::NotMaster => self.on_deposed(),
            Answer::Count(count) if step == Step::Wait => self.on_count(count),
            Answer::Count(_) if step == Step::Stamp => {}
            // No answer at all: what it would have told stays unknown, and is asked again.
            Answer::Refused | Answer::Master(_) | Answer::Count(_) => {
                self.short |= matches!(step, Step::Stamp | Step::Role);
            }
        }
        if let Some(barrier) = ended {
            self.links[link] = None;
            self.on_end(now, barrier);
        }
    }

    fn on_deposed(&mut self) {
        let epoch = self.hold.as_ref().map(|hold| hold.epoch);
        self.shut();
        self.news.extend(epoch.map(News::Deposed));
    }

    /// A connection of this member has got the stream.
    pub fn follow(&mut self, follower: &Follower) -> Following {
        let (node, address) = (follower.node(), follower.address());
        // Planted bug: it is who it says that it is.
        let believes = self.mutant == Mutant::CountAForgedAcknowledgement;
        let hold = self.hold.as_ref().filter(|_| believes);
        let said = hold.and_then(|hold| hold.member_at(address?));
        self.acks.follow(node.or(said), address)
    }

    /// It has ended, and what it acknowledged counts no more.
    pub fn leave(&mut self, following: Following) {
        self.acks.leave(following);
    }

    /// It has applied so much of the stream. It is to be told only of connections that follow the server behind this gate,
    /// and after the server was sure to hear it.
    pub fn acknowledged(&mut self, now: Micros, following: Following, offset: u64) {
        if let Some(hold) = &self.hold
            && self.acks.note(hold, following, offset)
        {
            self.settle(now);
        }
    }

    /// Whether the stream on this connection may come a little later: whatever it acknowledges, others are expected to have
    /// acknowledged before. Where acknowledgements mean disks nobody knows who will be first.
    pub fn can_spare(&self, following: Following) -> bool {
        self.hold.as_ref().is_some_and(|hold| {
            let member = self.acks.member(hold, following);
            !hold.on_disk() && member.is_none_or(|node| !self.awaited.contains(node))
        })
    }

    /// What may go to clients now: everything of a connection up to this many bytes since it was opened.
    pub fn released(&mut self) -> std::vec::Drain<'_, (Connection, u64)> {
        self.released.drain(..)
    }

    /// What happened, oldest first.
    pub fn news(&mut self) -> std::vec::Drain<'_, News> {
        self.news.drain(..)
    }

    /// The stamp of this barrier, where acknowledgements mean disks.
    fn stamp(&self, number: u64) -> Option<Stamp> {
        let hold = self.hold.as_ref().filter(|hold| hold.on_disk())?;
        let epoch = hold.epoch;
        Some(Stamp { epoch, number })
    }

    fn on_role(&mut self, now: Micros, link: usize, told: u64) {
        let (Some(hold), Some(barrier)) = (&self.hold, &mut self.links[link]) else {
            return;
        };
        let Some(offset) = barrier.floor(told) else {
            return;
        };
        barrier.offset = Some(offset);
        self.batches.set_offset(barrier.number, offset);
        if let Some(unconfirmed) = &mut self.unconfirmed {
            unconfirmed.see(barrier.number, offset);
        }
        self.awaited.choose(hold, &self.acks);
        let behind = self.laggards.judge(now, offset, &self.acks, &hold.rules);
        self.news.extend(behind.map(News::Lagging));
        self.settle(now);
    }

    /// Looks who has enough by now.
    fn settle(&mut self, now: Micros) {
        let Some(hold) = &self.hold else { return };
        let acks = &self.acks;
        let newest = |offset| {
            hold.rules
                .last()
                .is_none_or(|rule| acks.satisfy(rule, offset))
        };
        let all = |offset| hold.rules.iter().all(|rule| acks.satisfy(rule, offset));
        if let Some(version) = self.unconfirmed.and_then(|open| open.confirmed(newest)) {
            self.unconfirmed = None;
            self.news.push(News::Confirmed(version));
        }
        let before = self.released.len();
        self.batches.release(&mut self.released, all);
        if self.released.len() > before {
            self.pace.afresh();
        }
        let open = self.links.iter_mut().flatten();
        for barrier in open.filter(|one| !one.settled && one.offset.is_some_and(all)) {
            barrier.settled = true;
            self.short = false;
            self.pace.afresh();
            self.pace.done(now.saturating_sub(barrier.sent_at));
        }
    }

    /// The link is free. Where its barrier is not settled it may still be, by who is late; there is no hurry with another.
    fn on_end(&mut self, now: Micros, barrier: Barrier) {
        if !barrier.settled {
            self.short = true;
            self.pace.in_vain();
            self.pace.done(now.saturating_sub(barrier.sent_at));
        }
        // The rules may have changed meanwhile.
        self.settle(now);
    }

    fn on_count(&mut self, count: u64) {
        let needed = self.hold.as_ref().map_or(1, Hold::most_needed) as u64;
        if self.mutant == Mutant::TrustWait && count >= needed {
            self.batches.release(&mut self.released, |_| true);
        }
    }

    /// A link without a barrier under way, among those that are worth having.
    fn free_link(&self) -> Option<usize> {
        let free = |link: &usize| self.ready[*link] && self.links[*link].is_none();
        let under_way = self.links.iter().flatten().filter(|one| !one.settled);
        let busy = under_way.count();
        (busy < self.pace.links()).then(|| (0..LINKS_MAX).find(free))?
    }

    fn is_due(&self, now: Micros) -> bool {
        let held = self.batches.touched();
        if self.short || held == 0 || self.is_echo() {
            return (held > 0 || self.owes_barrier()) && now >= self.due_at();
        }
        self.pace.is_due(now, held)
    }

    /// Whether what is held may be no more than what barriers have caused.
    fn is_echo(&self) -> bool {
        self.unasked && self.batches.touched() > 0 && self.pace.echoes()
    }

    /// New replies are not kept waiting because older ones are, as long as a barrier takes them along.
    fn due_at(&self) -> Micros {
        if self.is_echo() {
            self.pace.echo_at()
        } else if self.batches.touched() > 0 && !self.batches.is_full() {
            self.pace.due_at()
        } else {
            self.pace.repeat_at()
        }
    }

    /// Replies or rules that no barrier under way will settle.
    fn owes_barrier(&self) -> bool {
        let newest = self
            .links
            .iter()
            .flatten()
            .map(|barrier| barrier.number)
            .max();
        let uncovered = |number| newest.is_none_or(|newest| newest < number);
        let unconfirmed = self.unconfirmed.is_some_and(|open| uncovered(open.first));
        unconfirmed || self.batches.newest_closed().is_some_and(uncovered)
    }
}
