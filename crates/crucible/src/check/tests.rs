//! Hand-made bad histories: each kind of violation must be seen, and nothing in a good one.

use super::*;
use crate::client::Switch;
use crate::history::{Action, Operation, Outcome};

fn operation(client: u16, sequence: u64, action: Action, outcome: Outcome) -> Operation {
    let invoke = sequence * 10;
    Operation {
        client,
        sequence,
        action,
        invoke,
        complete: invoke + 5,
        outcome,
        node: "a:1".to_owned(),
    }
}

fn fail() -> Outcome {
    Outcome::Fail("READONLY".to_owned())
}

fn info() -> Outcome {
    Outcome::Info("closed".to_owned())
}

fn history(operations: Vec<Operation>) -> History {
    History {
        operations,
        first_primary: "a:1".to_owned(),
        ..History::default()
    }
}

fn sets(present: &[(u64, &str)]) -> Survived {
    let sets = present
        .iter()
        .map(|(sequence, value)| ((0, *sequence), (*value).to_owned()))
        .collect();
    Survived {
        sets,
        ..Survived::default()
    }
}

fn list(items: &[&str]) -> Survived {
    let items = items.iter().map(|item| (*item).to_owned()).collect();
    Survived {
        lists: [(0, items)].into(),
        ..Survived::default()
    }
}

fn pushes(outcomes: Vec<Outcome>) -> History {
    let numbered = outcomes.into_iter().enumerate();
    history(
        numbered
            .map(|(n, outcome)| operation(0, n as u64, Action::Push, outcome))
            .collect(),
    )
}

#[test]
fn a_good_round_has_no_findings() {
    let written = history(vec![
        operation(0, 0, Action::Set, Outcome::Ok),
        operation(0, 1, Action::Set, info()),
        operation(0, 2, Action::Set, fail()),
        operation(1, 0, Action::Increment(Some(1)), Outcome::Ok),
        operation(2, 0, Action::Swap(String::new()), Outcome::Ok),
    ]);
    let survived = Survived {
        counter: 1,
        register: "2:0".to_owned(),
        ..sets(&[(0, "0"), (1, "1")])
    };
    let verdict = check(&written, &survived);
    assert_eq!(
        verdict,
        Verdict {
            acknowledged: 3,
            ..Verdict::default()
        }
    );
}

#[test]
fn a_missing_acknowledged_set_is_lost() {
    let verdict = check(
        &history(vec![operation(0, 0, Action::Set, Outcome::Ok)]),
        &Survived::default(),
    );
    assert_eq!(
        (verdict.lost, verdict.lost_direct, verdict.broken()),
        (1, 0, false)
    );
    let verdict = check(
        &history(vec![operation(0, 0, Action::Direct, Outcome::Ok)]),
        &Survived::default(),
    );
    assert_eq!((verdict.lost, verdict.lost_direct), (0, 1));
}

#[test]
fn a_refused_set_that_is_present_is_a_phantom_and_a_wrong_value_is_foreign() {
    let written = history(vec![
        operation(0, 0, Action::Set, fail()),
        operation(0, 1, Action::Set, Outcome::Ok),
    ]);
    let verdict = check(&written, &sets(&[(0, "0"), (1, "9")]));
    assert_eq!((verdict.phantom, verdict.foreign, verdict.lost), (1, 1, 0));
}

#[test]
fn lists_show_loss_repetition_disorder_and_inventions() {
    let ok = || vec![Outcome::Ok, Outcome::Ok, Outcome::Ok];
    assert_eq!(check(&pushes(ok()), &list(&["0", "2"])).lost, 1);
    assert_eq!(
        check(&pushes(ok()), &list(&["0", "1", "1", "2"])).duplicated,
        1
    );
    assert_eq!(check(&pushes(ok()), &list(&["1", "0", "2"])).reordered, 1);
    assert_eq!(
        check(&pushes(ok()), &list(&["0", "1", "2", "7"])).foreign,
        1
    );
    assert_eq!(
        check(&pushes(vec![Outcome::Ok, fail()]), &list(&["0", "1"])).phantom,
        1
    );
    let verdict = check(
        &pushes(vec![Outcome::Ok, info(), Outcome::Ok]),
        &list(&["0", "1", "2"]),
    );
    assert_eq!((verdict.all_lost(), verdict.broken()), (0, false));
    // The second took effect late: its client was never told.
    let verdict = check(
        &pushes(vec![Outcome::Ok, info(), Outcome::Ok]),
        &list(&["0", "2", "1"]),
    );
    assert!(!verdict.broken());
}

