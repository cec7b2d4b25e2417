#![allow(clippy::expect_used, clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn resp(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend(format!("${}\r\n{word}\r\n", word.len()).bytes());
    }
    out
}

fn ack(offset: impl std::fmt::Display) -> Vec<u8> {
    resp(&["REPLCONF", "ACK", &offset.to_string()])
}

/// One that was sent everything up to here.
fn sent(up_to: u64) -> Follower {
    let stream = Stream::of("+CONTINUE", Some(up_to + 1)).expect("a stream");
    Follower::new(None, None, stream)
}

fn most(bytes: &[u8]) -> Option<u64> {
    sent(1_000_000).said(bytes).expect("not beyond")
}

#[test]
fn it_tells_the_most_that_it_acknowledges() {
    assert_eq!(most(&[ack(17), ack(4711), ack(5)].concat()), Some(4711));
    assert_eq!(most(&resp(&["replconf", "ack", "5", "FACK", "4"])), Some(5));
    assert_eq!(most(&[b"\n\n".to_vec(), ack(3)].concat()), Some(3));
}

#[test]
fn nothing_else_is_an_acknowledgement() {
    for other in [
        &["PING", "ACK", "17"][..],
        &["SET", "REPLCONF", "ACK", "17"],
        &["REPLCONF", "ACK"],
        &["REPLCONF", "ACK", ""],
        &["REPLCONF", "ACK", "-1"],
        &["REPLCONF", "ACK", "+1"],
        &["REPLCONF", "ACK", "1x"],
        &["REPLCONF", "ACK", "99999999999999999999"],
        &["REPLCONF", "GETACK", "*"],
    ] {
        assert_eq!(most(&resp(other)), None, "{other:?}");
    }
    let long = "1".repeat(10_000);
    let said = [
        resp(&["REPLCONF", "ACK", &long]),
        format!("REPLCONF ACK {long}\r\n").into_bytes(),
        ack(9),
    ];
    assert_eq!(most(&said.concat()), Some(9));
    for nonsense in ["*x\r\n", "*1\r\n:5\r\n", "*1\r\n\r\n", "*-1\r\n"] {
        assert_eq!(
            most(&[nonsense.as_bytes(), &ack(9)].concat()),
            None,
            "{nonsense:?}"
        );
    }
}

#[test]
fn more_than_was_sent_is_refused() {
    let mut follower = sent(100);
    assert_eq!(follower.said(&ack(100)), Ok(Some(100)));
    follower.sent(b"12345");
    follower.sent_more(5);
    assert_eq!(follower.said(&ack(110)), Ok(Some(110)));
    let (acknowledged, sent) = (1_000_000_000_000_000, 110);
    let refused = Refusal::Beyond { acknowledged, sent };
    assert_eq!(follower.said(&ack(acknowledged)), Err(refused));
}

/// One that gets this copy, in pieces, and three bytes of the stream behind it.
fn copied(copy: &[u8], pieces: usize) -> u64 {
    let stream = Stream::of("+FULLRESYNC 0123456789 50", None).expect("a stream");
    let mut follower = Follower::new(None, None, stream);
    for piece in copy.chunks(copy.len().div_ceil(pieces)) {
        assert!(!follower.is_counted());
        follower.sent(piece);
    }
    assert!(follower.is_counted());
    follower.sent(b"abc");
    follower.stream.end()
}

#[test]
fn a_copy_is_no_part_of_the_stream() {
    let mark = "0123456789abcdefghijklmnopqrstuvwxyzABCD";
    let decoy = &mark[..39];
    let marked = format!("\n\n$EOF:{mark}\r\nREDIS{decoy}{mark}");
    let counted = "\n$10\r\n0123456789";
    for copy in [marked.as_bytes(), counted.as_bytes()] {
        for pieces in 1..=copy.len() {
            assert_eq!(copied(copy, pieces), 53, "{pieces}");
        }
    }
    for nonsense in [
        "-ERR no copy\r\n",
        "$x\r\n",
        "$EOF:short\r\n",
        "no line ends here",
    ] {
        let stream = Stream::of("+FULLRESYNC 0123456789 50", None).expect("a stream");
        let mut follower = Follower::new(None, None, stream);
        follower.sent(nonsense.repeat(10).as_bytes());
        assert_eq!(follower.stream.end(), 50, "{nonsense:?}");
    }
}

proptest! {
    /// However it is cut, with newlines between and other commands.
    #[test]
    fn pieces_say_the_same(
        commands in prop::collection::vec(prop_oneof![
            (0..1_000_000u64).prop_map(ack),
            Just(b"\n".to_vec()),
            "[a-z]{0,300}".prop_map(|text| resp(&["REPLCONF", "version", &text])),
            "[a-z\r\n]{0,300}".prop_map(|text| resp(&["OTHER", &text, "ACK", "5"])),
        ], 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let all = commands.concat();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(all.len())).collect();
        cuts.extend([0, all.len()]);
        cuts.sort_unstable();
        let mut follower = sent(1_000_000);
        let pieces = cuts.windows(2).map(|cut| follower.said(&all[cut[0]..cut[1]]).unwrap());
        prop_assert_eq!(pieces.flatten().max(), most(&all));
    }

    /// Whatever a connection says, it counts for no more than it was sent, and memory stays within bounds.
    #[test]
    fn garbage_is_survived(
        said in prop::collection::vec(any::<u8>(), 0..2000),
        copy in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let stream = Stream::of("+FULLRESYNC 0123456789 50", None).expect("a stream");
        let mut follower = Follower::new(None, None, stream);
        follower.sent(&copy);
        if let Ok(Some(most)) = follower.said(&said) {
            prop_assert!(most <= 50 + copy.len() as u64);
        }
        prop_assert!(follower.acknowledgements.size() < 1 << 10);
    }
}
