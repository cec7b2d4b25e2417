//! The last decisions, for people.

use crate::bell;
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
    pub(crate) fn note(&mut self, group: &Group, by: &str, text: String) {
        if group.as_str().is_empty() {
            tracing::info!("{text}");
        } else {
            tracing::info!(group = %group, by, "{text}");
        }
        let kept = self.kept.entry(group.clone()).or_default();
        fold(kept, bell::wall(), by, text);
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

fn fold(kept: &mut VecDeque<Decision>, now: u64, by: &str, text: String) {
    let known = kept.iter().position(|d| d.by == by && d.text == text);
    let before = known.and_then(|place| kept.remove(place));
    if kept.len() >= DECISIONS_MAX {
        kept.pop_front();
    }
    kept.push_back(match before {
        Some(before) => before.again(now),
        None => Decision {
            at_unix_ms: now,
            by: by.to_owned(),
            text,
            ..Decision::default()
        },
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two sentinels that take an election over from each other, and an agent whose server does not start.
    #[test]
    fn one_cause_never_fills_the_list() {
        let mut kept = VecDeque::new();
        fold(&mut kept, 1, "sentinel-0", "deposed redis-0".to_owned());
        for round in 0..200_u64 {
            let by = format!("sentinel-{}", round % 2);
            fold(&mut kept, 10 + round, &by, "goes on".to_owned());
            fold(&mut kept, 10 + round, "redis-0", "bad tail".to_owned());
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
            fold(&mut kept, number, "sentinel-0", number.to_string());
        }
        assert_eq!((kept.len(), kept[0].at_unix_ms), (DECISIONS_MAX, 36));
    }
}
