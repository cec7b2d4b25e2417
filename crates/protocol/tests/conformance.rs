//! Side by side with a real Redis Sentinel: the same questions, the same shapes.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Client, Fixture, local, shown, start};
use holdfast_resp::Value;

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn redis_server(dir: &Path, args: &[String]) -> Process {
    let mut command = Command::new("redis-server");
    command
        .args(args)
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Process(command.spawn().unwrap())
}

/// A primary, a replica and two sentinels of stock Redis.
struct Stock {
    _processes: Vec<Process>,
    _dir: tempfile::TempDir,
    sentinel: SocketAddr,
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn stock() -> Stock {
    let dir = tempfile::tempdir().unwrap();
    let [primary, replica, first, second] = [(); 4].map(|()| free_port());
    let mut processes = vec![
        redis_server(
            dir.path(),
            &[
                words(&format!("--port {primary} --save")),
                vec![String::new()],
            ]
            .concat(),
        ),
        redis_server(
            dir.path(),
            &[
                words(&format!(
                    "--port {replica} --replicaof 127.0.0.1 {primary} --save"
                )),
                vec![String::new()],
            ]
            .concat(),
        ),
    ];
    eventually("the replica is connected", || {
        let info = Client::connect_if_up(primary).map(|mut client| client.show("INFO replication"));
        info.is_some_and(|info| info.contains("state=online"))
    });
    for port in [first, second] {
        let name = format!("{port}.conf");
        let text = format!(
            "port {port}\ndir {}\nsentinel monitor mymaster 127.0.0.1 {primary} 2\nsentinel down-after-milliseconds mymaster 5000\n",
            dir.path().display()
        );
        std::fs::write(dir.path().join(&name), text).unwrap();
        processes.push(redis_server(
            dir.path(),
            &words(&format!("{name} --sentinel")),
        ));
    }
    eventually("the sentinels know everybody", || {
        let reply = Client::connect_if_up(first).map(|mut client| client.show("SENTINEL MASTERS"));
        reply.is_some_and(|reply| reply.contains("num-slaves 1 num-other-sentinels 1"))
    });
    Stock {
        _processes: processes,
        _dir: dir,
        sentinel: ([127, 0, 0, 1], first).into(),
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Client {
    fn connect_if_up(port: u16) -> Option<Self> {
        let address = ([127, 0, 0, 1], port).into();
        std::net::TcpStream::connect(address)
            .is_ok()
            .then(|| Self::connect(address))
    }
}

/// The types of a reply, and the names in its maps, without the values.
fn shape(value: &Value) -> String {
    let all = |items: &[Value]| items.first().map_or_else(String::new, shape);
    match value {
        Value::Bulk(Some(_)) => "bulk".to_owned(),
        Value::Simple(_) => "status".to_owned(),
        Value::Integer(_) => "integer".to_owned(),
        Value::Verbatim { .. } => "verbatim".to_owned(),
        Value::Array(Some(items)) => format!("[{}]", all(items)),
        Value::Set(items) => format!("~[{}]", all(items)),
        Value::Map(pairs) => {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(name, value)| format!("{}: {}", shown(name), shape(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        other => shown(other),
    }
}

/// The names of a flat list of names and values.
fn names(value: &Value) -> Vec<String> {
    value
        .as_slice()
        .unwrap()
        .chunks(2)
        .map(|pair| shown(&pair[0]))
        .collect()
}

struct Pair {
    theirs: Client,
    ours: Client,
    _server: Fixture,
}

fn pair(stock: &Stock) -> Pair {
    let server = start(local());
    Pair {
        theirs: Client::connect(stock.sentinel),
        ours: server.client(),
        _server: server,
    }
}

#[test]
fn the_same_questions_get_the_same_shapes() {
    let stock = stock();
    fields_have_the_same_names_and_order(&mut pair(&stock));
    replies_are_equal(&mut pair(&stock));
    shapes_are_equal(&mut pair(&stock));
    sections_of_info_are_equal(&mut pair(&stock));
    subscriptions_are_equal(&mut pair(&stock));
}

fn fields_have_the_same_names_and_order(pair: &mut Pair) {
    let (theirs, ours) = (
        pair.theirs.ask("SENTINEL MASTER mymaster"),
        pair.ours.ask("SENTINEL MASTER mymaster"),
    );
    assert_eq!(names(&theirs), names(&ours));
    for line in [
        "SENTINEL MASTERS",
        "SENTINEL REPLICAS mymaster",
        "SENTINEL SLAVES mymaster",
        "SENTINEL SENTINELS mymaster",
    ] {
        let (theirs, ours) = (pair.theirs.ask(line), pair.ours.ask(line));
        assert_eq!(
            names(&theirs.as_slice().unwrap()[0]),
            names(&ours.as_slice().unwrap()[0]),
            "{line}"
        );
    }
    assert!(shown(&theirs).contains(" flags master ") && shown(&ours).contains(" flags master "));
}

/// Questions whose answer does not depend on who asks whom.
const EQUAL: &[&str] = &[
    "PING",
    "PING x",
    "PING a b",
    "SENTINEL",
    "SENTINEL MASTER",
    "SENTINEL MASTER nope",
    "SENTINEL MASTERS x",
    "SENTINEL REPLICAS nope",
    "SENTINEL SENTINELS nope",
    "SENTINEL CKQUORUM nope",
    "SENTINEL FAILOVER nope",
    "SENTINEL GET-MASTER-ADDR-BY-NAME nope",
    "SENTINEL INFO-CACHE nope",
    "SENTINEL PENDING-SCRIPTS",
    "SENTINEL FLUSHCONFIG",
    "SENTINEL RESET nothing*",
    "SENTINEL foo",
    "SENTINEL SET mymaster",
    "SENTINEL SET nope quorum 2",
    "SENTINEL SET mymaster foo bar",
    "SENTINEL SET mymaster quorum abc",
    "SENTINEL CONFIG",
    "SENTINEL CONFIG GET announce-port",
    "SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 1 0 *",
    "SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 abc 0 *",
    "SENTINEL MYID x",
    "foo bar baz",
    "QUIT",
    "ECHO hi",
    "CONFIG GET *",
    "PUBLISH a b",
    "PUBLISH",
    "ROLE",
    "ROLE x",
    "HELLO 4",
    "HELLO abc",
    "HELLO 2 AUTH x",
    "HELLO 2 FOO",
    "AUTH",
    "AUTH x",
    "AUTH default x",
    "AUTH foo x",
    "AUTH a b c",
    "SHUTDOWN foo",
    "CLIENT",
    "CLIENT FOO",
    "CLIENT GETNAME",
    "CLIENT SETNAME foo",
    "CLIENT GETNAME",
    "CLIENT NO-EVICT on",
    "CLIENT REPLY foo",
    "CLIENT KILL 1.2.3.4:5",
    "CLIENT KILL ID 99999",
    "CLIENT TRACKINGINFO",
    "CLIENT GETREDIR",
    "CLIENT CACHING yes",
    "CLIENT UNBLOCK 3",
    "CLIENT UNPAUSE",
    "CLIENT PAUSE abc",
    "COMMAND FOO",
    "COMMAND DOCS foo",
    "COMMAND GETKEYS get a",
    "COMMAND GETKEYS auth a",
    "ACL WHOAMI",
    "ACL USERS",
    "ACL LIST",
    "ACL GETUSER default",
    "ACL GETUSER nope",
    "ACL CAT",
    "ACL CAT foo",
    "ACL FOO",
    "ACL SETUSER foo bar",
    "ACL DELUSER default",
    "ACL DRYRUN default ping",
    "ACL DRYRUN nope ping",
    "INFO replication",
    "UNSUBSCRIBE",
    "UNSUBSCRIBE a",
    "PUNSUBSCRIBE",
    "SUBSCRIBE",
];

fn replies_are_equal(pair: &mut Pair) {
    for proto in [2, 3] {
        for client in [&mut pair.theirs, &mut pair.ours] {
            client.ask(&format!("HELLO {proto} SETNAME none"));
        }
        for line in EQUAL {
            let (theirs, ours) = (pair.theirs.show(line), pair.ours.show(line));
            // A HELLO that is refused changes nothing; those that succeed are not in the list.
            assert_eq!(theirs, ours, "{line} in RESP{proto}");
        }
    }
}

fn shapes_are_equal(pair: &mut Pair) {
    for proto in [2, 3] {
        let line = format!("HELLO {proto}");
        assert_eq!(shape(&pair.theirs.ask(&line)), shape(&pair.ours.ask(&line)));
        for line in [
            "SENTINEL MASTERS",
            "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster",
            "SENTINEL MYID",
            "SENTINEL CKQUORUM mymaster",
            "SENTINEL HELP",
            "SENTINEL INFO-CACHE mymaster",
            "COMMAND COUNT",
            "COMMAND INFO ping",
            "COMMAND INFO nope",
            "COMMAND LIST",
            "CLIENT ID",
            "CLIENT INFO",
            "CLIENT LIST",
            "ACL GENPASS",
            "INFO",
        ] {
            assert_eq!(
                shape(&pair.theirs.ask(line)),
                shape(&pair.ours.ask(line)),
                "{line} in RESP{proto}"
            );
        }
    }
    let hello = |client: &mut Client| names(&client.ask("HELLO 2"));
    assert_eq!(hello(&mut pair.theirs), hello(&mut pair.ours));
}

fn sections_of_info_are_equal(pair: &mut Pair) {
    let sections = |text: String| {
        text.lines()
            .filter(|line| line.starts_with('#'))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for line in [
        "INFO",
        "INFO default",
        "INFO all",
        "INFO everything foo",
        "INFO sentinel server",
        "INFO stats",
        "INFO foo",
    ] {
        assert_eq!(
            sections(pair.theirs.show(line)),
            sections(pair.ours.show(line)),
            "{line}"
        );
    }
    let first = |text: String| {
        text.lines()
            .find(|line| line.starts_with("master0:"))
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        first(pair.theirs.show("INFO sentinel")),
        first(pair.ours.show("INFO sentinel"))
    );
}

fn subscriptions_are_equal(pair: &mut Pair) {
    for proto in [2, 3] {
        for client in [&mut pair.theirs, &mut pair.ours] {
            client.ask(&format!("HELLO {proto}"));
        }
        for line in [
            "SUBSCRIBE a",
            "PSUBSCRIBE b*",
            "PING",
            "PING x",
            "SENTINEL MYID x",
            "ACL WHOAMI",
            "foo",
            "UNSUBSCRIBE",
            "PUNSUBSCRIBE b*",
            "PING",
        ] {
            assert_eq!(
                pair.theirs.show(line),
                pair.ours.show(line),
                "{line} in RESP{proto}"
            );
        }
    }
}
