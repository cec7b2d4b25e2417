//! Whatever bytes come to the address of the primary before, shortly after a handoff, or to the next one's: both gates go on,
//! every stranger is answered or closed, and no session gets what is another's.

use crate::blocking;
use crate::client::{Client, text};
use crate::pair::Pair;
use crate::server_support::PASSWORD;
use holdfast_core::mutant::Mutant;
use nix::sys::signal::Signal;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

const SECRET: &str = "what-only-alice-may-read";
const ALICE: [&str; 6] = ["on", ">secret", "~*", "&*", "+@all", "-@dangerous"];

/// A session that arrives late, or a stranger that is not closed, has not after twice the time that a journey may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Each alone; the mixtures are made of them as well.
const PIECES: [&[u8]; 44] = [
    b"INFO\r\n",
    b"*1\r\n$4\r\nINFO\r\n",
    b"*2\r\n$4\r\nINFO\r\n$3\r\nall\r\n",
    b"*1\r\n$4\r\nIN",
    b"ROLE\r\nROLE\r\n*2\r\n$3\r\nGE",
    b"GET",
    b"*",
    b"*2\r",
    b"\r\n\r\n\n",
    b"\0\0\0\0",
    b"*0\r\n*-1\r\n*1\r\n$-1\r\n",
    b"*2\r\n$3\r\nGET\r\n$536870913\r\n",
    b"*2\r\n$3\r\nGET\r\n$9223372036854775807\r\n",
    b"*2\r\n$4\r\nINFO\r\n$18446744073709551615\r\n",
    b"*2\r\n$4\r\nPING\r\n$18446744073709551614\r\nx",
    b"*18446744073709551615\r\n$4\r\nPING\r\n",
    b"*9223372036854775807\r\n$6\r\nSELECT\r\n$1\r\n3\r\n",
    b"*2147483647\r\n$4\r\nECHO\r\n",
    b"*1\r\n$99999999999999999999999999999999999\r\n",
    b"$5\r\nhello\r\n+OK\r\n:1\r\n-ERR\r\n>1\r\n$1\r\nx\r\n",
    b"PSYNC ? -1\r\n",
    b"*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n",
    b"SYNC\r\n",
    b"REPLCONF listening-port 1\r\nREPLCONF capa eof capa psync2\r\nPSYNC ? -1\r\n",
    b"REPLCONF ACK 1000000000000000\r\n",
    b"*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$16\r\n1000000000000000\r\n",
    b"HOLDFAST.CARRY\r\n",
    b"HOLDFAST.CARRY 2 0\r\n",
    b"HOLDFAST.CARRY 3 255 127.0.0.1:1\r\nGET a\r\n",
    b"HOLDFAST.CARRY 18446744073709551615 0\r\nPSYNC ? -1\r\nREPLCONF ACK 1000000000000000\r\n",
    b"HOLDFAST.CARRY 2 0 \xff\xfe\r\n",
    b"*3\r\n$14\r\nHOLDFAST.CARRY\r\n$1\r\n2\r\n$1\r\n0\r\n",
    b"+CARRIED\r\n",
    b"AUTH alice wrong\r\nACL WHOAMI\r\n",
    b"HELLO 3 AUTH alice wrong\r\nGET a\r\n",
    b"HELLO 9\r\nHELLO 3\r\nGET a\r\n",
    b"CLIENT REPLY OFF\r\nGET a\r\n",
    b"CLIENT REPLY SKIP\r\nPING\r\nCLIENT REPLY ON\r\n",
    b"CLIENT TRACKING ON BCAST\r\nHELLO 3\r\nCLIENT TRACKING ON\r\nGET a\r\n",
    b"MULTI\r\nINCR n\r\n",
    b"WATCH a\r\nMULTI\r\nEXEC\r\nEXEC\r\nDISCARD\r\n",
    b"SUBSCRIBE a b c\r\nGET a\r\nUNSUBSCRIBE\r\nRESET\r\n",
    b"BLPOP nothing 0\r\nGET a\r\n",
    b"QUIT\r\nGET a\r\n",
];

