//! What the view shows; pure, so that pictures of it can be tested.

use crate::observation::{Observation, same};
use holdfast_cluster::{Manifest, Target, TargetKind};
use holdfast_core::status::{Decision, GroupStatus};
use std::collections::{BTreeSet, VecDeque};

/// Sentences kept; more than any terminal has lines.
const SENTENCES_KEPT: usize = 200;
/// How far back a repeated sentence is looked for.
const REPEATED_AMONG: usize = 12;
/// An answer older than this is called old.
const OLD_MS: u64 = 1_500;
/// Points of the load's curve.
pub(super) const POINTS_KEPT: usize = 240;

/// Everything that is drawn.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) manifest: Manifest,
    pub(super) server: String,
    pub(super) dir: String,
    pub(super) now_unix_ms: u64,
    /// What the sentinels say; absent until one has answered.
    pub(super) status: Option<GroupStatus>,
    answered_unix_ms: u64,
    /// Decisions and events, oldest first.
    pub(super) story: VecDeque<Decision>,
    pub(super) load: LoadState,
    /// The processes that `z` froze and `t` has not thawed.
    frozen: BTreeSet<i32>,
    selected: usize,
}

/// The small load, as far as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LoadState {
    pub(super) running: bool,
    pub(super) acknowledged: u64,
    pub(super) failed: u64,
    pub(super) longest_pause_ms: f64,
    pub(super) latency_ms: f64,
    /// Writes acknowledged per tenth of a second, oldest first.
    pub(super) points: VecDeque<u64>,
}

impl State {
    pub(super) fn new(manifest: Manifest, server: String, dir: String) -> Self {
        Self {
            manifest,
            server,
            dir,
            ..Self::default()
        }
    }

    /// Says so when the picture is old, because no sentinel answers.
    pub(super) fn silence(&self) -> Option<String> {
        let silent_ms = self.now_unix_ms.saturating_sub(self.answered_unix_ms);
        let old = self.status.is_some() && silent_ms > OLD_MS;
        old.then(|| {
            format!(
                "no sentinel has answered for {} s: this picture is old",
                silent_ms / 1_000
            )
        })
    }

    /// Takes over a new look at the group.
    pub(super) fn see(&mut self, observation: &Observation) {
        // Without an answer the last picture stays, and the heading says that it is old.
        if let Some(status) = observation.best() {
            self.status = Some(status.clone());
            self.answered_unix_ms = self.now_unix_ms;
        }
        for decision in observation.decisions() {
            let known =
                |told: &Decision| same(told, &decision) && told.at_unix_ms >= decision.at_unix_ms;
            if !self.story.iter().any(known) {
                self.insert(decision);
            }
        }
    }

    /// Time goes on; processes come and go.
    pub(super) fn now(&mut self, now_unix_ms: u64, manifest: Manifest) {
        self.now_unix_ms = now_unix_ms;
        self.manifest = manifest;
    }

    /// Adds a sentence.
    pub(super) fn tell(&mut self, at_unix_ms: u64, by: &str, text: &str) {
        self.insert(Decision {
            at_unix_ms,
            by: by.to_owned(),
            text: text.to_owned(),
            ..Decision::default()
        });
    }

    /// A sentence that is said again moves to its new time instead of filling the screen.
    fn insert(&mut self, decision: Decision) {
        let recent = self.story.len().saturating_sub(REPEATED_AMONG);
        let repeated = self
            .story
            .iter()
            .skip(recent)
            .position(|told| told.by == decision.by && told.text == decision.text);
        if let Some(i) = repeated {
            self.story.remove(recent + i);
        }
        let later = self
            .story
            .iter()
            .rev()
            .take_while(|other| other.at_unix_ms > decision.at_unix_ms)
            .count();
        self.story.insert(self.story.len() - later, decision);
        while self.story.len() > SENTENCES_KEPT {
            self.story.pop_front();
        }
    }

    /// Rows that can be selected: the nodes, then the sentinels.
    fn rows(&self) -> usize {
        self.manifest.nodes.len() + self.manifest.sentinels.len()
    }

    pub(super) fn select_next(&mut self) {
        self.selected = (self.selected + 1) % self.rows().max(1);
    }

    pub(super) fn select_previous(&mut self) {
        self.selected = (self.selected + self.rows().max(1) - 1) % self.rows().max(1);
    }

    /// Remembers that the selected process was frozen, or is not any more.
    pub(super) fn set_frozen(&mut self, frozen: bool) {
        let Some(pid) = self.selected_pid() else {
            return;
        };
        if frozen {
            self.frozen.insert(pid);
        } else {
            self.frozen.remove(&pid);
        }
    }

    /// Whether this process was frozen; the one that is started in its place was not.
    pub(super) fn is_frozen(&self, pid: Option<i32>) -> bool {
        pid.is_some_and(|pid| self.frozen.contains(&pid))
    }

    fn selected_pid(&self) -> Option<i32> {
        let node = self
            .selected_node()
            .and_then(|i| self.manifest.nodes.get(i)?.server_pid);
        node.or_else(|| {
            self.selected_sentinel()
                .and_then(|i| self.manifest.sentinels.get(i)?.pid)
        })
    }

    /// The selected node, by number.
    pub(super) fn selected_node(&self) -> Option<usize> {
        (self.selected < self.manifest.nodes.len()).then_some(self.selected)
    }

    /// The selected sentinel, by number.
    pub(super) fn selected_sentinel(&self) -> Option<usize> {
        self.selected.checked_sub(self.manifest.nodes.len())
    }

    /// The selected process: a node's redis-server, or a sentinel.
    pub(super) fn selected(&self) -> Option<Target> {
        let node = self
            .selected_node()
            .and_then(|i| self.manifest.nodes.get(i));
        let sentinel = self
            .selected_sentinel()
            .and_then(|i| self.manifest.sentinels.get(i));
        node.map(|node| Target {
            kind: TargetKind::Server,
            name: node.name.clone(),
        })
        .or_else(|| {
            sentinel.map(|sentinel| Target {
                kind: TargetKind::Sentinel,
                name: sentinel.name.clone(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_selection_goes_round_through_nodes_and_sentinels() {
        let mut state = super::super::picture::sample();
        let mut names = Vec::new();
        for _ in 0..8 {
            names.push(state.selected().unwrap().name);
            state.select_next();
        }
        assert_eq!(
            names,
            [
                "redis-0",
                "redis-1",
                "redis-2",
                "redis-3",
                "sentinel-0",
                "sentinel-1",
                "sentinel-2",
                "redis-0"
            ]
        );
        state.select_previous();
        state.select_previous();
        assert_eq!(state.selected().unwrap().name, "sentinel-2");
    }

    #[test]
    fn sentences_are_in_order_told_once_and_bounded() {
        let texts = |state: &State| -> Vec<String> {
            state.story.iter().map(|told| told.text.clone()).collect()
        };
        let mut state = State::default();
        state.tell(5, "up", "later");
        state.tell(1, "up", "earlier");
        assert_eq!(texts(&state), ["earlier", "later"]);
        state.tell(6, "up", "earlier");
        assert_eq!(texts(&state), ["later", "earlier"]);
        (0..1_000).for_each(|i| state.tell(10 + i, "up", &i.to_string()));
        assert_eq!(state.story.len(), SENTENCES_KEPT);
    }
}
