//! Sessions that go on as their server accepted them, by what it answered.

use crate::blocking;
use crate::client::{Client, text};
use crate::pair::Pair;
use crate::server_support::version;
use holdfast_core::mutant::Mutant;
use holdfast_resp::Value;
use std::time::Duration;

/// What a modern library says first; servers before 7.2 know no `SETINFO`.
fn introduce(client: &mut Client) {
    for request in [
        &["HELLO", "3"][..],
        &["CLIENT", "SETINFO", "LIB-NAME", "library"],
        &["CLIENT", "SETINFO", "LIB-VER", "8.1"],
        &["CLIENT", "CAPA", "redirect"],
        &["CLIENT", "NO-TOUCH", "on"],
    ] {
        client.send(request);
    }
    for _ in 0..5 {
        client.read();
    }
}

fn is_valkey() -> bool {
    std::env::var("HOLDFAST_TEST_SERVER").is_ok_and(|server| server.contains("valkey"))
}

#[tokio::test]
async fn what_the_server_refused_does_not_end_a_session() {
    let mut pair = Pair::start(Mutant::None).await;
    let (mut client, mut pops, mut news) = (pair.client(), pair.client(), pair.client());
    for client in [&mut client, &mut pops, &mut news] {
        introduce(client);
    }
    // Refused by every server, in a pipeline with what is accepted.
    for request in [
        &["SELECT", "3"][..],
        &["SELECT", "99999"],
        &["AUTH", "nobody", "wrong"],
        &["CLIENT", "SETNAME", "no spaces"],
        &["CLIENT", "SETNAME", "worker"],
        &["MULTI"],
        &["EXEC", "x"],
        &["SET", "a", "3"],
    ] {
        client.send(request);
    }
    let replies: Vec<String> = (0..8).map(|_| text(&client.read())).collect();
    let refused = |at: usize| replies[at].starts_with('-');
    assert!(
        refused(1) && refused(2) && refused(3) && refused(6),
        "{replies:?}"
    );
    pops.send(&["BLPOP", "list", "0"]);
    news.call(&["SUBSCRIBE", "news"]);
    for round in 0..3 {
        pair.handoff().await;
        blocking(|| {
            assert_eq!(client.text(&["GET", "a"]), "3", "round {round}");
            assert_eq!(client.text(&["CLIENT", "GETNAME"]), "worker");
            publish(&mut client);
            assert!(matches!(news.read(), Value::Push(_)));
        });
    }
    blocking(|| {
        assert_eq!(client.text(&["SELECT", "0"]), "OK");
        assert_eq!(client.text(&["RPUSH", "list", "x"]), "1");
        assert_eq!(text(&pops.read()), "list x");
    });
}

#[tokio::test]
async fn resp3_clients_wait_on_at_the_next_primary() {
    let mut pair = Pair::start(Mutant::None).await;
    let (mut pops, mut reads, mut both, mut tells) =
        (pair.client(), pair.client(), pair.client(), pair.client());
    for client in [&mut pops, &mut reads, &mut both] {
        introduce(client);
    }
    both.call(&["CLIENT", "TRACKING", "ON", "BCAST"]);
    both.call(&["SUBSCRIBE", "news"]);
    assert_eq!(pops.text(&["SELECT", "2"]), "OK");
    pops.send(&["BLPOP", "list", "0"]);
    reads.send(&["XREAD", "BLOCK", "30000", "STREAMS", "stream", "0"]);
    both.send(&["BRPOP", "other", "0"]);
    std::thread::sleep(Duration::from_millis(30));
    for _ in 0..3 {
        pair.handoff().await;
        blocking(|| {
            publish(&mut tells);
            assert_eq!(pushed(&mut both, "message"), "message news hello");
        });
    }
    blocking(|| {
        assert_eq!(tells.text(&["XADD", "stream", "1-1", "f", "v"]), "1-1");
        assert!(matches!(reads.read(), Value::Map(_)), "still RESP3");
        assert_eq!(tells.text(&["RPUSH", "other", "x"]), "1");
        assert_eq!(answer(&mut both), "other x");
        assert_eq!(tells.text(&["SELECT", "2"]), "OK");
        assert_eq!(tells.text(&["RPUSH", "list", "x", "y"]), "2");
        assert_eq!(text(&pops.read()), "list x");
        assert_eq!(pops.text(&["LRANGE", "list", "0", "-1"]), "y", "once");
    });
}

/// Until the subscriber has arrived as well.
fn publish(client: &mut Client) {
    let heard = (0..1_000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        client.text(&["PUBLISH", "news", "hello"]) == "1"
    });
    assert!(heard, "the subscriber did not arrive");
}

/// The next push of this kind.
fn pushed(client: &mut Client, kind: &str) -> String {
    for _ in 0..100 {
        if let Value::Push(items) = client.read() {
            let words: Vec<String> = items.iter().map(text).collect();
            if words[0] == kind {
                return words.join(" ");
            }
        }
    }
    panic!("no {kind}");
}

/// The next reply.
fn answer(client: &mut Client) -> String {
    (0..100)
        .map(|_| client.read())
        .find(|value| !matches!(value, Value::Push(_)))
        .map(|value| text(&value))
        .unwrap()
}

