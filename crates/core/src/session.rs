//! What must be known of a client's session so that it can go on at another server.
//!
//! ```text
//!  client's bytes ──▶ frames ──▶ AUTH · HELLO · SELECT · CLIENT … · SUBSCRIBE … ──▶ under way ──┐
//!                       │        MULTI · WATCH … EXEC                            ──▶ not at rest │
//!                       │        BLPOP …                                         ──▶ may be asked again
//!                       └──────▶ everything else is counted                                      │
//!  server's bytes ──▶ answers ─▶ to one of those under way: not refused? ◀───────────────────────┘ ──▶ kept
//!                       └──────▶ everything else is counted
//! ```
//!
//! What the server accepted is kept, not what was asked for: a request counts once its answer has been read. Answers are matched
//! by their number, so the ends of all replies are found; what is in them is jumped over. Before a session leaves, what was kept
//! is compared with what the server says of it (`CLIENT INFO`). Whatever cannot be carried over with certainty says so, and its
//! connection is closed.

mod answers;
mod blocked;
mod frames;
mod hearing;
mod kept;
mod replay;
mod scripts;
mod seen;
mod telling;
#[cfg(test)]
mod tests;
mod transaction;
mod under_way;
mod verbs;

pub use replay::{Ask, Replay};
pub use scripts::Scripts;
pub use seen::Seen;

use crate::gate::Micros;
use crate::mutant::Mutant;
use answers::Answers;
use blocked::Blocked;
use frames::{Found, Frames};
use kept::Kept;
use transaction::Transaction;
use under_way::{Asked, UnderWay};
use verbs::Verb;

/// One client's session, by what it asked for and was answered.
#[derive(Debug, Default)]
pub struct Session {
    frames: Frames,
    answers: Answers,
    under_way: UnderWay,
    /// What its server accepted.
    kept: Option<Box<Kept>>,
    transaction: Transaction,
    blocked: Option<Box<Blocked>>,
    /// How many requests came after the last one that may be answered late.
    behind_late: Option<u64>,
    /// By its requests, until all are answered: a transaction is open, keys are watched.
    multi: bool,
    watch: bool,
    /// The next request is a special one, by what came before it.
    caching: bool,
    spoiled: Option<&'static str>,
    /// It may be told what it did not ask for.
    listens: bool,
    /// Where requests end is not known any more.
    lost: bool,
    mutant: Mutant,
}

impl Session {
    /// A session of which nothing was said yet, with a planted bug or [`Mutant::None`].
    pub fn new(mutant: Mutant) -> Self {
        Self {
            mutant,
            ..Self::default()
        }
    }

    /// These bytes of the client went to its server, in this moment.
    pub fn note(&mut self, now: Micros, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() && !self.lost {
            self.step(now, bytes, &mut at);
        }
    }

    /// As [`Session::note`], but only as far as the session must go on where it is: to the end of a request or transaction
    /// that has begun. Returns how many bytes that is.
    pub fn note_to_rest(&mut self, now: Micros, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.lost && !self.is_at_rest() {
            self.step(now, bytes, &mut at);
        }
        at
    }

    /// As [`Session::note`], but only up to the first request that is neither about the session nor about the server's node.
    /// Returns how many bytes that is.
    pub fn note_of_node(&mut self, now: Micros, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !self.lost {
            let begins = self.frames.is_between();
            if begins && !frames::name(&bytes[at..]).is_some_and(verbs::is_of_node) {
                break;
            }
            self.step(now, bytes, &mut at);
        }
        at
    }

    /// Whether no request and no transaction is half said.
    pub fn is_at_rest(&self) -> bool {
        self.lost || (self.frames.is_between() && !self.multi && !self.watch && !self.caching)
    }

    /// Whether so much is under way that nothing more is to be asked for now.
    pub fn is_full(&self) -> bool {
        self.under_way.is_full()
    }

