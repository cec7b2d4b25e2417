#![allow(clippy::expect_used, clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

const PROOF: &str = "proof of redis-1";

/// Knows one member.
struct Door;

impl Doorkeeper for Door {
    fn proves(&self, user: &[u8], password: &[u8]) -> Option<Node> {
        let right = user == b"holdfast" && password == PROOF.as_bytes();
        right.then(|| Node::from("redis-1"))
    }

    fn login(&self, out: &mut Vec<u8>) {
        out.extend(resp(&[&["AUTH", "holdfast", "password"]]));
    }
}

fn resp(commands: &[&[&str]]) -> Vec<u8> {
    let mut out = Vec::new();
    for command in commands {
        out.extend(format!("*{}\r\n", command.len()).bytes());
        for word in *command {
            out.extend(format!("${}\r\n{word}\r\n", word.len()).bytes());
        }
    }
    out
}

const TELLS: &[&[&str]] = &[
    &["AUTH", "holdfast", PROOF],
    &["REPLCONF", "listening-port", "7001"],
    &["replconf", "ip-address", "redis-1.redis"],
    &["REPLCONF", "capa", "eof", "capa", "psync2"],
];

/// All that a replica does before it asks for the stream.
fn introduced() -> Handshake {
    let mut handshake = Handshake::new(Mutant::None);
    assert_eq!(
        forwarded(&mut handshake, &resp(&[&["PING"]])),
        resp(&[&["PING"]])
    );
    assert!(waits(
        handshake.answered(b"-NOAUTH Authentication required.\r\n")
    ));
    let login = [
        resp(&[&["AUTH", "holdfast", "password"]]),
        resp(&TELLS[1..]),
    ]
    .concat();
    assert_eq!(forwarded(&mut handshake, &resp(TELLS)), login);
    assert!(waits(handshake.answered(b"+OK\r\n+OK\r\n+OK\r\n+O")));
    assert!(waits(handshake.answered(b"K\r\n")));
    handshake
}

fn forwarded(handshake: &mut Handshake, bytes: &[u8]) -> Vec<u8> {
    match handshake.said(bytes, &Door) {
        Said::Handshake(forward) => forward,
        other => panic!("{other:?}"),
    }
}

fn waits(answered: Answered) -> bool {
    matches!(answered, Answered::Waits)
}

/// Asks for the stream and is answered.
fn asked(from: &str, answer: &[u8]) -> Answered {
    let mut handshake = introduced();
    forwarded(&mut handshake, &resp(&[&["PSYNC", "replid", from]]));
    handshake.answered(answer)
}

#[test]
fn a_member_is_one_when_it_has_proved_its_name_and_the_stream_begins() {
    for (from, answer, sent) in [
        ("101", &b"+CONTINUE\r\n"[..], 100),
        ("101", b"+CONTINUE 0123456789\r\nabc", 103),
        ("-1", b"+FULLRESYNC 0123456789 40\r\n", 40),
        (
            "-1",
            b"\n\n+FULLRESYNC 0123456789 40\r\n\n$3\r\nRDBstream",
            46,
        ),
    ] {
        let Answered::Follows(mut follower) = asked(from, answer) else {
            panic!("{answer:?}");
        };
        assert_eq!(follower.node(), Some(&Node::from("redis-1")));
        assert_eq!(
            follower.address(),
            Some(&Address::new("redis-1.redis", 7001))
        );
        let ack = |offset: u64| resp(&[&["REPLCONF", "ACK", &offset.to_string()]]);
        assert_eq!(follower.said(&ack(sent)), Ok(Some(sent)));
        assert!(follower.said(&ack(sent + 1)).is_err());
    }
}

#[test]
fn no_other_answer_makes_one() {
    for (from, answer) in [
        ("-1", &b"+PONG\r\n"[..]),
        ("-1", b"+OK\r\n"),
        ("-1", b"+CONTINUE\r\n"),
        ("0", b"+CONTINUE\r\n"),
        ("-1", b"+FULLRESYNC 0123456789\r\n"),
        ("-1", b"+FULLRESYNC 0123456789 -1\r\n"),
        ("-1", b"+DUALCHANNELSYNC\r\n"),
        ("-1", b"+RDBCHANNELSYNC 7\r\n"),
        ("-1", b"$5\r\n"),
        ("-1", b"-NOMASTERLINK Can't SYNC while not connected\r\n"),
    ] {
        let answered = asked(from, answer);
        assert!(matches!(answered, Answered::Refused(_)), "{answer:?}");
    }
    let long = [b"+FULLRESYNC ".to_vec(), vec![b'x'; 5_000]].concat();
    assert!(matches!(asked("-1", &long), Answered::Refused(_)));
}

