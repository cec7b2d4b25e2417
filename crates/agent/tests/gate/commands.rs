//! Everything works through the gate as it does without.

use crate::blocking;
use crate::client::{Client, Way, text};
use crate::group::Group;
use holdfast_resp::Value;

#[tokio::test]
async fn commands_work_unchanged() {
    let group = Group::start(2, 1).await;
    blocking(|| all_work(&|| group.client()));
}

/// Those of new clients work as without a gate.
pub fn all_work<S: Way>(new: &dyn Fn() -> Client<S>) {
    let mut client = new();
    plain(&mut client);
    pipeline(&mut client);
    transactions(&mut client, &mut new());
    scripts(&mut client);
    pops(&mut client, &mut new());
    published(&mut client, &mut new());
    resp3(&mut client, &mut new());
    monitor(&mut client, &mut new());
    ends(&mut new());
}

fn plain<S: Way>(client: &mut Client<S>) {
    assert_eq!(client.text(&["PING"]), "PONG");
    assert_eq!(client.text(&["SET", "a", "1"]), "OK");
    assert_eq!(client.text(&["GET", "a"]), "1");
    assert_eq!(client.text(&["SELECT", "3"]), "OK");
    assert_eq!(client.text(&["GET", "a"]), "nil");
    assert_eq!(client.text(&["SELECT", "0"]), "OK");
    assert!(client.text(&["NOSUCH"]).starts_with("-ERR"));
}

fn pipeline<S: Way>(client: &mut Client<S>) {
    for number in 0..1000 {
        client.send(&["SET", &format!("p{number}"), &number.to_string()]);
        client.send(&["GET", &format!("p{number}")]);
    }
    for number in 0..1000 {
        assert_eq!(text(&client.read()), "OK");
        assert_eq!(text(&client.read()), number.to_string());
    }
}

fn transactions<S: Way>(client: &mut Client<S>, other: &mut Client<S>) {
    for (command, reply) in [
        (&["MULTI"][..], "OK"),
        (&["INCR", "n"], "QUEUED"),
        (&["INCR", "n"], "QUEUED"),
        (&["EXEC"], "1 2"),
        (&["WATCH", "n"], "OK"),
    ] {
        assert_eq!(client.text(command), reply, "{command:?}");
    }
    assert_eq!(other.text(&["SET", "n", "9"]), "OK");
    client.text(&["MULTI"]);
    client.text(&["INCR", "n"]);
    assert_eq!(client.text(&["EXEC"]), "nil");
}

fn scripts<S: Way>(client: &mut Client<S>) {
    let script = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])";
    assert_eq!(client.text(&["EVAL", script, "1", "s", "x"]), "x");
    let sha = client.text(&["SCRIPT", "LOAD", script]);
    assert_eq!(client.text(&["EVALSHA", &sha, "1", "s", "y"]), "y");
}

fn pops<S: Way>(client: &mut Client<S>, other: &mut Client<S>) {
    client.send(&["BLPOP", "list", "5"]);
    assert!(client.is_silent(30));
    assert_eq!(other.text(&["RPUSH", "list", "item"]), "1");
    assert_eq!(text(&client.read()), "list item");
    client.send(&["BLPOP", "list", "0.05"]);
    assert_eq!(text(&client.read()), "nil");
}

fn published<S: Way>(client: &mut Client<S>, other: &mut Client<S>) {
    assert_eq!(other.text(&["PSUBSCRIBE", "*"]), "psubscribe * 1");
    assert_eq!(client.text(&["PUBLISH", "news", "hello"]), "1");
    assert_eq!(text(&other.read()), "pmessage * news hello");
    // No marker of a barrier is among them.
    client.text(&["SET", "a", "2"]);
    assert!(other.is_silent(50));
    assert_eq!(other.text(&["PUNSUBSCRIBE", "*"]), "punsubscribe * 0");
}

fn resp3<S: Way>(client: &mut Client<S>, other: &mut Client<S>) {
    assert!(matches!(other.call(&["HELLO", "3"]), Value::Map(_)));
    assert_eq!(other.text(&["CLIENT", "TRACKING", "ON"]), "OK");
    assert_eq!(other.text(&["GET", "a"]), "2");
    assert_eq!(client.text(&["SET", "a", "3"]), "OK");
    let Value::Push(push) = other.read() else {
        panic!("no push");
    };
    assert_eq!(push[0].as_str(), Some("invalidate"));
    assert_eq!(other.text(&["GET", "a"]), "3");
}

fn monitor<S: Way>(client: &mut Client<S>, other: &mut Client<S>) {
    assert_eq!(other.text(&["MONITOR"]), "OK");
    client.text(&["SET", "seen", "1"]);
    let seen = |line: &str| line.contains("\"SET\" \"seen\" \"1\"");
    assert!((0..50).any(|_| seen(&text(&other.read()))));
}

fn ends<S: Way>(client: &mut Client<S>) {
    assert_eq!(client.text(&["QUIT"]), "OK");
    assert!(client.is_closed());
}

#[tokio::test]
async fn half_a_connection_is_answered_to_the_end() {
    let group = Group::start(1, 1).await;
    blocking(|| {
        let mut client = group.client();
        client.send(&["INCR", "once"]);
        client.stream.shutdown(std::net::Shutdown::Write).unwrap();
        // As the server: it may have seen the end before it answered, or not.
        let first = client.try_read();
        assert!(first.is_err() || text(&first.unwrap()) == "1");
        assert!(client.is_closed());
    });
}

#[tokio::test]
async fn what_would_break_the_group_is_refused() {
    let group = Group::start(1, 1).await;
    blocking(|| {
        for command in [
            &["REPLICAOF", "NO", "ONE"][..],
            &["SLAVEOF", "127.0.0.1", "1"],
            &["FAILOVER"],
            &["SHUTDOWN"],
            &["DEBUG", "SLEEP", "0"],
            &["CONFIG", "SET", "appendonly", "no"],
            &["CONFIG", "REWRITE"],
            &["CONFIG", "GET", "masterauth"],
            &["CONFIG", "GET", "*"],
            &["REPLCONF", "ACK", "1000000"],
            &["ACL", "SETUSER", "holdfast", "off"],
            &["ACL", "DELUSER", "holdfast"],
            &["EVAL", "return redis.call('REPLICAOF', 'NO', 'ONE')", "0"],
        ] {
            let said = group.client().text(command);
            assert!(said.starts_with('-'), "{command:?}: {said}");
        }
        // A stranger gets no stream, and nothing behind its request.
        let mut stranger = group.client();
        stranger.send(&["PSYNC", "?", "-1"]);
        assert!(text(&stranger.read()).starts_with("-NOPERM"));
        assert!(stranger.is_closed());
        let mut hasty = group.client();
        let mut both = Vec::new();
        holdfast_resp::encode_command(&["PSYNC", "?", "-1"], &mut both);
        holdfast_resp::encode_command(&["SET", "x", "1"], &mut both);
        std::io::Write::write_all(&mut hasty.stream, &both).unwrap();
        assert!(hasty.is_closed());
        // What is left of these commands works.
        assert_eq!(group.client().text(&["CONFIG", "RESETSTAT"]), "OK");
        assert_eq!(group.client().text(&["ACL", "WHOAMI"]), "default");
    });
}
