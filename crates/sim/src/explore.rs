//! Many seeds, on several threads.

use crate::config::Config;
use crate::counters::SOMETIMES;
use crate::report::RunReport;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Failing runs that are kept in full; more are only counted.
const FAILURES_MAX: usize = 20;

/// How far an exploration is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Runs done.
    pub done: u64,
    /// Runs in all.
    pub total: u64,
    /// Runs that broke a rule.
    pub failed: u64,
    /// Simulated time so far, in microseconds.
    pub simulated_us: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Runs done.
    pub runs: u64,
    /// Runs that broke a rule.
    pub failed: u64,
    /// The failing runs with the smallest seeds, at most 20.
    pub failures: Vec<RunReport>,
    /// How many runs broke each invariant, and the smallest seed that did.
    pub broken: BTreeMap<&'static str, (u64, u64)>,
    /// Sum of the counters.
    pub counters: BTreeMap<&'static str, u64>,
    /// In how many runs each thing happened at least once.
    pub reached: BTreeMap<&'static str, u64>,
    /// Events in all.
    pub events: u64,
    /// Simulated time in all, in microseconds.
    pub simulated_us: u64,
    /// Sum of the runs' hashes: the same seeds, the same sum, unless what happens in them has changed.
    pub trace_hash: u64,
}

impl Summary {
    /// Rare branches that no run has reached.
    pub fn never(&self) -> Vec<&'static str> {
        SOMETIMES
            .iter()
            .copied()
            .filter(|name| !self.reached.contains_key(name))
            .collect()
    }

    fn add(&mut self, report: RunReport) {
        self.runs += 1;
        self.events += report.events;
        self.trace_hash = self.trace_hash.wrapping_add(report.trace_hash);
        self.simulated_us += report.simulated_us;
        for (name, count) in &report.counters {
            *self.counters.entry(name).or_insert(0) += count;
            *self.reached.entry(name).or_insert(0) += 1;
        }
        if let Some(violation) = report.violations.first() {
            let broken = self
                .broken
                .entry(violation.invariant)
                .or_insert((0, report.seed));
            *broken = (broken.0 + 1, broken.1.min(report.seed));
            self.failed += 1;
            self.failures.push(report);
            self.failures.sort_by_key(|failure| failure.seed);
            self.failures.truncate(FAILURES_MAX);
        }
    }
}

/// Runs every seed of `seeds` on `jobs` threads (at least one). `progress` is told after each run;
/// when it returns `false` no further run is begun.
pub fn explore(
    seeds: Range<u64>,
    jobs: usize,
    config: &Config,
    progress: impl Fn(Progress) -> bool + Sync,
) -> Summary {
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    let total = seeds.end.saturating_sub(seeds.start);
    let summary = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let report = crate::run(seed, config);
                    let Ok(mut summary) = summary.lock() else {
                        break;
                    };
                    summary.add(report);
                    let (done, failed, simulated_us) =
                        (summary.runs, summary.failed, summary.simulated_us);
                    drop(summary);
                    if !progress(Progress {
                        done,
                        total,
                        failed,
                        simulated_us,
                    }) {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    summary.into_inner().unwrap_or_default()
}
