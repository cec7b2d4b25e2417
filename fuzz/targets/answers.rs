//! What the server's answers make of a client's session: however they are cut, the same is known and would be said to the next
//! server; no bytes of a server break it.
#![no_main]

use arbitrary::Arbitrary;
use bytes::BytesMut;
use holdfast_core::mutant::Mutant;
use holdfast_core::session::{Scripts, Session};
use holdfast_fuzz::pieces;
use holdfast_resp::encode_command;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    turns: Vec<Turn<'a>>,
    cuts: &'a [u8],
}

#[derive(Arbitrary, Debug)]
enum Turn<'a> {
    /// The client asks for one of [`ASKED`].
    Asks(u8),
    /// The client says these bytes.
    Says(&'a [u8]),
    /// The server gives one of [`ANSWERED`].
    Gives(u8),
    /// The server answers these bytes.
    Answers(&'a [u8]),
}

const ASKED: [&[&str]; 24] = [
    &["GET", "k"],
    &["SET", "k", "v"],
    &["MULTI"],
    &["EXEC"],
    &["DISCARD"],
    &["WATCH", "k"],
    &["UNWATCH"],
    &["SELECT", "3"],
    &["HELLO", "3"],
    &["HELLO", "2", "AUTH", "bob", "secret", "SETNAME", "me"],
    &["AUTH", "bob", "secret"],
    &["CLIENT", "SETNAME", "me"],
    &["CLIENT", "SETINFO", "LIB-NAME", "x"],
    &["CLIENT", "NO-EVICT", "on"],
    &["CLIENT", "TRACKING", "on"],
    &["CLIENT", "CAPA", "redirect"],
    &["SUBSCRIBE", "a", "b"],
    &["UNSUBSCRIBE"],
    &["PSUBSCRIBE", "a*"],
    &["SSUBSCRIBE", "s"],
    &["SCRIPT", "LOAD", "return 1"],
    &["EVAL", "return 1", "0"],
    &["BLPOP", "k", "1"],
    &["RESET"],
];

const ANSWERED: [&[u8]; 14] = [
    b"+OK\r\n",
    b"+QUEUED\r\n",
    b"+RESET\r\n",
    b"-ERR no\r\n",
    b"-NOPERM no\r\n",
    b"$-1\r\n",
    b"_\r\n",
    b":1\r\n",
    b"*1\r\n+OK\r\n",
    b"*2\r\n+OK\r\n-ERR no\r\n",
    b"%1\r\n$5\r\nproto\r\n:3\r\n",
    b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",
    b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n",
    b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n",
];

fn asked(number: u8) -> Vec<u8> {
    let words = ASKED[usize::from(number) % ASKED.len()];
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let mut out = BytesMut::new();
    encode_command(&words, &mut out);
    out.to_vec()
}

/// All that can be told of a session from outside.
fn known(session: &Session) -> impl PartialEq + std::fmt::Debug {
    (
        session.is_at_rest(),
        session.spoiled(),
        session.may_block(),
        session.waits(),
        session.listens(),
        session.is_quiet(),
        session.replay(None),
    )
}

/// Plays all turns; answers come in pieces of these lengths.
fn played(turns: &[Turn], cuts: &[u8]) -> Session {
    let (mut session, mut scripts) = (Session::new(Mutant::None), Scripts::default());
    for turn in turns {
        let answer = match turn {
            Turn::Asks(number) => {
                session.note(7, &asked(*number));
                continue;
            }
            Turn::Says(bytes) => {
                session.note(7, bytes);
                continue;
            }
            Turn::Gives(number) => ANSWERED[usize::from(*number) % ANSWERED.len()],
            Turn::Answers(bytes) => bytes,
        };
        for piece in pieces(answer, cuts) {
            session.hear(piece, &mut scripts);
        }
    }
    session
}

fuzz_target!(|input: Input| {
    let (whole, cut) = (played(&input.turns, &[]), played(&input.turns, input.cuts));
    assert_eq!(
        known(&whole),
        known(&cut),
        "cut differently, known differently"
    );
});
