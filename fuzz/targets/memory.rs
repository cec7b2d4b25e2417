//! The files and messages of agents and sentinels: whatever they hold, reading ends well; what is read is written so that it reads
//! the same.
#![no_main]

use arbitrary::Arbitrary;
use holdfast_core::agent::Stored;
use holdfast_core::sentinel::Written;
use holdfast_core::status::GroupStatus;
use holdfast_core::wire::{FromSentinel, PeerMessage, ToSentinel};
use holdfast_sentinel::RegisterFile;
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    texts: Vec<(&'a str, &'a str)>,
    raw: Option<&'a [u8]>,
    message: &'a [u8],
}

fn settles<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    if let Ok(read) = serde_json::from_slice::<T>(bytes) {
        let written = serde_json::to_vec(&read).expect("what was read can be written");
        let again: T = serde_json::from_slice(&written).expect("and read");
        assert_eq!(again, read);
    }
}

fuzz_target!(|input: Input| {
    settles::<Stored>(input.message);
    settles::<Written>(input.message);
    settles::<GroupStatus>(input.message);
    settles::<ToSentinel>(input.message);
    settles::<FromSentinel>(input.message);
    settles::<PeerMessage>(input.message);
    open_register(&input);
});

/// A register of any content is opened, or refused with nothing changed; opened twice it is the same.
fn open_register(input: &Input) {
    let dir = holdfast_fuzz::folder();
    let path = dir.path().join("register");
    let (cluster, sentinel) = ("c".into(), "sentinel-0".into());
    match input.raw {
        Some(raw) => std::fs::write(&path, raw).expect("written"),
        None => write_register(&path, &input.texts),
    }
    let before = std::fs::read(&path).expect("readable");
    let open = |identity| RegisterFile::open(dir.path(), &cluster, &sentinel, identity);
    match open("first") {
        Ok(first) => {
            let second = open("second").expect("what was opened opens again");
            assert_eq!(
                (first.identity, first.persistent),
                (second.identity, second.persistent)
            );
        }
        Err(_) => assert_eq!(std::fs::read(&path).expect("still there"), before),
    }
}

fn write_register(path: &std::path::Path, texts: &[(&str, &str)]) {
    let header = r#"{"holdfast_register":1,"cluster":"c","sentinel":"sentinel-0","identity":"i"}"#;
    let plain = |text: &&str| !text.contains(['\n', '\t', '\0']) && !text.is_empty();
    let texts = texts.iter().filter(|(key, text)| plain(key) && plain(text));
    let texts = texts.map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
    holdfast_journal::Journal::create(path, header, &texts.take(16).collect(), 4096)
        .expect("a register");
}
