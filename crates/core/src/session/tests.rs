#![allow(clippy::unwrap_used)]

mod model;
mod random;

use super::*;

fn resp(requests: &[&[&str]]) -> Vec<u8> {
    let mut out = Vec::new();
    for request in requests {
        let words: Vec<&[u8]> = request.iter().map(|word| word.as_bytes()).collect();
        replay::encode(&mut out, &words);
    }
    out
}

/// What the server says, which needs no end of its own.
fn hear(session: &mut Session, replies: &str) {
    let replies: String = replies.split(' ').flat_map(|word| [word, "\r\n"]).collect();
    session.hear(replies.as_bytes(), &mut Scripts::default());
}

/// Requests that a server accepts, each with `+OK`.
fn said(requests: &[&[&str]]) -> Session {
    let mut session = Session::default();
    session.note(0, &resp(requests));
    let replies = "+OK\r\n".repeat(requests.len());
    session.hear(replies.as_bytes(), &mut Scripts::default());
    session
}

/// Requests that are not answered yet.
fn asked(requests: &[&[&str]]) -> Session {
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

#[test]
fn what_is_asked_of_the_node_ends_at_the_first_request_for_data() {
    let of_node = resp(&[
        &["AUTH", "secret"],
        &["info", "replication"],
        &["CLIENT", "SETNAME", "x"],
    ]);
    let of_node = [&of_node[..], b"ping\r\nROLE\r\n"].concat();
    for data in [
        &b"GET a\r\n"[..],
        &resp(&[&["SET", "a", "1"]]),
        b"MULTI\r\n",
        b"*1\r\n$4\r\nIN",
        b"*1\r",
        b"\r\n",
    ] {
        let mut session = Session::default();
        let both = [&of_node[..], data].concat();
        assert_eq!(session.note_of_node(0, &both), of_node.len(), "{data:?}");
        assert!(!session.is_quiet(), "five requests are to be answered");
    }
    // One that began goes on to its end, wherever its bytes are cut.
    for cut in 1..of_node.len() {
        let mut session = Session::default();
        let first = session.note_of_node(0, &of_node[..cut]);
        let rest = session.note_of_node(0, &of_node[first..]);
        assert_eq!(first + rest, of_node.len(), "cut at {cut}");
        hear(&mut session, "+OK $1 x +OK +PONG *0");
        assert!(session.is_quiet(), "cut at {cut}");
    }
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
    let replies = "+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n\
        *3\r\n$9\r\nsubscribe\r\n$7\r\nweather\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$7\r\nweather\r\n:1\r\n-ERR\r\n-ERR\r\n";
    let near_an_edge =
        |cut: &usize| *cut < 300 || bytes.len() - cut < 400 || cut.is_multiple_of(997);
    for cut in (0..bytes.len()).filter(near_an_edge) {
        let mut session = Session::default();
        session.note(0, &bytes[..cut]);
        session.note(0, &bytes[cut..]);
        assert!(session.is_at_rest(), "{cut}");
        assert!(session.replay(None).is_err(), "nothing is answered");
        let (first, second) = replies.split_at(cut % replies.len());
        session.hear(first.as_bytes(), &mut Scripts::default());
        session.hear(second.as_bytes(), &mut Scripts::default());
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
    // What the server refuses opens none, and ends none, save an EXEC.
    assert!(asked(&[&["MULTI", "x"], &["EXEC"]]).is_at_rest());
    assert!(asked(&[&["MULTI"], &["EXEC", "x"]]).is_at_rest());
    assert!(!asked(&[&["WATCH", "a"], &["EXEC"]]).is_at_rest());
    assert!(asked(&[&["WATCH", "a"], &["UNWATCH"]]).is_at_rest());
    // Once all is answered the server's word counts.
    let mut refused = asked(&[&["MULTI"], &["SELECT", "3"]]);
    assert!(!refused.is_at_rest());
    hear(&mut refused, "-NOPERM +OK");
    assert!(refused.is_at_rest());
    assert_eq!(replayed(&refused, "db=3"), Ok("SELECT 3".to_owned()));
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
    let mut plain = asked(&[&["SELECT", "3"], &["SELECT", "99"]]);
    hear(&mut plain, "+OK -ERR");
    assert_eq!(replayed(&plain, "db=3"), Ok("SELECT 3".to_owned()));
    assert!(plain.replay(None).is_ok());
    // A protocol asked for and refused, or spoken.
    let hello = &[&["HELLO", "3", "AUTH", "default", "pw", "SETNAME", "x"][..]];
    let again = "AUTH default pw HELLO 3 CLIENT SETNAME x";
    assert_eq!(
        replayed(&said(hello), "name=x resp=3"),
        Ok(again.to_owned())
    );
    assert!(replayed(&said(hello), "name=x").is_err());
    let mut half = asked(hello);
    hear(&mut half, "-ERR");
    assert_eq!(replayed(&half, ""), Ok("AUTH default pw".to_owned()));
    assert!(
        half.replay(None).is_err(),
        "nobody knows whether it logged in"
    );
    let mut subscribed = asked(&[&["SUBSCRIBE", "a"]]);
    hear(&mut subscribed, "*3 $9 subscribe $1 a :1");
    assert!(subscribed.replay(None).is_ok());
    for (session, line) in [
        (subscribed, "sub=0"),
        (said(&[&["CLIENT", "SETNAME", "x"]]), "name=y"),
        (said(&[]), "user=alice"),
        (said(&[]), "multi=2"),
        (said(&[]), "watch=1"),
        (said(&[]), "flags=O"),
        (said(&[&["CLIENT", "TRACKING", "ON"]]), "resp=3"),
        (asked(&[&["GET", "a"]]), ""),
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
    assert_eq!(
        replay.asks,
        [Ask::must("HELLO"), Ask::must("CLIENT TRACKING")]
    );
    assert!(replay.notice.ends_with(b"invalidate\r\n_\r\n"));
    assert!(!said(&[&["CLIENT", "CACHING", "YES"]]).is_at_rest());
    assert!(said(&[&["CLIENT", "CACHING", "YES"], &["GET", "a"]]).is_at_rest());
}

#[test]
fn what_cannot_be_carried_says_so() {
    for request in [
        &["MONITOR"][..],
        &["CLIENT", "REPLY", "OFF"],
        &["CLIENT", "TRACKING", "ON", "REDIRECT", "7"],
        &["PSYNC", "?", "-1"],
    ] {
        assert!(said(&[request]).spoiled().is_some(), "{request:?}");
    }
    let many = "x".repeat(20_000);
    let mut all = asked(&[&["SUBSCRIBE", &many]]);
    hear(&mut all, &format!("*3 $9 subscribe $20000 {many} :1"));
    assert!(all.spoiled().is_some());
    // What was refused is not what it is.
    let mut refused = asked(&[&["MONITOR"], &["PSYNC", "?", "-1"]]);
    hear(&mut refused, "-NOPERM -NOPERM");
    assert!(refused.spoiled().is_none() && refused.replay(None).is_ok());
    let mut subscribes = asked(&[&["MULTI"], &["SUBSCRIBE", "a"], &["EXEC"]]);
    hear(&mut subscribes, "+OK +QUEUED *1 *3 $9 subscribe $1 a :1");
    assert!(subscribes.spoiled().is_some());
    let mut surprised = asked(&[&["GET", "a"]]);
    hear(&mut surprised, "+a +b");
    assert!(surprised.spoiled().is_some());
    let mut garbage = Session::default();
    garbage.note(0, b"*2\r\n$x\r\n");
    assert!(garbage.is_at_rest() && garbage.spoiled().is_some());
}

#[test]
fn answers_of_what_cannot_be_carried_are_not_waited_for() {
    let mut session = asked(&[&["CLIENT", "REPLY", "SKIP"], &["PING"], &["PING"]]);
    assert!(session.is_quiet(), "whoever waits for them never leaves");
    hear(&mut session, "+PONG\r\n");
    session.note(0, b"PING\r\n");
    assert!(session.is_quiet());
    assert!(session.replay(None).is_err());
}

#[test]
fn what_was_asked_behind_a_blocked_request_waits_with_it() {
    let mut session = asked(&[&["PING"], &["BLPOP", "list", "0"], &["GET", "a"], &["PING"]]);
    assert!(session.waits() && !session.may_block());
    hear(&mut session, "+PONG");
    assert!(session.waits() && session.replay(None).is_err());
    hear(&mut session, "*-1");
    assert!(!session.waits(), "what is left is answered at once");
    hear(&mut session, "$-1 +PONG");
    assert!(session.is_quiet() && session.replay(None).is_ok());
}

#[test]
fn a_line_of_which_the_server_finds_no_end_is_not_understood() {
    let mut session = Session::default();
    session.note(0, b"PING\r\n\0\0PING\r\n");
    assert!(session.spoiled().is_some());
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

#[test]
fn what_a_server_refused_is_not_said_again() {
    let mut old = asked(&[
        &["HELLO", "3"],
        &["CLIENT", "SETINFO", "LIB-NAME", "redis-py"],
        &["CLIENT", "CAPA", "redirect"],
        &["AUTH", "alice", "wrong"],
    ]);
    hear(&mut old, "%1 +proto :3 -ERR -ERR -WRONGPASS");
    assert_eq!(replayed(&old, "resp=3"), Ok("HELLO 3".to_owned()));
    let mut new = asked(&[
        &["CLIENT", "SETINFO", "LIB-NAME", "redis-py"],
        &["CLIENT", "CAPA", "redirect"],
    ]);
    hear(&mut new, "+OK +OK");
    let replay = new.replay(Some(&seen(""))).unwrap();
    assert_eq!(replay.asks, [Ask::may("CLIENT"); 2]);
}

#[test]
fn a_transaction_changes_its_session_when_it_is_executed() {
    let requests: &[&[&str]] = &[
        &["MULTI"],
        &["INCR", "n"],
        &["SELECT", "3"],
        &["CLIENT", "SETNAME", "worker"],
        &["EXEC"],
    ];
    let queued = "+OK +QUEUED +QUEUED +QUEUED";
    for (end, again) in [
        ("*3 :1 +OK +OK", "SELECT 3 CLIENT SETNAME worker"),
        ("*3 *2 -ERR +OK +OK -ERR", "SELECT 3"),
        ("*-1", ""),
        ("_", ""),
        ("-EXECABORT", ""),
    ] {
        let mut session = asked(requests);
        hear(&mut session, &format!("{queued} {end}"));
        let replay = session.replay(None).unwrap();
        let text = String::from_utf8(replay.bytes).unwrap();
        let words = text.split("\r\n").filter(|word| !word.is_empty());
        let words: Vec<&str> = words.filter(|word| !word.starts_with(['*', '$'])).collect();
        assert_eq!(words.join(" "), again, "{end}");
    }
}

#[test]
fn a_blocked_client_is_known_by_its_answers() {
    let mut session = asked(&[&["HELLO", "3"], &["SELECT", "3"], &["BLPOP", "l", "0"]]);
    assert!(session.replay(None).is_err());
    hear(&mut session, "%0 +OK");
    assert_eq!(session.replay(None).unwrap().asks.len(), 2);
    assert!(session.replay(Some(&seen("resp=3 db=3"))).is_err());
    // Messages are told apart from what ends its wait.
    let message = b">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n";
    let end = [&message[..], message, b"-UNBLOCKED x\r\n"].concat();
    assert_eq!(session.messages(&end), 2 * message.len());
    assert_eq!(session.messages(&message[..9]), 0);
}

#[test]
fn what_asks_for_nothing_is_not_waited_for() {
    let mut session = Session::default();
    session.note(0, b"*0\r\n\r\n*-1\r\n \r\nPING\r\n");
    assert!(session.replay(None).is_err());
    hear(&mut session, "+PONG");
    assert!(session.replay(None).is_ok());
}

#[test]
fn however_much_is_under_way_it_is_bounded() {
    let mut session = Session::default();
    for _ in 0..256 {
        assert!(!session.is_full());
        session.note(0, &resp(&[&["UNWATCH"]]));
    }
    assert!(session.is_full());
    hear(&mut session, "+OK");
    assert!(!session.is_full());
}

#[test]
fn scripts_that_were_loaded_are_remembered_up_to_a_bound() {
    let (mut session, mut scripts) = (Session::default(), Scripts::default());
    let mut load = |body: &str, reply: &str, scripts: &mut Scripts| {
        session.note(0, &resp(&[&["SCRIPT", "LOAD", body]]));
        session.hear(reply.as_bytes(), scripts);
    };
    assert!(scripts.prelude("holdfast", "pw").is_none());
    load("return 1", "$4\r\nsha1\r\n", &mut scripts);
    load("return (", "-ERR Error compiling script\r\n", &mut scripts);
    load("return 1", "$4\r\nsha1\r\n", &mut scripts);
    let prelude = scripts.prelude("holdfast", "pw").unwrap();
    let names: Vec<&str> = prelude.asks.iter().map(|ask| ask.what).collect();
    assert_eq!(names, ["AUTH", "SCRIPT LOAD", "RESET"]);
    assert!(prelude.asks[2].essential, "or it would stay Holdfast's own");
    let large = "x".repeat(20_000);
    load(&large, "$4\r\nsha1\r\n", &mut scripts);
    assert_eq!(scripts.prelude("", "").unwrap().asks.len(), 3, "too large");
    for number in 0..300 {
        let body = format!("return {number} -- {}", "x".repeat(8_000));
        load(&body, "$4\r\nsha1\r\n", &mut scripts);
    }
    let prelude = scripts.prelude("", "").unwrap();
    assert!(prelude.bytes.len() < (1 << 20) + (16 << 10) && prelude.asks.len() > 100);
    session.note(0, &resp(&[&["SCRIPT", "FLUSH"]]));
    session.hear(b"+OK\r\n", &mut scripts);
    assert!(scripts.prelude("", "").is_none());
    assert!(session.spoiled().is_none() && session.is_at_rest());
}