#[test]
fn who_asks_before_its_answers_came_is_none() {
    // The fault itself: the answer to PING was taken for that to PSYNC.
    let forged: &[&[&str]] = &[
        &["PING"],
        &["REPLCONF", "listening-port", "7001"],
        &["REPLCONF", "ip-address", "redis-1.redis"],
        &["PSYNC", "?", "-1"],
    ];
    let mut at_once = Handshake::new(Mutant::None);
    assert_eq!(
        at_once.said(&resp(forged), &Door),
        Said::Refused(Refusal::Hasty)
    );
    // One after the other it has no proof.
    let mut patient = Handshake::new(Mutant::None);
    forwarded(&mut patient, &resp(&forged[..3]));
    assert!(waits(
        patient.answered(b"+PONG\r\n-NOPERM no\r\n-NOPERM no\r\n")
    ));
    let psync = resp(&forged[3..]);
    assert_eq!(
        patient.said(&psync, &Door),
        Said::Refused(Refusal::Unproven)
    );
    // With the proof, and one answer missing.
    let mut early = introduced();
    forwarded(&mut early, &resp(&[&["PING"]]));
    assert_eq!(early.said(&psync, &Door), Said::Refused(Refusal::Hasty));
    // It goes on before the stream comes.
    let mut hasty = introduced();
    forwarded(&mut hasty, &psync);
    assert_eq!(hasty.said(b"\n", &Door), Said::Refused(Refusal::Hasty));
    let behind = [psync, resp(&[&["PING"]])].concat();
    assert_eq!(
        introduced().said(&behind, &Door),
        Said::Refused(Refusal::Hasty)
    );
}

#[test]
fn a_proof_that_the_server_did_not_take_is_none() {
    for after in [&["AUTH", "app", "secret"][..], &["AUTH", "secret"]] {
        let mut handshake = introduced();
        forwarded(&mut handshake, &resp(&[after]));
        assert!(waits(handshake.answered(b"+OK\r\n")));
        let psync = resp(&[&["PSYNC", "?", "-1"]]);
        assert_eq!(
            handshake.said(&psync, &Door),
            Said::Refused(Refusal::Unproven)
        );
    }
    let mut refused = Handshake::new(Mutant::None);
    forwarded(&mut refused, &resp(&TELLS[..1]));
    assert!(waits(refused.answered(b"-WRONGPASS no\r\n")));
    let psync = resp(&[&["PSYNC", "?", "-1"]]);
    assert_eq!(
        refused.said(&psync, &Door),
        Said::Refused(Refusal::Unproven)
    );
}

#[test]
fn a_member_is_never_a_client() {
    let get = resp(&[&["GET", "a"]]);
    assert_eq!(
        introduced().said(&get, &Door),
        Said::Refused(Refusal::Strayed)
    );
    let both = [resp(&TELLS[..1]), get].concat();
    let mut handshake = Handshake::new(Mutant::None);
    assert_eq!(
        handshake.said(&both, &Door),
        Said::Refused(Refusal::Strayed)
    );
}

