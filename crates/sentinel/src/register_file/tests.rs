#![allow(clippy::unwrap_used)]

use super::*;
use holdfast_core::register::Voters;

fn open(dir: &Path, new_identity: &str) -> Opened {
    RegisterFile::open(dir, &Cluster::from("c"), &Sentinel::from("s"), new_identity).unwrap()
}

fn write(dir: &Path, version: u64) {
    let mut opened = open(dir, "first");
    opened
        .file
        .append(&Written::Voters(Voters {
            version,
            members: BTreeMap::new(),
        }))
        .unwrap();
    opened.file.sync().unwrap();
}

#[test]
fn what_was_synced_is_read_again_under_the_same_identity() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 7);
    let opened = open(dir.path(), "other");
    assert_eq!(
        (
            opened.identity.as_str(),
            opened.persistent.voters.version,
            opened.note
        ),
        ("first", 7, None)
    );
}

#[test]
fn a_damaged_file_is_set_aside_and_its_identity_with_it() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 7);
    let path = dir.path().join("register");
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.iter().position(|b| *b == 0).unwrap();
    bytes[end - 20] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let opened = open(dir.path(), "stranger");
    assert_eq!(
        (opened.identity.as_str(), opened.persistent.voters.version),
        ("stranger", 0)
    );
    assert!(opened.note.unwrap().contains("damaged at line 2"));
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        2,
        "the damaged file is kept"
    );
}

/// A vote that others were told of must not be forgotten under the same identity: half a file is a lost disk.
#[test]
fn a_file_that_was_cut_short_is_another_member() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 7);
    write(dir.path(), 8);
    let path = dir.path().join("register");
    let bytes = std::fs::read(&path).unwrap();
    let end = bytes.iter().position(|b| *b == 0).unwrap();
    for cut in [end - 20, end, bytes.len() / 2] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let opened = open(dir.path(), "stranger");
        assert_eq!(opened.identity, "stranger", "cut at {cut}");
        assert!(opened.note.unwrap().contains("is damaged"));
    }
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 7);
    let refused =
        RegisterFile::open(dir.path(), &Cluster::from("d"), &Sentinel::from("s"), "x").unwrap_err();
    assert!(
        refused.to_string().contains("belongs to s of cluster c"),
        "{refused}"
    );
    assert_eq!(open(dir.path(), "y").persistent.voters.version, 7);
}
