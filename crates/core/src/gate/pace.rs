//! When a barrier is worth its price: it costs the server about as much as five to ten commands.

use super::{LINKS_MAX, Micros};

/// Bounds of the longest time between two barriers while replies are held and more are expected. Inside them it follows the
/// time that a barrier takes.
const GAP_LEAST: Micros = 200;
const GAP_MOST: Micros = 1_000;

/// Longest time between two barriers that only repeat what the one before could not settle. They double up to it.
const REPEAT_MOST: Micros = 5_000;
const DOUBLINGS_MOST: u32 = 5;

/// Longest time between two barriers of which the first may have caused all that the second one covers. They double up to it.
const ECHO_MOST: Micros = 100_000;
const ECHO_DOUBLINGS: u32 = 9;

/// Time after which somebody who waits is no longer expected to be answered soon (a subscriber, a blocked pop).
const MOMENT: Micros = 4_096;

/// Round trips beyond this are the network's, and worth a second barrier meanwhile.
const LONG: Micros = 400;

/// Barriers over which the quickest is looked for.
const WINDOW: u32 = 128;

/// Clients that must wait for an answer before a turn lingers.
const CROWD: usize = 8;

/// How long a turn lingers.
const LINGER: Micros = 60;

/// What the pace is set by.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last_issue: Option<Micros>,
    /// Time that barriers take, a moving average.
    usual: Micros,
    /// The quickest of the window before, and of this one.
    quickest: Micros,
    quickest_now: Micros,
    counted: u32,
    /// Barriers in a row that came back and settled nothing.
    fruitless: u32,
    /// Barriers in a row that covered only what may be the echo of the one before.
    echoes: u32,
    /// Clients that wait for an answer since this moment and the one before.
    waiting: [usize; 2],
    moment: u32,
}

impl Pace {
    /// The moment of this time; those who wait longer than a moment and a bit are forgotten.
    pub(super) fn moment(&mut self, now: Micros) -> u32 {
        let moment = (now / MOMENT) as u32;
        if moment != self.moment {
            let before = if moment == self.moment.wrapping_add(1) {
                self.waiting[1]
            } else {
                0
            };
            self.waiting = [before, 0];
            self.moment = moment;
        }
        moment
    }

    /// Somebody waits for an answer from this moment on.
    pub(super) fn asked(&mut self) {
        self.waiting[1] += 1;
    }

    /// A client said something: what comes from now on may be about that.
    pub(super) fn spoken(&mut self) {
        self.echoes = 0;
    }

    /// A barrier covers what is held, which may all be the echo of barriers.
    pub(super) fn covers(&mut self, echo: bool) {
        self.echoes = if echo {
            (self.echoes + 1).min(ECHO_DOUBLINGS)
        } else {
            0
        };
    }

    /// Whether the newest barrier may have been caused by the one before.
    pub(super) fn echoes(&self) -> bool {
        self.echoes > 0
    }

    /// When a barrier for another echo is worth sending.
    pub(super) fn echo_at(&self) -> Micros {
        let later = self.gap() << self.echoes;
        self.last_issue
            .map_or(0, |last| last + later.min(ECHO_MOST))
    }

    /// Somebody who waited since then does not any more.
    pub(super) fn answered(&mut self, since: Option<u32>) {
        let count = match since {
            Some(moment) if moment == self.moment => &mut self.waiting[1],
            Some(moment) if moment.wrapping_add(1) == self.moment => &mut self.waiting[0],
            _ => return,
        };
        *count = count.saturating_sub(1);
    }

    /// A barrier was sent.
    pub(super) fn issued(&mut self, now: Micros) {
        self.last_issue = Some(now);
    }

    /// A barrier was settled, or came back without it, after this time.
    pub(super) fn done(&mut self, took: Micros) {
        self.usual = if self.usual == 0 {
            took
        } else {
            (self.usual * 7 + took) / 8
        };
        self.quickest_now = if self.counted == 0 {
            took
        } else {
            self.quickest_now.min(took)
        };
        self.counted += 1;
        if self.counted >= WINDOW {
            self.quickest = self.quickest_now;
            self.counted = 0;
        }
    }

    /// A barrier came back and settled nothing: whoever is waited for is not here. Asking again soon brings nobody.
    pub(super) fn in_vain(&mut self) {
        self.fruitless = (self.fruitless + 1).min(DOUBLINGS_MOST + 1);
    }

    /// Somebody acknowledged enough, or others are waited for now.
    pub(super) fn afresh(&mut self) {
        self.fruitless = 0;
    }

    /// When held replies have waited long enough for others.
    pub(super) fn due_at(&self) -> Micros {
        self.last_issue.map_or(0, |last| last + self.gap())
    }

    /// When a barrier that covers nothing new is worth sending.
    pub(super) fn repeat_at(&self) -> Micros {
        let later = self.gap() << self.fruitless.saturating_sub(1);
        self.last_issue
            .map_or(0, |last| last + later.min(REPEAT_MOST))
    }

    fn gap(&self) -> Micros {
        (self.usual / self.links() as Micros).clamp(GAP_LEAST, GAP_MOST)
    }

    /// Whether a barrier pays with this many connections in the batch: nobody else is expected soon, or most are there, or
    /// the last one is long ago.
    pub(super) fn is_due(&self, now: Micros, held: usize) -> bool {
        let waiting = self.crowd();
        waiting == 0 || held * 5 >= (held + waiting) * 4 || now >= self.due_at()
    }

    /// Barriers that may be under way at once.
    pub(super) fn links(&self) -> usize {
        match self.quickest {
            quick if quick < LONG => 1,
            quick if quick < 2 * LONG => 2,
            _ => LINKS_MAX - 1,
        }
    }

    /// How long to wait for more after a turn with so many events.
    pub(super) fn linger(&self, events: usize) -> Option<Micros> {
        let waiting = self.crowd();
        (waiting >= CROWD && events * 2 < waiting).then_some(LINGER)
    }

    fn crowd(&self) -> usize {
        self.waiting[0] + self.waiting[1]
    }
}
