//! Shared lists: the list that survived is the order in which the appends took effect. Each read must be a beginning of it, and nothing
//! may contradict the clock. Together this is linearizability, checked in linear time.

use crate::check::sweep::{self, Ranked};
use crate::check::{Finding, Survived, Verdict};
use crate::history::{Action, History, Operation};
use std::collections::BTreeMap;

/// Checks every shared list.
pub fn check(history: &History, survived: &Survived, verdict: &mut Verdict) {
    let mut lists: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.operations {
        if let Action::Append(list) | Action::Scan(list, _) = &operation.action {
            lists.entry(list).or_default().push(operation);
        }
    }
    for (list, operations) in lists {
        let found = survived.appended.get(list).map(Vec::as_slice);
        check_list(&operations, found.unwrap_or_default(), verdict);
    }
}

fn check_list(operations: &[&Operation], found: &[String], verdict: &mut Verdict) {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, mark) in found.iter().enumerate() {
        if places.insert(mark, place).is_some() {
            verdict.find(Finding::Duplicated, || format!("append {mark}"));
        }
    }
    let mut ranked = vec![];
    for (index, operation) in operations.iter().enumerate() {
        let rank = match &operation.action {
            Action::Scan(_, seen) => scan_rank(operation, seen, found, verdict),
            _ => append_rank(operation, &mut places, verdict),
        };
        ranked.extend(rank.map(|rank| Ranked {
            invoke: operation.invoke,
            complete: operation.complete,
            rank,
            index,
        }));
    }
    for (mark, _) in places {
        verdict.find(Finding::Foreign, || format!("`{mark}` in a shared list"));
    }
    for index in sweep::late(&ranked) {
        let finding = match operations[index].action {
            Action::Scan(..) => Finding::Stale,
            _ => Finding::Reordered,
        };
        verdict.find(finding, || {
            format!("{} by {}", operations[index].mark(), operations[index].node)
        });
    }
}

/// The nth append has the odd rank 2n + 1. One without an answer has no time that could be contradicted.
fn append_rank(
    operation: &Operation,
    places: &mut BTreeMap<&str, usize>,
    verdict: &mut Verdict,
) -> Option<u64> {
    let mark = operation.mark();
    let place = places.remove(mark.as_str());
    verdict.acknowledged += u64::from(operation.acknowledged());
    match place {
        None if operation.acknowledged() => {
            verdict.find(Finding::Lost, || {
                format!("append {mark} by {}", operation.node)
            });
        }
        Some(_) if operation.refused() => {
            verdict.find(Finding::Phantom, || {
                format!("append {mark} by {}", operation.node)
            });
        }
        _ => {}
    }
    place
        .filter(|_| operation.acknowledged())
        .map(|place| 2 * place as u64 + 1)
}

/// A read of n items stands between the nth append and the next: rank 2n. One that is no beginning of the list saw what is gone.
fn scan_rank(
    operation: &Operation,
    seen: &[String],
    found: &[String],
    verdict: &mut Verdict,
) -> Option<u64> {
    if found.starts_with(seen) {
        return Some(2 * seen.len() as u64);
    }
    verdict.find(Finding::RolledBack, || {
        let at = seen
            .iter()
            .zip(found)
            .take_while(|(seen, found)| seen == found)
            .count();
        format!(
            "read {} by {} saw {:?} at {at}, later {:?}",
            operation.mark(),
            operation.node,
            seen.get(at),
            found.get(at)
        )
    });
    None
}