/// What a stranger does after its last byte.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// Says that nothing more comes, and reads to the end.
    Ends,
    /// Goes without reading anything.
    Goes,
    /// Waits, for ever.
    Waits,
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    /// Random bytes, or pieces in a row of which the last may be cut.
    fn bytes(&mut self) -> Vec<u8> {
        if self.roll(3) == 0 {
            return (0..=self.roll(3_000))
                .map(|_| self.roll(256) as u8)
                .collect();
        }
        let count = 1 + self.roll(6);
        let mut bytes = (0..count)
            .map(|_| PIECES[self.roll(PIECES.len())])
            .collect::<Vec<_>>()
            .concat();
        bytes.truncate(bytes.len() - self.roll(4).min(bytes.len() - 1));
        bytes
    }
}

fn large() -> [Vec<u8>; 3] {
    [
        b"INFO all\r\n".repeat(3_000),
        vec![b'x'; 200_000],
        [
            b"*2\r\n$3\r\nGET\r\n$100000\r\n".to_vec(),
            vec![b'y'; 90_000],
        ]
        .concat(),
    ]
}

fn shown(bytes: &[u8]) -> String {
    format!(
        "{:?}",
        String::from_utf8_lossy(&bytes[..bytes.len().min(200)])
    )
}

/// Says these bytes; what was answered, and the connection where it is kept.
fn stranger(port: u16, bytes: &[u8], then: Then) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("let in");
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may be closed at the first byte.
    let said = stream.write_all(bytes);
    match then {
        Then::Goes => None,
        Then::Waits => Some(stream),
        Then::Ends => {
            let _ = said.and_then(|()| stream.shutdown(Shutdown::Write));
            assert_silent_of_others(&mut stream, &shown(bytes));
            None
        }
    }
}

/// Reads to the end of the connection.
fn assert_silent_of_others(stream: &mut TcpStream, said: &str) {
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert!(
            error.kind() == ErrorKind::ConnectionReset,
            "{said}: {error}"
        );
    }
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains(SECRET), "{said} was answered {answer:?}");
}

/// Sessions that were there before, and must not notice anything.
struct Others {
    alice: Client,
    plain: Client,
}

impl Others {
    fn begin(pair: &Pair) -> Self {
        let (mut alice, mut plain) = (pair.client(), pair.client());
        assert_eq!(alice.text(&["AUTH", "alice", "secret"]), "OK");
        assert_eq!(alice.text(&["SELECT", "3"]), "OK");
        assert_eq!(alice.text(&["SET", "a", SECRET]), "OK");
        assert_eq!(plain.text(&["CLIENT", "SETNAME", "plain"]), "OK");
        assert_eq!(plain.text(&["SET", "a", "1"]), "OK");
        // The first session to arrive transfers the scripts.
        plain.text(&["SCRIPT", "LOAD", "return 1"]);
        Self { alice, plain }
    }

    /// They and one that has just come are answered at once, and are who they are.
    fn assert_well(&mut self, late: &mut Client, after: &str) {
        let begun = Instant::now();
        assert_eq!(self.alice.text(&["GET", "a"]), SECRET, "{after}");
        assert_eq!(self.alice.text(&["ACL", "WHOAMI"]), "alice", "{after}");
        assert_eq!(self.plain.text(&["GET", "a"]), "1", "{after}");
        assert_eq!(self.plain.text(&["CLIENT", "GETNAME"]), "plain", "{after}");
        assert!(
            late.text(&["INFO", "replication"]).contains("role:"),
            "{after}"
        );
        assert_eq!(late.text(&["GET", "a"]), "1", "{after}");
        assert_eq!(late.text(&["ACL", "WHOAMI"]), "default", "{after}");
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(3), "{after}: {took:?}");
    }
}

/// Each piece alone, and mixtures: `HOSTILE` in the environment says how many.
fn small(dice: &mut Dice) -> Vec<Vec<u8>> {
    let mixtures = std::env::var("HOSTILE").map_or(60, |text| text.parse().expect("a number"));
    let mut all: Vec<Vec<u8>> = PIECES.iter().map(|piece| piece.to_vec()).collect();
    all.extend((0..mixtures).map(|_| dice.bytes()));
    all
}

