//! I5: every set that can commit meets every set that can elect, also in the middle of a change.

use crate::model::Micros;
use crate::report::Violation;
use holdfast_core::record::Record;
use holdfast_core::syncset::{Heard, SyncRule, may_elect};

/// Members up to which all subsets are tried.
const MEMBERS_MAX: usize = 10;

/// Called for every record that is proposed.
pub fn check(now: Micros, record: &Record) -> Option<Violation> {
    let former = record.former.iter().map(|former| &former.rule);
    let bad = former
        .chain([&record.sync])
        .any(|rule| !meets(rule, record));
    bad.then(|| Violation {
        invariant: "i05_quorums_meet",
        at_us: now,
        text: format!(
            "the rules of version {} let an election miss a commit",
            record.version
        ),
    })
}

/// Whether whoever may elect under the record has met each set that may commit under `rule`.
fn meets(rule: &SyncRule, record: &Record) -> bool {
    let members: Vec<_> = rule
        .members
        .iter()
        .map(|(node, run)| (node.clone(), run.clone()))
        .collect();
    if rule.k == 0 || members.len() > MEMBERS_MAX {
        return true;
    }
    (0..1_u32 << members.len()).all(|bits| {
        let inside = |wanted: bool| -> Heard {
            members
                .iter()
                .enumerate()
                .filter(|(i, _)| (bits >> i & 1 == 1) == wanted)
                .map(|(_, m)| m.clone())
                .collect()
        };
        !(rule.may_commit(&inside(true))
            && may_elect(&record.sync, &record.former, &inside(false), 0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_core::names::{Incarnation, Node};
    use holdfast_core::syncset::FormerRule;

    fn rule(size: usize, k: usize) -> SyncRule {
        let members = (0..size)
            .map(|n| {
                (
                    Node::from(format!("n{n}")),
                    Incarnation::from(format!("r{n}")),
                )
            })
            .collect();
        SyncRule {
            members,
            k,
            ..SyncRule::default()
        }
    }

    #[test]
    fn every_size_and_k_meets() {
        for size in 1..=6 {
            for k in 1..=size {
                let mut record = Record::first(
                    std::collections::BTreeSet::default(),
                    holdfast_core::record::Member {
                        node: Node::from("n"),
                        incarnation: Incarnation::from("r"),
                        address: holdfast_core::names::Address::new("h", 1),
                        server: None,
                    },
                    holdfast_core::record::Terms::default(),
                    &"s".into(),
                    holdfast_core::decided::Decided::default(),
                );
                record.sync = rule(size, k);
                assert_eq!(check(0, &record), None, "{size} {k}");
                record.former = vec![FormerRule {
                    rule: rule(size, size - k + 1),
                    until: 1,
                }];
                assert_eq!(check(0, &record), None, "{size} {k} with a previous rule");
            }
        }
    }
}
