//! How far a run is: a bar on a terminal, else a line per lap.

use crate::clock::{self, Micros};
use crate::history::Pulse;
use crate::ordeal::lap::Lap;
use crate::ordeal::outcome::Totals;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Shown while a run goes on.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    length: Duration,
    /// Of all laps before the present one.
    before: Totals,
}

const TEMPLATE: &str = "{spinner} [{bar:24}] {msg}";

impl Progress {
    /// For a run of `length` under load.
    pub fn new(length: Duration) -> Self {
        let bar = ProgressBar::new(length.as_millis() as u64);
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(4));
        // A template that is not understood leaves the plain bar.
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self {
            bar,
            length,
            before: Totals::default(),
        }
    }

    /// Within a lap that began at `begin`, after `blows`.
    pub fn tick(&self, begin: Micros, pulse: &Pulse, blows: usize) {
        let now = Duration::from_micros(clock::now() - begin);
        let mut totals = self.before.clone();
        totals.load_ms += now.as_millis() as u64;
        totals.operations += pulse.count();
        totals.blows += blows as u64;
        self.show(&totals, "");
    }

    /// A lap is over, and being checked.
    pub fn checking(&self, lap: &Lap) {
        let mut totals = self.before.clone();
        totals.add(lap);
        self.show(&totals, ", checking");
    }

    /// A lap was checked.
    pub fn finished(&mut self, lap: &Lap, totals: &Totals) {
        self.before = totals.clone();
        self.show(totals, "");
        if self.bar.is_hidden() {
            eprintln!("lap {:>3}  {}", lap.number, self.line(totals));
        }
        if let Some(why) = &lap.failed {
            self.tell(&format!("lap {}: {why}", lap.number));
        }
        for example in lap.verdict.examples.iter().take(3) {
            self.tell(&format!("lap {}: {example}", lap.number));
        }
    }

    /// Says something above the bar.
    pub fn tell(&self, text: &str) {
        if self.bar.is_hidden() {
            eprintln!("{text}");
        } else {
            self.bar.println(text);
        }
    }

    /// The end.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self, totals: &Totals, state: &str) {
        self.bar
            .set_position(totals.load_ms.min(self.length.as_millis() as u64));
        self.bar.set_message(self.line(totals) + state);
    }

    fn line(&self, totals: &Totals) -> String {
        let verdict = &totals.verdict;
        format!(
            "{} of {}, {} operations, {} blows, {} gaps (longest {:.0} ms), lost {}, stale {}, other {}",
            clock_text(totals.load_ms / 1000),
            clock_text(self.length.as_secs()),
            totals.operations,
            totals.blows,
            totals.gaps,
            totals.longest_gap_ms,
            verdict.all_lost(),
            verdict.stale,
            verdict.not_kept() - verdict.all_lost() - verdict.stale
                + verdict.wrong()
                + totals.failed,
        )
    }
}

fn clock_text(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
