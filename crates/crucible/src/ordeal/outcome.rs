//! What a long run showed.

use crate::check::Verdict;
use crate::clock::{Micros, millis};
use crate::measure::Quantiles;
use crate::ordeal::lap::Lap;
use crate::target::{Against, Durability};
use serde::Serialize;

/// Sums over laps.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Milliseconds under load.
    pub load_ms: u64,
    /// Acknowledged operations.
    pub operations: u64,
    /// Blows that fell.
    pub blows: u64,
    /// Times without an acknowledged write.
    pub gaps: u64,
    /// Milliseconds of all of them.
    pub gaps_ms: f64,
    /// The longest.
    pub longest_gap_ms: f64,
    /// Laps that could not be finished.
    pub failed: u64,
    /// Everything that the checkers found.
    pub verdict: Verdict,
}

impl Totals {
    /// Adds one lap.
    pub fn add(&mut self, lap: &Lap) {
        self.load_ms += (lap.end - lap.begin) / 1000;
        self.operations += lap
            .buckets
            .iter()
            .map(|bucket| bucket.acknowledged)
            .sum::<u64>();
        self.blows += lap
            .struck
            .iter()
            .filter(|struck| struck.missed.is_none())
            .count() as u64;
        self.gaps += lap.gaps.len() as u64;
        self.failed += u64::from(lap.failed.is_some());
        for gap in &lap.gaps {
            self.gaps_ms += millis(gap.length);
            self.longest_gap_ms = self.longest_gap_ms.max(millis(gap.length));
        }
        self.verdict.add(&lap.verdict);
    }
}

/// What was tested, and how.
#[derive(Clone, Debug, Serialize)]
pub struct Subject {
    /// The system.
    pub against: Against,
    /// What it promises.
    pub durability: Durability,
    /// How many replicas must have a write before it is acknowledged, in `quorum`.
    pub sync_replicas: usize,
    /// What the server says of its version.
    pub server: String,
    /// Nodes.
    pub nodes: usize,
    /// Sentinels.
    pub sentinels: usize,
    /// Clients that follow the sentinels, by workload.
    pub workloads: Vec<crate::workload::Workload>,
    /// Whether every process had a network of its own.
    pub network: bool,
    /// Whether disks and clocks were disturbed.
    pub interposer: bool,
    /// Of all choices.
    pub seed: u64,
    /// Seconds since 1970 at the start.
    pub started: u64,
}

/// The report of a long run.
#[derive(Clone, Debug, Serialize)]
pub struct OrdealReport {
    /// What was tested.
    pub subject: Subject,
    /// Whether what is not kept breaks a promise.
    pub lossless: bool,
    /// All together.
    pub totals: Totals,
    /// Milliseconds of the gaps.
    pub gap_ms: Quantiles,
    /// Every lap.
    pub laps: Vec<Lap>,
}

impl OrdealReport {
    /// Of `laps` of `subject`.
    pub fn new(subject: Subject, lossless: bool, laps: Vec<Lap>) -> Self {
        let mut totals = Totals::default();
        for lap in &laps {
            totals.add(lap);
        }
        let gaps: Vec<f64> = laps
            .iter()
            .flat_map(|lap| &lap.gaps)
            .map(|gap| millis(gap.length))
            .collect();
        Self {
            subject,
            lossless,
            totals,
            gap_ms: Quantiles::of(&gaps),
            laps,
        }
    }

    /// Whether what was acknowledged, and shown, was kept, nothing was invented, and writes came back every time: the promise of `quorum`.
    pub fn kept(&self) -> bool {
        let verdict = &self.totals.verdict;
        verdict.not_kept() == 0 && !verdict.broken() && self.totals.failed == 0
    }

    /// Whether the system broke what it promises: the command then ends with a non-zero code. Stock Redis promises nothing; `async` may lose.
    pub fn violated(&self) -> bool {
        let verdict = &self.totals.verdict;
        self.subject.against == Against::Holdfast
            && (verdict.broken()
                || self.totals.failed > 0
                || (self.lossless && verdict.not_kept() > 0))
    }

    /// When the first lap began.
    pub fn begin(&self) -> Micros {
        self.laps.first().map_or(0, |lap| lap.begin)
    }

    /// When the last lap ended.
    pub fn end(&self) -> Micros {
        self.laps.last().map_or(0, |lap| lap.end)
    }

    /// Share of the time under load in which writes were acknowledged, from 0 to 1.
    pub fn available(&self) -> f64 {
        if self.totals.load_ms == 0 {
            return 0.0;
        }
        (1.0 - self.totals.gaps_ms / self.totals.load_ms as f64).max(0.0)
    }

    /// The closing lines.
    pub fn text(&self) -> String {
        let (totals, verdict) = (&self.totals, &self.totals.verdict);
        let promise = match (self.kept(), self.violated()) {
            (true, _) => "nothing acknowledged was lost, nothing stale was read",
            (false, true) => "A PROMISE WAS BROKEN",
            (false, false) => "what quorum promises was not kept; this system does not promise it",
        };
        format!(
            "{} operations in {:.1} min and {} laps, {} blows, seed {}\n\
             lost {} + {} pinned of {}, stale {}, resurrected {}, rolled back {}, duplicated {}, other {}, laps failed {}\n\
             {} registers checked ({} by one checker only); writes available {:.2} %, gaps p50 / p99 / max {:.0} / {:.0} / {:.0} ms\n{promise}",
            totals.operations,
            totals.load_ms as f64 / 60_000.0,
            self.laps.len(),
            totals.blows,
            self.subject.seed,
            verdict.lost,
            verdict.lost_direct,
            verdict.acknowledged,
            verdict.stale,
            verdict.resurrected,
            verdict.rolled_back,
            verdict.duplicated,
            verdict.wrong() - verdict.duplicated,
            totals.failed,
            verdict.registers,
            verdict.undecided,
            self.available() * 100.0,
            self.gap_ms.p50,
            self.gap_ms.p99,
            self.gap_ms.max,
        )
    }
}
