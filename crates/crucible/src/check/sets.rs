//! Unique `SET`s: each acknowledged one must be there with its own value, each refused one must not.

use crate::check::{Finding, Survived, Verdict};
use crate::history::{Action, History, Operation};

/// Checks every `SET`, of followers and of direct writers.
pub fn check(history: &History, survived: &Survived, verdict: &mut Verdict) {
    for operation in &history.operations {
        if matches!(operation.action, Action::Set | Action::Direct) {
            check_one(operation, survived, verdict);
        }
    }
}

fn check_one(operation: &Operation, survived: &Survived, verdict: &mut Verdict) {
    verdict.acknowledged += u64::from(operation.acknowledged());
    let what = || {
        format!(
            "SET {} by {} at {} us",
            operation.mark(),
            operation.node,
            operation.complete
        )
    };
    match survived.sets.get(&(operation.client, operation.sequence)) {
        None if operation.acknowledged() && operation.action == Action::Direct => {
            verdict.find_direct_loss(what);
        }
        None if operation.acknowledged() => verdict.find(Finding::Lost, what),
        Some(_) if operation.refused() => verdict.find(Finding::Phantom, what),
        Some(value) if *value != operation.sequence.to_string() => {
            verdict.find(Finding::Foreign, what);
        }
        _ => {}
    }
}
