//! The proposer's side of the register.

use super::{Happening, SentinelCore, VOTERS};
use crate::limits::REGISTER_RETRY;
use crate::names::{Group, Sentinel};
use crate::record::Record;
use crate::register::{Ballot, Outcome, Progress, Proposal, Versioned, Voters};
use crate::time::Millis;
use crate::wire::{PeerMessage, Value};

/// A change of one register that this sentinel is trying.
#[derive(Clone, Debug, Default)]
pub(super) struct Changing {
    running: Option<Proposal<Value>>,
    sent_at: Millis,
    /// When this attempt began.
    begun_at: Millis,
    /// How often the present round was repeated.
    repeats: u32,
    /// Highest ballot seen anywhere.
    highest: Option<Ballot>,
    /// The ballot that a majority keeps free for the successor of this version.
    reserved: Option<(Ballot, u64)>,
    not_before: Millis,
    beaten: u32,
}

impl Changing {
    /// Nothing runs, and a new attempt may begin.
    pub(super) fn is_idle(&self, now: Millis) -> bool {
        self.running.is_none() && now >= self.not_before
    }

    /// Gives up what runs: it went by voters that are no more.
    pub(super) fn forget(&mut self) {
        self.running = None;
        self.reserved = None;
    }

    fn see(&mut self, ballot: &Ballot) {
        if self.highest.as_ref().is_none_or(|known| known < ballot) {
            self.highest = Some(ballot.clone());
        }
    }
}

impl SentinelCore {
    fn changing(&mut self, name: &Group) -> Option<&mut Changing> {
        if name.as_str() == VOTERS {
            return Some(&mut self.voters_change);
        }
        self.groups.get_mut(name).map(|group| &mut group.changing)
    }

    /// Tries to replace the record that `desired` was derived from.
    pub(super) fn propose(&mut self, now: Millis, name: &Group, desired: Record) {
        self.propose_over(now, name, desired.version - 1, desired);
    }

    /// Tries to put `desired` in the place of this version, whatever its own is.
    pub(super) fn propose_over(
        &mut self,
        now: Millis,
        name: &Group,
        version: u64,
        desired: Record,
    ) {
        self.begin(now, name, version, Some(Value::Record(Box::new(desired))));
    }

    /// Reads the register.
    pub(super) fn propose_read(&mut self, now: Millis, name: &Group) {
        self.begin(now, name, u64::MAX, None);
    }

    /// The first set of voters is not in the register: it counts as the empty one there.
    pub(super) fn propose_voters(&mut self, now: Millis, next: Voters) {
        let expected = if self.voters.version == 1 {
            0
        } else {
            self.voters.version
        };
        self.begin(
            now,
            &Group::from(VOTERS),
            expected,
            Some(Value::Voters(next)),
        );
    }

    fn begin(&mut self, now: Millis, name: &Group, expected: u64, desired: Option<Value>) {
        let (me, run, voters) = (
            self.settings.name.clone(),
            self.settings.run,
            self.voters.clone(),
        );
        if !self.votes() {
            return;
        }
        let slot = self.slots.get(name);
        let promised = slot.map(|slot| slot.promised.clone());
        let own = slot.and_then(|slot| slot.accepted.clone());
        let Some(changing) = self.changing(name) else {
            return;
        };
        if !changing.is_idle(now) {
            return;
        }
        let reserved = changing
            .reserved
            .take()
            .filter(|(_, version)| *version == expected);
        let proposal = match (reserved, desired) {
            (Some((ballot, _)), Some(desired)) => {
                Proposal::accept(ballot, voters, expected, desired)
            }
            (_, desired) => {
                let highest = changing.highest.clone().into_iter().chain(promised).max();
                let ballot = highest.unwrap_or_else(Ballot::zero).next_of(&me, run);
                Proposal::prepare(ballot, voters, expected, desired).knowing(own)
            }
        };
        changing.see(proposal.ballot());
        changing.repeats = 0;
        changing.begun_at = now;
        changing.running = Some(proposal);
        self.send_round(now, name);
    }

    /// Sends the current round to all voters, this one included; again if it goes unanswered.
    fn send_round(&mut self, now: Millis, name: &Group) {
        let (me, run) = (self.settings.name.clone(), self.settings.run);
        let Some(changing) = self.changing(name) else {
            return;
        };
        let Some(proposal) = &changing.running else {
            return;
        };
        let (voters, ballot) = (proposal.voters().clone(), proposal.ballot().clone());
        let message = match proposal.value().cloned() {
            Some(value) => {
                let next = ballot.next_of(&me, run);
                changing.see(&next);
                PeerMessage::Accept {
                    group: name.clone(),
                    voters: voters.clone(),
                    ballot,
                    value,
                    next,
                }
            }
            None => PeerMessage::Prepare {
                group: name.clone(),
                voters: voters.clone(),
                ballot,
            },
        };
        if let Some(changing) = self.changing(name) {
            changing.sent_at = now;
        }
        for voter in voters.members.keys() {
            self.send(voter, message.clone());
        }
    }

