//! The queue: what was put in is still there, or was taken, once; what was removed stays away.

use crate::check::{Finding, Survived, Verdict};
use crate::history::{Action, History, Operation};
use std::collections::BTreeMap;

/// What became of one mark.
#[derive(Debug, Default)]
struct Life<'a> {
    enqueued: Option<&'a Operation>,
    takes: Vec<&'a Operation>,
    /// Removals after a take, whether or not the mark was there.
    settled: Vec<(&'a Operation, bool)>,
    queued: u64,
    held: u64,
}

/// Checks every mark.
pub fn check(history: &History, survived: &Survived, verdict: &mut Verdict) {
    let mut lives: BTreeMap<String, Life<'_>> = BTreeMap::new();
    for operation in &history.operations {
        note(operation, &mut lives, verdict);
    }
    for mark in &survived.queue {
        lives.entry(mark.clone()).or_default().queued += 1;
    }
    for mark in survived.taken.values().flatten() {
        lives.entry(mark.clone()).or_default().held += 1;
    }
    for (mark, life) in &lives {
        check_entry(mark, life, verdict);
        check_delivery(mark, life, verdict);
    }
}

fn note<'a>(
    operation: &'a Operation,
    lives: &mut BTreeMap<String, Life<'a>>,
    verdict: &mut Verdict,
) {
    let counts = operation.acknowledged() && operation.action.writes();
    match &operation.action {
        Action::Enqueue => lives.entry(operation.mark()).or_default().enqueued = Some(operation),
        Action::Take(Some(mark)) => lives.entry(mark.clone()).or_default().takes.push(operation),
        Action::Settle(mark, there) => lives
            .entry(mark.clone())
            .or_default()
            .settled
            .push((operation, *there)),
        _ => return,
    }
    verdict.acknowledged += u64::from(counts);
}

impl Life<'_> {
    fn there(&self) -> bool {
        self.queued + self.held > 0
    }

    /// Its removal may have happened.
    fn maybe_gone(&self) -> bool {
        self.settled
            .iter()
            .any(|(settle, there)| *there && !settle.refused())
    }

    /// Its removal was acknowledged.
    fn gone(&self) -> bool {
        self.settled
            .iter()
            .any(|(settle, there)| *there && settle.acknowledged())
    }

    /// It was not where the move had put it.
    fn missed(&self) -> bool {
        self.settled
            .iter()
            .any(|(settle, there)| !there && settle.acknowledged())
    }
}

fn check_entry(mark: &str, life: &Life<'_>, verdict: &mut Verdict) {
    let what = || format!("queued {mark}");
    let seen = life.there() || !life.takes.is_empty();
    match life.enqueued {
        None if seen => verdict.find(Finding::Foreign, what),
        Some(enqueued) if enqueued.acknowledged() && !life.there() && !life.maybe_gone() => {
            verdict.find(Finding::Lost, what);
        }
        Some(enqueued) if enqueued.refused() && seen => verdict.find(Finding::Phantom, what),
        _ => {}
    }
}

/// A move was acknowledged: afterwards the mark is neither in the queue, nor does it come again, nor is it missing where it was put.
fn check_delivery(mark: &str, life: &Life<'_>, verdict: &mut Verdict) {
    let what = || format!("queued {mark}, taken {} times", life.takes.len());
    let came_back = life.takes.len() == 1 && life.queued > 0;
    if came_back || life.takes.len() > 1 || (life.gone() && life.there()) {
        verdict.find(Finding::Resurrected, what);
    } else if life.queued + life.held > 1 {
        verdict.find(Finding::Duplicated, what);
    } else if life.missed() {
        verdict.find(Finding::Lost, || format!("the move of {mark}"));
    }
}
