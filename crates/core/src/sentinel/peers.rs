//! The other sentinels.

use super::{Decision, Happening, SentinelCore, VOTERS, Written};
use crate::limits::{LEASE_GRANTED, PEER_SILENT};
use crate::names::{Group, Sentinel};
use crate::register::Voters;
use crate::time::Millis;
use crate::wire::PeerMessage;
use std::collections::BTreeMap;

/// What is known of another sentinel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerState {
    /// The connection stands.
    pub linked: bool,
    /// When it was last heard.
    pub heard_at: Millis,
    /// Its identity and the version of its voters, once it told.
    pub identity: Option<(String, u64)>,
}

impl SentinelCore {
    pub(super) fn on_peer_linked(&mut self, now: Millis, peer: Sentinel) {
        if !self.belongs(&peer) {
            return;
        }
        let known = self.peers.insert(
            peer.clone(),
            PeerState {
                linked: true,
                heard_at: now,
                identity: None,
            },
        );
        if known.is_none_or(|k| !k.linked) {
            self.happen(&Group::from(VOTERS), Happening::PeerUp(peer.clone()));
        }
        self.greet(&peer);
    }

    pub(super) fn on_peer_gone(&mut self, peer: &Sentinel) {
        if let Some(state) = self.peers.get_mut(peer) {
            state.linked = false;
            self.happen(&Group::from(VOTERS), Happening::PeerDown(peer.clone()));
        }
        if !self.belongs(peer) {
            self.peers.remove(peer);
        }
    }

    /// Whether this sentinel is, or still is, one of the set: one that was taken out of the configuration is heard
    /// until the voters have let it go.
    fn belongs(&self, peer: &Sentinel) -> bool {
        self.settings.set.contains(peer) || self.voters.members.contains_key(peer)
    }

    /// Tells a newly linked sentinel what is committed here, so that it need not ask.
    fn greet(&mut self, peer: &Sentinel) {
        let message = PeerMessage::Alive {
            identity: self.settings.identity.clone(),
            voters: self.voters.clone(),
        };
        self.send(peer, message);
        let records: Vec<_> = self
            .groups
            .iter()
            .filter_map(|(n, g)| Some((n.clone(), g.record()?.clone())))
            .collect();
        for (group, record) in records {
            let value = crate::wire::Value::Record(Box::new(record));
            self.send(peer, PeerMessage::Learn { group, value });
        }
    }

    pub(super) fn say_alive(&mut self) {
        let message = PeerMessage::Alive {
            identity: self.settings.identity.clone(),
            voters: self.voters.clone(),
        };
        let linked: Vec<Sentinel> = self
            .peers
            .iter()
            .filter(|(_, p)| p.linked)
            .map(|(n, _)| n.clone())
            .collect();
        for peer in linked {
            self.send(&peer, message.clone());
        }
    }

    pub(super) fn on_peer(&mut self, now: Millis, from: &Sentinel, message: PeerMessage) {
        if let Some(peer) = self.peers.get_mut(from) {
            peer.heard_at = now;
        }
        match message {
            PeerMessage::Alive { identity, voters } => self.on_alive(from, identity, voters),
            PeerMessage::Prepare {
                group,
                voters,
                ballot,
            } => self.on_prepare(from, group, voters, ballot),
            PeerMessage::Promise {
                group,
                identity,
                ballot,
                accepted,
            } => {
                self.on_promise(now, from, &group, &identity, &ballot, accepted);
            }
            PeerMessage::Accept {
                group,
                voters,
                ballot,
                value,
                next,
            } => {
                self.on_accept(now, from, group, voters, ballot, value, next);
            }
            PeerMessage::Accepted {
                group,
                identity,
                ballot,
                lease_ms,
            } => {
                self.on_accepted(now, from, &group, &identity, &ballot, lease_ms);
            }
            PeerMessage::Refused {
                group,
                ballot,
                promised,
                voters,
            } => {
                self.on_refused(now, &group, &ballot, &promised, voters);
            }
            PeerMessage::Learn { group, value } => self.on_learn(now, &group, value),
            PeerMessage::Opinion { group, opinion, .. } => {
                self.on_opinion(now, from, &group, opinion);
            }
            PeerMessage::Unknown => {}
        }
    }

    fn on_alive(&mut self, from: &Sentinel, identity: String, voters: Voters) {
        if let Some(peer) = self.peers.get_mut(from) {
            peer.identity = Some((identity, voters.version));
        }
        self.adopt_voters(voters);
    }

