//! What is kept of a client's session: however its requests are cut, the same is known; memory is bounded; requests that are
//! well-formed are never lost.
#![no_main]

use arbitrary::Arbitrary;
use bytes::BytesMut;
use holdfast_core::mutant::Mutant;
use holdfast_core::session::Session;
use holdfast_fuzz::pieces;
use holdfast_resp::encode_command;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    raw: Option<&'a [u8]>,
    requests: Vec<Request<'a>>,
    cuts: &'a [u8],
}

#[derive(Arbitrary, Debug)]
struct Request<'a> {
    verb: u8,
    words: Vec<&'a [u8]>,
}

const VERBS: [&str; 24] = [
    "GET",
    "SET",
    "MULTI",
    "EXEC",
    "DISCARD",
    "WATCH",
    "UNWATCH",
    "BLPOP",
    "BLMOVE",
    "XREAD",
    "WAIT",
    "AUTH",
    "HELLO",
    "SELECT",
    "CLIENT",
    "SUBSCRIBE",
    "PSUBSCRIBE",
    "SSUBSCRIBE",
    "UNSUBSCRIBE",
    "RESET",
    "QUIT",
    "MONITOR",
    "PSYNC",
    "REPLCONF",
];

fn said(requests: &[Request]) -> Vec<u8> {
    let mut out = BytesMut::new();
    for request in requests {
        let verb = VERBS[usize::from(request.verb) % VERBS.len()].as_bytes();
        let words: Vec<&[u8]> = std::iter::once(verb)
            .chain(request.words.iter().copied())
            .collect();
        encode_command(&words, &mut out);
    }
    out.to_vec()
}

/// All that can be told of a session from outside.
fn known(session: &Session) -> impl PartialEq + std::fmt::Debug {
    (
        session.is_at_rest(),
        session.spoiled(),
        session.may_block(),
        session.waits(),
        session.ask_again(7),
    )
}

fuzz_target!(|input: Input| {
    let bytes = input
        .raw
        .map_or_else(|| said(&input.requests), <[u8]>::to_vec);
    let mut whole = Session::new(Mutant::None);
    whole.note(7, &bytes);
    let mut cut = Session::new(Mutant::None);
    for piece in pieces(&bytes, input.cuts) {
        cut.note(7, piece);
    }
    assert_eq!(
        known(&whole),
        known(&cut),
        "cut differently, known differently"
    );
    let largest = input
        .requests
        .iter()
        .map(|request| request.words.concat().len())
        .max();
    if input.raw.is_none() && largest.unwrap_or(0) < 8_000 {
        assert_ne!(whole.spoiled(), Some("its requests are not understood"));
    }
});
