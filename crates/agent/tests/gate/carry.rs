//! Sessions that go on at the next primary.

use crate::blocking;
use crate::client::{Client, Way, text};
use crate::pair::Pair;
use holdfast_core::gate::{Carry, GateOrder, News};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Address;
use holdfast_resp::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const USER: [&str; 6] = ["on", ">secret", "~*", "&*", "+@all", "-@dangerous"];

#[tokio::test]
async fn a_session_goes_on_as_it_was() {
    let mut pair = Pair::start(Mutant::None).await;
    pair.user("alice", &USER).await;
    pair.user(
        "bob",
        &["on", ">secret", "~*", "+@read", "+@write", "+select"],
    )
    .await;
    let (mut plain, mut named, mut alice, mut bob, mut unseen) = (
        pair.client(),
        pair.client(),
        pair.client(),
        pair.client(),
        pair.client(),
    );
    assert_eq!(plain.text(&["SET", "a", "1"]), "OK");
    assert_eq!(named.text(&["SELECT", "3"]), "OK");
    assert_eq!(named.text(&["CLIENT", "SETNAME", "worker"]), "OK");
    assert_eq!(named.text(&["SET", "a", "3"]), "OK");
    assert_eq!(alice.text(&["AUTH", "alice", "secret"]), "OK");
    assert!(
        alice
            .text(&["AUTH", "bob", "wrong"])
            .starts_with("-WRONGPASS")
    );
    assert_eq!(bob.text(&["AUTH", "bob", "secret"]), "OK");
    assert_eq!(bob.text(&["SELECT", "3"]), "OK");
    for round in 0..4 {
        pair.handoff().await;
        blocking(|| {
            assert_eq!(plain.text(&["GET", "a"]), "1", "round {round}");
            assert_eq!(
                named.text(&["GET", "a"]),
                "3",
                "round {round}: its database"
            );
            assert_eq!(named.text(&["CLIENT", "GETNAME"]), "worker");
            assert_eq!(alice.text(&["ACL", "WHOAMI"]), "alice");
            assert_eq!(bob.text(&["GET", "a"]), "3", "no right to ask what it is");
            assert!(bob.text(&["PING"]).starts_with("-NOPERM"));
            assert_eq!(unseen.text(&["PING"]), "PONG");
            // Whoever comes to the old address is taken along as well.
            let mut late = pair.client_of_old();
            assert_eq!(late.text(&["SET", "late", &round.to_string()]), "OK");
        });
    }
}

#[tokio::test]
async fn a_visitor_of_the_old_address_is_answered_there_what_it_asks_of_the_node() {
    let mut pair = Pair::start(Mutant::None).await;
    pair.user("alice", &USER).await;
    pair.user("exporter", &["on", ">secret", "~*", "+@all"])
        .await;
    pair.handoff().await;
    let (mut exporter, mut alice) = (pair.client_of_old(), pair.client_of_old());
    blocking(|| {
        assert_eq!(exporter.text(&["AUTH", "exporter", "secret"]), "OK");
        assert_eq!(exporter.text(&["CLIENT", "SETNAME", "exporter"]), "OK");
        for _ in 0..2 {
            let info = exporter.text(&["INFO", "replication"]);
            assert!(info.contains("role:slave"), "{info}");
        }
        // All in one write, and a request whose second half comes later.
        alice.say(b"AUTH alice secret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\nSET visited 1\r\n*2\r\n$3\r\nGE");
        for _ in 0..3 {
            assert_eq!(text(&alice.read()), "OK");
        }
        alice.say(b"T\r\n$7\r\nvisited\r\n");
        assert_eq!(text(&alice.read()), "1");
        assert_eq!(alice.text(&["ACL", "WHOAMI"]), "alice");
        // It asked for data, so it is elsewhere now.
        assert_eq!(exporter.text(&["GET", "none"]), "nil");
        assert!(
            exporter
                .text(&["INFO", "replication"])
                .contains("role:master")
        );
    });
}

