//! Barriers that somebody is told of do not feed themselves.

use super::*;

/// How many barriers there are in a second that nobody asks anything, with this client being told of each.
fn barriers_in_a_second(gate: &mut Gate, listener: Connection, bytes: u64) -> u64 {
    let (mut now, mut offset, mut count) = (10_000, 100, 0);
    gate.held(listener, bytes);
    while now < 1_010_000 {
        if gate.next(now).is_some() {
            count += 1;
            offset += 50;
            let role = [Answer::Master(offset), Answer::Count(0)];
            answer(gate, now, 0, &role);
            acknowledge(gate, now, &[("b", offset + 40)]);
            answer(gate, now, 0, &[Answer::Count(1)]);
            gate.held(listener, bytes);
        }
        let wake = gate.wake_at().expect("something is held");
        now = wake.max(now + 1);
    }
    count
}

#[test]
fn what_barriers_cause_makes_fewer_and_fewer() {
    let (mut gate, listener) = gate(&[rule(&["b"], 1)]);
    gate.listens(listener);
    let count = barriers_in_a_second(&mut gate, listener, 200);
    assert!(count < 30, "{count}");
    assert!(count >= 10, "what it is told comes all the same: {count}");
    // Who asks is answered at once, and whoever is told meanwhile too.
    let other = gate.open(1);
    gate.asked(2_000_000, other);
    gate.held(other, 5);
    assert!(gate.next(2_000_000).is_some());
}

#[test]
fn answers_and_large_replies_are_no_echo() {
    let (mut asks, client) = gate(&[rule(&["b"], 1)]);
    assert!(barriers_in_a_second(&mut asks, client, 200) > 500);
    let (mut large, listener) = gate(&[rule(&["b"], 1)]);
    large.listens(listener);
    assert!(barriers_in_a_second(&mut large, listener, 64 << 10) > 500);
}

#[test]
fn the_first_news_are_told_at_once() {
    let (mut gate, listener) = gate(&[rule(&["b"], 1)]);
    gate.listens(listener);
    gate.held(listener, 200);
    assert!(gate.next(0).is_some());
}
