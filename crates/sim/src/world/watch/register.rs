//! What the sentinels write to the register, and what of that is decided.

use crate::invariants::{
    Moment, i01_nothing_lost, i05_quorums_meet, i06_fit_to_rule, i08_no_read_rolled_back,
    i10_handoff_keeps_all, i13_position_of_the_data, i16_versions,
};
use crate::world::World;
use crate::world::event::Event;
use crate::world::faults::Fault;
use crate::world::sentinel::group;
use holdfast_core::record::{Phase, Record};
use holdfast_core::register::{Ballot, Versioned};
use holdfast_core::sentinel::BY_WORD;
use holdfast_core::wire::{PeerMessage, Value};

impl World {
    /// A message leaves a sentinel.
    pub(in crate::world) fn before_peer_message(&mut self, sentinel: usize, message: &PeerMessage) {
        if !matches!(
            message,
            PeerMessage::Alive { .. } | PeerMessage::Opinion { .. }
        ) {
            let text =
                |message: &PeerMessage| format!("sentinel {sentinel}: says {}", brief(message));
            self.trace.line(self.now, || text(message));
        }
        if matches!(message, PeerMessage::Accepted { .. })
            && self.rng.chance(self.nervous_per_mille)
        {
            // Just after it has answered: what it has promised must be on its disk.
            self.queue
                .push(self.now + 20, Event::Fault(Fault::KillSentinel(sentinel)));
        }
        let broken = self.monitors.register.watch(self.now, message);
        self.violations.extend(broken);
        if let PeerMessage::Refused {
            promised, ballot, ..
        } = message
            && promised > ballot
        {
            self.counters.hit("ballots collided");
        }
        match message {
            PeerMessage::Prepare { ballot, .. } => {
                self.begun(ballot);
            }
            PeerMessage::Accept {
                ballot,
                value: Value::Record(record),
                ..
            } => {
                let decided = self.begun(ballot);
                self.before_proposal(sentinel, record, decided);
            }
            _ => {}
        }
    }

    /// When this attempt was begun, and thus decided.
    fn begun(&mut self, ballot: &Ballot) -> Moment {
        let moment = self.monitors.moment(self.now);
        *self.monitors.begun.entry(ballot.clone()).or_insert(moment)
    }

    /// A sentinel has done something: does it know a newer record that is committed? It may die before anybody hears of it.
    pub(in crate::world) fn look_for_decision(&mut self, sentinel: usize) {
        let core = self.sentinels[sentinel].core.as_ref();
        let record = core.and_then(|core| core.group(&group())?.record());
        let newer = record.filter(|record| record.version > self.monitors.decided);
        if let Some(record) = newer.cloned() {
            self.monitors.decided = record.version;
            self.note_decided(&record);
            self.monitors.overtake(record.epoch);
        }
    }

    fn note_decided(&mut self, record: &Record) {
        if self.monitors.unsure.contains(&record.version) {
            self.monitors.by_data = self.monitors.by_data.max(record.epoch);
        }
        if record.phase == Phase::Stable {
            self.succeeded(record);
        }
        if record.terms.k() == 0 && !record.has_held() {
            self.ledger.promise_nothing();
        }
    }

    fn before_proposal(&mut self, sentinel: usize, record: &Record, decided: Moment) {
        self.violations
            .extend(i05_quorums_meet::check(self.now, record));
        if record.by != self.sentinels[sentinel].name {
            return;
        }
        if record.phase == Phase::Electing {
            self.violations
                .extend(i16_versions::check_handoff(self, sentinel, record, decided));
            return;
        }
        let known = self.sentinels[sentinel]
            .core
            .as_ref()
            .and_then(|core| core.group(&group())?.record().cloned());
        let Some(before) = known.filter(|known| known.version + 1 == record.version) else {
            return; // an older attempt that is repeated: it was judged when it was made
        };
        if record.phase == Phase::Stable && before.phase != Phase::Electing {
            return; // nobody is chosen by it
        }
        let made = (record.version, record.by.clone(), record.primary.clone());
        if !self.monitors.appointments.insert(made) {
            return; // carried on under another ballot
        }
        if self.is_decided_after(&before) {
            return; // it missed what the others have decided: the register does not accept it any more
        }
        self.violations
            .extend(i10_handoff_keeps_all::check(self, &before, record));
        let by_data = gives_up(&before, record);
        self.violations.extend(i13_position_of_the_data::check(
            self, sentinel, record, by_data, decided,
        ));
        if by_data || (before.is_leased() && before.terms.k() == 0) {
            self.monitors.unsure.insert(record.version);
        }
        if before.handoff.is_some() {
            self.counters.hit("handoff");
        } else if by_data {
            self.counters.hit("chosen by what is on disk");
            self.violations
                .extend(i01_nothing_lost::check_by_data(self, &before));
        } else {
            self.violations
                .extend(i01_nothing_lost::check(self, sentinel, record, decided));
            self.violations.extend(i06_fit_to_rule::check_choice(
                self, sentinel, record, decided,
            ));
        }
    }