    /// A newer set of voters is taken over, and kept, before anything else is answered.
    pub(super) fn adopt_voters(&mut self, voters: Voters) {
        if voters.version <= self.voters.version {
            return;
        }
        self.voters = voters.clone();
        self.voters_since = self.last_step;
        self.out.push(super::SentinelOutput::Persist {
            written: Written::Voters(voters),
            then: Vec::new(),
        });
        let told = Decision::VotersChanged(self.voters.to_string(), self.votes());
        self.decide(&Group::from(VOTERS), told);
        self.voters_change.forget();
        for group in self.groups.values_mut() {
            group.changing.forget();
            group
                .opinions
                .retain(|from, _| self.voters.members.contains_key(from));
        }
    }

    /// Forms the first set of voters, and replaces members that came back with another disk.
    pub(super) fn tend_voters(&mut self, now: Millis) {
        if self.tend_change(now, &Group::from(VOTERS)) {
            return;
        }
        if self.voters.version == 0 {
            self.form_voters();
        } else if self.votes() && self.rank(now) == Some(0) && self.voters_change.is_idle(now) {
            self.mend_voters(now);
        }
    }

    /// The first set is formed once, by the first sentinel by name, when all of them are connected and
    /// none remembers another set. Had one lost its disk while another still knows, it would learn.
    fn form_voters(&mut self) {
        let me = &self.settings.name;
        let fresh = |name: &Sentinel| {
            let peer = self.peers.get(name).filter(|p| p.linked)?;
            let (identity, version) = peer.identity.clone()?;
            (version == 0).then_some(identity)
        };
        let member = |name: &Sentinel| {
            let identity = if name == me {
                Some(self.settings.identity.clone())
            } else {
                fresh(name)
            };
            identity.map(|identity| (name.clone(), identity))
        };
        let members: Option<BTreeMap<_, _>> = self.settings.set.iter().map(member).collect();
        if let Some(members) = members.filter(|_| self.settings.set.first() == Some(me)) {
            self.adopt_voters(Voters::first(members));
            self.happen(&Group::from(VOTERS), Happening::VotersChanged);
            self.say_alive();
        }
    }

    /// One change at a time: a former identity out, a newcomer in, a member that is no longer of the set out.
    fn mend_voters(&mut self, now: Millis) {
        // Leases of a majority of the last voters must be over before the next change: a majority two changes on may
        // share nobody with it, and would not wait for them.
        if now < self.voters_since + LEASE_GRANTED {
            return;
        }
        let Some(next) = self.mended() else { return };
        if !self.spread(now) {
            return;
        }
        let reachable = |name: &&Sentinel| {
            **name == self.settings.name || self.peers.get(name).is_some_and(|p| p.linked)
        };
        if next.members.keys().filter(reachable).count() >= next.majority() {
            self.propose_voters(now, next);
        }
    }

    /// Whether every register has been read and written back under the present voters; has it done where not.
    /// A majority of the next voters may have nobody of the majority that held a value under the last ones,
    /// so what is committed must be with a majority of the present ones before they may change again.
    fn spread(&mut self, now: Millis) -> bool {
        let version = self.voters.version;
        let behind = self
            .groups
            .iter()
            .filter(|(_, group)| group.spread < version);
        let behind: Vec<Group> = behind.map(|(name, _)| name.clone()).collect();
        for name in &behind {
            self.propose_read(now, name);
        }
        behind.is_empty()
    }

    fn mended(&self) -> Option<Voters> {
        let stranger = self
            .voters
            .members
            .keys()
            .find(|n| !self.settings.set.contains(*n));
        if let Some(name) = stranger {
            return Some(self.voters.without(name));
        }
        self.peers
            .iter()
            .filter(|(name, p)| p.linked && self.settings.set.contains(*name))
            .find_map(|(name, peer)| {
                let (identity, _) = peer.identity.as_ref()?;
                match self.voters.members.get(name) {
                    Some(known) if known == identity => None,
                    Some(_) => Some(self.voters.without(name)),
                    None => Some(self.voters.with(name, identity)),
                }
            })
    }

    /// Not one that came back with another disk: it does not vote, so nobody may wait for it.
    fn may_be_voter(&self, name: &Sentinel, peer: &PeerState) -> bool {
        let told = peer.identity.as_ref();
        told.is_none_or(|(identity, _)| self.voters.has(name, identity))
    }

    /// This sentinel's place among the voters that it hears; the first goes first, the others wait a
    /// little longer each. None when it does not vote.
    pub(super) fn rank(&self, now: Millis) -> Option<u64> {
        let heard = |name: &&Sentinel| {
            **name == self.settings.name
                || self.peers.get(name).is_some_and(|p| {
                    p.linked && now < p.heard_at + PEER_SILENT && self.may_be_voter(name, p)
                })
        };
        let place = self
            .voters
            .members
            .keys()
            .filter(heard)
            .position(|name| *name == self.settings.name)?;
        self.votes().then_some(place as u64)
    }
}
