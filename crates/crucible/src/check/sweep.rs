//! The linear-time check: where the data itself shows the order (positions in a list, values of a counter), that order must not contradict
//! the clock.

use crate::clock::Micros;

/// One operation with its place in the order that the data shows. Operations of the same rank may stand in any order.
#[derive(Clone, Copy, Debug)]
pub struct Ranked {
    /// Just before it was sent.
    pub invoke: Micros,
    /// When its answer came.
    pub complete: Micros,
    /// Its place.
    pub rank: u64,
    /// Which one it is, for the caller.
    pub index: usize,
}

/// Indexes of the operations that were sent after one of a higher rank had been answered: they missed it. One pass after sorting.
pub fn late(operations: &[Ranked]) -> Vec<usize> {
    let mut sent: Vec<&Ranked> = operations.iter().collect();
    let mut answered = sent.clone();
    sent.sort_unstable_by_key(|operation| operation.invoke);
    answered.sort_unstable_by_key(|operation| operation.complete);
    let mut done = answered.into_iter().peekable();
    let (mut highest, mut late) = (0, vec![]);
    for operation in sent {
        while let Some(before) = done.next_if(|before| before.complete < operation.invoke) {
            highest = highest.max(before.rank);
        }
        if operation.rank < highest {
            late.push(operation.index);
        }
    }
    late
}
