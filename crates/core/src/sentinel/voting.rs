//! The acceptor's side of the register.

use super::{SentinelCore, SentinelOutput, Written};
use crate::mutant::Mutant;
use crate::names::{Group, Sentinel};
use crate::register::{Ballot, Voters};
use crate::time::Millis;
use crate::wire::{PeerMessage, Value};

impl SentinelCore {
    /// Whether a request that goes by `voters` may be answered. Requests of older voters are refused
    /// with the newer ones, so that a majority of the new set is never bypassed by the old.
    fn may_vote(
        &mut self,
        from: &Sentinel,
        group: &Group,
        voters: Voters,
        ballot: &Ballot,
    ) -> bool {
        if voters.version < self.voters.version {
            self.refuse(from, group, ballot, Ballot::zero());
            return false;
        }
        self.adopt_voters(voters);
        self.votes()
    }

    fn refuse(&mut self, from: &Sentinel, group: &Group, ballot: &Ballot, promised: Ballot) {
        let (group, ballot, voters) = (group.clone(), ballot.clone(), self.voters.clone());
        self.send(
            from,
            PeerMessage::Refused {
                group,
                ballot,
                promised,
                voters,
            },
        );
    }

    pub(super) fn on_prepare(
        &mut self,
        from: &Sentinel,
        group: Group,
        voters: Voters,
        ballot: Ballot,
    ) {
        if !self.may_vote(from, &group, voters, &ballot) {
            return;
        }
        let identity = self.settings.identity.clone();
        match self
            .slots
            .entry(group.clone())
            .or_default()
            .prepare(&ballot)
        {
            Ok(accepted) => {
                let answer = PeerMessage::Promise {
                    group: group.clone(),
                    identity,
                    ballot,
                    accepted,
                };
                self.persist_slot(group, from, answer);
            }
            Err(promised) => self.refuse(from, &group, &ballot, promised),
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn on_accept(
        &mut self,
        now: Millis,
        from: &Sentinel,
        group: Group,
        voters: Voters,
        ballot: Ballot,
        value: Value,
        next: Ballot,
    ) {
        if !self.may_vote(from, &group, voters, &ballot) {
            return;
        }
        let identity = self.settings.identity.clone();
        match self
            .slots
            .entry(group.clone())
            .or_default()
            .accept(&ballot, value, &next)
        {
            Ok(()) => {
                // From here no lease is granted to whom this value revokes; what was granted runs on.
                let lease_ms = self.granted_ms(now, &group);
                let answer = PeerMessage::Accepted {
                    group: group.clone(),
                    identity,
                    ballot,
                    lease_ms,
                };
                self.persist_slot(group.clone(), from, answer);
                self.grant_newest(now, &group);
            }
            Err(promised) => self.refuse(from, &group, &ballot, promised),
        }
    }

    /// On disk first, then the answer.
    fn persist_slot(&mut self, group: Group, to: &Sentinel, answer: PeerMessage) {
        let Some(slot) = self.slots.get(&group).cloned() else {
            return;
        };
        let written = Written::Slot { group, slot };
        if self.settings.mutant == Mutant::AnswerBeforeDisk {
            self.send(to, answer);
            self.out.push(SentinelOutput::Persist {
                written,
                then: Vec::new(),
            });
        } else {
            self.out.push(SentinelOutput::Persist {
                written,
                then: vec![(to.clone(), answer)],
            });
        }
    }
}
