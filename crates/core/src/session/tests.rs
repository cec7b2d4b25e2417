#![allow(clippy::unwrap_used)]
use super::*;

fn resp(requests: &[&[&str]]) -> Vec<u8> {
    let mut out = Vec::new();
    for request in requests {
        let words: Vec<&[u8]> = request.iter().map(|word| word.as_bytes()).collect();
        replay::encode(&mut out, &words);
    }
    out
}

fn said(requests: &[&[&str]]) -> Session {
    let mut session = Session::default();
    session.note(0, &resp(requests));
    session
}

fn seen(line: &str) -> Seen {
    let fresh = "id=3 addr=x name= db=0 sub=0 psub=0 ssub=0 multi=-1 watch=0 flags=U user=default redir=-1 resp=2";
    let mut words: Vec<String> = fresh.split(' ').map(str::to_owned).collect();
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let name = word.split('=').next().unwrap();
        let place = words
            .iter()
            .position(|one| one.split('=').next() == Some(name));
        words[place.unwrap()] = word.to_owned();
    }
    Seen::read(&words.join(" ")).unwrap()
}

fn replayed(session: &Session, line: &str) -> Result<String, &'static str> {
    let replay = session.replay(Some(&seen(line)))?;
    let text = String::from_utf8(replay.bytes).unwrap();
    let words = text.split("\r\n").filter(|word| !word.is_empty());
    let words: Vec<&str> = words.filter(|word| !word.starts_with(['*', '$'])).collect();
    Ok(words.join(" "))
}

const LARGE: usize = 100_000;

#[test]
fn however_a_stream_is_cut_the_same_is_known() {
    let large = "x".repeat(LARGE);
    let requests: &[&[&str]] = &[
        &["SET", "a", "*3\r\n$6\r\nSELECT\r\n"],
        &["AUTH", "alice", "secret"],
        &["SELECT", "3"],
        &["MSET", "a", "", "b", &large, "c", "$1\r\n"],
        &["CLIENT", "SETNAME", "worker"],
        &["SUBSCRIBE", "news", "weather"],
        &["UNSUBSCRIBE", "weather"],
        &["GET", "a"],
    ];
    let bytes = [&b"PING\r\n"[..], &resp(requests), b"get a\r\n"].concat();
    let near_an_edge =
        |cut: &usize| *cut < 300 || bytes.len() - cut < 400 || cut.is_multiple_of(997);
    for cut in (0..bytes.len()).filter(near_an_edge) {
        let mut session = Session::default();
        session.note(0, &bytes[..cut]);
        session.note(0, &bytes[cut..]);
        assert!(session.is_at_rest(), "{cut}");
        let line = "db=3 name=worker user=alice sub=1";
        let again = "AUTH alice secret SELECT 3 CLIENT SETNAME worker SUBSCRIBE news";
        assert_eq!(replayed(&session, line), Ok(again.to_owned()), "{cut}");
    }
    let mut slowly = Session::default();
    bytes.chunks(1).for_each(|byte| slowly.note(0, byte));
    assert!(slowly.is_at_rest() && slowly.spoiled().is_none());
}

#[test]
fn a_transaction_is_never_split() {
    let open = resp(&[&["WATCH", "a"], &["GET", "a"], &["MULTI"], &["INCR", "a"]]);
    let end = resp(&[&["EXEC"]]);
    let behind = resp(&[&["GET", "b"]]);
    let mut session = Session::default();
    session.note(0, &open);
    assert!(!session.is_at_rest());
    let rest = [&end[..], &behind].concat();
    assert_eq!(session.note_to_rest(0, &rest), end.len());
    assert!(session.is_at_rest());
    assert_eq!(session.note_to_rest(0, &behind), 0);
    // Half a request is said to its end, and no further.
    session.note(0, &behind[..7]);
    assert_eq!(
        session.note_to_rest(0, &[&behind[7..], &end[..]].concat()),
        behind.len() - 7
    );
    // What the server refuses opens none, and ends none.
    assert!(said(&[&["MULTI", "x"], &["EXEC"]]).is_at_rest());
    assert!(!said(&[&["MULTI"], &["EXEC", "x"]]).is_at_rest());
    assert!(!said(&[&["WATCH", "a"], &["EXEC"]]).is_at_rest());
    assert!(said(&[&["WATCH", "a"], &["UNWATCH"]]).is_at_rest());
}

/// Found by the fuzzer: the end of such a request was counted from before its beginning.
#[test]
fn half_a_request_that_turns_out_to_be_none_moves_nothing() {
    let rest = b"ECT\r\n:1\r\n";
    let mut session = Session::new(Mutant::None);
    session.note(0, b"*2\r\n$6\r\nSEL");
    assert!(session.note_to_rest(0, rest) <= rest.len());
    assert!(session.spoiled().is_some());
}

