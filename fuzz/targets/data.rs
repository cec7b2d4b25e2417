//! The data files of a node, looked at before a start: whatever they hold, the look ends, and what may be data is never taken
//! for nothing.
#![no_main]

use arbitrary::Arbitrary;
use holdfast_agent::server::data::{self, DataState};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    snapshot: Option<Snapshot<'a>>,
    manifest: Option<&'a str>,
    base: Option<Snapshot<'a>>,
    increment: Option<&'a [u8]>,
}

#[derive(Arbitrary, Debug)]
enum Snapshot<'a> {
    Raw(&'a [u8]),
    /// Behind a head that is well-formed.
    Tail(&'a [u8]),
}

const HEAD: &[u8] = b"REDIS0011\xfa\x09redis-ver\x057.2.4\xfa\x0aredis-bits\xc0@";
/// A magic, an end and a checksum.
const SHORTEST: usize = 9 + 1 + 8;
const MANIFEST: &str =
    "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";

impl Snapshot<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Raw(raw) => raw.to_vec(),
            Self::Tail(tail) => [HEAD, tail].concat(),
        }
    }

    /// Shorter than any whole snapshot, or with a database behind its head.
    fn may_hold_data(&self) -> bool {
        let bytes = self.bytes();
        !bytes.is_empty() && bytes.len() < SHORTEST
            || bytes.starts_with(HEAD) && bytes.get(HEAD.len()) == Some(&0xfe)
    }
}

fuzz_target!(|input: Input| {
    let dir = holdfast_fuzz::folder();
    let aof = dir.path().join("appendonlydir");
    let put = |name: &str, bytes: &[u8]| std::fs::write(aof.join(name), bytes).expect("written");
    if input.manifest.is_some() || input.base.is_some() || input.increment.is_some() {
        std::fs::create_dir(&aof).expect("a folder");
        put(
            "appendonly.aof.manifest",
            input.manifest.unwrap_or(MANIFEST).as_bytes(),
        );
    }
    if let Some(snapshot) = &input.snapshot {
        std::fs::write(dir.path().join("dump.rdb"), snapshot.bytes()).expect("written");
    }
    if let Some(base) = &input.base {
        put("appendonly.aof.1.base.rdb", &base.bytes());
    }
    if let Some(increment) = input.increment {
        put("appendonly.aof.1.incr.aof", increment);
    }
    let found = data::inspect(dir.path());
    let named = input.manifest.is_none();
    let increment = named
        && input
            .increment
            .is_some_and(|bytes| bytes.first() == Some(&b'*'));
    let base = named && input.base.as_ref().is_some_and(Snapshot::may_hold_data);
    let snapshot = input.snapshot.as_ref().is_some_and(Snapshot::may_hold_data);
    if increment || base || snapshot {
        assert_ne!(found, DataState::Empty);
    }
    let _ = data::is_unfinished(dir.path());
    assert_eq!(
        data::is_bare(dir.path()),
        !aof.exists() && input.snapshot.is_none()
    );
});
