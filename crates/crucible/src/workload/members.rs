//! A set: members are added, and some of them taken out again. What was taken out may not come back.

use crate::history::{Action, Outcome};
use crate::workload::desk::Desk;
use crate::workload::names;
use std::collections::VecDeque;

/// Own members remembered for removal; what is added beyond them stays in the set.
const REMEMBERED: usize = 64;

/// One client's part of the set.
#[derive(Debug, Default)]
pub(super) struct Members {
    inside: VecDeque<u64>,
}

impl Members {
    /// Adds a member, or removes one every third time.
    pub(super) async fn step(&mut self, desk: &mut Desk) {
        match self.inside.front().copied() {
            Some(oldest) if desk.dice.below(3) == 0 => self.remove(desk, oldest).await,
            _ => self.add(desk).await,
        }
    }

    async fn add(&mut self, desk: &mut Desk) {
        let (key, mark) = (names::members_key(&desk.tag), desk.mark());
        let number = desk.recorder.sequence();
        let Some(answer) = desk.session.attempt(&["SADD", &key, &mark]).await else {
            return;
        };
        if answer.outcome == Outcome::Ok && self.inside.len() < REMEMBERED {
            self.inside.push_back(number);
        }
        desk.recorder.add(Action::Add, answer);
    }

    /// A member is removed at most once, whatever the answer: an unknown outcome stays unknown.
    async fn remove(&mut self, desk: &mut Desk, number: u64) {
        let key = names::members_key(&desk.tag);
        let mark = format!("{}:{number}", desk.client());
        if let Some(answer) = desk.session.attempt(&["SREM", &key, &mark]).await {
            self.inside.pop_front();
            desk.recorder.add(Action::Remove(number), answer);
        }
    }
}