#[tokio::test]
async fn a_replay_without_its_database_is_noticed() {
    let mut pair = Pair::start(Mutant::ForgetDatabase).await;
    let mut client = pair.client();
    assert_eq!(client.text(&["SELECT", "3"]), "OK");
    assert_eq!(client.text(&["SET", "a", "3"]), "OK");
    pair.handoff().await;
    blocking(|| assert_eq!(client.text(&["GET", "a"]), "nil", "the planted bug shows"));
}

#[tokio::test]
async fn subscribers_and_caches_go_on() {
    let mut pair = Pair::start(Mutant::None).await;
    let (mut news, mut modern, mut caching, mut tells) =
        (pair.client(), pair.client(), pair.client(), pair.client());
    assert_eq!(news.text(&["SUBSCRIBE", "news"]), "subscribe news 1");
    assert_eq!(news.text(&["PSUBSCRIBE", "w*"]), "psubscribe w* 2");
    assert_eq!(news.text(&["SSUBSCRIBE", "shard"]), "ssubscribe shard 1");
    modern.call(&["HELLO", "3"]);
    modern.call(&["SUBSCRIBE", "news"]);
    caching.call(&["HELLO", "3"]);
    assert_eq!(caching.text(&["CLIENT", "TRACKING", "ON"]), "OK");
    assert_eq!(tells.text(&["SET", "a", "1"]), "OK");
    assert_eq!(caching.text(&["GET", "a"]), "1");
    for _ in 0..3 {
        pair.handoff().await;
        blocking(|| {
            assert_eq!(
                pushed(&mut caching),
                "invalidate nil",
                "no cache is trusted"
            );
            assert_eq!(tells.text(&["PUBLISH", "news", "hello"]), "2");
            assert_eq!(text(&news.read()), "message news hello");
            assert_eq!(pushed(&mut modern), "message news hello");
            assert_eq!(tells.text(&["PUBLISH", "weather", "rain"]), "1");
            assert_eq!(text(&news.read()), "pmessage w* weather rain");
            assert_eq!(tells.text(&["SPUBLISH", "shard", "deep"]), "1");
            assert_eq!(text(&news.read()), "smessage shard deep");
            assert_eq!(modern.text(&["GET", "a"]), "1");
            assert_eq!(caching.text(&["GET", "a"]), "1");
            assert_eq!(tells.text(&["SET", "a", "1"]), "OK");
            assert_eq!(pushed(&mut caching), "invalidate a");
            assert_eq!(caching.text(&["GET", "a"]), "1");
        });
    }
}

fn pushed(client: &mut Client) -> String {
    match client.read() {
        Value::Push(items) => items.iter().map(text).collect::<Vec<_>>().join(" "),
        other => panic!("no push: {other:?}"),
    }
}

#[tokio::test]
async fn blocked_requests_wait_on_at_the_next_primary() {
    let mut pair = Pair::start(Mutant::None).await;
    let (mut pops, mut moves, mut gives_up, mut reads, mut tells) = (
        pair.client(),
        pair.client(),
        pair.client(),
        pair.client(),
        pair.client(),
    );
    assert_eq!(
        tells.text(&["XGROUP", "CREATE", "stream", "g", "$", "MKSTREAM"]),
        "OK"
    );
    pops.send(&["BLPOP", "list", "0"]);
    moves.send(&["BLMOVE", "from", "to", "LEFT", "RIGHT", "30"]);
    gives_up.send(&["BZPOPMIN", "never", "1.5"]);
    reads.send(&[
        "XREADGROUP",
        "GROUP",
        "g",
        "c",
        "BLOCK",
        "0",
        "STREAMS",
        "stream",
        ">",
    ]);
    let begun = Instant::now();
    std::thread::sleep(Duration::from_millis(30));
    for _ in 0..2 {
        pair.handoff().await;
    }
    blocking(|| {
        assert_eq!(tells.text(&["RPUSH", "list", "a", "b"]), "2");
        assert_eq!(text(&pops.read()), "list a");
        assert_eq!(tells.text(&["RPUSH", "from", "c"]), "1");
        assert_eq!(text(&moves.read()), "c");
        assert_eq!(tells.text(&["XADD", "stream", "1-1", "f", "v"]), "1-1");
        assert_eq!(text(&reads.read()), "stream 1-1 f v");
        assert_eq!(text(&gives_up.read()), "nil");
        let waited = begun.elapsed();
        assert!(waited > Duration::from_millis(1_400), "{waited:?}");
        assert!(
            waited < Duration::from_secs(4),
            "only the time that was left: {waited:?}"
        );
        // Once each, and nothing more.
        assert_eq!(tells.text(&["LRANGE", "list", "0", "-1"]), "b");
        assert!(pops.is_silent(20) && moves.is_silent(1));
        assert_eq!(pops.text(&["LPOP", "list"]), "b");
    });
}

