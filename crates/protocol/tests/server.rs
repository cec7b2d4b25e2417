//! The server with real sockets: events, actions, limits, TLS.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Client, Fixture, group, local, shown, start, view_of};
use holdfast_protocol::{ActionKind, Address, ClientLimits, Event, Options, Subject, TlsOptions};

fn limited(change: impl FnOnce(&mut ClientLimits)) -> Fixture {
    let mut options = local();
    change(&mut options.limits);
    start(options)
}

/// Waits until the condition holds, fifteen seconds at most.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(15);
    while !holds() {
        assert!(Instant::now() < end, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn switch(port: u16) -> Event {
    Event::switch_master(
        "mymaster",
        &Address::new("10.0.0.1", 6379),
        &Address::new("10.0.0.1", port),
    )
}

#[test]
fn events_reach_subscribers_word_for_word_and_in_order() {
    let server = start(local());
    let (mut channel, mut pattern, mut resp3) = (server.client(), server.client(), server.client());
    assert_eq!(
        channel.show("SUBSCRIBE +switch-master"),
        "[subscribe +switch-master :1]"
    );
    assert_eq!(
        pattern.show("PSUBSCRIBE [-+]sdown"),
        "[psubscribe [-+]sdown :1]"
    );
    resp3.ask("HELLO 3");
    assert_eq!(resp3.show("PSUBSCRIBE *"), ">[psubscribe * :1]");
    let primary = Subject::primary("mymaster", &Address::new("10.0.0.1", 6379));
    server.events.send(Event::sdown(&primary)).unwrap();
    for port in [6380, 6381] {
        server.events.send(switch(port)).unwrap();
    }
    let next = |client: &mut Client| shown(&client.receive().unwrap());
    assert_eq!(
        next(&mut channel),
        "[message +switch-master mymaster 10.0.0.1 6379 10.0.0.1 6380]"
    );
    assert_eq!(
        next(&mut channel),
        "[message +switch-master mymaster 10.0.0.1 6379 10.0.0.1 6381]"
    );
    assert_eq!(
        next(&mut pattern),
        "[pmessage [-+]sdown +sdown master mymaster 10.0.0.1 6379]"
    );
    assert_eq!(
        next(&mut resp3),
        ">[pmessage * +sdown master mymaster 10.0.0.1 6379]"
    );
    assert_eq!(
        next(&mut resp3),
        ">[pmessage * +switch-master mymaster 10.0.0.1 6379 10.0.0.1 6380]"
    );
    // RESP3 may go on asking.
    next(&mut resp3);
    assert_eq!(
        resp3.show("SENTINEL GET-MASTER-ADDR-BY-NAME mymaster"),
        "[10.0.0.1 6379]"
    );
    channel.ask("UNSUBSCRIBE");
    server.events.send(switch(6382)).unwrap();
    assert_eq!(
        channel.show("PING"),
        "PONG",
        "an event came after UNSUBSCRIBE"
    );
}

#[test]
fn a_new_view_is_seen_at_once_by_open_connections() {
    let server = start(local());
    let mut client = server.client();
    assert_eq!(
        client.show("SENTINEL GET-MASTER-ADDR-BY-NAME mymaster"),
        "[10.0.0.1 6379]"
    );
    let mut next = group();
    next.primary.as_mut().unwrap().address.port = 6380;
    server.view.store(Arc::new(view_of(next)));
    assert_eq!(
        client.show("SENTINEL GET-MASTER-ADDR-BY-NAME mymaster"),
        "[10.0.0.1 6380]"
    );
}

#[test]
fn actions_are_answered_later_and_in_order() {
    let mut server = start(local());
    let mut client = server.client();
    client.send("HOLDFAST STATUS mymaster");
    client.send("PING");
    client.send("SENTINEL FAILOVER mymaster");
    client.send("SENTINEL RESET *");
    let request = server.actions.blocking_recv().unwrap();
    assert_eq!(
        request.kind,
        ActionKind::Holdfast(vec!["STATUS".to_owned(), "mymaster".to_owned()])
    );
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(
        server.client().show("PING"),
        "PONG",
        "another client had to wait for an action"
    );
    request
        .reply
        .send(Ok("{\"groups\":[]}".to_owned()))
        .unwrap();
    let request = server.actions.blocking_recv().unwrap();
    request
        .reply
        .send(Err("NOGOODSLAVE No suitable replica to promote".to_owned()))
        .unwrap();
    let request = server.actions.blocking_recv().unwrap();
    request.reply.send(Ok("2".to_owned())).unwrap();
    let replies: Vec<_> = (0..4).map(|_| shown(&client.receive().unwrap())).collect();
    assert_eq!(
        replies,
        [
            "{\"groups\":[]}",
            "PONG",
            "-NOGOODSLAVE No suitable replica to promote",
            ":2"
        ]
    );
    client.send("HOLDFAST DECISIONS");
    drop(server.actions.blocking_recv().unwrap());
    assert_eq!(
        shown(&client.receive().unwrap()),
        "-ERR Holdfast: the sentinel gave no answer"
    );
}

#[test]
fn an_action_without_an_answer_and_too_many_of_them() {
    let server = limited(|limits| limits.action = Duration::from_millis(300));
    let mut waiting: Vec<_> = (0..8).map(|_| server.client()).collect();
    for client in &mut waiting {
        client.send("HOLDFAST STATUS");
    }
    eventually("the queue is full", || server.actions.len() == 8);
    assert_eq!(
        server.client().show("HOLDFAST STATUS"),
        "-ERR Holdfast: too many actions are waiting, try again"
    );
    let reply = shown(&waiting[0].receive().unwrap());
    assert_eq!(
        reply,
        "-ERR Holdfast: no answer within 300 ms; it may still happen"
    );
}

#[test]
fn broken_and_oversized_requests_are_answered_and_cut_off() {
    let server = limited(|limits| limits.request_bytes = 100_000);
    let cases: &[(&[u8], &str)] = &[
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*abc\r\n", "invalid multibulk length"),
        (b"*1\r\n$100001\r\n", "invalid bulk length"),
        (b"*2\r\n$4\r\nPING\r\n*1\r\n", "expected '$', got '*'"),
        (b"*1025\r\n", "invalid multibulk length"),
        (&b"x".repeat(65_600), "too big inline request"),
        (b"PING \"x\r\n", "unbalanced quotes in request"),
        (b"*2\r\n$60000\r\n", ""),
    ];
    for (bytes, text) in cases {
        let mut client = server.client();
        client.stream.write_all(bytes).unwrap();
        if text.is_empty() {
            // Two arguments that only together go over the limit.
            client
                .stream
                .write_all(&[&b"x".repeat(60_000)[..], b"\r\n$60000\r\n"].concat())
                .unwrap();
        }
        let text = if text.is_empty() {
            "frame too large"
        } else {
            text
        };
        assert_eq!(
            shown(&client.receive().expect(text)),
            format!("-ERR Protocol error: {text}")
        );
        assert_eq!(client.receive(), None, "still open after: {text}");
    }
}

/// The default limits, as documented.
#[test]
fn a_bulk_is_at_most_128_kib() {
    let server = start(local());
    let mut client = server.client();
    let most = "x".repeat(128 * 1024);
    let request = format!("*2\r\n$4\r\nPING\r\n${}\r\n{most}\r\n", most.len());
    client.stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(shown(&client.receive().unwrap()), most);
    client
        .stream
        .write_all(b"*2\r\n$4\r\nPING\r\n$131073\r\n")
        .unwrap();
    assert_eq!(
        shown(&client.receive().unwrap()),
        "-ERR Protocol error: invalid bulk length"
    );
    assert_eq!(client.receive(), None);
}

#[test]
fn half_said_requests_are_dropped() {
    let server = limited(|limits| limits.request = Duration::from_millis(400));
    for half in [
        &b"*2\r\n$4\r\nPI"[..],
        b"PIN",
        b"*1\r\n$4\r\nPING\r\n*1\r\n",
    ] {
        let (mut client, mut idle) = (server.client(), server.client());
        client.stream.write_all(half).unwrap();
        while client.receive().is_some() {}
        assert_eq!(idle.show("PING"), "PONG", "who says nothing may stay");
    }
    // Half a request is always under way, and never the same.
    let mut busy = server.client();
    busy.stream.write_all(b"PIN").unwrap();
    for _ in 0..12 {
        std::thread::sleep(Duration::from_millis(100));
        busy.stream.write_all(b"G\r\nPIN").unwrap();
        assert_eq!(shown(&busy.receive().unwrap()), "PONG");
    }
}

#[test]
fn strangers_may_not_send_much() {
    let server = start(Options {
        requirepass: Some("pw".to_owned()),
        ..local()
    });
    let mut client = server.client();
    client.stream.write_all(b"*11\r\n").unwrap();
    assert_eq!(
        shown(&client.receive().unwrap()),
        "-ERR Protocol error: unauthenticated multibulk length"
    );
    let mut client = server.client();
    assert_eq!(client.show("AUTH pw"), "OK");
    assert_eq!(
        client.show("PING a b c d e f g h i j k"),
        "-ERR wrong number of arguments for 'ping' command"
    );
}

#[test]
fn one_client_too_many_is_told_so() {
    let server = limited(|limits| limits.max_clients = 3);
    let mut clients: Vec<_> = (0..3).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(client.show("PING"), "PONG");
    }
    let mut refused = server.client();
    assert_eq!(
        shown(&refused.receive().unwrap()),
        "-ERR max number of clients reached"
    );
    assert_eq!(refused.receive(), None);
    clients.pop();
    eventually("a place is free again", || {
        let mut client = server.client();
        client.send("PING");
        client
            .receive()
            .is_some_and(|reply| shown(&reply) == "PONG")
    });
}

#[test]
fn a_subscriber_that_does_not_read_is_dropped_and_nobody_else_suffers() {
    let server = limited(|limits| limits.output_bytes = 64 * 1024);
    let (mut slow, mut good) = (server.client(), server.client());
    slow.ask("PSUBSCRIBE *");
    good.ask("SUBSCRIBE +switch-master");
    let mut asker = server.client();
    let (mut sent, mut seen) = (0, 0);
    let dropped = |asker: &mut Client| {
        asker
            .show("INFO stats")
            .contains("client_output_buffer_limit_disconnections:1")
    };
    while !dropped(&mut asker) {
        assert!(sent < 400_000, "the slow reader was never dropped");
        for _ in 0..1000 {
            server.events.send(switch(6380)).unwrap();
            sent += 1;
        }
        while seen < sent {
            good.receive().expect("the good reader was dropped");
            seen += 1;
        }
    }
    assert!(asker.show("CLIENT LIST TYPE pubsub").matches("id=").count() == 1);
    // What the kernel still held arrives; then it ends.
    while slow.receive().is_some() {}
}

#[test]
fn a_client_that_asks_and_never_reads_is_dropped() {
    let server = limited(|limits| limits.stall = Duration::from_secs(3));
    let mut slow = server.client();
    slow.stream
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let request = b"*2\r\n$8\r\nSENTINEL\r\n$4\r\nHELP\r\n".repeat(1000);
    // The server stops reading when its replies are not taken: what it holds stays small.
    let mut accepted = 0;
    while accepted < 200 && slow.stream.write_all(&request).is_ok() {
        accepted += 1;
    }
    assert!(accepted < 200, "the server took in everything");
    let mut asker = server.client();
    let held: usize = {
        let list = asker.show("CLIENT LIST ID 1");
        list.split("omem=")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    assert!(
        (1..200_000).contains(&held),
        "{held} bytes held for a slow reader"
    );
    eventually("it is dropped", || {
        asker
            .show("INFO clients")
            .contains("connected_clients:1\r\n")
    });
}

#[test]
fn silent_clients_are_dropped_where_asked_for() {
    let server = limited(|limits| limits.idle = Some(Duration::from_millis(300)));
    let (mut silent, mut listening) = (server.client(), server.client());
    listening.ask("SUBSCRIBE +sdown");
    assert_eq!(silent.receive(), None);
    assert_eq!(
        listening.show("PING"),
        "[pong ]",
        "a subscriber has nothing to say and must stay"
    );
}

#[test]
fn requests_in_pieces_and_many_at_once() {
    let server = start(local());
    let mut client = server.client();
    for byte in b"*3\r\n$8\r\nSENTINEL\r\n$23\r\nGET-MASTER-ADDR-BY-NAME\r\n$8\r\nmymaster\r\n" {
        client.stream.write_all(&[*byte]).unwrap();
        client.stream.flush().unwrap();
        std::thread::sleep(Duration::from_micros(300));
    }
    assert_eq!(shown(&client.receive().unwrap()), "[10.0.0.1 6379]");
    let mut writer = client.stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || {
        writer
            .write_all(&b"SENTINEL MASTERS\r\n".repeat(20_000))
            .unwrap();
    });
    for _ in 0..20_000 {
        assert!(client.receive().unwrap().as_slice().is_some());
    }
    sender.join().unwrap();
    assert_eq!(client.show("PING"), "PONG");
}

#[test]
fn clients_are_listed_and_can_be_cut_off() {
    let server = start(local());
    let (mut admin, mut named, mut listening) = (server.client(), server.client(), server.client());
    named.ask("CLIENT SETNAME worker");
    named.ask("CLIENT SETINFO lib-name redis-py");
    listening.ask("SUBSCRIBE +sdown");
    let list = admin.show("CLIENT LIST");
    assert!(
        list.contains(" name=worker ") && list.contains(" lib-name=redis-py "),
        "{list}"
    );
    assert!(
        list.contains("flags=P") && list.contains("sub=1") && list.contains("cmd=client|setinfo"),
        "{list}"
    );
    assert!(
        admin
            .show("CLIENT INFO")
            .contains("cmd=client|info user=default")
    );
    assert_eq!(admin.show("CLIENT KILL TYPE pubsub"), ":1");
    assert_eq!(listening.receive(), None);
    assert_eq!(admin.show("CLIENT KILL TYPE normal SKIPME no"), ":2");
    assert_eq!(named.receive(), None);
    assert_eq!(admin.receive(), None);
    eventually("the table is empty", || {
        server
            .client()
            .show("INFO clients")
            .contains("connected_clients:1\r\n")
    });
}

fn redis_cli(address: std::net::SocketAddr, args: &[&str]) -> String {
    let port = address.port().to_string();
    let output = Command::new("redis-cli")
        .args(["-h", "127.0.0.1", "-p", &port])
        .args(args)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn redis_cli_works() {
    let server = start(Options {
        requirepass: Some("pw".to_owned()),
        ..local()
    });
    let cli = |args: &[&str]| {
        redis_cli(
            server.address(),
            &[&["--no-auth-warning", "-a", "pw"], args].concat(),
        )
    };
    assert_eq!(
        cli(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"]),
        "10.0.0.1\n6379\n"
    );
    assert_eq!(cli(&["-3", "ROLE"]), "sentinel\nmymaster\n");
    assert!(cli(&["-3", "SENTINEL", "MASTER", "mymaster"]).contains("num-other-sentinels 2\n"));
    assert!(cli(&["INFO", "sentinel"]).contains("master0:name=mymaster,status=ok"));
    assert!(cli(&["COMMAND", "DOCS", "sentinel"]).contains("summary"));
    assert!(redis_cli(server.address(), &["PING"]).starts_with("NOAUTH"));
}

fn openssl(dir: &std::path::Path, args: &[&str]) {
    let output = Command::new("openssl")
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// An authority, and certificates of the server and of a client.
fn certificates(dir: &std::path::Path) {
    let ec = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ];
    openssl(
        dir,
        &[
            &[
                "req", "-x509", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem",
            ],
            &ec[..],
        ]
        .concat(),
    );
    for name in ["server", "client"] {
        let (key, request, certificate) = (
            format!("{name}.key"),
            format!("{name}.csr"),
            format!("{name}.pem"),
        );
        std::fs::write(
            dir.join("san.cnf"),
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        )
        .unwrap();
        openssl(
            dir,
            &[
                &[
                    "req",
                    "-subj",
                    "/CN=localhost",
                    "-keyout",
                    &key,
                    "-out",
                    &request,
                ],
                &ec[..5],
            ]
            .concat(),
        );
        let sign = [
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
        ];
        openssl(
            dir,
            &[
                &sign[..],
                &["-days", "2", "-extfile", "san.cnf", "-out", &certificate],
            ]
            .concat(),
        );
    }
}

#[cfg(feature = "tls")]
#[test]
fn tls_with_client_certificates() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let file = |name: &str| dir.path().join(name);
    let files = TlsOptions {
        certificate: file("server.pem"),
        key: file("server.key"),
        client_authorities: Some(file("ca.pem")),
    };
    let listen = vec![([127, 0, 0, 1], 0).into()];
    let server = start(Options {
        listen: Vec::new(),
        listen_tls: listen,
        tls: Some(files),
        ..Options::default()
    });
    let path = |name: &str| file(name).to_str().unwrap().to_owned();
    let tls = ["--tls", "--cacert", &path("ca.pem")].map(str::to_owned);
    let known = ["--cert", &path("client.pem"), "--key", &path("client.key")].map(str::to_owned);
    let ask = |extra: &[String]| {
        let args: Vec<_> = tls.iter().chain(extra).map(String::as_str).collect();
        redis_cli(
            server.address(),
            &[
                &args[..],
                &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"],
            ]
            .concat(),
        )
    };
    assert_eq!(ask(&known), "10.0.0.1\n6379\n");
    assert!(
        !ask(&[]).contains("6379"),
        "served without a client certificate"
    );
    let help: String = {
        let args: Vec<_> = tls.iter().chain(&known).map(String::as_str).collect();
        redis_cli(
            server.address(),
            &[&args[..], &["-r", "200", "SENTINEL", "HELP"]].concat(),
        )
    };
    assert_eq!(help.matches("SENTINEL <subcommand>").count(), 200);
    // A client that never shakes hands does not stay.
    assert!(!redis_cli(server.address(), &["PING"]).contains("PONG"));
}

#[test]
fn wrong_options_are_refused() {
    let start = |options: Options| {
        let (actions, _) = tokio::sync::mpsc::channel(1);
        let (events, _) = tokio::sync::broadcast::channel(1);
        let view = Arc::new(arc_swap::ArcSwap::from_pointee(view_of(group())));
        let wiring = holdfast_protocol::Wiring {
            clock: holdfast_protocol::Clock::start(),
            view,
            actions,
            events,
        };
        holdfast_protocol::spawn(options, wiring)
            .err()
            .expect("refused")
            .to_string()
    };
    let text = start(Options {
        users: vec!["user bob +nonsense".to_owned()],
        ..local()
    });
    assert!(
        text.contains("Unknown command or category name in ACL"),
        "{text}"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = start(Options {
        listen: vec![taken.local_addr().unwrap()],
        ..Options::default()
    });
    assert!(text.starts_with("cannot listen on 127.0.0.1:"), "{text}");
    let text = start(Options {
        listen_tls: vec![([127, 0, 0, 1], 0).into()],
        ..local()
    });
    assert!(text.starts_with("cannot set up TLS: "), "{text}");
}
