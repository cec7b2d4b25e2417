//! A configuration that changes while the sentinel runs.

use super::{GroupConfig, GroupState, SentinelCore};
use crate::limits::GROUPS_MAX;
use crate::names::{Group, Sentinel};
use crate::time::Millis;
use std::collections::BTreeSet;

impl SentinelCore {
    /// Takes the new set and the new groups over. Nothing is decided here: who votes and which nodes belong to a group
    /// is changed by the register, one step at a time, by whose turn it is.
    pub(super) fn on_reconfigure(
        &mut self,
        now: Millis,
        set: BTreeSet<Sentinel>,
        groups: Vec<GroupConfig>,
    ) {
        let voters = &self.voters.members;
        self.peers
            .retain(|name, peer| peer.linked || set.contains(name) || voters.contains_key(name));
        self.settings.set = set;
        for config in groups.iter().take(GROUPS_MAX) {
            self.configure_group(now, config);
        }
        self.settings.groups = groups;
    }

    fn configure_group(&mut self, now: Millis, config: &GroupConfig) {
        let name: &Group = &config.name;
        if let Some(group) = self.groups.get_mut(name) {
            group.config = config.clone();
        } else if self.groups.len() < GROUPS_MAX {
            let mut group = GroupState::new(config.clone());
            group.since = now;
            self.groups.insert(name.clone(), group);
        }
    }
}
