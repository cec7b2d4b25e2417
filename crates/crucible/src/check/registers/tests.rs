//! Two independent checkers must agree on everything, and both refuse what is known to be wrong.

#![allow(clippy::unwrap_used)]

use super::clusters;
use super::search::{self, Judgement};
use super::touch::{Content, Kind, Touch};
use Kind::{Exchange, Read, Write};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

const STEPS: usize = 1_000_000;

fn touch(kind: Kind, invoke: u64, complete: u64) -> Touch {
    Touch {
        kind,
        invoke,
        complete: Some(complete),
    }
}

fn unknown(kind: Kind, invoke: u64) -> Touch {
    Touch {
        kind,
        invoke,
        complete: None,
    }
}

/// The verdict of both, which must be the same.
fn linear(touches: &[Touch]) -> bool {
    let found = search::judge(touches, STEPS);
    let second = clusters::judge(touches);
    assert_ne!(found, Judgement::Undecided);
    assert_eq!(
        found == Judgement::Linear,
        second.is_ok(),
        "{second:?} of {touches:#?}"
    );
    second.is_ok()
}

#[test]
fn good_histories_pass() {
    assert!(linear(&[]));
    assert!(linear(&[
        touch(Read(0), 0, 1),
        touch(Write(1), 2, 3),
        touch(Read(1), 4, 5)
    ]));
    // Reads beside a write may see either.
    assert!(linear(&[
        touch(Write(1), 0, 9),
        touch(Read(1), 1, 2),
        touch(Read(1), 3, 4)
    ]));
    assert!(linear(&[
        touch(Write(1), 0, 9),
        touch(Read(0), 1, 2),
        touch(Read(1), 3, 4)
    ]));
    // A write without an answer may have happened late, or never.
    assert!(linear(&[
        unknown(Write(1), 0),
        touch(Read(0), 5, 6),
        touch(Read(1), 7, 8)
    ]));
    assert!(linear(&[
        unknown(Write(1), 0),
        touch(Read(0), 5, 6),
        touch(Read(0), 7, 8)
    ]));
    assert!(linear(&[
        touch(Write(1), 0, 1),
        touch(Exchange(1, 2), 2, 3),
        touch(Read(2), 4, 5)
    ]));
    assert!(linear(&[
        touch(Write(1), 0, 1),
        unknown(Exchange(1, 2), 2),
        unknown(Exchange(2, 3), 4),
        touch(Read(3), 5, 6)
    ]));
}

/// Two exchanges that each saw the other's value cannot have happened; without an answer they need not have.
#[test]
fn what_nobody_was_told_of_proves_nothing() {
    let circle = [unknown(Exchange(5, 2), 9), unknown(Exchange(2, 5), 8)];
    assert!(linear(&circle));
    assert!(!linear(&[circle[0], circle[1], touch(Read(5), 20, 21)]));
}

#[test]
fn known_bad_histories_are_refused_by_both() {
    let bad: [(&str, Vec<Touch>); 11] = [
        (
            "a stale read",
            vec![
                touch(Write(1), 0, 1),
                touch(Write(2), 2, 3),
                touch(Read(1), 4, 5),
            ],
        ),
        (
            "a lost write",
            vec![touch(Write(1), 0, 1), touch(Read(0), 2, 3)],
        ),
        (
            "a rolled back read",
            vec![
                unknown(Write(1), 0),
                touch(Read(1), 2, 3),
                touch(Read(0), 4, 5),
            ],
        ),
        (
            "a value from nowhere",
            vec![touch(Write(1), 0, 1), touch(Read(7), 2, 3)],
        ),
        (
            "a value from the future",
            vec![touch(Read(1), 0, 1), touch(Write(1), 2, 3)],
        ),
        (
            "two readers that disagree on the order",
            vec![
                touch(Write(1), 0, 9),
                touch(Write(2), 0, 9),
                touch(Read(1), 10, 11),
                touch(Read(2), 12, 13),
                touch(Read(1), 14, 15),
            ],
        ),
        (
            "two exchanges of one value",
            vec![touch(Exchange(0, 1), 0, 9), touch(Exchange(0, 2), 0, 9)],
        ),
        (
            "an exchange of what was replaced",
            vec![
                touch(Write(1), 0, 1),
                touch(Write(2), 2, 3),
                touch(Exchange(1, 3), 4, 5),
            ],
        ),
        (
            "a value seen after its exchange",
            vec![touch(Exchange(0, 1), 0, 1), touch(Read(0), 2, 3)],
        ),
        (
            "a write between an exchange and what it saw",
            vec![
                touch(Write(1), 0, 1),
                touch(Write(2), 2, 3),
                touch(Read(2), 4, 5),
                touch(Exchange(1, 3), 2, 9),
                touch(Read(3), 10, 11),
                touch(Read(2), 12, 13),
            ],
        ),
        (
            "exchanges in a circle",
            vec![touch(Exchange(2, 1), 0, 9), touch(Exchange(1, 2), 0, 9)],
        ),
    ];
    for (name, touches) in bad {
        assert!(!linear(&touches), "{name} passed");
    }
}

