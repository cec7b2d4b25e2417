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
    /// Logs and keeps one.
    pub(crate) fn note(&mut self, group: &Group, by: &str, text: String) {
        if group.as_str().is_empty() {
            tracing::info!("{text}");
        } else {
            tracing::info!(group = %group, by, "{text}");
        }
        let kept = self.kept.entry(group.clone()).or_default();
        if kept.len() >= DECISIONS_MAX {
            kept.pop_front();
        }
        kept.push_back(Decision {
            at_unix_ms: bell::wall(),
            by: by.to_owned(),
            text,
        });
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