    /// Repeats a round that no majority has answered. Returns whether a change is under way.
    pub(super) fn tend_change(&mut self, now: Millis, name: &Group) -> bool {
        let Some(changing) = self.changing(name) else {
            return false;
        };
        if changing.running.is_none() {
            return false;
        }
        // Twice as long each time: answers that are only slow must not be drowned in repetitions.
        if now >= changing.sent_at + (REGISTER_RETRY << changing.repeats.min(4)) {
            changing.repeats += 1;
            self.send_round(now, name);
        }
        true
    }

    pub(super) fn on_promise(
        &mut self,
        now: Millis,
        from: &Sentinel,
        name: &Group,
        identity: &str,
        ballot: &Ballot,
        accepted: Option<(Ballot, Value)>,
    ) {
        let Some(proposal) = self.changing(name).and_then(|c| c.running.as_mut()) else {
            return;
        };
        let progress = proposal.on_promise(from, identity, ballot, accepted);
        self.go_on(now, name, progress);
    }

    pub(super) fn on_accepted(
        &mut self,
        now: Millis,
        from: &Sentinel,
        name: &Group,
        identity: &str,
        ballot: &Ballot,
        lease_ms: Millis,
    ) {
        let Some(proposal) = self.changing(name).and_then(|c| c.running.as_mut()) else {
            return;
        };
        let progress = proposal.on_accepted(from, identity, ballot, lease_ms);
        self.go_on(now, name, progress);
    }

    pub(super) fn on_refused(
        &mut self,
        now: Millis,
        name: &Group,
        ballot: &Ballot,
        promised: &Ballot,
        voters: Voters,
    ) {
        self.adopt_voters(voters);
        let Some(changing) = self.changing(name) else {
            return;
        };
        changing.see(promised);
        let Some(proposal) = &changing.running else {
            return;
        };
        let progress = proposal.on_refused(ballot, promised);
        self.go_on(now, name, progress);
    }

    fn go_on(&mut self, now: Millis, name: &Group, progress: Progress<Value>) {
        match progress {
            Progress::Pending => {}
            Progress::Accept { .. } => self.send_round(now, name),
            Progress::Beaten(ballot) => self.back_off(now, name, &ballot),
            Progress::Done(outcome) => self.on_outcome(now, name, outcome),
        }
    }

    /// Somebody else is changing this register: look at what came of it, a little later.
    fn back_off(&mut self, now: Millis, name: &Group, ballot: &Ballot) {
        let rank = self.rank(now).unwrap_or(0);
        let Some(changing) = self.changing(name) else {
            return;
        };
        changing.see(ballot);
        changing.running = None;
        changing.reserved = None;
        changing.beaten = (changing.beaten + 1).min(5);
        changing.not_before = now + 5 + 12 * (rank + 1) * u64::from(changing.beaten);
    }

    fn on_outcome(&mut self, now: Millis, name: &Group, outcome: Outcome<Value>) {
        let (me, run) = (self.settings.name.clone(), self.settings.run);
        let Some(changing) = self.changing(name) else {
            return;
        };
        let Some(proposal) = changing.running.take() else {
            return;
        };
        changing.beaten = 0;
        let begun = changing.begun_at;
        let lease_ms = proposal.lease_ms();
        let (value, written) = match outcome {
            Outcome::Written(value) => (Some(value), true),
            Outcome::Found(value) => (value, false),
        };
        if let Some(value) = &value {
            changing.reserved = Some((proposal.ballot().next_of(&me, run), value.version()));
        }
        let under = proposal.voters().version;
        if let Some(group) = self.groups.get_mut(name) {
            group.spread = under;
            group.read = true;
            if !written {
                group.note_found(begun);
            }
        }
        let Some(value) = value else { return };
        let message = PeerMessage::Learn {
            group: name.clone(),
            value: value.clone(),
        };
        let peers: Vec<Sentinel> = self
            .peers
            .iter()
            .filter(|(_, p)| p.linked)
            .map(|(n, _)| n.clone())
            .collect();
        for peer in peers {
            self.send(&peer, message.clone());
        }
        match value {
            Value::Voters(voters) => {
                self.adopt_voters(voters);
                if written {
                    self.happen(name, Happening::VotersChanged);
                }
            }
            Value::Record(record) => {
                self.on_record(now, name, *record, written.then_some(now + lease_ms));
            }
        }
    }

    /// A committed value has become known.
    pub(super) fn on_learn(&mut self, now: Millis, name: &Group, value: Value) {
        match value {
            Value::Voters(voters) => self.adopt_voters(voters),
            Value::Record(record) => self.on_record(now, name, *record, None),
        }
    }
}