#[test]
fn a_client_is_known_by_any_other_command() {
    let many = vec!["REPLCONF"; 40];
    for commands in [
        &[&["GET", "a"][..]][..],
        &[&["PING"], &["SET", "a", "1"]],
        &[&["AUTH", "secret"], &["HELLO", "3"]],
        &[&["PINGS"]],
        &[&["PING", "hello"]],
        &[&many],
        &[&["REPLCONF", "ACK", "1"]],
        &[&["REPLCONF", "GETACK", "*"]],
        &[&["REPLCONF", "listening-port"]],
        &[&["REPLCONF", "listening-port", "x"]],
        &[&["PSYNC"]],
        &[&["REPLCONF", "rdb-channel", "1"]],
    ] {
        let said = resp(commands);
        let mut handshake = Handshake::new(Mutant::None);
        assert_eq!(
            handshake.said(&said, &Door),
            Said::Client(said.clone()),
            "{commands:?}"
        );
    }
    for inline in [
        &b"GET a\r\n"[..],
        b"get",
        b"\r\n",
        b"AUTH secret\r\n",
        b"PSYNC ? -1\r\n",
        b"SYNC\r\n",
        b"*1\r\n$4\r\nQU",
        b"garbage",
        b"*x\r\n$1\r\n",
        b"*0\r\n",
        b"*-1\r\n",
    ] {
        let mut handshake = Handshake::new(Mutant::None);
        assert_eq!(handshake.said(inline, &Door), Said::Client(inline.to_vec()));
    }
    // A large first command is not waited for.
    let mut large = b"*2\r\n$4\r\nAUTH\r\n$100000\r\n".to_vec();
    assert!(forwarded(&mut Handshake::new(Mutant::None), &large).is_empty());
    large.resize(requests::REQUEST_MAX + 1, b'x');
    let mut handshake = Handshake::new(Mutant::None);
    assert_eq!(handshake.said(&large, &Door), Said::Client(large.clone()));
    let crowd = resp(&vec![&["PING"][..]; PENDING_MAX + 1]);
    let mut handshake = Handshake::new(Mutant::None);
    assert_eq!(handshake.said(&crowd, &Door), Said::Client(crowd.clone()));
}

#[test]
fn a_gate_that_brings_a_session_is_known_by_its_first_word() {
    let greeting = b"HOLDFAST.CARRY 7 2\r\nrest";
    let mut handshake = Handshake::new(Mutant::None);
    forwarded(&mut handshake, &greeting[..9]);
    assert_eq!(
        handshake.said(&greeting[9..], &Door),
        Said::Carried(greeting.to_vec(), 20)
    );
    let mut late = Handshake::new(Mutant::None);
    forwarded(&mut late, b"PING\r\n");
    assert_eq!(late.said(greeting, &Door), Said::Client(greeting.to_vec()));
}

#[test]
fn the_planted_bug_believes_whoever_says_so() {
    let mut handshake = Handshake::new(Mutant::CountAForgedAcknowledgement);
    let forged = resp(&[&["PING"], &["PSYNC", "?", "-1"]]);
    assert_eq!(
        handshake.said(&forged, &Door),
        Said::Handshake(forged.clone())
    );
    assert!(matches!(
        handshake.answered(b"+PONG\r\n"),
        Answered::Follows(_)
    ));
}

proptest! {
    /// However a replica's words and the server's answers are cut.
    #[test]
    fn pieces_mean_the_same(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let said = resp(TELLS);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(said.len())).collect();
        cuts.extend([0, said.len()]);
        cuts.sort_unstable();
        let mut handshake = Handshake::new(Mutant::None);
        for cut in cuts.windows(2) {
            forwarded(&mut handshake, &said[cut[0]..cut[1]]);
        }
        for byte in b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n" {
            prop_assert!(waits(handshake.answered(&[*byte])));
        }
        forwarded(&mut handshake, &resp(&[&["PSYNC", "replid", "8"]]));
        prop_assert!(matches!(handshake.answered(b"+CONTINUE\r\n"), Answered::Follows(_)));
    }

    /// Whatever is said and answered, without a proof nobody follows, and memory stays within bounds.
    #[test]
    fn nothing_makes_a_stranger_a_member(
        turns in prop::collection::vec((any::<bool>(), prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            Just(resp(&[&["PING"]])),
            Just(resp(&[&["AUTH", "holdfast", "password"]])),
            Just(resp(&TELLS[1..3])),
            Just(resp(&[&["PSYNC", "?", "-1"]])),
            Just(resp(&[&["PSYNC", "?", "8"]])),
            Just(b"+OK\r\n".to_vec()),
            Just(b"+CONTINUE\r\n".to_vec()),
            Just(b"+FULLRESYNC 0123456789 7\r\n".to_vec()),
            Just(b"\n".to_vec()),
        ]), 0..20),
    ) {
        let mut handshake = Handshake::new(Mutant::None);
        for (client, bytes) in turns {
            if client {
                match handshake.said(&bytes, &Door) {
                    Said::Handshake(_) => {}
                    _ => break,
                }
            } else {
                match handshake.answered(&bytes) {
                    Answered::Waits => {}
                    Answered::Follows(_) => prop_assert!(false, "a stranger follows"),
                    Answered::Refused(_) => break,
                }
            }
            prop_assert!(handshake.waiting() <= requests::REQUEST_MAX);
            prop_assert!(handshake.pending.len() <= PENDING_MAX);
        }
    }
}
