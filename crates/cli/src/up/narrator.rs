//! Tells, line by line, what changed between two looks at the group.

use crate::observation::Observation;
use holdfast_core::status::{Decision, GroupStatus, NodeStatus};
use std::collections::{BTreeMap, BTreeSet};

/// Remembers what it has told.
#[derive(Debug, Default)]
pub(crate) struct Narrator {
    primary: Option<String>,
    nodes: BTreeMap<String, String>,
    troubles: BTreeSet<String>,
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
        let fresh: Vec<Decision> = decisions
            .into_iter()
            .filter(|decision| self.is_news(decision))
            .collect();
        self.told.drain(..self.told.len().saturating_sub(TOLD_KEPT));
        fresh
            .into_iter()
            .map(|decision| format!("{}: {}", decision.by, decision.text))
            .collect()
    }

    /// Whether a decision was not told yet. One that is made again and again is told again only after a pause.
    fn is_news(&mut self, decision: &Decision) -> bool {
        let same = |told: &&mut Decision| told.by == decision.by && told.text == decision.text;
        let Some(told) = self.told.iter_mut().find(same) else {
            self.told.push(decision.clone());
            return true;
        };
        let paused = decision.at_unix_ms > told.at_unix_ms + REPEATED_WITHIN_MS;
        told.at_unix_ms = told.at_unix_ms.max(decision.at_unix_ms);
        paused
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

    /// Each trouble once until all of it is over: sentinels that take an election over from each other say the same by
    /// turns.
    fn trouble(&mut self, status: &GroupStatus) -> Option<String> {
        if let Some(trouble) = &status.trouble {
            return self
                .troubles
                .insert(trouble.clone())
                .then(|| trouble.clone());
        }
        let primary = status.primary.as_ref();
        let mut nodes = status.nodes.iter();
        let served = nodes.any(|node| Some(&node.name) == primary && node.writable);
        if self.troubles.is_empty() || !served {
            return None;
        }
        self.troubles.clear();
        Some(match status.ailments() {
            none if none.is_empty() => "all is well again".to_owned(),
            some => format!("writes are taken again; {}", some.join("; ")),
        })
    }
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
                writable: true,
                ..NodeStatus::default()
            }],
            decisions: vec![Decision {
                at_unix_ms: 1,
                by: "sentinel-0".into(),
                text: "made redis-0 the primary".into(),
                ..Decision::default()
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

    /// Three sentinels take an election over from each other for as long as it lasts.
    #[test]
    fn an_outage_is_told_once() {
        let mut narrator = Narrator::default();
        narrator.observe(&seen(status()));
        let mut lines = Vec::new();
        for round in 0..40_u64 {
            let trouble = ["waits for redis-1", "no primary serves"][round as usize % 2];
            let decision = Decision {
                at_unix_ms: 10_000 + round * 3_000,
                first_unix_ms: 10_000,
                repeats: round,
                by: "sentinel-1".into(),
                code: "Some".to_owned(),
                text: "goes on with the election".into(),
            };
            let outage = GroupStatus {
                primary: None,
                trouble: Some(trouble.to_owned()).filter(|_| round % 3 > 0),
                decisions: vec![decision],
                ..status()
            };
            lines.extend(narrator.observe(&seen(outage)));
        }
        assert_eq!(
            lines,
            [
                "sentinel-1: goes on with the election",
                "no primary serves",
                "waits for redis-1"
            ]
        );
        let back = narrator.observe(&seen(status()));
        assert_eq!(back.last().map(String::as_str), Some("all is well again"));
    }
}
