//! What this sentinel thinks of each primary, and what a majority thinks.

use super::{Cause, GroupState, Happening, SentinelCore};
use crate::limits::{APPOINTED_GRACE, GONE_GRACE};
use crate::names::{Group, Node, Sentinel};
use crate::record::Member;
use crate::time::Millis;
use crate::wire::{Opinion, PeerMessage, ServerState, Verdict};

/// An opinion that stands is repeated at this pace, for sentinels that connected meanwhile.
const REPEAT: Millis = 200;

impl GroupState {
    /// Judges the primary by what was heard of it.
    pub(super) fn verdict(&self, now: Millis, primary: &Member) -> (Verdict, Millis) {
        let Some(node) = self.nodes.get(&primary.node) else {
            let silent = now.saturating_sub(self.since);
            return (
                if silent > APPOINTED_GRACE {
                    Verdict::Silent
                } else {
                    Verdict::Fine
                },
                silent,
            );
        };
        // A primary is judged from its appointment on: whoever was just chosen gets a fair start.
        let silent = now.saturating_sub(node.heard_at.max(self.since));
        // What it said before it knew of its appointment says nothing of this reign: only its silence counts then.
        let appointed_at = self.record.as_ref().map_or(0, |r| r.appointed_at);
        let fresh = node.report.as_ref().filter(|r| r.version >= appointed_at);
        let verdict = match fresh {
            Some(report)
                if report
                    .incarnation
                    .as_ref()
                    .is_some_and(|i| *i != primary.incarnation) =>
            {
                Verdict::Dead
            }
            Some(report) if report.state == ServerState::Down => Verdict::Dead,
            Some(report) if report.incarnation.is_none() && node.linked => Verdict::Dead,
            Some(report) if report.state == ServerState::Hung && node.linked => Verdict::Hung,
            _ if node
                .gone_at
                .is_some_and(|at| !node.linked && now >= at + GONE_GRACE) =>
            {
                Verdict::Gone
            }
            _ if silent > node.silent_limit(self.silent_least()) => Verdict::Silent,
            _ => Verdict::Fine,
        };
        (verdict, silent)
    }
}

impl SentinelCore {
    /// Forms this sentinel's opinion of the primary and tells the others when it changes.
    pub(super) fn judge(&mut self, now: Millis, name: &Group) {
        self.notice_replicas(now, name);
        let Some(group) = self.groups.get(name) else {
            return;
        };
        let Some(primary) = group.record().and_then(|r| r.primary.as_ref()) else {
            return;
        };
        let (verdict, silent_ms) = group.verdict(now, primary);
        let before = group.opinion.as_ref().map_or(Verdict::Fine, |o| o.verdict);
        let opinion = (verdict != Verdict::Fine).then(|| Opinion {
            node: primary.node.clone(),
            incarnation: primary.incarnation.clone(),
            verdict,
            silent_ms,
        });
        let same = opinion
            .as_ref()
            .map(|o| (&o.node, &o.incarnation, o.verdict))
            == group
                .opinion
                .as_ref()
                .map(|o| (&o.node, &o.incarnation, o.verdict));
        let again = opinion.is_some() && now >= group.opinion_said + REPEAT;
        if same && !again {
            return;
        }
        if !same {
            self.tell_suspicion(name, before, opinion.as_ref());
        }
        self.say_opinion(now, name, opinion);
    }

    fn tell_suspicion(&mut self, name: &Group, before: Verdict, opinion: Option<&Opinion>) {
        match opinion {
            Some(opinion) if before == Verdict::Fine => {
                self.happen(name, Happening::Suspected(opinion.node.clone()));
            }
            None => {
                let node = self
                    .groups
                    .get(name)
                    .and_then(|g| g.opinion.as_ref())
                    .map(|o| o.node.clone());
                if let Some(node) = node {
                    self.happen(name, Happening::Cleared(node));
                }
            }
            Some(_) => {}
        }
    }

    fn say_opinion(&mut self, now: Millis, name: &Group, opinion: Option<Opinion>) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let epoch = group.record.as_ref().map_or(0, |r| r.epoch);
        group.opinion.clone_from(&opinion);
        group.opinion_said = now;
        let peers: Vec<Sentinel> = self
            .peers
            .iter()
            .filter(|(_, p)| p.linked)
            .map(|(n, _)| n.clone())
            .collect();
        for peer in peers {
            self.send(
                &peer,
                PeerMessage::Opinion {
                    group: name.clone(),
                    epoch,
                    opinion: opinion.clone(),
                },
            );
        }
    }

    pub(super) fn on_opinion(
        &mut self,
        now: Millis,
        from: &Sentinel,
        name: &Group,
        opinion: Option<Opinion>,
    ) {
        // Who does not vote has no say; what it thinks is repeated once it does.
        let votes = self.voters.members.contains_key(from);
        let Some(group) = self.groups.get_mut(name).filter(|_| votes) else {
            return;
        };
        match opinion {
            Some(opinion) => group.opinions.insert(from.clone(), opinion),
            None => group.opinions.remove(from),
        };
        self.tend(now, name);
    }

    /// Why the primary has to go, if it has to: its own agent says so, or a majority of the voters
    /// has not heard of it.
    pub(super) fn deposed(&self, name: &Group) -> Option<Cause> {
        let group = self.groups.get(name)?;
        let opinion = group.opinion.as_ref()?;
        let node = &opinion.node;
        let said = |otherwise: &str| {
            let report = group.nodes.get(node).and_then(|n| n.report.as_ref());
            let reason = report.map_or("", |report| report.reason.as_str());
            let reason = if reason.is_empty() { otherwise } else { reason };
            (node.clone(), reason.to_owned())
        };
        let away = [Verdict::Gone, Verdict::Silent, Verdict::Dead, Verdict::Hung];
        let (agreed, voters) = (group.count(&away), self.voters.members.len());
        let agree = agreed >= self.voters.majority();
        match opinion.verdict {
            Verdict::Fine => None,
            Verdict::Dead => {
                let (node, why) = said("it was restarted");
                Some(Cause::Ended(node, why))
            }
            Verdict::Hung => {
                let (node, why) = said("no answer");
                Some(Cause::Hangs(node, why))
            }
            Verdict::Gone => agree.then_some(Cause::Unlinked(agreed, voters)),
            Verdict::Silent => agree.then_some(Cause::Silent(agreed, voters, opinion.silent_ms)),
        }
    }

    /// Tells clients of replicas that come and go. It decides nothing.
    ///
    /// A primary is judged by [`GroupState::verdict`] alone: what was thought of it as a replica ends with its
    /// appointment, as it does for any node that is heard again while nobody rules.
    fn notice_replicas(&mut self, now: Millis, name: &Group) {
        let Some(group) = self.groups.get_mut(name) else {
            return;
        };
        let primaries = group.primaries();
        if primaries.is_empty() {
            return;
        }
        let mut news: Vec<(Node, bool)> = Vec::new();
        for (node, state) in &mut group.nodes {
            let down = !primaries.contains(node) && state.is_down(now);
            if down != std::mem::replace(&mut state.down, down) {
                news.push((node.clone(), down));
            }
        }
        for (node, down) in news {
            self.happen(
                name,
                if down {
                    Happening::ReplicaDown(node)
                } else {
                    Happening::ReplicaUp(node)
                },
            );
        }
    }
}
