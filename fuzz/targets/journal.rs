//! The journal: what was synced is read back; after damage it is read back too, or the damage is told. Never is something older
//! given for it.
#![no_main]

use arbitrary::Arbitrary;
use holdfast_journal::{Found, Journal, read};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

#[derive(Arbitrary, Debug)]
struct Input {
    notes: Vec<(u8, u32)>,
    damage: Option<Damage>,
}

#[derive(Arbitrary, Debug)]
enum Damage {
    /// The file ends here.
    Cut(u16),
    /// A byte is another one.
    Flip(u16, u8),
    /// From here on there are zeros.
    Zeros(u16),
}

const ROOM: u64 = 2048;

fuzz_target!(|input: Input| {
    let dir = holdfast_fuzz::folder();
    let path = dir.path().join("journal");
    let mut texts = BTreeMap::new();
    let mut journal = Journal::create(&path, "whose it is", &texts, ROOM).expect("a journal");
    for (key, number) in input.notes.iter().take(64) {
        let (key, text) = (format!("k{}", key % 4), number.to_string());
        journal.append(&key, &text).expect("room");
        texts.insert(key, text);
    }
    journal.sync().expect("synced");
    let mut bytes = std::fs::read(&path).expect("readable");
    let whole = bytes.clone();
    match input.damage {
        Some(Damage::Cut(at)) => bytes.truncate(usize::from(at)),
        Some(Damage::Flip(at, with)) => {
            let at = usize::from(at) % bytes.len();
            bytes[at] ^= with;
        }
        Some(Damage::Zeros(at)) => {
            let at = usize::from(at).min(bytes.len());
            bytes[at..].fill(0);
        }
        None => {}
    }
    std::fs::write(&path, &bytes).expect("written");
    match read(&path).expect("readable") {
        Found::Whole {
            header,
            texts: found,
        } => {
            assert_eq!(header, "whose it is");
            assert_eq!(found, texts, "something older is given for what was synced");
        }
        Found::Damaged(_) | Found::Nothing => assert_ne!(bytes, whole, "nothing was damaged"),
    }
});
