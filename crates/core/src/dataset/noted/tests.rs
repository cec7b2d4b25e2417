use super::*;

fn mark(name: &str, seq: u64, bytes: u64) -> FileMark {
    FileMark {
        name: name.to_owned(),
        seq,
        bytes,
        head: 1,
        tail: bytes,
    }
}

/// A base and an increment of this number, and how long the increment is.
fn log(seq: u64, bytes: u64) -> Files {
    Files {
        log: vec![mark("base", seq, 90), mark("incr", seq, bytes)],
        ..Files::default()
    }
}

fn noted() -> Noted {
    Noted {
        keys: 1000,
        replid: "history".to_owned(),
        files: log(3, 500),
        ..Noted::default()
    }
}

fn judged_by(
    mutant: Mutant,
    before: &Files,
    tail: u64,
    after: &Files,
    keys: u64,
) -> Option<String> {
    let found = Found {
        before,
        noted_tail: Some(tail),
        after: Some(after),
        keys,
    };
    noted().mismatch(&found, mutant)
}

fn judged(before: &Files, after: &Files, keys: u64) -> Option<String> {
    judged_by(Mutant::None, before, 500, after, keys)
}

#[test]
fn what_was_noted_or_its_continuation_matches() {
    for (bytes, loaded, keys, what) in [
        (500, 500, 1000, "the very files"),
        (900, 900, 1400, "more was written since"),
        (
            900,
            870,
            1390,
            "a torn command at the end was cut, after what was noted",
        ),
        (520, 520, 0, "the last command deleted everything"),
    ] {
        assert_eq!(
            judged(&log(3, bytes), &log(3, loaded), keys),
            None,
            "{what}"
        );
    }
}

#[test]
fn a_rewrite_since_the_note_matches_unless_nothing_is_left() {
    let rewritten = log(4, 0);
    assert_eq!(judged(&rewritten, &rewritten, 1000), None);
    let why = judged(&rewritten, &rewritten, 0).unwrap();
    assert!(why.contains("0 keys in memory, 1000 were noted"), "{why}");
    // Or its increment was there already when it was noted, under the base before.
    let mut half = log(3, 500);
    half.log[0] = mark("base", 4, 40);
    assert_eq!(judged(&half, &half, 1000), None);
}

#[test]
fn what_lacks_something_does_not_match() {
    let whole = log(3, 500);
    let missing = Files::default();
    let mut without_base = log(3, 500);
    without_base.log.remove(0);
    let mut other_base = log(3, 500);
    other_base.log[0].head = 2;
    for (before, after, keys, says) in [
        (
            &log(3, 333),
            &log(3, 333),
            667,
            "it has 333 bytes, and had 500",
        ),
        (&whole, &log(3, 333), 667, "after redis-server cut it"),
        (&log(2, 9999), &log(2, 9999), 800, "are of before incr"),
        (&missing, &missing, 0, "the append-only file is missing"),
        (&without_base, &without_base, 10, "base is missing"),
        (&other_base, &other_base, 1000, "base is another file"),
        (&whole, &whole, 0, "redis-server read none of them"),
    ] {
        let why = judged(before, after, keys).unwrap();
        assert!(why.contains(says), "{why}");
        let told = format!("{keys} keys in memory, 1000 were noted");
        assert!(why.contains(&told), "{why}");
    }
}

#[test]
fn another_content_of_the_noted_length_does_not_match() {
    let longer = log(3, 700);
    let why = judged_by(Mutant::None, &longer, 7, &longer, 1000).unwrap();
    assert!(why.contains("incr is another file"), "{why}");
}

#[test]
fn a_file_outside_a_manifest_is_replaced_by_a_rewrite() {
    let old = |head, bytes| {
        let mut mark = mark("appendonly.aof", 0, bytes);
        mark.head = head;
        Files {
            log: vec![mark],
            ..Files::default()
        }
    };
    let noted = Noted {
        files: old(1, 500),
        ..noted()
    };
    let judged = |files: &Files| {
        let found = Found {
            before: files,
            noted_tail: (files.log[0].bytes >= 500).then_some(500),
            after: Some(files),
            keys: 10,
        };
        noted.mismatch(&found, Mutant::None)
    };
    assert_eq!(judged(&old(1, 600)), None);
    assert_eq!(judged(&old(2, 200)), None, "rewritten");
    assert!(judged(&old(1, 200)).is_some(), "cut");
}

#[test]
fn a_snapshot_is_the_noted_one_or_not() {
    let with = |bytes| Files {
        snapshot: Some(mark("dump.rdb", 0, bytes)),
        ..Files::default()
    };
    let noted = Noted {
        files: with(70),
        ..noted()
    };
    let judged = |files: &Files, keys| {
        let found = Found {
            before: files,
            noted_tail: None,
            after: None,
            keys,
        };
        noted.mismatch(&found, Mutant::None).is_some()
    };
    assert!(!judged(&with(70), 1000));
    assert!(judged(&with(71), 1000) && judged(&Files::default(), 0));
    // An append-only file was begun since.
    assert!(!judged(&log(1, 10), 1000) && judged(&log(1, 0), 0));
}

#[test]
fn the_planted_bug_does_not_see_that_a_file_is_shorter() {
    let cut = log(3, 333);
    let mutant = Mutant::LoadWhatWasTruncated;
    assert_eq!(judged_by(mutant, &cut, 500, &cut, 667), None);
}
