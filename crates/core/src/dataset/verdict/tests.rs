use super::*;
use crate::dataset::{FileMark, Files};

fn log(bytes: u64) -> Files {
    let mark = FileMark {
        name: "incr".to_owned(),
        seq: 1,
        bytes,
        head: 1,
        tail: bytes,
    };
    Files {
        log: vec![mark],
        ..Files::default()
    }
}

fn note(bytes: u64) -> Noted {
    Noted {
        keys: 10,
        files: log(bytes),
        ..Noted::default()
    }
}

/// Of a file of which the settled note knows 500 bytes, and the latest 800.
fn judged(before: u64, after: u64, mutant: Mutant) -> Verdict {
    let (before, after) = (log(before), log(after));
    let length = before.log[0].bytes;
    let found = Found {
        before: &before,
        noted_tail: (length >= 500).then_some(500),
        after: Some(&after),
        keys: 10,
    };
    let latest_tail = (length >= 800).then_some(800);
    Verdict::new(
        Some(&note(800)),
        Some(&note(500)),
        &found,
        latest_tail,
        mutant,
    )
}

#[test]
fn the_end_that_a_loss_of_power_may_take_is_missed() {
    assert_eq!(judged(800, 800, Mutant::None), Verdict::Whole);
    assert_eq!(judged(900, 880, Mutant::None), Verdict::Whole);
    for (before, after) in [(799, 799), (900, 700), (500, 500)] {
        let verdict = judged(before, after, Mutant::None);
        assert!(matches!(verdict, Verdict::Shorter(_)), "{verdict:?}");
    }
    for (before, after) in [(499, 499), (900, 400)] {
        let verdict = judged(before, after, Mutant::None);
        assert!(matches!(verdict, Verdict::Unlike(_)), "{verdict:?}");
    }
    assert_eq!(
        judged(700, 700, Mutant::LoadWhatWasTruncated),
        Verdict::Whole
    );
}

#[test]
fn without_a_settled_note_what_the_latest_misses_is_only_shorter() {
    let files = log(700);
    let found = Found {
        before: &files,
        noted_tail: None,
        after: Some(&files),
        keys: 10,
    };
    let verdict = |latest, settled| Verdict::new(latest, settled, &found, None, Mutant::None);
    let latest = note(800);
    assert!(matches!(verdict(Some(&latest), None), Verdict::Shorter(_)));
    assert_eq!(verdict(None, None), Verdict::Whole);
    // As an older version noted it.
    assert!(matches!(verdict(None, Some(&latest)), Verdict::Unlike(_)));
}

#[test]
fn after_a_rewrite_no_note_of_before_tells_of_the_end() {
    let rewritten = Files {
        log: vec![FileMark {
            seq: 2,
            ..log(100).log[0].clone()
        }],
        ..Files::default()
    };
    assert!(note(500).is_of(&log(400)));
    assert!(!note(500).is_of(&rewritten));
    let after = Noted {
        files: rewritten,
        ..note(500)
    };
    assert!(note(500).same_files(&note(800)) && !note(500).same_files(&after));
}
