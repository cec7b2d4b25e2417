#![allow(clippy::unwrap_used)]

use super::*;
use crate::dataset::FileMark;

fn file(name: &str, modified_s: u64) -> LyingFile {
    LyingFile {
        name: name.to_owned(),
        bytes: 4711,
        modified_s,
    }
}

fn mark(name: &str) -> FileMark {
    FileMark {
        name: name.to_owned(),
        bytes: 4711,
        ..FileMark::default()
    }
}

/// A folder with an append-only file of this time, and a snapshot of that.
fn both(log: u64, snapshot: u64) -> DataFolder {
    DataFolder {
        files: Files {
            log: vec![mark("appendonly.aof.1.incr.aof")],
            snapshot: Some(mark("dump.rdb")),
            unfinished: false,
        },
        log_folder: true,
        log_files: vec![file("appendonlydir/appendonly.aof.1.incr.aof", log)],
        snapshot: Some(file("dump.rdb", snapshot)),
        snapshot_replid: Some("own".to_owned()),
        ..DataFolder::default()
    }
}

fn noted(files: Files) -> Noted {
    Noted {
        keys: 1,
        replid: "own".to_owned(),
        files,
        ..Noted::default()
    }
}

fn refused(folder: &DataFolder, appends: bool, noted: Option<&Noted>) -> Option<String> {
    folder.refusal(appends, noted, Mutant::None)
}

#[test]
fn a_folder_as_servers_leave_it_is_started_on() {
    assert_eq!(refused(&DataFolder::default(), true, None), None);
    assert_eq!(refused(&both(9, 5), true, None), None);
    // A clean end leaves a snapshot that is the newest file.
    let folder = both(5, 9);
    assert_eq!(refused(&folder, true, None), None);
    let note = noted(folder.files.clone());
    assert_eq!(refused(&folder, true, Some(&note)), None);
    assert_eq!(refused(&folder, false, None), None, "the log is older");
}

#[test]
fn what_would_be_ignored_is_named() {
    let empty_folder = DataFolder {
        files: Files {
            log: Vec::new(),
            ..both(1, 1).files
        },
        log_files: Vec::new(),
        ..both(1, 1)
    };
    let why = refused(&empty_folder, true, None).unwrap();
    assert!(
        why.contains("ignore dump.rdb (4711 bytes, changed 1970-01-01 00:00:01 UTC)"),
        "{why}"
    );
    let unnamed = DataFolder {
        files: Files::default(),
        ..both(1, 1)
    };
    let why = refused(&unnamed, true, None).unwrap();
    assert!(
        why.contains("no manifest") && why.contains("overwrite"),
        "{why}"
    );
    let damaged = DataFolder {
        damage: Some("the manifest is empty".to_owned()),
        ..both(1, 1)
    };
    let why = refused(&damaged, true, None).unwrap();
    assert!(why.contains("the manifest is empty"), "{why}");
    let why = refused(&both(9, 5), false, None).unwrap();
    assert!(why.contains("`appendonly no` is set"), "{why}");
}

#[test]
fn a_newer_snapshot_is_ignored_only_if_it_is_this_nodes_own() {
    let mut folder = both(5, 9);
    folder.snapshot_replid = Some("stranger".to_owned());
    let note = noted(Files {
        snapshot: None,
        ..folder.files.clone()
    });
    let why = refused(&folder, true, Some(&note)).unwrap();
    assert!(why.contains("holds other data"), "{why}");
    assert_eq!(refused(&both(9, 5), true, Some(&note)), None, "older");
    folder.snapshot_outlived = true;
    assert_eq!(refused(&folder, true, Some(&note)), None, "its own");
    // The position was noted for a snapshot, and an old append-only file would be read in its place.
    let folder = both(5, 9);
    let note = noted(Files {
        log: Vec::new(),
        ..folder.files.clone()
    });
    assert!(refused(&folder, true, Some(&note)).is_some());
}

#[test]
fn an_append_only_file_that_was_begun_is_begun_again() {
    let snapshot_only = Files {
        log: Vec::new(),
        ..both(1, 1).files
    };
    let folder = DataFolder {
        files: snapshot_only.clone(),
        log_files: Vec::new(),
        ..both(1, 1)
    };
    let note = noted(snapshot_only);
    assert_eq!(refused(&folder, true, Some(&note)), None);
    assert!(folder.is_only_snapshot());
}

#[test]
fn the_planted_bug_starts_beside_anything() {
    let folder = DataFolder {
        damage: Some("the manifest is empty".to_owned()),
        ..both(1, 1)
    };
    let mutant = Mutant::StartBesideIgnoredFiles;
    assert_eq!(folder.refusal(true, None, mutant), None);
}

#[test]
fn a_first_copy_that_was_not_written_out_is_read_from_the_snapshot() {
    let begun = DataFolder {
        files: Files {
            log: vec![FileMark {
                name: "appendonly.aof.1.incr.aof".to_owned(),
                seq: 1,
                ..FileMark::default()
            }],
            ..Files::default()
        },
        log_folder: true,
        snapshot: Some(LyingFile::default()),
        ..DataFolder::default()
    };
    assert!(begun.begins_with_snapshot(None));
    assert_eq!(refused(&begun, true, None), None);
    // It had keys; or it had none, and the snapshot is of before.
    let had = |keys| Noted {
        keys,
        ..noted(Files::default())
    };
    assert!(begun.begins_with_snapshot(Some(&had(1))));
    assert!(!begun.begins_with_snapshot(Some(&had(0))));
    let written = DataFolder {
        log_files: vec![LyingFile::default()],
        ..begun
    };
    assert!(!written.begins_with_snapshot(None));
}
