//! The gate's loop: what has come is moved, what is released goes out, a barrier is sent if it is time.

mod admitting;
mod carrying;
mod census;
mod deadlines;
mod links;
mod orders;

use super::bounds::{EVENTS_PER_TURN, READ};
use super::doors::Doors;
use super::gulps::Gulps;
use super::hall::Hall;
use super::lease::Lease;
use super::link::Link;
use super::poller::{Bell, Event, Poller, Ready, Source};
use super::refusals::Refusals;
use super::relay::{Crossing, Ended, Relay, Tokens};
use super::spare::Spare;
use super::turned_away::TurnedAway;
use super::wire::Wire;
use super::{Behind, Word};
use carrying::{Carrying, Homing};
use census::Census;
use deadlines::Deadlines;
use holdfast_core::gate::{Answer, Gate, LINKS_MAX, Micros, News};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Epoch;
use holdfast_core::session::Scripts;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// Pause before a link that failed, or a server whose queue was full, is tried again.
const AGAIN: Micros = 1_000;

/// Pause before news that could not be told are tried again.
const TELL_AGAIN: Duration = Duration::from_millis(5);

/// News that may wait; the newest of a kind says all.
const UNTOLD_MAX: usize = 16;

/// Tells the agent; `false`: not now.
pub(super) type Tell = Box<dyn Fn(&News) -> bool + Send>;

/// Whose server it is, by the newest order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Shut,
    Stale,
    Pass,
    Holding(Epoch),
    /// Its sessions go on elsewhere.
    Carrying,
}

/// All that the gate's thread has.
pub(super) struct Turns {
    doors: Doors,
    bell: Arc<Bell>,
    hall: Hall,
    events: Vec<Event>,
    relays: Vec<Option<Box<Relay>>>,
    /// Slots without a relay; those that ended in this turn are kept apart, since events for them may follow.
    free: Vec<usize>,
    ended: Vec<usize>,
    clients: usize,
    clients_max: usize,
    links: [Option<Link>; LINKS_MAX],
    /// What a link has just said.
    answers: Vec<Answer>,
    next_try: Micros,
    behind: Option<Behind>,
    standing: Standing,
    somebody_outside: bool,
    /// Let in, while the server's own queue was full.
    let_in: Option<Wire>,
    /// Relays that have more to do without any news.
    again: Vec<usize>,
    started: Instant,
    tell: Tell,
    /// What could not be told yet, oldest first.
    untold: Vec<News>,
    carrying: Carrying,
    homing: Homing,
    tokens: Tokens,
    deadlines: Deadlines,
    census: Census,
    /// The agent's end is gone.
    over: bool,
    mutant: Mutant,
}

impl Turns {
    pub(super) fn new(
        doors: Doors,
        bell: Arc<Bell>,
        lease: Arc<Lease>,
        turned_away: Arc<AtomicU64>,
        clients_max: usize,
        mutant: Mutant,
        tell: Tell,
    ) -> std::io::Result<Self> {
        let poller = Poller::new()?;
        poller.add(&*bell, Source::Bell)?;
        poller.add(doors.socket(), Source::Door)?;
        let hall = Hall {
            core: Gate::new(mutant),
            poller,
            scratch: Vec::with_capacity(READ),
            spare: Spare::default(),
            now: 0,
            released: Vec::new(),
            waiting: 0,
            holding: false,
            open: false,
            paused: false,
            lease,
            leased: false,
            reign: None,
            scripts: Scripts::default(),
            crossing: Crossing::default(),
            gulps: Gulps::default(),
            refusals: Refusals::default(),
            door: None,
            turned_away: TurnedAway::new(turned_away),
            handshakes: 0,
        };
        let tokens = Tokens::new()?;
        Ok(Self {
            doors,
            bell,
            hall,
            events: Vec::with_capacity(EVENTS_PER_TURN),
            relays: Vec::new(),
            free: Vec::new(),
            ended: Vec::new(),
            clients: 0,
            clients_max,
            links: [const { None }; LINKS_MAX],
            answers: Vec::new(),
            next_try: 0,
            behind: None,
            standing: Standing::Shut,
            somebody_outside: false,
            let_in: None,
            again: Vec::new(),
            started: Instant::now(),
            tell,
            untold: Vec::new(),
            carrying: Carrying::default(),
            homing: Homing::default(),
            tokens,
            deadlines: Deadlines::default(),
            census: Census::default(),
            over: false,
            mutant,
        })
    }