#[tokio::test]
async fn what_cannot_be_carried_is_closed_and_never_answered_wrongly() {
    let mut pair = Pair::start(Mutant::None).await;
    let mut all: Vec<Client> = (0..6).map(|_| pair.client()).collect();
    let [multi, watch, monitor, deaf, redirected, half] = &mut all[..] else {
        unreachable!()
    };
    assert_eq!(multi.text(&["MULTI"]), "OK");
    assert_eq!(multi.text(&["INCR", "n"]), "QUEUED");
    assert_eq!(watch.text(&["WATCH", "n"]), "OK");
    assert_eq!(monitor.text(&["MONITOR"]), "OK");
    deaf.send(&["CLIENT", "REPLY", "OFF"]);
    let another = watch.text(&["CLIENT", "ID"]);
    let redirect = ["CLIENT", "TRACKING", "ON", "REDIRECT", &another];
    assert_eq!(redirected.text(&redirect), "OK");
    std::io::Write::write_all(&mut half.stream, b"*2\r\n$3\r\nGET\r\n$9\r\nhal").unwrap();
    std::thread::sleep(Duration::from_millis(30));
    pair.handoff().await;
    blocking(|| {
        // A line that the monitor still gets is no answer.
        while all[2].try_read().is_ok() {}
        for (number, client) in all.iter_mut().enumerate() {
            assert!(client.is_closed(), "client {number}");
        }
        assert_eq!(pair.client().text(&["GET", "n"]), "nil");
    });
}

#[tokio::test]
async fn a_session_that_the_next_gate_leaves_hanging_is_closed_in_time() {
    for word in ["", "+CARRIED\r\n"] {
        let pair = Pair::start(Mutant::None).await;
        let mut client = pair.client();
        assert_eq!(client.text(&["SELECT", "3"]), "OK");
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = Address {
            host: "127.0.0.1".to_owned(),
            port: silent.local_addr().unwrap().port(),
        };
        pair.pause();
        pair.ruler().heard(|news| *news == News::Drained);
        let carry = Carry { epoch: 2, to };
        pair.ruler().gate.order(GateOrder::Carry(carry));
        blocking(|| {
            let (mut taken, _) = silent.accept().unwrap();
            taken.write_all(word.as_bytes()).unwrap();
            let begun = Instant::now();
            assert!(client.is_closed());
            let took = begun.elapsed();
            let (least, most) = (Duration::from_secs(4), Duration::from_secs(10));
            assert!(took > least && took < most, "{took:?}");
            // Whatever else was dialled for it has ended too.
            let mut rest = Vec::new();
            taken.read_to_end(&mut rest).unwrap();
            assert!(rest.starts_with(b"HOLDFAST.CARRY 2 1"));
        });
    }
}

