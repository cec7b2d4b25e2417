#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn texts(path: &Path) -> BTreeMap<String, String> {
    match read(path).unwrap() {
        Found::Whole { texts, .. } => texts,
        other => panic!("{other:?}"),
    }
}

fn journal(path: &Path, room: u64) -> Journal {
    Journal::create(path, "header", &BTreeMap::new(), room).unwrap()
}

#[test]
fn the_newest_text_of_each_key_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let mut journal = journal(&path, 4096);
    for (key, text) in [("a", "1"), ("b", "2"), ("a", "3")] {
        journal.append(key, text).unwrap();
    }
    journal.sync().unwrap();
    assert_eq!(
        texts(&path),
        BTreeMap::from([("a".into(), "3".into()), ("b".into(), "2".into())])
    );
}

#[test]
fn the_file_keeps_its_length_and_moves_when_full() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let mut journal = journal(&path, 4096);
    for number in 0..1000 {
        journal.append("key", &number.to_string()).unwrap();
        journal.sync().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 4096);
    }
    assert_eq!(texts(&path)["key"], "999");
}

/// Every way in which the last write can be cut short leaves what was synced before.
#[test]
fn a_torn_last_line_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let mut journal = journal(&path, 512);
    journal.append("key", "old").unwrap();
    let before = journal.used as usize;
    journal.append("key", "a longer and newer text").unwrap();
    let after = journal.used as usize;
    let whole = std::fs::read(&path).unwrap();
    for cut in before..after {
        let mut bytes = whole.clone();
        bytes[cut..after].fill(0);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(texts(&path)["key"], "old", "cut at {cut}");
    }
    let mut hole = whole.clone();
    hole[before + 4..before + 12].fill(0);
    std::fs::write(&path, &hole).unwrap();
    assert_eq!(texts(&path)["key"], "old");
}

/// However a file is cut or its end is lost: what was synced is there, or the file counts as damaged.
#[test]
fn what_was_synced_is_never_taken_for_torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let mut journal = journal(&path, 512);
    journal.append("key", "old").unwrap();
    journal.sync().unwrap();
    journal
        .append("key", "a vote that others were told of")
        .unwrap();
    journal.sync().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let (used, newest) = (journal.used as usize, "a vote that others were told of");
    assert_eq!(texts(&path)["key"], newest);
    let damaged = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).unwrap();
        let found = read(&path).unwrap();
        assert!(matches!(found, Found::Damaged(_)), "{what}: {found:?}");
    };
    let header = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
    for cut in 0..whole.len() {
        damaged(&whole[..cut], &format!("shortened to {cut}"));
    }
    for from in header..used {
        let mut bytes = whole.clone();
        let end = bytes.len() - Mark::LENGTH;
        bytes[from..end].fill(0);
        damaged(&bytes, &format!("no lines from {from} on"));
        bytes.fill(0);
        bytes[..from].copy_from_slice(&whole[..from]);
        damaged(&bytes, &format!("zeros from {from} on"));
    }
    let mut bytes = whole.clone();
    let mark = bytes.len() - Mark::LENGTH;
    bytes[mark + 3] ^= 1;
    damaged(&bytes, "a mark with a flipped bit");
}

/// A journal of a version that wrote no mark is read, and has one from its next start on.
#[test]
fn a_journal_without_a_mark_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let mut old = line::write("", "header") + &line::write("key", "old");
    old.push_str(&"\0".repeat(512 - old.len()));
    std::fs::write(&path, old).unwrap();
    assert_eq!(texts(&path)["key"], "old");
    let found = texts(&path);
    drop(Journal::create(&path, "header", &found, 512).unwrap());
    assert!(matches!(read(&path).unwrap(), Found::Whole { header, .. } if header == "header"));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..100]).unwrap();
    assert!(matches!(read(&path).unwrap(), Found::Damaged(_)));
}

#[test]
fn a_flipped_bit_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let mut journal = journal(&path, 512);
    journal.append("key", "first").unwrap();
    journal.append("key", "second").unwrap();
    let whole = std::fs::read(&path).unwrap();
    for at in 0..journal.used as usize {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let found = read(&path).unwrap();
        // A newline that turns into something else at the very end looks like a torn line, and is the one exception.
        let last = at + 1 == journal.used as usize;
        assert!(
            matches!(found, Found::Damaged(_)) != last,
            "bit at {at}: {found:?}"
        );
    }
}

/// Makes the next new file beside the journal fail as on a full disk.
fn fill_disk(path: &Path) {
    std::os::unix::fs::symlink("/dev/full", path.with_extension("next")).unwrap();
}

#[test]
fn on_a_full_disk_a_journal_goes_on_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let mut first = journal(&path, 4096);
    first.append("key", "kept").unwrap();
    let torn_at = first.used;
    first
        .append("key", "a line that is torn, and longer than the next")
        .unwrap();
    first.file.write_all_at(&[0], torn_at + 4).unwrap();
    drop(first);

    fill_disk(&path);
    let mut again = Journal::create(&path, "header", &texts(&path), 4096).unwrap();
    assert!(
        !path.with_extension("next").is_symlink(),
        "nothing is left behind"
    );
    assert_eq!(texts(&path)["key"], "kept");
    again.append("key", "new").unwrap();
    again.sync().unwrap();
    assert_eq!(texts(&path)["key"], "new");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 4096);
}

#[test]
fn a_full_disk_is_told_where_the_content_is_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    fill_disk(&path);
    let fresh = Journal::create(&path, "header", &BTreeMap::new(), 4096);
    assert_eq!(fresh.unwrap_err().kind(), io::ErrorKind::StorageFull);
    drop(journal(&path, 4096));
    fill_disk(&path);
    let other = Journal::create(&path, "another header", &BTreeMap::new(), 4096);
    assert_eq!(other.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(matches!(read(&path).unwrap(), Found::Whole { header, .. } if header == "header"));
}
