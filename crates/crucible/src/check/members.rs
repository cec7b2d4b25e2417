//! The set: what was added is there unless it was removed; what was removed stays away.

use crate::check::{Finding, Survived, Verdict};
use crate::history::{Action, History, Operation};
use std::collections::BTreeMap;

/// Checks every member.
pub fn check(history: &History, survived: &Survived, verdict: &mut Verdict) {
    let mut removals: BTreeMap<String, &Operation> = BTreeMap::new();
    for operation in &history.operations {
        if let Action::Remove(number) = operation.action {
            verdict.acknowledged += u64::from(operation.acknowledged());
            removals.insert(format!("{}:{number}", operation.client), operation);
        }
    }
    let added = |operation: &&Operation| operation.action == Action::Add;
    let mut known = 0;
    for operation in history.operations.iter().filter(added) {
        verdict.acknowledged += u64::from(operation.acknowledged());
        let mark = operation.mark();
        let there = survived.members.contains(&mark);
        known += usize::from(there);
        check_member(operation, removals.get(&mark).copied(), there, verdict);
    }
    for _ in known..survived.members.len() {
        verdict.find(Finding::Foreign, || "a member of the set".to_owned());
    }
}

fn check_member(
    added: &Operation,
    removed: Option<&Operation>,
    there: bool,
    verdict: &mut Verdict,
) {
    let what = || format!("member {} by {}", added.mark(), added.node);
    // A removal without an answer leaves both open.
    let maybe_removed = removed.is_some_and(|removed| !removed.refused());
    if !there && added.acknowledged() && !maybe_removed {
        verdict.find(Finding::Lost, what);
    } else if there && removed.is_some_and(Operation::acknowledged) {
        verdict.find(Finding::Resurrected, what);
    } else if there && added.refused() {
        verdict.find(Finding::Phantom, what);
    }
}
