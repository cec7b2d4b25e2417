//! Barriers that settle nothing.

use super::*;

/// Barriers from `now` on that `WAIT` answers at once and no member acknowledges: the times between them.
fn gaps(gate: &mut Gate, mut now: Micros, offset: u64, count: usize) -> Vec<Micros> {
    barrier(gate, now, offset, &[], 1);
    let mut gaps = Vec::new();
    for _ in 0..count {
        let at = gate.wake_at().expect("asked again");
        assert!(gate.next(at - 1).is_none(), "not before");
        barrier(gate, at, offset, &[], 1);
        gaps.push(at - now);
        now = at;
    }
    gaps
}

#[test]
fn a_barrier_that_settles_nothing_is_repeated_less_and_less_often() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 5);
    let gaps = gaps(&mut gate, 0, 10, 8);
    assert_eq!(gaps, [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
}

#[test]
fn new_replies_do_not_wait_for_a_repetition() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    gate.held(client, 5);
    let last: Micros = gaps(&mut gate, 0, 10, 7).iter().sum();
    gate.held(client, 5);
    assert_eq!(gate.wake_at(), Some(last + 200));
    assert!(gate.next(last + 200).is_some());
}

#[test]
fn once_somebody_acknowledges_or_the_set_changes_repetitions_begin_anew() {
    let rules = [rule(&["b"], 1)];
    let (mut gate, client) = gate(&rules);
    gate.held(client, 5);
    let last: Micros = gaps(&mut gate, 0, 10, 7).iter().sum();
    acknowledge(&mut gate, last + 150, &[("b", 11)]);
    assert_eq!(released(&mut gate), [5]);
    gate.held(client, 5);
    assert_eq!(gaps(&mut gate, last + 300, 20, 2), [200, 400]);
    gate.hold(hold(8, &rules));
    assert_eq!(gaps(&mut gate, last + 2_000, 20, 2), [200, 400]);
}

#[test]
fn replies_that_no_barrier_takes_along_do_not_hurry_it() {
    let (mut gate, client) = gate(&[rule(&["b"], 1)]);
    let mut now = 0;
    for _ in 0..64 {
        gate.held(client, 5);
        barrier(&mut gate, now, 10, &[], 1);
        now += 1_000;
    }
    gate.held(client, 5);
    let last = now - 1_000;
    assert_eq!(gate.wake_at(), Some(last + 5_000));
}