#[test]
fn the_counter_has_bounds_and_hands_out_no_value_twice() {
    let count = |values: &[i64], unknown: usize, left: i64| {
        let known = values
            .iter()
            .map(|value| (Action::Increment(Some(*value)), Outcome::Ok));
        let unknown = std::iter::repeat_n((Action::Increment(None), info()), unknown);
        let all = known.chain(unknown).enumerate();
        let written = all
            .map(|(n, (action, outcome))| operation(0, n as u64, action, outcome))
            .collect();
        check(
            &history(written),
            &Survived {
                counter: left,
                ..Survived::default()
            },
        )
    };
    assert_eq!(
        count(&[1, 2, 3], 1, 4),
        Verdict {
            acknowledged: 3,
            ..Verdict::default()
        }
    );
    assert_eq!(count(&[1, 2, 3], 0, 1).lost, 2);
    assert_eq!(count(&[1, 2], 1, 4).foreign, 1);
    // One rolled back, one unknown applied: the sum looks right, the repeated value does not.
    assert_eq!(count(&[1, 2, 2], 1, 3).lost, 1);
    assert_eq!(count(&[1, 2, 2], 0, 2).lost, 1);
}

#[test]
fn swaps_off_the_chain_are_lost() {
    let swap = |sequence, old: &str, outcome| {
        operation(0, sequence, Action::Swap(old.to_owned()), outcome)
    };
    let end = |register: &str| Survived {
        register: register.to_owned(),
        ..Survived::default()
    };
    let forked = history(vec![
        swap(0, "", Outcome::Ok),
        swap(1, "0:0", Outcome::Ok),
        swap(2, "0:0", Outcome::Ok),
    ]);
    assert_eq!(check(&forked, &end("0:2")).lost, 1);
    let unknown = history(vec![
        swap(0, "", Outcome::Ok),
        swap(1, "0:0", info()),
        swap(2, "0:1", Outcome::Ok),
    ]);
    assert_eq!(check(&unknown, &end("0:2")).all_lost(), 0);
    assert_eq!(check(&unknown, &end("")).lost, 2);
    assert_eq!(check(&unknown, &end("who?")).foreign, 1);
    let refused = history(vec![swap(0, "", Outcome::Ok), swap(1, "0:0", fail())]);
    assert_eq!(check(&refused, &end("0:1")).phantom, 1);
}

fn ack(node: &str, invoke: u64, complete: u64) -> Operation {
    let node = node.to_owned();
    Operation {
        client: 1000,
        sequence: invoke,
        action: Action::Direct,
        invoke,
        complete,
        outcome: Outcome::Ok,
        node,
    }
}

fn reign_history(operations: Vec<Operation>, switches: &[(&str, &str)]) -> History {
    let switch = |(old, new): &(&str, &str)| Switch {
        at: 0,
        sentinel: 0,
        old: (*old).into(),
        new: (*new).into(),
    };
    History {
        switches: switches.iter().map(switch).collect(),
        ..history(operations)
    }
}

#[test]
fn an_old_primary_that_still_acknowledges_is_seen() {
    let overlap = vec![
        ack("a:1", 0, 5),
        ack("b:1", 10, 15),
        ack("a:1", 16, 20),
        ack("b:1", 30, 35),
    ];
    let verdict = check(
        &reign_history(overlap.clone(), &[("a:1", "b:1")]),
        &Survived::default(),
    );
    assert_eq!((verdict.two_writable, verdict.switches), (1, 1));
    // Appointed again, and announced as such: no violation.
    let back = reign_history(overlap[..3].to_vec(), &[("a:1", "b:1"), ("b:1", "a:1")]);
    assert_eq!(check(&back, &Survived::default()).two_writable, 0);
    // A gate may have carried the session to the new primary: its address is no proof.
    let carried = History {
        carried: true,
        ..reign_history(overlap[..3].to_vec(), &[("a:1", "b:1")])
    };
    assert_eq!(check(&carried, &Survived::default()).two_writable, 0);
    // A read is no proof that it was writable.
    let mut read = overlap[..3].to_vec();
    read[2].action = Action::Read("r".to_owned(), String::new());
    let read = reign_history(read, &[("a:1", "b:1")]);
    assert_eq!(check(&read, &Survived::default()).two_writable, 0);
    // But the one in between must be silent from then on.
    let both = reign_history(overlap, &[("a:1", "b:1"), ("b:1", "a:1")]);
    assert_eq!(check(&both, &Survived::default()).two_writable, 1);
}

#[test]
fn acknowledgements_in_flight_at_the_switch_are_no_violation() {
    let in_flight = vec![ack("a:1", 0, 5), ack("a:1", 12, 18), ack("b:1", 10, 15)];
    assert_eq!(
        check(
            &reign_history(in_flight, &[("a:1", "b:1")]),
            &Survived::default()
        )
        .two_writable,
        0
    );
}

#[test]
fn a_primary_that_was_never_announced_is_seen() {
    let strange = vec![ack("a:1", 0, 5), ack("c:1", 10, 15)];
    assert_eq!(
        check(&reign_history(strange, &[]), &Survived::default()).two_writable,
        1
    );
}
