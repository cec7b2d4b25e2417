//! Is a silent server hung? Pure: what was seen goes in, a verdict comes out.
//!
//! A PING without an answer says little by itself: a long script, a fork or a busy machine are silent too.
//! The kernel knows why the process is silent, and that decides how long to wait:
//!
//! | the process | patience | because |
//! |---|---|---|
//! | is stopped (`T`, `t`) | 70 ms | it runs again only if somebody continues it |
//! | sleeps (`S`, `I`) | 1 s | an event loop that sleeps while a request waits is stuck, or waits for a write to a busy disk |
//! | waits for a disk (`D`) | 5 s | disks and full dirty-page limits stall for seconds and come back |
//! | runs, or its CPU time grows | 30 s | it is at work: a script, KEYS, a fork, a starved core |
//! | has not opened its socket yet | 30 s | it is starting |
//!
//! Any answer, `-LOADING` and `-BUSY` included, is a sign of life. So is a question that was taken: a server that goes on
//! reading what it is asked, and answers nothing, has an event loop that runs. It does so while a client's `CLIENT PAUSE`
//! lasts, and is paused then, not hung.

/// What the main thread of the server was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Stopped by a signal or a debugger.
    Stopped,
    /// Sleeping.
    Sleeping,
    /// In uninterruptible sleep, usually for a disk.
    Disk,
    /// Running or waiting for a core.
    Running,
    /// It has not opened its socket since it was started.
    Starting,
}

impl Activity {
    /// In words, for a sentence.
    pub fn as_words(self) -> &'static str {
        match self {
            Self::Stopped => "stopped by a signal",
            Self::Sleeping => "asleep",
            Self::Disk => "waiting for a disk",
            Self::Running => "at work",
            Self::Starting => "starting",
        }
    }

    /// From the state letter of `/proc/PID/stat` and whether its CPU time grew since the last look.
    pub fn of(state: char, cpu_grew: bool) -> Self {
        match state {
            'T' | 't' => Self::Stopped,
            'D' => Self::Disk,
            'S' | 'I' if !cpu_grew => Self::Sleeping,
            _ => Self::Running,
        }
    }

    /// Milliseconds of silence that are tolerated.
    pub fn patience_ms(self) -> u64 {
        match self {
            Self::Stopped => 70,
            Self::Sleeping => 1_000,
            Self::Disk => 5_000,
            Self::Running | Self::Starting => 30_000,
        }
    }
}

/// A verdict that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// No answer for longer than is tolerated.
    Hung {
        /// What it was doing.
        activity: Activity,
        /// Milliseconds without an answer that count.
        silent_ms: u64,
    },
    /// It answers again.
    Recovered,
}

/// How much later than planned the watcher may run before what it saw is worth nothing.
const LATE_MS: u64 = 20;

/// A server that takes questions and has answered none for this long is paused.
const HELD_AFTER_MS: u64 = 300;

/// It takes them still if it has taken all of them within this long.
const TAKEN_OF_LATE_MS: u64 = 150;

/// The count of one server's silence.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silence {
    /// Milliseconds in which nothing was taken or answered, own delays taken out; `None` while no question is open.
    silent_ms: Option<u64>,
    /// Milliseconds for which the oldest question has been open, own delays taken out.
    open_ms: u64,
    /// Questions have been taken since then.
    taken: bool,
    last_look_ms: Option<u64>,
    hung: bool,
}

impl Silence {
    /// A question has been asked. Does nothing while an older one is open.
    pub fn asked(&mut self) {
        if self.silent_ms.is_none() {
            (self.silent_ms, self.open_ms, self.taken) = (Some(0), 0, false);
        }
    }

    /// All questions so far have been read by the server, though not answered.
    pub fn taken(&mut self) -> Option<Change> {
        self.silent_ms?;
        (self.silent_ms, self.taken) = (Some(0), true);
        std::mem::take(&mut self.hung).then_some(Change::Recovered)
    }

    /// Any answer has come.
    pub fn answered(&mut self) -> Option<Change> {
        self.silent_ms = None;
        std::mem::take(&mut self.hung).then_some(Change::Recovered)
    }

    /// Is a question open?
    pub fn open(&self) -> bool {
        self.silent_ms.is_some()
    }

    /// Milliseconds in which nothing was taken or answered, own delays taken out.
    pub fn silent_ms(&self) -> u64 {
        self.silent_ms.unwrap_or(0)
    }

    /// Milliseconds for which the oldest question has been open, own delays taken out.
    pub fn open_ms(&self) -> u64 {
        self.silent_ms.map_or(0, |_| self.open_ms)
    }

    /// Does it take questions, and leave them unanswered?
    pub fn held(&self) -> bool {
        let of_late = self.silent_ms.is_some_and(|ms| ms < TAKEN_OF_LATE_MS);
        of_late && self.taken && self.open_ms >= HELD_AFTER_MS
    }

    /// Is it hung by the last verdict?
    pub fn hung(&self) -> bool {
        self.hung
    }

