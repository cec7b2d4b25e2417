#![allow(clippy::unwrap_used)]

use super::*;
use holdfast_core::register::Voters;

fn open(dir: &Path) -> (RegisterFile, String, Persistent, Option<String>) {
    RegisterFile::open(dir, &Cluster::from("c"), &Sentinel::from("s"), "fresh").unwrap()
}

fn voters(version: u64) -> Written {
    Written::Voters(Voters {
        version,
        members: BTreeMap::new(),
    })
}

fn write(dir: &Path, version: u64) {
    let (mut file, ..) = open(dir);
    file.append(&voters(version)).unwrap();
    file.sync().unwrap();
}

#[test]
fn what_was_synced_is_read_again_under_the_same_identity() {
    let dir = tempfile::tempdir().unwrap();
    let (_, first, ..) = open(dir.path());
    write(dir.path(), 7);
    let (_, identity, persistent, note) = RegisterFile::open(
        dir.path(),
        &Cluster::from("c"),
        &Sentinel::from("s"),
        "other",
    )
    .unwrap();
    assert_eq!(
        (identity, persistent.voters.version, note),
        (first, 7, None)
    );
}

#[test]
fn a_torn_last_line_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 7);
    let path = dir.path().join("register.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"0000abcd {\"voters\":{\"vers");
    std::fs::write(&path, bytes).unwrap();
    let (_, _, persistent, note) = open(dir.path());
    assert_eq!((persistent.voters.version, note), (7, None));
}

#[test]
fn a_damaged_file_is_set_aside_and_its_identity_with_it() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 7);
    let path = dir.path().join("register.log");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (_, identity, persistent, note) = RegisterFile::open(
        dir.path(),
        &Cluster::from("c"),
        &Sentinel::from("s"),
        "stranger",
    )
    .unwrap();
    assert_eq!(
        (identity.as_str(), persistent.voters.version),
        ("stranger", 0)
    );
    assert!(note.unwrap().contains("damaged at line 2"));
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        2,
        "the damaged file is kept"
    );
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
    assert_eq!(open(dir.path()).2.voters.version, 7);
}
