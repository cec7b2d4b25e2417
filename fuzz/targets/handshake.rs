//! The beginning of a connection at a gate, byte by byte: who gave no proof is nobody's member, whatever it and the server say; no
//! byte of a client is lost or repeated; memory is bounded; nobody acknowledges more than it was sent.
#![no_main]

use arbitrary::Arbitrary;
use holdfast_core::gate::{Answered, Doorkeeper, Follower, Handshake, Said};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Node;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Turn<'a> {
    /// The connection says these bytes.
    Says(&'a [u8]),
    /// It gives the proof, as a replica does.
    Proves,
    /// The server answers these bytes.
    Answers(&'a [u8]),
    /// The server answers that all is well.
    Agrees,
    /// It asks for the stream.
    Syncs,
    /// The server sends the stream from this offset on.
    Streams(u16),
}

const PROOF: &[u8] = b"*3\r\n$4\r\nAUTH\r\n$8\r\nholdfast\r\n$6\r\nproof!\r\n";
const LOGIN: &[u8] = b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n";
const SYNC: &[u8] = b"*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n";

struct Door;

impl Doorkeeper for Door {
    fn proves(&self, _user: &[u8], password: &[u8]) -> Option<Node> {
        (password == b"proof!").then(|| Node::from("redis-1"))
    }

    fn login(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(LOGIN);
    }
}

/// Largest beginning of a request that may wait.
const WAITING_MAX: usize = 4 << 10;

/// What the connection said so far, and what of it has gone on to the server.
#[derive(Default)]
struct Account {
    said: Vec<u8>,
    gone: Vec<u8>,
}

/// Bytes of the connection. Whether it goes on as one that is not known yet.
fn say(handshake: &mut Handshake, account: &mut Account, bytes: &[u8]) -> bool {
    account.said.extend_from_slice(bytes);
    match handshake.said(bytes, &Door) {
        Said::Handshake(forward) => {
            account.gone.extend_from_slice(&forward);
            assert!(handshake.waiting() <= WAITING_MAX.max(bytes.len()));
            true
        }
        Said::Client(rest) => {
            assert!(!handshake.is_member(), "a member is no client");
            account.gone.extend_from_slice(&rest);
            assert_eq!(account.gone, account.said, "each byte once, in order");
            false
        }
        Said::Carried(all, end) => {
            assert!(end <= all.len() && !handshake.is_member());
            assert_eq!(all, account.said);
            false
        }
        Said::Refused(_) => false,
    }
}

/// A member, or somebody without a name, gets `sent` bytes behind `offset`, and says the rest.
fn follow(mut follower: Follower, account: &Account, offset: Option<u64>, rest: &[Turn]) {
    let proved = account.said.windows(6).any(|part| part == b"proof!");
    assert!(proved || follower.node().is_none(), "a member without a proof");
    let mut most = offset;
    for turn in rest {
        match turn {
            Turn::Answers(bytes) => {
                follower.sent(bytes);
                most = most.map(|most| most + bytes.len() as u64);
            }
            Turn::Says(bytes) => match (follower.said(bytes), most) {
                (Ok(Some(acknowledged)), Some(most)) => assert!(acknowledged <= most),
                (Ok(_), _) => {}
                (Err(_), _) => return,
            },
            _ => {}
        }
    }
}

fuzz_target!(|turns: Vec<Turn>| {
    let mut handshake = Handshake::new(Mutant::None);
    let mut account = Account::default();
    for (at, turn) in turns.iter().enumerate() {
        let (answer, offset) = match turn {
            Turn::Says(bytes) if say(&mut handshake, &mut account, bytes) => continue,
            Turn::Proves if say(&mut handshake, &mut account, PROOF) => continue,
            Turn::Syncs if say(&mut handshake, &mut account, SYNC) => continue,
            Turn::Says(_) | Turn::Proves | Turn::Syncs => return,
            Turn::Answers(bytes) => (bytes.to_vec(), None),
            Turn::Agrees => (b"+OK\r\n".to_vec(), None),
            Turn::Streams(offset) => {
                let line = format!("+FULLRESYNC {:040} {offset}\r\n", 1);
                (line.into_bytes(), Some(u64::from(*offset)))
            }
        };
        match handshake.answered(&answer) {
            Answered::Waits => {}
            Answered::Follows(follower) => {
                return follow(*follower, &account, offset, &turns[at + 1..]);
            }
            Answered::Refused(_) => return,
        }
    }
});
