//! Hand-made bad histories of the workloads in which clients meet: shared lists, registers, the set, the bank, the queue.

use super::*;
use crate::history::{Action, Operation, Outcome};

/// Operation number `number` of client 0, from ten times that to five later.
fn done(number: u64, action: Action) -> Operation {
    Operation {
        client: 0,
        sequence: number,
        action,
        invoke: number * 10,
        complete: number * 10 + 5,
        outcome: Outcome::Ok,
        node: "a:1".to_owned(),
    }
}

fn unknown(number: u64, action: Action) -> Operation {
    Operation {
        outcome: Outcome::Info("closed".to_owned()),
        ..done(number, action)
    }
}

fn refused(number: u64, action: Action) -> Operation {
    Operation {
        outcome: Outcome::Fail("READONLY".to_owned()),
        ..done(number, action)
    }
}

fn judge(operations: Vec<Operation>, survived: Survived) -> Verdict {
    let history = History {
        operations,
        first_primary: "a:1".to_owned(),
        ..History::default()
    };
    check(&history, &survived)
}

/// The findings that are not zero, for short comparisons.
fn findings(verdict: &Verdict) -> Vec<(&'static str, u64)> {
    let counts = [
        ("lost", verdict.lost),
        ("duplicated", verdict.duplicated),
        ("phantom", verdict.phantom),
        ("reordered", verdict.reordered),
        ("foreign", verdict.foreign),
        ("stale", verdict.stale),
        ("resurrected", verdict.resurrected),
        ("rolled back", verdict.rolled_back),
        ("torn", verdict.torn),
        ("disputed", verdict.disputed),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

mod shared_list {
    use super::*;

    fn append(number: u64) -> Operation {
        done(number, Action::Append("l".to_owned()))
    }

    fn scan(number: u64, seen: &[&str]) -> Operation {
        done(number, Action::Scan("l".to_owned(), texts(seen)))
    }

    fn found(operations: Vec<Operation>, left: &[&str]) -> Vec<(&'static str, u64)> {
        let survived = Survived {
            appended: [("l".to_owned(), texts(left))].into(),
            ..Survived::default()
        };
        findings(&judge(operations, survived))
    }

    #[test]
    fn a_good_one_passes() {
        let operations = vec![
            append(0),
            scan(1, &["0:0"]),
            unknown(2, Action::Append("l".to_owned())),
            append(3),
            scan(4, &["0:0", "0:3"]),
        ];
        assert_eq!(found(operations, &["0:0", "0:3", "0:2"]), []);
    }

    #[test]
    fn every_kind_of_harm_shows() {
        assert_eq!(found(vec![append(0), append(1)], &["0:1"]), [("lost", 1)]);
        assert_eq!(found(vec![append(0)], &["0:0", "0:0"]), [("duplicated", 1)]);
        assert_eq!(found(vec![append(0)], &["0:0", "9:9"]), [("foreign", 1)]);
        let no = refused(1, Action::Append("l".to_owned()));
        assert_eq!(
            found(vec![append(0), no], &["0:0", "0:1"]),
            [("phantom", 1)]
        );
        assert_eq!(
            found(vec![append(0), append(1)], &["0:1", "0:0"]),
            [("reordered", 1)]
        );
        assert_eq!(
            found(
                vec![append(0), append(1), scan(2, &["0:0"])],
                &["0:0", "0:1"]
            ),
            [("stale", 1)]
        );
        let late = unknown(0, Action::Append("l".to_owned()));
        assert_eq!(
            found(vec![late, scan(1, &["0:0"])], &[]),
            [("rolled back", 1)]
        );
    }
}

#[test]
fn increments_that_go_backwards_are_stale() {
    let count = |number, value| done(number, Action::Increment(Some(value)));
    let survived = Survived {
        counter: 3,
        ..Survived::default()
    };
    let verdict = judge(vec![count(0, 1), count(1, 3), count(2, 2)], survived);
    assert_eq!(findings(&verdict), [("stale", 1)]);
}

#[test]
fn a_register_that_forgot_is_stale_and_one_that_did_not_is_not() {
    let write = |number| done(number, Action::Write("r".to_owned()));
    let read = |number, found: &str| done(number, Action::Read("r".to_owned(), found.to_owned()));
    let left = |content: &str| Survived {
        registers: [("r".to_owned(), content.to_owned())].into(),
        ..Survived::default()
    };
    let swap = done(2, Action::Exchange("r".to_owned(), "0:0".to_owned()));
    let good = judge(
        vec![write(0), read(1, "0:0"), swap.clone(), read(3, "0:2")],
        left("0:2"),
    );
    assert_eq!(
        (findings(&good), good.registers, good.acknowledged),
        (vec![], 1, 2)
    );
    assert_eq!(
        findings(&judge(
            vec![write(0), write(1), read(2, "0:0")],
            left("0:1")
        )),
        [("stale", 1)]
    );
    // What survived counts as a read at the end.
    assert_eq!(
        findings(&judge(vec![write(0), write(1)], left("0:0"))),
        [("stale", 1)]
    );
    assert_eq!(
        findings(&judge(vec![write(0), write(1), swap], left("0:2"))),
        [("stale", 1)]
    );
}

#[test]
fn members_are_lost_or_come_back() {
    let left = |marks: &[&str]| Survived {
        members: texts(marks).into_iter().collect(),
        ..Survived::default()
    };
    let add = |number| done(number, Action::Add);
    let remove = |number, which| done(number, Action::Remove(which));
    assert_eq!(
        findings(&judge(vec![add(0), add(1), remove(2, 0)], left(&["0:1"]))),
        []
    );
    assert_eq!(
        findings(&judge(
            vec![add(0), unknown(1, Action::Remove(0))],
            left(&[])
        )),
        []
    );
    assert_eq!(findings(&judge(vec![add(0)], left(&[]))), [("lost", 1)]);
    assert_eq!(
        findings(&judge(
            vec![add(0), refused(1, Action::Remove(0))],
            left(&[])
        )),
        [("lost", 1)]
    );
    assert_eq!(
        findings(&judge(vec![add(0), remove(1, 0)], left(&["0:0"]))),
        [("resurrected", 1)]
    );
    assert_eq!(
        findings(&judge(vec![refused(0, Action::Add)], left(&["0:0", "7:7"]))),
        [("phantom", 1), ("foreign", 1)]
    );
}

#[test]
fn a_bank_may_lose_and_tear_nothing() {
    let transfer = |number| {
        done(
            number,
            Action::Transfer {
                from: 0,
                to: 2,
                amount: 5,
            },
        )
    };
    let left = |ledger: &[&str], accounts: [i64; 3]| Survived {
        ledger: texts(ledger),
        accounts: accounts.to_vec(),
        ..Survived::default()
    };
    let audit = done(1, Action::Audit(vec![-5, 0, 5]));
    assert_eq!(
        findings(&judge(
            vec![transfer(0), audit],
            left(&["0:0 0 2 5"], [-5, 0, 5])
        )),
        []
    );
    assert_eq!(
        findings(&judge(vec![transfer(0)], left(&[], [0, 0, 0]))),
        [("lost", 1)]
    );
    assert_eq!(
        findings(&judge(vec![transfer(0)], left(&["0:0 0 2 5"], [0, 0, 5]))),
        [("torn", 1)]
    );
    assert_eq!(
        findings(&judge(
            vec![done(0, Action::Audit(vec![-5, 0, 0]))],
            left(&[], [0, 0, 0])
        )),
        [("torn", 1)]
    );
    let twice = left(&["0:0 0 2 5", "0:0 0 2 5"], [-10, 0, 10]);
    assert_eq!(
        findings(&judge(vec![transfer(0)], twice)),
        [("duplicated", 1)]
    );
}

mod queue {
    use super::*;

    fn take(number: u64) -> Operation {
        done(number, Action::Take(Some("0:0".to_owned())))
    }

    fn settle(number: u64, there: bool) -> Operation {
        done(number, Action::Settle("0:0".to_owned(), there))
    }

    fn found(
        mut operations: Vec<Operation>,
        queue: &[&str],
        taken: &[&str],
    ) -> Vec<(&'static str, u64)> {
        operations.insert(0, done(0, Action::Enqueue));
        let survived = Survived {
            queue: texts(queue),
            taken: [(0, texts(taken))].into(),
            ..Survived::default()
        };
        findings(&judge(operations, survived))
    }

    #[test]
    fn good_ones_pass() {
        assert_eq!(found(vec![], &["0:0"], &[]), []);
        assert_eq!(found(vec![take(1)], &[], &["0:0"]), []);
        assert_eq!(found(vec![take(1), settle(2, true)], &[], &[]), []);
        assert_eq!(
            found(vec![unknown(1, Action::Take(None))], &[], &["0:0"]),
            []
        );
        assert_eq!(
            found(
                vec![take(1), unknown(2, Action::Settle("0:0".to_owned(), true))],
                &[],
                &["0:0"]
            ),
            []
        );
    }

    #[test]
    fn every_kind_of_harm_shows() {
        assert_eq!(found(vec![], &[], &[]), [("lost", 1)]);
        assert_eq!(found(vec![take(1)], &[], &[]), [("lost", 1)]);
        assert_eq!(
            found(vec![take(1), settle(2, true)], &["0:0"], &[]),
            [("resurrected", 1)]
        );
        assert_eq!(
            found(vec![take(1), settle(2, true), take(3)], &[], &["0:0"]),
            [("resurrected", 1)]
        );
        assert_eq!(found(vec![take(1)], &["0:0"], &[]), [("resurrected", 1)]);
        assert_eq!(
            found(vec![take(1), take(2)], &[], &["0:0"]),
            [("resurrected", 1)]
        );
        assert_eq!(
            found(vec![take(1), settle(2, false)], &[], &["0:0"]),
            [("lost", 1)]
        );
        assert_eq!(found(vec![], &["0:0", "5:5"], &[]), [("foreign", 1)]);
    }
}