#[tokio::test]
async fn strangers_harm_neither_the_gate_nor_other_sessions() {
    let mut pair = Pair::start(Mutant::None).await;
    pair.user("alice", &ALICE).await;
    let mut others = Others::begin(&pair);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for round in 0..2 {
        pair.handoff().await;
        let mut waiting = Vec::new();
        blocking(|| {
            for bytes in large().into_iter().chain(small(&mut dice)) {
                for port in [pair.other().port(), pair.ruler().port()] {
                    for then in [Then::Goes, Then::Waits, Then::Ends] {
                        waiting.extend(stranger(port, &bytes, then));
                    }
                }
                others.assert_well(
                    &mut pair.client_of_old(),
                    &format!("round {round}: {}", shown(&bytes)),
                );
                // No more than the places that the gate has.
                waiting.drain(..waiting.len().saturating_sub(60));
            }
        });
        pair.handoff().await;
        blocking(|| {
            others.assert_well(&mut pair.client_of_old(), "strangers that wait");
            for mut stream in waiting {
                let _ = stream.shutdown(Shutdown::Write);
                assert_silent_of_others(&mut stream, "one that waited");
            }
        });
    }
}

/// Not even one that knows the password of the cluster: what comes as a carried session, or is taken along as a visitor, is a
/// client's, whatever it says.
#[tokio::test]
async fn who_comes_as_a_carried_session_acknowledges_nothing() {
    let mut pair = Pair::start(Mutant::None).await;
    pair.handoff().await;
    let (new, old) = (pair.ruler().port(), pair.other().port());
    let member = pair.other().node.options.listen.clone();
    let announced = member.port.to_string();
    let far = ["REPLCONF", "ACK", "1000000000000000"];
    blocking(|| {
        for (port, greeting) in [(new, "HOLDFAST.CARRY 2 0\r\n"), (old, "")] {
            let mut forger = Client::connect(port);
            forger.say(greeting.as_bytes());
            let asked = [
                &["AUTH", "holdfast", PASSWORD][..],
                &["REPLCONF", "listening-port", &announced],
                &["REPLCONF", "ip-address", &member.host],
                &["PSYNC", "?", "-1"],
            ];
            for words in asked {
                forger.send(words);
                // Not before everything is answered.
                std::thread::sleep(Duration::from_millis(50));
            }
            let mut streamed = [0; 1 << 12];
            let streamed = forger
                .stream
                .read(&mut streamed)
                .map(|length| streamed[..length].to_vec());
            let streamed = String::from_utf8_lossy(&streamed.unwrap()).into_owned();
            assert!(
                streamed.contains("FULLRESYNC"),
                "it has no stream to acknowledge: {streamed}"
            );
            pair.other().signal(Signal::SIGSTOP);
            let mut client = pair.client();
            client.send(&["SET", "lost", "1"]);
            for _ in 0..3 {
                forger.send(&far);
                std::thread::sleep(Duration::from_millis(20));
            }
            let silent = client.is_silent(300);
            pair.other().signal(Signal::SIGCONT);
            assert!(silent, "{port}: an answer that no member vouches for");
            assert_eq!(text(&client.read()), "OK", "the member itself counts");
        }
    });
}

/// The pause of a handoff waits neither for replies that the server delays nor for sessions that cannot be transferred. (It does
/// wait for clients that do not read their replies, up to the agent's limit.)
#[tokio::test]
async fn no_stranger_holds_up_a_handoff() {
    let mut pair = Pair::start(Mutant::None).await;
    // One that may not be asked what its session is.
    pair.user("bob", &["on", ">secret", "~*", "+@read", "+hello"])
        .await;
    let doubtful = b"AUTH bob secret\r\nHELLO 3 AUTH bob wrong SETNAME x\r\n";
    let mut all = small(&mut Dice(4711));
    all.push(doubtful.to_vec());
    blocking(|| {
        for bytes in all {
            let waiting = stranger(pair.ruler().port(), &bytes, Then::Waits);
            std::thread::sleep(Duration::from_millis(4));
            assert!(pair.drains(Duration::from_secs(1)), "{}", shown(&bytes));
            drop(waiting);
        }
    });
}
