//! Linearizability by search: is there an order of the operations, each at a moment between its sending and its answer, that one
//! register could have gone through?
//!
//! The search of Wing and Gong with Lowe's memory of what was tried: operations are taken from the front of the timeline one by one, and
//! put back when an answer comes up whose operation fits nowhere any more. A set of taken operations that was reached before with the
//! same register is not tried twice.

use crate::check::registers::touch::{Content, Touch};
use std::collections::HashSet;

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// There is such an order.
    Linear,
    /// There is none.
    Broken,
    /// The search was given up after its limit of steps.
    Undecided,
}

/// Searches for an order, taking back and forth at most `steps` operations.
pub fn judge(touches: &[Touch], steps: usize) -> Judgement {
    let mut search = Search::new(touches);
    for _ in 0..steps {
        if search.unanswered == 0 {
            return Judgement::Linear;
        }
        if !search.step() {
            return Judgement::Broken;
        }
    }
    Judgement::Undecided
}

/// End of the timeline, and of the way back.
const NOWHERE: usize = usize::MAX;

/// A sending (`answer` false) or an answer on the timeline, linked to its neighbours.
#[derive(Clone, Copy)]
struct Mark {
    touch: usize,
    answer: bool,
    before: usize,
    after: usize,
}

struct Search<'a> {
    touches: &'a [Touch],
    /// Slot 0 is the head of the timeline.
    marks: Vec<Mark>,
    /// Slot of each touch's answer, if it has one.
    answers: Vec<usize>,
    at: usize,
    now: Content,
    taken: Vec<u64>,
    /// Slots of the sendings taken so far, and the register before each.
    way: Vec<(usize, Content)>,
    tried: HashSet<(Vec<u64>, Content)>,
    /// Operations with an answer that are not yet taken: the others may never have happened.
    unanswered: usize,
}

impl<'a> Search<'a> {
    fn new(touches: &'a [Touch]) -> Self {
        let mut times: Vec<(u64, bool, usize)> = vec![];
        for (index, touch) in touches.iter().enumerate() {
            times.push((touch.invoke, false, index));
            times.extend(touch.complete.map(|complete| (complete, true, index)));
        }
        // At the same microsecond a sending comes first: then the two may have overlapped.
        times.sort_unstable();
        let mut answers = vec![NOWHERE; touches.len()];
        let mut marks = vec![Mark {
            touch: NOWHERE,
            answer: false,
            before: NOWHERE,
            after: NOWHERE,
        }];
        for (_, answer, touch) in times {
            let slot = marks.len();
            marks[slot - 1].after = slot;
            if answer {
                answers[touch] = slot;
            }
            marks.push(Mark {
                touch,
                answer,
                before: slot - 1,
                after: NOWHERE,
            });
        }
        let at = marks[0].after;
        Self {
            touches,
            unanswered: answers.iter().filter(|slot| **slot != NOWHERE).count(),
            marks,
            answers,
            at,
            now: 0,
            taken: vec![0; touches.len().div_ceil(64)],
            way: vec![],
            tried: HashSet::new(),
        }
    }

    /// Looks at one mark; false when everything was tried.
    fn step(&mut self) -> bool {
        // With answers still to come, the timeline ends only in front of one: `NOWHERE` means that just sendings without answer are left.
        if self.at == NOWHERE || self.marks[self.at].answer {
            return self.go_back();
        }
        if !self.take(self.at) {
            self.at = self.marks[self.at].after;
        }
        true
    }

    /// Takes the operation sent at `slot`, if it fits here and this was not tried before.
    fn take(&mut self, slot: usize) -> bool {
        let touch = self.marks[slot].touch;
        let Some(next) = self.touches[touch].kind.apply(self.now) else {
            return false;
        };
        let mut taken = self.taken.clone();
        taken[touch / 64] |= 1 << (touch % 64);
        if !self.tried.insert((taken.clone(), next)) {
            return false;
        }
        self.taken = taken;
        self.way.push((slot, self.now));
        self.now = next;
        self.unlink(slot);
        if self.answers[touch] != NOWHERE {
            self.unlink(self.answers[touch]);
            self.unanswered -= 1;
        }
        self.at = self.marks[0].after;
        true
    }

    /// Puts the operation taken last back and goes on behind it.
    fn go_back(&mut self) -> bool {
        let Some((slot, now)) = self.way.pop() else {
            return false;
        };
        let touch = self.marks[slot].touch;
        if self.answers[touch] != NOWHERE {
            self.link(self.answers[touch]);
            self.unanswered += 1;
        }
        self.link(slot);
        self.taken[touch / 64] &= !(1 << (touch % 64));
        self.now = now;
        self.at = self.marks[slot].after;
        true
    }

    fn unlink(&mut self, slot: usize) {
        let Mark { before, after, .. } = self.marks[slot];
        self.marks[before].after = after;
        if after != NOWHERE {
            self.marks[after].before = before;
        }
    }

    /// Undoes [`Search::unlink`]; the neighbours are remembered in the slot itself, so the last unlinked goes back first.
    fn link(&mut self, slot: usize) {
        let Mark { before, after, .. } = self.marks[slot];
        self.marks[before].after = slot;
        if after != NOWHERE {
            self.marks[after].before = slot;
        }
    }
}
