//! Tells, line by line, what changed between two looks at the group.

use crate::observation::Observation;
use holdfast_core::status::{Decision, GroupStatus, NodeStatus};
use std::collections::BTreeMap;

/// Remembers what it has told.
#[derive(Debug, Default)]
pub(crate) struct Narrator {
    primary: Option<String>,
    nodes: BTreeMap<String, String>,
    trouble: Option<String>,
    told: Vec<Decision>,
}

/// Decisions remembered as told; sentinels show at most 64 each.
const TOLD_KEPT: usize = 512;

/// A sentence that is repeated is told again after this time only.
const REPEATED_WITHIN_MS: u64 = 30_000;

impl Narrator {
    /// The lines for what is new since the last call.
    pub(crate) fn observe(&mut self, observation: &Observation) -> Vec<String> {
        let mut lines = self.decisions(observation.decisions());
        if let Some(status) = observation.best() {
            lines.extend(self.primary(status));
            lines.extend(status.nodes.iter().filter_map(|node| self.node(node)));
            lines.extend(self.trouble(status));
        }
        lines
    }

    fn decisions(&mut self, decisions: Vec<Decision>) -> Vec<String> {
        let mut fresh: Vec<Decision> = Vec::new();
        for decision in decisions {
            if !self
                .told
                .iter()
                .chain(&fresh)
                .any(|told| again(told, &decision))
            {
                fresh.push(decision);
            }
        }
        self.told.extend(fresh.iter().cloned());
        self.told.drain(..self.told.len().saturating_sub(TOLD_KEPT));
        fresh
            .into_iter()
            .map(|decision| format!("{}: {}", decision.by, decision.text))
            .collect()
    }

    fn primary(&mut self, status: &GroupStatus) -> Option<String> {
        if status.primary == self.primary {
            return None;
        }
        self.primary.clone_from(&status.primary);
        let name = self.primary.as_ref()?;
        let address = status.primary_address.as_ref()?;
        Some(format!(
            "{name} is primary in epoch {}: redis-cli -p {}",
            status.epoch, address.port
        ))
    }

    fn node(&mut self, node: &NodeStatus) -> Option<String> {
        let now = [node.role.as_str(), node.state.as_str()].join(", ");
        if self.nodes.get(&node.name) == Some(&now) {
            return None;
        }
        let reason = node
            .reason
            .as_deref()
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        let line = format!("{} is {now}{reason}", node.name);
        self.nodes.insert(node.name.clone(), now);
        Some(line)
    }

    fn trouble(&mut self, status: &GroupStatus) -> Option<String> {
        if status.trouble == self.trouble {
            return None;
        }
        self.trouble.clone_from(&status.trouble);
        Some(
            self.trouble
                .clone()
                .unwrap_or_else(|| "all is well again".to_owned()),
        )
    }
}

/// Whether the sentence was told already, or only just: one that is said ten times a second is told once a while.
fn again(told: &Decision, decision: &Decision) -> bool {
    let same = told.by == decision.by && told.text == decision.text;
    same && told.at_unix_ms.abs_diff(decision.at_unix_ms) < REPEATED_WITHIN_MS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn seen(status: GroupStatus) -> Observation {
        Observation {
            views: vec![("127.0.0.1:26379".parse().unwrap(), Ok(status))],
        }
    }

    fn status() -> GroupStatus {
        GroupStatus {
            epoch: 7,
            primary: Some("redis-0".into()),
            primary_address: Some("127.0.0.1:6379".parse().unwrap()),
            nodes: vec![NodeStatus {
                name: "redis-0".into(),
                role: "primary".into(),
                state: "up".into(),
                ..NodeStatus::default()
            }],
            decisions: vec![Decision {
                at_unix_ms: 1,
                by: "sentinel-0".into(),
                text: "made redis-0 the primary".into(),
            }],
            ..GroupStatus::default()
        }
    }

    #[test]
    fn tells_everything_once() {
        let mut narrator = Narrator::default();
        let first = narrator.observe(&seen(status()));
        assert_eq!(
            first,
            [
                "sentinel-0: made redis-0 the primary",
                "redis-0 is primary in epoch 7: redis-cli -p 6379",
                "redis-0 is primary, up"
            ]
        );
        assert!(narrator.observe(&seen(status())).is_empty());
    }

    #[test]
    fn tells_trouble_and_its_end() {
        let mut narrator = Narrator::default();
        narrator.observe(&seen(status()));
        let sick = GroupStatus {
            trouble: Some("redis-1 is down".into()),
            ..status()
        };
        assert_eq!(narrator.observe(&seen(sick)), ["redis-1 is down"]);
        assert_eq!(narrator.observe(&seen(status())), ["all is well again"]);
    }
}
