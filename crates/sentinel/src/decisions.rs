//! The last decisions, for people.

use crate::bell;
use holdfast_core::decided::Decided;
use holdfast_core::limits::DECISIONS_MAX;
use holdfast_core::names::Group;
use holdfast_core::status::Decision;
use std::collections::{BTreeMap, VecDeque};

/// The newest decisions of each group and of the sentinel itself.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    kept: BTreeMap<Group, VecDeque<Decision>>,
}

impl Decisions {
    /// Logs and keeps one. One that was made before is counted and becomes the newest: a cause that returns for hours
    /// takes one place.
    pub(crate) fn note(&mut self, group: &Group, by: &str, said: Decided) {
        if group.as_str().is_empty() {
            tracing::info!(reason = said.code, "{said}");
        } else {
            tracing::info!(group = %group, by, reason = said.code, "{said}");
        }
        let kept = self.kept.entry(group.clone()).or_default();
        fold(kept, bell::wall(), by, said);
    }

    /// Those of a group and of the sentinel itself, oldest first.
    pub(crate) fn of(&self, group: &Group) -> Vec<Decision> {
        let own = self.kept.get(&Group::default()).into_iter().flatten();
        let mut all: Vec<Decision> = self
            .kept
            .get(group)
            .into_iter()
            .flatten()
            .chain(own)
            .cloned()
            .collect();
        all.sort_by_key(|decision| decision.at_unix_ms);
        let surplus = all.len().saturating_sub(DECISIONS_MAX);
        all.split_off(surplus)
    }
}

fn fold(kept: &mut VecDeque<Decision>, now: u64, by: &str, said: Decided) {
    let known = kept.iter().position(|d| d.by == by && d.text == said.text);
    let before = known.and_then(|place| kept.remove(place));
    if kept.len() >= DECISIONS_MAX {
        kept.pop_front();
    }
    kept.push_back(match before {
        Some(before) => before.again(now),
        None => Decision {
            at_unix_ms: now,
            by: by.to_owned(),
            code: said.code,
            text: said.text,
            ..Decision::default()
        },
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Decided {
        Decided {
            code: "Some".to_owned(),
            text: text.to_owned(),
        }
    }

    /// Two sentinels that take an election over from each other, and an agent whose server does not start.
    #[test]
    fn one_cause_never_fills_the_list() {
        let mut kept = VecDeque::new();
        fold(&mut kept, 1, "sentinel-0", said("deposed redis-0"));
        for round in 0..200_u64 {
            let by = format!("sentinel-{}", round % 2);
            fold(&mut kept, 10 + round, &by, said("goes on"));
            fold(&mut kept, 10 + round, "redis-0", said("bad tail"));
        }
        let shown: Vec<_> = kept
            .iter()
            .map(|d| (d.text.as_str(), d.first(), d.at_unix_ms, d.repeats))
            .collect();
        assert_eq!(
            shown,
            [
                ("deposed redis-0", 1, 1, 0),
                ("goes on", 10, 208, 99),
                ("goes on", 11, 209, 99),
                ("bad tail", 10, 209, 199),
            ]
        );
    }

    #[test]
    fn the_oldest_of_different_decisions_go() {
        let mut kept = VecDeque::new();
        for number in 0..100 {
            fold(&mut kept, number, "sentinel-0", said(&number.to_string()));
        }
        assert_eq!((kept.len(), kept[0].at_unix_ms), (DECISIONS_MAX, 36));
    }
}