#[test]
fn the_search_gives_up_at_its_limit() {
    let touches: Vec<Touch> = (1..40).map(|value| touch(Write(value), 0, 100)).collect();
    assert_eq!(search::judge(&touches, 10), Judgement::Undecided);
    assert_eq!(search::judge(&touches, STEPS), Judgement::Linear);
}

/// One operation to come: client, kind, pause before it, time to its effect, time from there to its answer, whether the answer gets lost.
type Step = (usize, u8, u64, u64, u64, bool);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0..4_usize,
        0..3_u8,
        0..6_u64,
        0..8_u64,
        0..8_u64,
        prop::bool::weighted(0.15),
    );
    prop::collection::vec(step, 1..24)
}

/// What four clients of one true register see. A client whose answer got lost goes on after a while.
fn history(steps: &[Step]) -> Vec<Touch> {
    let mut free = [1_u64; 4];
    let mut planned = vec![];
    for (number, (client, kind, pause, effect, answer, lost)) in steps.iter().enumerate() {
        let invoke = free[*client] + pause;
        let complete = invoke + effect + answer;
        free[*client] = complete + 1;
        planned.push((
            invoke + effect,
            number as Content + 1,
            *kind,
            invoke,
            (!lost).then_some(complete),
        ));
    }
    planned.sort_unstable();
    let mut now = 0;
    let mut touches = vec![];
    for (_, value, kind, invoke, complete) in planned {
        let kind = match kind {
            0 => Read(now),
            1 => Write(value),
            _ => Exchange(now, value),
        };
        now = kind.written().unwrap_or(now);
        if complete.is_some() || kind.written().is_some() {
            touches.push(Touch {
                kind,
                invoke,
                complete,
            });
        }
    }
    touches
}

/// Spoils one operation: another value seen, another time, an answer that never came, or a loss.
fn spoil(touches: &mut Vec<Touch>, which: usize, how: u8, by: u64) {
    if touches.is_empty() {
        return;
    }
    let index = which % touches.len();
    let touch = &mut touches[index];
    match (how % 4, touch.kind) {
        (0, Read(_)) => touch.kind = Read(by % 8),
        (0, Exchange(_, new)) if by % 8 != new => touch.kind = Exchange(by % 8, new),
        (1, _) => {
            touch.invoke += by;
            touch.complete = touch.complete.map(|complete| complete + by);
        }
        (2, _) if touch.kind.written().is_some() => touch.complete = None,
        _ => drop(touches.remove(index)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn a_true_register_passes_both(steps in steps()) {
        prop_assert!(linear(&history(&steps)));
    }

    #[test]
    fn both_agree_on_spoiled_histories(steps in steps(), spoilt in prop::collection::vec((0..24_usize, 0..4_u8, 1..20_u64), 1..4)) {
        let mut touches = history(&steps);
        for (which, how, by) in spoilt {
            spoil(&mut touches, which, how, by);
        }
        linear(&touches);
    }
}

/// A property test on histories that are all good, or all bad, compares nothing.
#[test]
fn spoiling_makes_both_kinds() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = (steps(), 0..24_usize, 0..4_u8, 1..20_u64);
    let mut good = 0;
    for _ in 0..400 {
        let (steps, which, how, by) = strategy.new_tree(&mut runner).unwrap().current();
        let mut touches = history(&steps);
        spoil(&mut touches, which, how, by);
        good += usize::from(linear(&touches));
    }
    assert!((60..340).contains(&good), "{good} of 400 are good");
}
