//! What the loop notes so that it can be shown: to the audience at once, over HTTP when asked.

use super::Running;
use crate::audience::{Audience, Event};
use crate::bell;
use crate::facts::Facts;
use crate::tally::{Durations, Tally};
use holdfast_core::decided::Decided;
use holdfast_core::names::{Epoch, Group};
use holdfast_core::record::Phase;
use holdfast_core::sentinel::{Happening, SentinelCore};
use std::collections::BTreeMap;

/// Everything that is shown and that the core does not keep.
pub(super) struct Showing {
    audience: Box<dyn Audience>,
    tallies: BTreeMap<Group, Tally>,
    told: BTreeMap<Group, (Epoch, Phase)>,
    durations: Durations,
}

impl Showing {
    pub(super) fn new(audience: Box<dyn Audience>) -> Self {
        Self {
            audience,
            tallies: BTreeMap::new(),
            told: BTreeMap::new(),
            durations: Durations::default(),
        }
    }

    /// The core has decided something.
    pub(super) fn decided(&mut self, core: &SentinelCore, name: &Group, said: &Decided) {
        self.tallies.entry(name.clone()).or_default().decisions += 1;
        let Some(group) = core.group(name) else {
            return;
        };
        let before = self.told.get(name).copied();
        if let Some(event) = Event::of(&core.settings().name, name, group, before, said) {
            self.audience.decided(event);
        }
        if let Some(record) = group.record() {
            self.told.insert(name.clone(), (record.epoch, record.phase));
        }
    }

    /// Something happened that clients may have subscribed to, or that a person wants to know.
    pub(super) fn happened(&mut self, core: &SentinelCore, name: &Group, happening: &Happening) {
        if *happening == Happening::VotersChanged {
            self.audience.decided(Event::of_voters(core.voters()));
        }
        let record = core.group(name).and_then(|group| group.record());
        let planned = record.is_some_and(|record| record.handoff.is_some());
        let tally = self.tallies.entry(name.clone()).or_default();
        tally.note(bell::now(), happening, planned, &self.durations);
    }
}

impl Running {
    /// All that is known now.
    pub(super) fn facts(&self) -> Facts {
        let (now, core) = (bell::now(), &self.core);
        Facts {
            name: core.settings().name.to_string(),
            votes: core.votes(),
            voters: core.voters().members.len(),
            peers: (
                core.peers().filter(|(_, peer)| peer.linked).count(),
                core.settings().set.len().saturating_sub(1),
            ),
            groups: core
                .groups()
                .filter_map(|(name, _)| core.status(now, name))
                .collect(),
            tallies: self.showing.tallies.clone(),
            durations: self.showing.durations.clone(),
            clients: self.clients.facts(),
        }
    }
}
