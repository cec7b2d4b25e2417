//! Compare-and-set: successful swaps form one chain from the empty register to its final content. A swap that is
//! off the chain was rolled back.

use crate::check::{Finding, Survived, Verdict};
use crate::history::{Action, History, Operation};
use std::collections::{BTreeMap, BTreeSet};

/// Checks the chain that ends in the register's content.
pub fn check(history: &History, survived: &Survived, verdict: &mut Verdict) {
    let swaps: BTreeMap<String, &Operation> = history
        .operations
        .iter()
        .filter(|operation| matches!(operation.action, Action::Swap(_)))
        .map(|operation| (operation.mark(), operation))
        .collect();
    if swaps.is_empty() {
        return;
    }
    let chain = walk_back(&swaps, &survived.register, verdict);
    for (mark, operation) in &swaps {
        verdict.acknowledged += u64::from(operation.acknowledged());
        if operation.acknowledged() && !chain.contains(mark.as_str()) {
            verdict.find(Finding::Lost, || {
                format!("swap {mark} by {}", operation.node)
            });
        } else if operation.refused() && chain.contains(mark.as_str()) {
            verdict.find(Finding::Phantom, || {
                format!("swap {mark} by {}", operation.node)
            });
        }
    }
}

/// The marks on the way from the register's content back to the empty register. Every mark is written by one
/// operation only, so the way back is unique.
fn walk_back<'a>(
    swaps: &BTreeMap<String, &'a Operation>,
    last: &'a str,
    verdict: &mut Verdict,
) -> BTreeSet<&'a str> {
    let mut chain = BTreeSet::new();
    let mut mark = last;
    while !mark.is_empty() {
        let Some(operation) = swaps.get(mark) else {
            verdict.find(Finding::Foreign, || {
                format!("register held `{mark}`, which nobody wrote")
            });
            break;
        };
        if !chain.insert(mark) {
            verdict.find(Finding::Duplicated, || {
                format!("swap {mark} was applied twice")
            });
            break;
        }
        let Action::Swap(old) = &operation.action else {
            break;
        };
        mark = old;
    }
    chain
}
