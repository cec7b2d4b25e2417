//! What must be known of a client's session so that it can go on at another server.
//!
//! ```text
//!  client's bytes ──▶ frames ──▶ AUTH · HELLO · SELECT · CLIENT … · SUBSCRIBE … ──▶ kept
//!                       │        MULTI · WATCH … EXEC                            ──▶ not at rest
//!                       │        BLPOP …                                         ──▶ may be asked again
//!                       └──────▶ everything else is jumped over
//! ```
//!
//! Only requests are looked at, never replies: what was refused is found out by asking the server (`CLIENT INFO`), and by the
//! next server, which refuses it again. Whatever cannot be carried over with certainty says so, and its connection is closed.

mod blocked;
mod frames;
mod kept;
mod replay;
mod seen;
#[cfg(test)]
mod tests;
mod verbs;

pub use replay::Replay;
pub use seen::Seen;

use crate::gate::Micros;
use crate::mutant::Mutant;
use blocked::Blocked;
use frames::{Found, Frames};
use kept::Kept;
use verbs::Verb;

/// One client's session, by what it asked for.
#[derive(Debug, Default)]
pub struct Session {
    frames: Frames,
    kept: Option<Box<Kept>>,
    blocked: Option<Box<Blocked>>,
    /// The last request may be answered late.
    waits: bool,
    multi: bool,
    watch: bool,
    /// The next request is a special one, by what came before it.
    caching: bool,
    spoiled: Option<&'static str>,
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

    /// Whether no request and no transaction is half said.
    pub fn is_at_rest(&self) -> bool {
        self.lost || (self.frames.is_between() && !self.multi && !self.watch && !self.caching)
    }

    /// Why it cannot be carried over, if that is known already.
    pub fn spoiled(&self) -> Option<&'static str> {
        self.spoiled
    }

    /// Whether the last request may block, and may be asked again elsewhere.
    pub fn may_block(&self) -> bool {
        self.blocked.is_some()
    }

    /// Whether the last request may be answered late, whoever might ask it again.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// That request, with the time that is left of it.
    pub fn ask_again(&self, now: Micros) -> Option<Vec<u8>> {
        self.blocked.as_ref().map(|blocked| blocked.again(now))
    }

    fn step(&mut self, now: Micros, bytes: &[u8], at: &mut usize) {
        match self.frames.next(bytes, at) {
            Found::Nothing => {}
            Found::Plain => {
                (self.caching, self.waits) = (false, false);
                if self.blocked.is_some() {
                    self.blocked = None;
                }
            }
            Found::Request(verb, args) => self.take(now, verb, &args),
            Found::Lost => {
                self.lost = true;
                self.spoil("its requests are not understood");
            }
        }
    }

    fn spoil(&mut self, why: &'static str) {
        self.spoiled.get_or_insert(why);
        self.kept = None;
    }

    fn take(&mut self, now: Micros, verb: Verb, args: &[Vec<u8>]) {
        self.blocked = None;
        (self.caching, self.waits) = (false, false);
        let alone = args.len() == 1;
        match verb {
            Verb::Multi => self.multi |= alone,
            Verb::Exec | Verb::Discard if alone && self.multi => {
                (self.multi, self.watch) = (false, false);
            }
            Verb::Unwatch if alone && !self.multi => self.watch = false,
            Verb::Watch if !self.multi => self.watch = true,
            Verb::Exec | Verb::Discard | Verb::Watch | Verb::Unwatch | Verb::Quit => {}
            Verb::Block(_) | Verb::Stream | Verb::Wait if self.multi => {}
            Verb::Block(_) | Verb::Stream | Verb::Wait => {
                self.waits = true;
                self.blocked = Blocked::new(verb, args, now).map(Box::new);
            }
            Verb::Monitor => self.spoil("it is a monitor"),
            Verb::Sync => self.spoil("it asked for the replication stream"),
            Verb::Reset if alone => self.reset(),
            _ if self.multi => self.spoil("it changed its session in a transaction"),
            _ => self.keep(verb, args),
        }
    }

    fn reset(&mut self) {
        (self.multi, self.watch) = (false, false);
        if let Some(kept) = &mut self.kept {
            kept.reset();
        }
    }

    fn keep(&mut self, verb: Verb, args: &[Vec<u8>]) {
        if self.spoiled.is_some() {
            return;
        }
        let mut kept = self.kept.take().unwrap_or_default();
        let result = match verb {
            Verb::Client => self.client(&mut kept, args),
            verb => {
                tell(&mut kept, verb, args);
                Ok(())
            }
        };
        match result {
            Err(why) => self.spoil(why),
            Ok(()) if kept.is_too_large() => self.spoil("too much would have to be said again"),
            Ok(()) => self.kept = Some(kept),
        }
    }

    fn client(&mut self, kept: &mut Kept, args: &[Vec<u8>]) -> Result<(), &'static str> {
        let about = args.get(1).map(Vec::as_slice).unwrap_or_default();
        match (about.to_ascii_uppercase().as_slice(), args) {
            (b"SETNAME", [_, _, name]) => kept.name = Some(name.clone()),
            (b"REPLY", _) => return Err("it does not want every reply"),
            (b"CACHING", _) => self.caching = true,
            (b"TRACKING", [_, _, on, options @ ..]) => {
                if !on.eq_ignore_ascii_case(b"ON") {
                    kept.tracking.clear();
                } else if options
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(b"REDIRECT"))
                {
                    return Err("its invalidations go to another connection");
                } else if !kept.tracking.iter().any(|request| request == args) {
                    kept.tracking.push(args.to_vec());
                }
            }
            (b"NO-EVICT" | b"NO-TOUCH", [_, about, _]) => {
                kept.set(about.to_ascii_uppercase(), args.to_vec());
            }
            (b"SETINFO", [_, _, attribute, _]) => {
                kept.set(attribute.to_ascii_uppercase(), args.to_vec());
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a session says of itself, outside `CLIENT`.
fn tell(kept: &mut Kept, verb: Verb, args: &[Vec<u8>]) {
    match (verb, args) {
        (Verb::Auth, [_, password]) => kept.login(b"default", password),
        (Verb::Auth, [_, user, password]) => kept.login(user, password),
        (Verb::Select, [_, database]) => kept.database = Some(database.clone()),
        (Verb::Subscribe(kind), [_, names @ ..]) => kept.subscribe(kind, names),
        (Verb::Unsubscribe(kind), [_, names @ ..]) => kept.unsubscribe(kind, names),
        (Verb::Hello, [_, _, options @ ..]) => hello(kept, options),
        _ => {}
    }
}

fn hello(kept: &mut Kept, mut options: &[Vec<u8>]) {
    kept.hello = true;
    loop {
        options = match options {
            [word, user, password, rest @ ..] if word.eq_ignore_ascii_case(b"AUTH") => {
                kept.login(user, password);
                rest
            }
            [word, name, rest @ ..] if word.eq_ignore_ascii_case(b"SETNAME") => {
                kept.name = Some(name.clone());
                rest
            }
            _ => return,
        };
    }
}
