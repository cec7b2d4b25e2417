//! How much may be hurt at once. `quorum` promises that what was acknowledged outlives the loss of k nodes; a run that took more than that
//! would prove nothing. Sentinels must keep a majority, else nobody decides.

use crate::clock::Micros;
use std::collections::BTreeMap;

/// How long a killed sentinel may take to be back, in microseconds.
pub const SENTINEL_BACK: Micros = 5_000_000;

/// Nodes that may have lost their memory and have not caught up yet, and sentinels that may be away.
#[derive(Clone, Debug, Default)]
pub struct Wounds {
    /// Most nodes at once; `None` for no limit, where nothing is promised anyhow.
    pub limit: Option<usize>,
    /// Wounded nodes by index, and until when the blow lasts.
    nodes: BTreeMap<usize, Micros>,
    /// Sentinels by index, and until when each is away.
    sentinels: BTreeMap<usize, Micros>,
}

impl Wounds {
    /// With `limit` nodes at once.
    pub fn new(limit: Option<usize>) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Whether there is any wounded node.
    pub fn any(&self) -> bool {
        !self.nodes.is_empty()
    }

    /// The node to wound instead of `wanted`: itself where there is room, else one that is wounded already.
    pub fn aim(&self, wanted: usize, choice: usize) -> usize {
        let full = self.limit.is_some_and(|limit| self.nodes.len() >= limit);
        if !full || self.nodes.contains_key(&wanted) {
            return wanted;
        }
        let wounded: Vec<usize> = self.nodes.keys().copied().collect();
        wounded
            .get(choice % wounded.len().max(1))
            .copied()
            .unwrap_or(wanted)
    }

    /// Notes that `node` is wounded until `until` and then has to heal.
    pub fn wound(&mut self, node: usize, until: Micros) {
        let end = self.nodes.entry(node).or_default();
        *end = (*end).max(until);
    }

    /// The group was seen to be whole at `now`: whoever is not being hit just then has healed.
    pub fn heal(&mut self, now: Micros) {
        self.nodes.retain(|_, until| *until > now);
    }

    /// Whether sentinel number `index` of `count` may be taken away at `now`.
    pub fn may_take_sentinel(&mut self, index: usize, count: usize, now: Micros) -> bool {
        self.sentinels.retain(|_, until| *until > now);
        let others = self
            .sentinels
            .keys()
            .filter(|other| **other != index)
            .count();
        others < count.saturating_sub(1) / 2
    }

    /// Notes that a sentinel is away until `until`.
    pub fn take_sentinel(&mut self, index: usize, until: Micros) {
        let end = self.sentinels.entry(index).or_default();
        *end = (*end).max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_nodes_than_promised_are_hurt_at_once() {
        let mut wounds = Wounds::new(Some(1));
        assert_eq!(wounds.aim(2, 0), 2);
        wounds.wound(2, 100);
        assert_eq!((wounds.aim(0, 5), wounds.aim(2, 0)), (2, 2));
        wounds.heal(99);
        assert!(wounds.any(), "it is still being hit");
        wounds.heal(100);
        assert_eq!((wounds.any(), wounds.aim(0, 5)), (false, 0));
        let mut free = Wounds::new(None);
        free.wound(1, 100);
        assert_eq!(free.aim(0, 0), 0);
    }

    #[test]
    fn sentinels_keep_a_majority() {
        let mut wounds = Wounds::default();
        assert!(wounds.may_take_sentinel(0, 3, 0) && !wounds.may_take_sentinel(0, 1, 0));
        wounds.take_sentinel(0, 50);
        assert!(wounds.may_take_sentinel(0, 3, 10) && !wounds.may_take_sentinel(1, 3, 10));
        assert!(wounds.may_take_sentinel(1, 5, 10) && wounds.may_take_sentinel(1, 3, 50));
    }
}
