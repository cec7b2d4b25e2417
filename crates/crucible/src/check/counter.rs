//! The counter: at least every acknowledged increment, at most those and the unknown ones; no value handed out twice.

use crate::check::sweep::{self, Ranked};
use crate::check::{Finding, Survived, Verdict};
use crate::history::{Action, History, Operation};
use std::collections::BTreeMap;

/// Checks the bounds of the counter and the values returned.
pub fn check(history: &History, survived: &Survived, verdict: &mut Verdict) {
    let increments = || {
        history
            .operations
            .iter()
            .filter(|operation| matches!(operation.action, Action::Increment(_)))
    };
    let acknowledged = increments()
        .filter(|operation| operation.acknowledged())
        .count() as i64;
    let unknown = increments()
        .filter(|operation| !operation.acknowledged() && !operation.refused())
        .count() as i64;
    verdict.acknowledged += acknowledged as u64;
    let counter = survived.counter;
    for missing in 0..(acknowledged - counter).max(0) {
        verdict.find(Finding::Lost, || {
            format!(
                "increment: {counter} left of {acknowledged}, missing {}",
                missing + 1
            )
        });
    }
    for extra in 0..(counter - acknowledged - unknown).max(0) {
        verdict.find(Finding::Foreign, || {
            format!(
                "increment: {counter} of {acknowledged} + {unknown}, extra {}",
                extra + 1
            )
        });
    }
    let lost = (acknowledged - counter).max(0) as u64;
    check_values(increments(), lost, verdict);
    check_order(increments(), verdict);
}

/// An increment that was sent after a higher value had been handed out, and got a lower one, missed what came before.
fn check_order<'a>(increments: impl Iterator<Item = &'a Operation>, verdict: &mut Verdict) {
    let ranked: Vec<Ranked> = increments
        .filter(|operation| operation.acknowledged())
        .filter_map(|operation| match operation.action {
            Action::Increment(Some(value)) => Some(Ranked {
                invoke: operation.invoke,
                complete: operation.complete,
                rank: value.max(0) as u64,
                index: 0,
            }),
            _ => None,
        })
        .collect();
    for _ in sweep::late(&ranked) {
        verdict.find(Finding::Stale, || {
            "increment: a lower value after a higher one".to_owned()
        });
    }
}

/// A value handed out twice means that an increment was rolled back: a loss even where unknown increments hide it in the sum.
fn check_values<'a>(
    increments: impl Iterator<Item = &'a Operation>,
    counted: u64,
    verdict: &mut Verdict,
) {
    let mut by_value: BTreeMap<i64, u64> = BTreeMap::new();
    for operation in increments.filter(|operation| operation.acknowledged()) {
        if let Action::Increment(Some(value)) = operation.action {
            *by_value.entry(value).or_default() += 1;
        }
    }
    let repeated: u64 = by_value.values().map(|times| times - 1).sum();
    for _ in counted..repeated {
        verdict.find(Finding::Lost, || {
            "increment: a value was handed out twice".to_owned()
        });
    }
}
