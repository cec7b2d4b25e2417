//! I3: the register is linear, and its epoch never falls.
//!
//! Watches what really is chosen: a value that a majority of the voters has accepted under one ballot.
//! Each version may be chosen with one value only; one ballot carries one value only.

use crate::model::Micros;
use crate::report::Violation;
use holdfast_core::names::Group;
use holdfast_core::register::{Ballot, Versioned};
use holdfast_core::wire::{PeerMessage, Value};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
struct Attempt {
    value: Value,
    majority: usize,
    accepted_by: BTreeSet<String>,
}

/// The register as it truly is.
#[derive(Debug, Default)]
pub struct Register {
    attempts: BTreeMap<(Group, Ballot), Attempt>,
    chosen: BTreeMap<(Group, u64), Value>,
    /// The highest version chosen so far, and the lowest ballot under which it was.
    top: BTreeMap<Group, (u64, Ballot)>,
    given_up: bool,
}

impl Register {
    /// A sentinel forgets what it has accepted, and with one that was cut off it may decide otherwise on what no agent was shown
    /// yet: from here on nothing can be asked of the register, only of what follows from it.
    pub fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Looks at a message that leaves a sentinel.
    pub fn watch(&mut self, now: Micros, message: &PeerMessage) -> Option<Violation> {
        if self.given_up {
            return None;
        }
        let broken = match message {
            PeerMessage::Accept {
                group,
                voters,
                ballot,
                value,
                ..
            } => {
                let key = (group.clone(), ballot.clone());
                let attempt = Attempt {
                    value: value.clone(),
                    majority: voters.majority(),
                    accepted_by: BTreeSet::new(),
                };
                let known = self.attempts.entry(key).or_insert(attempt);
                (known.value != *value)
                    .then(|| format!("ballot {ballot:?} of {group:?} carries two values"))
            }
            PeerMessage::Accepted {
                group,
                identity,
                ballot,
                ..
            } => {
                let attempt = self.attempts.get_mut(&(group.clone(), ballot.clone()))?;
                attempt.accepted_by.insert(identity.clone());
                let value = (attempt.accepted_by.len() >= attempt.majority)
                    .then(|| attempt.value.clone())?;
                self.rise(group, value.version(), ballot)
                    .or_else(|| self.choose(group, value))
            }
            PeerMessage::Learn { group, value } => self.choose(group, value.clone()),
            _ => None,
        };
        broken.map(|text| Violation {
            invariant: "i03_linear_register",
            at_us: now,
            text,
        })
    }

    /// A value that a majority accepts under a higher ballot than the newest one's must not be older.
    fn rise(&mut self, group: &Group, version: u64, ballot: &Ballot) -> Option<String> {
        let top = self
            .top
            .entry(group.clone())
            .or_insert_with(|| (version, ballot.clone()));
        if version > top.0 {
            *top = (version, ballot.clone());
        }
        let falls = version < top.0 && *ballot > top.1;
        falls.then(|| {
            format!(
                "{group:?} falls back from version {} to {version}, under {ballot:?}",
                top.0
            )
        })
    }

    fn choose(&mut self, group: &Group, value: Value) -> Option<String> {
        let version = value.version();
        match self.chosen.get(&(group.clone(), version)) {
            Some(known) if *known == value => return None,
            Some(known) => {
                return Some(format!(
                    "version {version} of {group:?} is chosen twice: {} and {}",
                    brief(known),
                    brief(&value)
                ));
            }
            None => {}
        }
        let epoch = epoch(&value);
        let older = self
            .chosen
            .range(..(group.clone(), version))
            .next_back()
            .filter(|((g, _), _)| g == group);
        let newer = self
            .chosen
            .range((group.clone(), version)..)
            .next()
            .filter(|((g, _), _)| g == group);
        let falls = older.is_some_and(|(_, v)| self::epoch(v) > epoch)
            || newer.is_some_and(|(_, v)| self::epoch(v) < epoch);
        self.chosen.insert((group.clone(), version), value);
        falls.then(|| format!("the epoch of {group:?} falls at version {version}"))
    }
}

fn epoch(value: &Value) -> u64 {
    if let Value::Record(record) = value {
        record.epoch
    } else {
        0
    }
}

fn brief(value: &Value) -> String {
    match value {
        Value::Record(r) => format!(
            "[{:?} epoch {} by {}: {}]",
            r.phase, r.epoch, r.by, r.reason
        ),
        Value::Voters(voters) => format!("{voters:?}"),
    }
}