    /// A new reign is on record: what its primary lacks of the older ones is lost, also if it ends before
    /// it is opened, for from now on every data set of the new history goes before those of the old.
    fn succeeded(&mut self, record: &Record) {
        if record.epoch <= self.monitors.succeeded {
            return;
        }
        let before = std::mem::replace(&mut self.monitors.succeeded, record.epoch);
        let Some(primary) = &record.primary else {
            return;
        };
        // It may have ended before anybody knew that its reign is on record.
        let promoted = self.monitors.promoted.get(&primary.incarnation).cloned();
        let Some((node, data)) = promoted else {
            return;
        };
        // A reign in between that never came on record may have begun without what was released before.
        if !self.forced && self.monitors.by_data <= before {
            self.check_whole(node, &data);
        }
        for (value, written) in self.ledger.missing_in(&data) {
            if written.epoch < record.epoch || self.monitors.is_forgotten() {
                self.counters.hit("acknowledged write lost");
                self.ledger.lose(value);
            }
        }
    }

    /// The data of this primary has all that was ever released or shown.
    pub(in crate::world) fn check_whole(&mut self, node: usize, data: &[u64]) {
        if self.monitors.is_forgotten() {
            return; // no process knows the rule by which it was released
        }
        self.violations
            .extend(i01_nothing_lost::check_released(self, node, data));
        self.violations
            .extend(i08_no_read_rolled_back::check_primary(self, node, data));
    }
}

/// Whether an appointment gives the rules up: its primary was chosen by what is on disk, or by a person.
fn gives_up(before: &Record, record: &Record) -> bool {
    let asked = BY_WORD.iter().any(|code| record.reason.is(code));
    let changed = record.sync != before.sync || record.former != before.former;
    record.phase == Phase::Appointed && (asked || changed)
}

/// A message of the register in a few words.
fn brief(message: &PeerMessage) -> String {
    let number = |ballot: &Ballot| format!("{}/{}", ballot.round, ballot.by);
    match message {
        PeerMessage::Prepare { group, ballot, .. } => {
            format!("prepare {} of `{group}`", number(ballot))
        }
        PeerMessage::Promise {
            group,
            ballot,
            accepted,
            ..
        } => {
            let accepted = accepted
                .as_ref()
                .map(|(ballot, value)| (number(ballot), value.version()));
            format!(
                "promise {} of `{group}`, accepted {accepted:?}",
                number(ballot)
            )
        }
        PeerMessage::Accept {
            group,
            ballot,
            value,
            ..
        } => {
            format!(
                "accept {} of `{group}`: version {}",
                number(ballot),
                value.version()
            )
        }
        PeerMessage::Accepted {
            group,
            ballot,
            lease_ms,
            ..
        } => {
            format!(
                "accepted {} of `{group}`, lease {lease_ms} ms",
                number(ballot)
            )
        }
        PeerMessage::Refused {
            group,
            ballot,
            promised,
            voters,
        } => {
            format!(
                "refused {} of `{group}`: {}, voters {}",
                number(ballot),
                number(promised),
                voters.version
            )
        }
        PeerMessage::Learn { group, value } => {
            format!("learn `{group}` version {}", value.version())
        }
        other => format!("{other:?}"),
    }
}