/// What cannot be asked again without losing something: the end of a stream as it was when it was asked for, and replicas of
/// a primary that is none any more. Nothing that was there before is kept from them.
#[tokio::test]
async fn what_only_that_primary_could_answer_is_closed() {
    let mut pair = Pair::start(Mutant::None).await;
    let (mut newest, mut waits, mut tells) = (pair.client(), pair.client(), pair.client());
    assert_eq!(tells.text(&["SET", "a", "1"]), "OK");
    newest.send(&["XREAD", "BLOCK", "0", "STREAMS", "stream", "$"]);
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(tells.text(&["XADD", "stream", "1-1", "f", "v"]), "1-1");
    assert_eq!(text(&newest.read()), "stream 1-1 f v");
    newest.send(&["XREAD", "BLOCK", "0", "STREAMS", "stream", "$"]);
    waits.send(&["WAIT", "5", "0"]);
    std::thread::sleep(Duration::from_millis(30));
    pair.handoff().await;
    blocking(|| {
        assert!(newest.is_closed() && waits.is_closed());
        assert_eq!(tells.text(&["GET", "a"]), "1");
    });
}

/// A client that may be redirected (Valkey 8 and newer) is one after a handoff, too, and is never redirected by it.
#[tokio::test]
async fn who_may_be_redirected_still_may() {
    let mut pair = Pair::start(Mutant::None).await;
    let (mut client, mut pops) = (pair.client(), pair.client());
    let capable = client.text(&["CLIENT", "CAPA", "redirect"]) == "OK";
    assert_eq!(capable, is_valkey() && version().at_least(7, 2));
    pops.text(&["CLIENT", "CAPA", "redirect"]);
    assert_eq!(client.text(&["SET", "a", "1"]), "OK");
    pops.send(&["BLPOP", "list", "0"]);
    pair.handoff().await;
    blocking(|| {
        assert_eq!(client.text(&["GET", "a"]), "1");
        assert_eq!(client.text(&["RPUSH", "list", "x"]), "1");
        assert_eq!(text(&pops.read()), "list x");
    });
    // This one was told by the gate alone, for both clients.
    let stats = client.text(&["INFO", "commandstats"]);
    let told = stats.contains("cmdstat_client|capa:calls=2,");
    assert_eq!(told, capable, "{stats}");
}

#[tokio::test]
async fn scripts_are_loaded_where_the_sessions_go() {
    let mut pair = Pair::start(Mutant::None).await;
    pair.user("alice", &["on", ">secret", "~*", "&*", "+@all", "-script"])
        .await;
    // The first one to be carried is one that may not load scripts.
    let (mut alice, mut loads, mut calls) = (pair.client(), pair.client(), pair.client());
    assert_eq!(alice.text(&["AUTH", "alice", "secret"]), "OK");
    let sha = loads.text(&["SCRIPT", "LOAD", "return ARGV[1]"]);
    assert!(loads.text(&["SCRIPT", "LOAD", "return ("]).starts_with('-'));
    assert_eq!(calls.text(&["EVALSHA", &sha, "0", "a"]), "a");
    for round in 0..4 {
        pair.handoff().await;
        blocking(|| {
            for client in [&mut loads, &mut calls, &mut alice] {
                assert_eq!(client.text(&["EVALSHA", &sha, "0", "a"]), "a", "{round}");
            }
            assert_eq!(calls.text(&["ACL", "WHOAMI"]), "default", "nobody's rights");
            assert_eq!(alice.text(&["ACL", "WHOAMI"]), "alice");
        });
    }
}

/// An essential request that the next primary refuses ends the session, and nothing else.
#[tokio::test]
async fn a_session_that_the_next_primary_refuses_is_closed() {
    let mut pair = Pair::start(Mutant::None).await;
    let rules = ["on", ">secret", "~*", "&*", "+@all"];
    pair.user("alice", &rules).await;
    pair.user("bob", &rules).await;
    pair.user_of_other("bob", &["resetchannels"]).await;
    let (mut alice, mut bob, mut plain) = (pair.client(), pair.client(), pair.client());
    assert_eq!(alice.text(&["AUTH", "alice", "secret"]), "OK");
    assert_eq!(bob.text(&["AUTH", "bob", "secret"]), "OK");
    bob.call(&["SUBSCRIBE", "news"]);
    pair.user_of_other("alice", &[">other", "<secret"]).await;
    assert_eq!(plain.text(&["SET", "a", "1"]), "OK");
    pair.handoff().await;
    blocking(|| {
        assert!(alice.is_closed(), "its password is another one there");
        assert!(bob.is_closed(), "it may not subscribe there");
        assert_eq!(plain.text(&["GET", "a"]), "1");
    });
}

/// A transaction may change its session, when it is executed.
#[tokio::test]
async fn a_transaction_that_selects_is_carried() {
    let mut pair = Pair::start(Mutant::None).await;
    let (mut done, mut dropped) = (pair.client(), pair.client());
    for (client, end) in [(&mut done, "EXEC"), (&mut dropped, "DISCARD")] {
        for request in [&["MULTI"][..], &["SET", "a", "0"], &["SELECT", "3"], &[end]] {
            client.call(request);
        }
    }
    assert_eq!(done.text(&["SET", "a", "3"]), "OK");
    pair.handoff().await;
    blocking(|| {
        assert_eq!(done.text(&["GET", "a"]), "3");
        assert_eq!(dropped.text(&["GET", "a"]), "0");
    });
}

/// A deep pipeline of requests that change the session is answered in full.
#[tokio::test]
async fn a_pipeline_of_session_requests_waits_for_room() {
    let mut pair = Pair::start(Mutant::None).await;
    let mut client = pair.client();
    let many = 20_000;
    let mut bytes = Vec::new();
    for number in 0..many {
        let database = if number % 2 == 0 { "3" } else { "4" };
        holdfast_resp::encode_command(&["SELECT", database], &mut bytes);
    }
    let mut writer = client.stream.try_clone().unwrap();
    let thread = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &bytes));
    for _ in 0..many {
        assert_eq!(text(&client.read()), "OK");
    }
    thread.join().unwrap().unwrap();
    assert_eq!(client.text(&["SET", "a", "4"]), "OK");
    pair.handoff().await;
    blocking(|| assert_eq!(client.text(&["GET", "a"]), "4"));
}
