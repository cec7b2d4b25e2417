//! Appends: the whole order is visible. One client pushes one number after the other, so its list must grow.

use crate::check::{Finding, Survived, Verdict};
use crate::history::{Action, History, Operation};
use std::collections::{BTreeMap, BTreeSet};

/// Checks every client's list.
pub fn check(history: &History, survived: &Survived, verdict: &mut Verdict) {
    let mut pushes: BTreeMap<u16, BTreeMap<u64, &Operation>> = BTreeMap::new();
    for operation in history
        .operations
        .iter()
        .filter(|operation| operation.action == Action::Push)
    {
        pushes
            .entry(operation.client)
            .or_default()
            .insert(operation.sequence, operation);
    }
    for (client, pushed) in pushes {
        let found = survived
            .lists
            .get(&client)
            .map(Vec::as_slice)
            .unwrap_or_default();
        check_list(client, &pushed, found, verdict);
    }
}

fn check_list(
    client: u16,
    pushed: &BTreeMap<u64, &Operation>,
    found: &[String],
    verdict: &mut Verdict,
) {
    let mut seen = BTreeSet::new();
    let mut highest = None;
    for text in found {
        let number = text
            .parse::<u64>()
            .ok()
            .filter(|number| pushed.contains_key(number));
        let Some(number) = number else {
            verdict.find(Finding::Foreign, || {
                format!("`{text}` in the list of client {client}")
            });
            continue;
        };
        if !seen.insert(number) {
            verdict.find(Finding::Duplicated, || format!("push {client}:{number}"));
        } else if late(pushed.get(&number).copied(), highest) {
            verdict.find(Finding::Reordered, || {
                format!("push {client}:{number} after {highest:?}")
            });
        }
        highest = highest.max(Some(number));
    }
    for (number, operation) in pushed {
        verdict.acknowledged += u64::from(operation.acknowledged());
        if operation.acknowledged() && !seen.contains(number) {
            verdict.find(Finding::Lost, || {
                format!("push {client}:{number} by {}", operation.node)
            });
        } else if operation.refused() && seen.contains(number) {
            verdict.find(Finding::Phantom, || {
                format!("push {client}:{number} by {}", operation.node)
            });
        }
    }
}

/// Whether a later push stands before an acknowledged one. One without an answer may take effect at any time after it was sent: a frozen
/// server reads its sockets in whatever order once it wakes up.
fn late(pushed: Option<&Operation>, highest: Option<u64>) -> bool {
    pushed.is_some_and(|operation| {
        operation.acknowledged() && highest.is_some_and(|highest| highest > operation.sequence)
    })
}