#[test]
fn what_the_server_says_counts_and_a_contradiction_ends_it() {
    let plain = said(&[&["SELECT", "3"], &["SELECT", "99"]]);
    assert_eq!(replayed(&plain, "db=3"), Ok("SELECT 3".to_owned()));
    // A protocol asked for and refused, or spoken.
    let hello = said(&[&["HELLO", "3", "AUTH", "default", "pw", "SETNAME", "x"]]);
    assert_eq!(
        replayed(&hello, "name=x"),
        Ok("AUTH default pw CLIENT SETNAME x".to_owned())
    );
    let again = "AUTH default pw HELLO 3 CLIENT SETNAME x";
    assert_eq!(replayed(&hello, "name=x resp=3"), Ok(again.to_owned()));
    assert!(hello.replay(None).is_err(), "nobody knows which");
    for (session, line) in [
        (said(&[&["SUBSCRIBE", "a"]]), "sub=0"),
        (said(&[&["CLIENT", "SETNAME", "x"]]), "name=y"),
        (said(&[]), "user=alice"),
        (said(&[]), "multi=2"),
        (said(&[]), "watch=1"),
        (said(&[]), "flags=O"),
        (said(&[&["CLIENT", "TRACKING", "ON"]]), "resp=3"),
    ] {
        assert!(replayed(&session, line).is_err(), "{line}");
    }
}

#[test]
fn tracking_is_asked_for_again_and_no_cache_is_trusted() {
    let session = said(&[
        &["HELLO", "3"],
        &["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "p"],
    ]);
    let replay = session.replay(Some(&seen("resp=3 flags=tB"))).unwrap();
    assert_eq!(replay.replies, 2);
    assert!(replay.notice.ends_with(b"invalidate\r\n_\r\n"));
    assert!(!said(&[&["CLIENT", "CACHING", "YES"]]).is_at_rest());
    assert!(said(&[&["CLIENT", "CACHING", "YES"], &["GET", "a"]]).is_at_rest());
}

#[test]
fn what_cannot_be_carried_says_so() {
    let many: Vec<String> = (0..2_000).map(|n| format!("channel-{n}")).collect();
    let mut all: Vec<&str> = vec!["SUBSCRIBE"];
    all.extend(many.iter().map(String::as_str));
    for request in [
        &["MONITOR"][..],
        &["CLIENT", "REPLY", "OFF"],
        &["CLIENT", "TRACKING", "ON", "REDIRECT", "7"],
        &["PSYNC", "?", "-1"],
        &all,
    ] {
        assert!(said(&[request]).spoiled().is_some(), "{request:?}");
    }
    assert!(
        said(&[&["MULTI"], &["AUTH", "x"], &["EXEC"]])
            .spoiled()
            .is_some()
    );
    let mut garbage = Session::default();
    garbage.note(0, b"*2\r\n$x\r\n");
    assert!(garbage.is_at_rest() && garbage.spoiled().is_some());
}

#[test]
fn a_blocked_request_is_asked_again_with_the_time_that_is_left() {
    let again = |request: &[&str], now| {
        let mut session = Session::default();
        session.note(1_000_000, &resp(&[request]));
        session
            .ask_again(now)
            .map(|bytes| String::from_utf8(bytes).unwrap())
    };
    let left = again(&["BLPOP", "a", "b", "5"], 3_000_000).unwrap();
    assert!(
        left.contains("$3\r\n3.000") || left.contains("3.000"),
        "{left}"
    );
    assert!(
        again(&["BLPOP", "a", "0"], 9_000_000)
            .unwrap()
            .ends_with("$1\r\n0\r\n")
    );
    assert!(
        again(&["BLPOP", "a", "1"], 9_000_000)
            .unwrap()
            .contains("0.001")
    );
    let stream = &[
        "XREADGROUP",
        "GROUP",
        "g",
        "c",
        "BLOCK",
        "4000",
        "STREAMS",
        "s",
        ">",
    ];
    assert!(again(stream, 2_000_000).unwrap().contains("\r\n3000\r\n"));
    // It would miss what came meanwhile; replicas of another primary; a bad time.
    assert_eq!(
        again(&["XREAD", "BLOCK", "0", "STREAMS", "s", "$"], 0),
        None
    );
    assert_eq!(again(&["WAIT", "1", "0"], 0), None);
    assert_eq!(again(&["BLPOP", "a", "soon"], 0), None);
    // Something behind it, or a transaction round it.
    let behind: &[&[&str]] = &[&["BLPOP", "a", "0"], &["GET", "a"]];
    assert!(!said(behind).may_block());
    assert!(!said(&[&["MULTI"], &["BLPOP", "a", "0"], &["EXEC"]]).may_block());
}

#[test]
fn passwords_are_never_shown() {
    let session = said(&[
        &["AUTH", "alice", "hunter2"],
        &["HELLO", "3", "AUTH", "bob", "hunter3"],
    ]);
    let shown = format!(
        "{session:?} {:?}",
        session.replay(Some(&seen("user=bob resp=3")))
    );
    assert!(
        shown.contains("alice") && !shown.contains("hunter"),
        "{shown}"
    );
}