    /// Why it cannot be carried over, if that is known already.
    pub fn spoiled(&self) -> Option<&'static str> {
        self.spoiled
    }

    /// Whether it may be told what it did not ask for: it has subscribed, tracks keys, monitors, or asked for the stream.
    pub fn listens(&self) -> bool {
        self.listens
    }

    /// Whether the last request may block, and may be asked again elsewhere.
    pub fn may_block(&self) -> bool {
        self.blocked.is_some() && !self.is_quiet()
    }

    /// Whether a request that may be answered late is not answered yet, whoever might ask it again, and whatever was asked behind
    /// it: the server looks at that no earlier.
    pub fn waits(&self) -> bool {
        let answers = self.under_way.len();
        self.behind_late.is_some_and(|behind| behind < answers)
    }

    /// Whether everything that it asked for is answered.
    pub fn is_quiet(&self) -> bool {
        self.under_way.is_empty()
    }

    /// That request, with the time that is left of it.
    pub fn ask_again(&self, now: Micros) -> Option<Vec<u8>> {
        self.blocked.as_ref().map(|blocked| blocked.again(now))
    }

    fn step(&mut self, now: Micros, bytes: &[u8], at: &mut usize) {
        match self.frames.next(bytes, at) {
            Found::Nothing | Found::Empty => {}
            Found::Plain => {
                // Nobody looks at the answers of one that cannot be carried over: they would be waited for without an end.
                if self.spoiled.is_none() {
                    self.under_way.count();
                }
                self.caching = false;
                self.fall_behind();
                if self.blocked.is_some() {
                    self.blocked = None;
                }
            }
            Found::Request(verb, args) => {
                self.ask(verb, &args);
                self.take(now, verb, &args);
            }
            Found::Lost => {
                self.lost = true;
                self.spoil("its requests are not understood");
            }
        }
    }

    /// One more request came after the last one that may be answered late.
    #[inline]
    fn fall_behind(&mut self) {
        if let Some(behind) = &mut self.behind_late {
            *behind += 1;
        }
    }

    /// It cannot be carried over any more.
    fn spoil(&mut self, why: &'static str) {
        self.spoiled.get_or_insert(why);
        self.kept = None;
        self.under_way = UnderWay::default();
        self.transaction = Transaction::default();
    }

    fn ask(&mut self, verb: Verb, args: &[Vec<u8>]) {
        if self.spoiled.is_some() {
            return;
        }
        if telling::counts(verb, args) {
            self.under_way.push(Asked::new(verb, args));
        } else {
            self.under_way.count();
        }
    }

    fn take(&mut self, now: Micros, verb: Verb, args: &[Vec<u8>]) {
        self.blocked = None;
        self.caching = false;
        self.fall_behind();
        let alone = args.len() == 1;
        self.listens |= matches!(verb, Verb::Subscribe(_) | Verb::Monitor | Verb::Sync)
            || (verb == Verb::Client
                && args
                    .get(1)
                    .is_some_and(|about| about.eq_ignore_ascii_case(b"TRACKING")));
        match verb {
            Verb::Multi => self.multi |= alone,
            // Even a refused one ends it.
            Verb::Exec if self.multi => (self.multi, self.watch) = (false, false),
            Verb::Discard if alone && self.multi => (self.multi, self.watch) = (false, false),
            Verb::Unwatch if alone && !self.multi => self.watch = false,
            Verb::Watch if !self.multi => self.watch = true,
            Verb::Block(_) | Verb::Stream | Verb::Wait if !self.multi => {
                self.behind_late = Some(0);
                self.blocked = Blocked::new(verb, args, now).map(Box::new);
            }
            Verb::Reset if alone => (self.multi, self.watch) = (false, false),
            Verb::Client => self.client(args),
            _ => {}
        }
    }

    /// What counts before it is answered.
    fn client(&mut self, args: &[Vec<u8>]) {
        let about = args.get(1).map(|about| about.to_ascii_uppercase());
        let on = |word: &Vec<u8>| word.eq_ignore_ascii_case(b"ON");
        match about.as_deref() {
            Some(b"CACHING") => self.caching = true,
            Some(b"REPLY") if !args.get(2).is_some_and(on) => {
                self.spoil("it does not want every reply");
            }
            _ => {}
        }
    }
}