#[tokio::test]
async fn a_transaction_under_way_is_finished_where_it_began() {
    let mut pair = Pair::start(Mutant::None).await;
    let mut client = pair.client();
    assert_eq!(client.text(&["MULTI"]), "OK");
    assert_eq!(client.text(&["INCR", "n"]), "QUEUED");
    pair.pause();
    std::thread::sleep(Duration::from_millis(3));
    client.send(&["EXEC"]);
    client.send(&["GET", "n"]);
    assert_eq!(text(&client.read()), "1");
    assert!(client.is_silent(5), "what is behind it waits");
    pair.hand_over().await;
    blocking(|| {
        assert_eq!(text(&client.read()), "1");
        assert_eq!(client.text(&["INCR", "n"]), "2");
    });
}

/// Handoffs in a row under load, with clients that never connect again: each error counts, and so does each lost write.
/// `HANDOFFS` in the environment says how many; the pause of each is what the slowest client saw.
#[tokio::test]
async fn under_load_nobody_sees_more_than_a_pause() {
    let pair = Pair::start(Mutant::None).await;
    handoffs_under_load(pair, Pair::client).await;
}

/// See above; `new` makes a client of the primary.
pub async fn handoffs_under_load<S: Way + Send + 'static>(
    mut pair: Pair,
    new: impl Fn(&Pair) -> Client<S>,
) {
    let handoffs = std::env::var("HANDOFFS").map_or(10, |text| text.parse().expect("a number"));
    let stop = Arc::new(AtomicBool::new(false));
    let longest = Arc::new(AtomicU64::new(0));
    let begin = |number: usize, client: Client<S>| {
        let (stop, longest) = (stop.clone(), longest.clone());
        let depth = if number.is_multiple_of(2) { 1 } else { 16 };
        std::thread::spawn(move || count_up(number, depth, client, &stop, &longest))
    };
    let threads: Vec<_> = (0..8).map(|number| begin(number, new(&pair))).collect();
    let mut pauses: Vec<u64> = Vec::new();
    for _ in 0..handoffs {
        tokio::time::sleep(Duration::from_millis(60)).await;
        longest.store(0, Ordering::Relaxed);
        pair.handoff().await;
        tokio::time::sleep(Duration::from_millis(40)).await;
        pauses.push(longest.load(Ordering::Relaxed));
    }
    stop.store(true, Ordering::Relaxed);
    let mut writes = 0;
    // Without them the gate has nobody to acknowledge, so the runtime must not stand still; they need none of it.
    for (number, thread) in threads.into_iter().enumerate() {
        let (mut client, count) = thread.join().expect("no error");
        assert!(count > 0);
        let kept = client.text(&["GET", &format!("counter-{number}")]);
        assert_eq!(kept, count.to_string());
        writes += count;
    }
    pauses.sort_unstable();
    let at = |share: usize| pauses[(pauses.len() - 1) * share / 100];
    println!(
        "{handoffs} handoffs, {writes} writes, pauses in microseconds: p50 {}, p99 {}, longest {}",
        at(50),
        at(99),
        at(100)
    );
}

/// Counts in a pipeline and in a transaction, over and over, and looks at each reply.
fn count_up<S: Way>(
    number: usize,
    depth: usize,
    mut client: Client<S>,
    stop: &AtomicBool,
    longest: &AtomicU64,
) -> (Client<S>, i64) {
    let key = format!("counter-{number}");
    let mut count = 0_i64;
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        for _ in 0..depth {
            client.send(&["INCR", &key]);
        }
        for _ in 0..depth {
            count += 1;
            assert_eq!(client.read(), Value::Integer(count), "{key}");
        }
        for command in [&["MULTI"][..], &["INCR", &key], &["INCR", &key], &["EXEC"]] {
            client.send(command);
        }
        let replies: Vec<String> = (0..4).map(|_| text(&client.read())).collect();
        assert_eq!(replies[3], format!("{} {}", count + 1, count + 2), "{key}");
        count += 2;
        longest.fetch_max(begun.elapsed().as_micros() as u64, Ordering::Relaxed);
    }
    (client, count)
}