    /// Time has passed. Called every `planned_ms`, also when nothing is open; `activity` is asked only when it
    /// can matter.
    ///
    /// A watcher that comes more than 20 ms late was itself frozen or starved, and so perhaps was the server:
    /// the count starts again, except for a stopped server (that is a fact, not a guess), where the late
    /// interval is left out.
    pub fn look(
        &mut self,
        now_ms: u64,
        planned_ms: u64,
        activity: impl FnOnce() -> Activity,
    ) -> Option<Change> {
        let passed = now_ms.saturating_sub(self.last_look_ms.replace(now_ms).unwrap_or(now_ms));
        let silent = self.silent_ms?;
        let late = passed > planned_ms + LATE_MS;
        let counted = silent + if late { 0 } else { passed };
        self.open_ms += if late { 0 } else { passed };
        self.silent_ms = Some(counted);
        if self.hung || counted.max(LATE_MS) == LATE_MS {
            return None;
        }
        let activity = activity();
        if late && activity != Activity::Stopped {
            self.silent_ms = Some(0);
            return None;
        }
        self.hung = counted >= activity.patience_ms();
        self.hung.then_some(Change::Hung {
            activity,
            silent_ms: counted,
        })
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    /// Looks every `step` ms for `total` ms and says after how many ms the verdict fell.
    fn falls_after(step: u64, total: u64, activity: Activity) -> Option<u64> {
        let mut silence = Silence::default();
        silence.asked();
        (0..=total / step)
            .map(|i| i * step)
            .find(|now| silence.look(*now, step, || activity).is_some())
    }

    #[test]
    fn patience_follows_what_the_process_does() {
        let table = [
            (Activity::Stopped, 60, 80),
            (Activity::Sleeping, 1_000, 1_020),
            (Activity::Disk, 5_000, 5_020),
            (Activity::Running, 30_000, 30_020),
            (Activity::Starting, 30_000, 30_020),
        ];
        for (activity, from, to) in table {
            for step in [5, 20] {
                let at = falls_after(step, 40_000, activity).expect("falls at last");
                assert!(
                    (from..=to).contains(&at),
                    "{activity:?} every {step} ms fell after {at} ms"
                );
            }
        }
    }

    #[test]
    fn letters_of_the_kernel() {
        let table = [
            ('T', true, Activity::Stopped),
            ('t', false, Activity::Stopped),
            ('S', false, Activity::Sleeping),
            ('S', true, Activity::Running),
            ('I', false, Activity::Sleeping),
            ('D', true, Activity::Disk),
            ('R', false, Activity::Running),
            ('?', false, Activity::Running),
        ];
        for (letter, cpu_grew, expected) in table {
            assert_eq!(
                Activity::of(letter, cpu_grew),
                expected,
                "{letter} {cpu_grew}"
            );
        }
    }

    #[test]
    fn an_answer_ends_it_and_says_so_once() {
        let mut silence = Silence::default();
        silence.asked();
        for now in 0..1_100 {
            silence.look(now, 1, || Activity::Sleeping);
        }
        assert!(silence.hung());
        assert_eq!(silence.answered(), Some(Change::Recovered));
        assert_eq!(silence.answered(), None);
        assert_eq!(silence.look(10_000, 1, || Activity::Stopped), None);
    }

    #[test]
    fn one_that_takes_questions_is_paused_and_not_hung() {
        let mut silence = Silence::default();
        silence.asked();
        let mut held_at = None;
        for now in (0..=60_000).step_by(20) {
            silence.taken();
            assert_eq!(silence.look(now, 20, || Activity::Sleeping), None, "{now}");
            held_at = held_at.or(silence.held().then_some(now));
        }
        assert_eq!(held_at, Some(HELD_AFTER_MS));
        // It freezes while it is paused.
        let frozen = (60_020..62_000).step_by(20);
        let mut verdicts = frozen.filter_map(|now| silence.look(now, 20, || Activity::Sleeping));
        assert!(matches!(verdicts.next(), Some(Change::Hung { .. })));
        assert!(!silence.held());
        assert_eq!(silence.taken(), Some(Change::Recovered));
        assert_eq!(silence.answered(), None);
        assert!(!silence.held());
    }

    #[test]
    fn a_question_that_was_taken_before_a_long_command_makes_no_pause() {
        let mut silence = Silence::default();
        silence.asked();
        silence.taken();
        for now in (0..=5_000).step_by(20) {
            assert_eq!(silence.look(now, 20, || Activity::Running), None);
            assert!(!silence.held(), "{now}");
        }
    }

    #[test]
    fn own_delay_is_not_the_servers_silence() {
        let mut silence = Silence::default();
        silence.asked();
        silence.look(0, 5, || Activity::Sleeping);
        for now in (5..=150).step_by(5) {
            assert_eq!(silence.look(now, 5, || Activity::Sleeping), None);
        }
        // The watcher was frozen for a second: neither the second nor what came before counts.
        assert_eq!(silence.look(1_150, 5, || Activity::Sleeping), None);
        assert_eq!(silence.silent_ms(), 0);
        assert_eq!(silence.look(1_155, 5, || Activity::Sleeping), None);
        assert_eq!(silence.silent_ms(), 5);
    }

    #[test]
    fn a_stopped_server_keeps_its_count_but_not_the_late_interval() {
        let mut silence = Silence::default();
        silence.asked();
        for now in (0..=60).step_by(5) {
            assert_eq!(silence.look(now, 5, || Activity::Stopped), None);
        }
        assert_eq!(silence.look(160, 5, || Activity::Stopped), None);
        assert_eq!(silence.silent_ms(), 60);
        silence.look(165, 5, || Activity::Stopped);
        assert!(silence.look(170, 5, || Activity::Stopped).is_some());
    }
}