    /// One turn. `false`: the agent's end is gone.
    pub(super) fn turn(&mut self, heard: &Receiver<Word>, ready: &mut Ready) -> bool {
        if let Some(linger) = self.hall.core.linger(self.events.len()) {
            std::thread::sleep(Duration::from_micros(linger));
        }
        let patience = self.patience();
        let mut events = std::mem::take(&mut self.events);
        if self.hall.poller.wait(ready, &mut events, patience).is_err() {
            events.clear();
        }
        (self.hall.now, self.hall.handshakes) = (self.now(), 0);
        self.take(&events, heard);
        self.events = events;
        self.resume();
        self.gulp();
        self.end_overdue();
        self.settle();
        self.send_home();
        self.take_across();
        self.admit();
        self.keep_links();
        self.issue();
        self.report();
        self.count_some();
        self.hall.spare.rest(self.hall.now);
        self.free.append(&mut self.ended);
        !self.over
    }

    fn now(&self) -> Micros {
        self.started.elapsed().as_micros() as Micros
    }

    /// How long nothing has to be done by itself.
    fn patience(&self) -> Option<Duration> {
        let waits_outside = self.somebody_outside && !self.is_closed_for_now();
        let counts = self.census.goes_on();
        if counts || !self.again.is_empty() || (waits_outside && self.let_in.is_none()) {
            return Some(Duration::ZERO);
        }
        let lets_in = self.let_in.is_some() && !self.is_closed_for_now();
        let retries = (lets_in || self.wants_link()).then_some(self.next_try);
        let due = self.hall.core.wake_at().into_iter().chain(retries);
        let due = due.chain(self.hall.gulps.due()).min();
        let due = due.map(|due| Duration::from_micros(due.saturating_sub(self.now())));
        let tell = (!self.untold.is_empty()).then_some(TELL_AGAIN);
        due.into_iter()
            .chain(tell)
            .chain(self.carrying_patience())
            .chain(self.deadlines.patience(self.now()))
            .min()
    }

    /// Orders first, then answers to barriers; then requests and acknowledgements, which release; then replies.
    fn take(&mut self, events: &[Event], heard: &Receiver<Word>) {
        if events.iter().any(|event| event.source == Source::Bell) {
            self.bell.silence();
        }
        self.hear(heard);
        for event in events {
            match event.source {
                Source::Door => self.somebody_outside = true,
                Source::Link(link) => self.on_link(link, heard),
                Source::Bell | Source::Client(_) | Source::Server(_) => {}
            }
        }
        for event in events {
            if let Source::Client(slot) = event.source {
                self.with(slot, |relay, hall| relay.on_client(*event, hall));
            }
        }
        self.release();
        for event in events {
            if let Source::Server(slot) = event.source {
                self.with(slot, |relay, hall| relay.on_server(*event, hall));
            }
        }
    }

    /// Does something with a relay, and ends it if that fails.
    fn with(
        &mut self,
        slot: usize,
        mut act: impl FnMut(&mut Relay, &mut Hall) -> Result<(), Ended>,
    ) {
        let Some(Some(relay)) = self.relays.get_mut(slot) else {
            return;
        };
        match act(relay, &mut self.hall) {
            Err(Ended) => self.end(slot),
            Ok(()) if relay.is_ready(&self.hall) => self.again.push(slot),
            Ok(()) => {}
        }
    }

    fn end(&mut self, slot: usize) {
        if let Some(relay) = self.relays.get_mut(slot).and_then(Option::take) {
            self.hall.waiting -= relay.waiting();
            self.clients -= 1;
            self.ended.push(slot);
            if let Some(connection) = relay.held_as() {
                self.hall.core.close(connection);
            }
            if let Some(following) = relay.following() {
                self.hall.core.leave(following);
            }
        }
    }

    fn resume(&mut self) {
        let mut again = std::mem::take(&mut self.again);
        again.sort_unstable();
        again.dedup();
        for slot in again {
            self.with(slot, Relay::resume);
        }
    }

    fn gulp(&mut self) {
        for slot in self.hall.gulps.take(self.hall.now) {
            self.with(slot, Relay::gulp);
        }
    }

    fn report(&mut self) {
        let news: Vec<News> = self.hall.core.news().collect();
        if news.iter().any(|one| matches!(one, News::Deposed(_))) {
            self.on_deposed();
        }
        self.untold.extend(news);
        let surplus = self.untold.len().saturating_sub(UNTOLD_MAX);
        self.untold.drain(..surplus);
        let told = self
            .untold
            .iter()
            .take_while(|one| (self.tell)(one))
            .count();
        self.untold.drain(..told);
    }
}
