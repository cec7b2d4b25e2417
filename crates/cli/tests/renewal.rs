//! Changes without a restart, on real processes: nodes, sentinels, passwords, users, certificates, names.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)] // What the binary said is of no interest here.
mod common;
#[path = "renewal/set.rs"]
mod set;

use set::{Set, certify, eventually, redis_cli, run, send};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One client connection, by the inline protocol.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(3)))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The first line of the answer; empty when the connection is closed.
    fn say(&mut self, command: &str) -> std::io::Result<String> {
        self.0
            .get_mut()
            .write_all(format!("{command}\r\n").as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

/// Writes one key after the other, wherever a write is taken, until it is told to stop. Returns what was acknowledged.
fn writer(ports: Vec<u16>, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<u32>> {
    std::thread::spawn(move || {
        let (mut acknowledged, mut number, mut turn) = (Vec::new(), 0, 0);
        while !stop.load(Ordering::Relaxed) {
            turn += 1;
            let Ok(mut client) = Client::connect(ports[turn % ports.len()]) else {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            };
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let said = client
                    .say(&format!("SET w-{number} {number}"))
                    .unwrap_or_default();
                if said != "+OK" {
                    break;
                }
                acknowledged.push(number);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        acknowledged
    })
}

/// Finds all of these at the primary.
fn all_are_kept(set: &Set, acknowledged: &[u32]) {
    let port = set.node_port(set.primary());
    let mut client = Client::connect(port).unwrap();
    for number in acknowledged {
        let kept = client.say(&format!("EXISTS w-{number}")).unwrap();
        assert_eq!(kept, ":1", "w-{number} of {} is lost", acknowledged.len());
    }
    assert!(acknowledged.len() > 100, "the writer hardly wrote");
}

fn voters(set: &Set) -> Vec<String> {
    let status = set.status(0);
    let all = status["sentinels"].as_array().cloned().unwrap_or_default();
    let voting = all.iter().filter(|sentinel| sentinel["voting"] == true);
    voting
        .map(|sentinel| sentinel["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn nodes_and_sentinels_come_and_go_while_everybody_else_runs_on() {
    let mut set = Set::new(3, 3);
    set.start_all();
    set.settled(3);
    let stay = ["s-0", "s-1", "s-2", "r-0", "r-1"].map(|name| set.pid(name));
    let stop = Arc::new(AtomicBool::new(false));
    let writing = writer((0..5).map(|n| set.node_port(n)).collect(), stop.clone());

    (set.sentinels, set.nodes) = (5, 5);
    set.write();
    for number in 3..5 {
        set.start("sentinel", &format!("s-{number}"));
        set.start("agent", &format!("r-{number}"));
    }
    eventually("five voters", || voters(&set).len() == 5);
    set.settled(5);

    // The primary is among those that go.
    let last = redis_cli(
        set.client_port(0),
        &["HOLDFAST", "FAILOVER", "mymaster", "r-4"],
    );
    assert!(last.contains("r-4"), "{last}");
    (set.sentinels, set.nodes) = (3, 2);
    for name in ["s-3", "s-4", "r-4", "r-3", "r-2"] {
        set.stop(name);
    }
    set.write();
    eventually("three voters", || {
        set.log("s-0")
            .contains("the voters are s-0, s-1, s-2 now (version 5)")
    });
    set.settled(2);
    set.primary();
    stop.store(true, Ordering::Relaxed);
    let acknowledged = writing.join().unwrap();
    set.all_live();
    let same = ["s-0", "s-1", "s-2", "r-0", "r-1"].map(|name| set.pid(name));
    assert_eq!(stay, same);
    all_are_kept(&set, &acknowledged);
}

#[test]
fn passwords_users_and_settings_change_and_nobody_is_sent_away() {
    let mut set = Set::new(1, 2);
    let (password, users, conf) = (set.path("password"), set.path("users"), set.path("conf"));
    set.replace("password", "one\n");
    set.replace(
        "users",
        "# people\nuser ann on >pa ~a* +get\nuser bob on >pb ~* +@all\n",
    );
    set.replace("conf", "maxmemory-policy noeviction\n");
    let password = password.display();
    set.of_sentinels = format!("client_password_file: {password}\n");
    set.of_agents = format!(
        "client_password_file: {password}\nacl_file: {}\nredis_conf: {}\n",
        users.display(),
        conf.display()
    );
    set.start_all();
    let logs_in = |port: u16, args: &[&str]| {
        let all = [&["--no-auth-warning", "-a"], args, &["PING"]].concat();
        redis_cli(port, &all) == "PONG"
    };
    eventually("the sentinel knows a primary", || {
        redis_cli(
            set.client_port(0),
            &["--no-auth-warning", "-a", "one", "HOLDFAST", "STATUS"],
        )
        .contains("\"writable\":true")
    });
    let ports = [set.node_port(0), set.node_port(1), set.client_port(0)];
    let mut old: Vec<Client> = ports.map(|port| Client::connect(port).unwrap()).into();
    for client in &mut old {
        assert_eq!(client.say("AUTH one").unwrap(), "+OK");
    }
    let mut bob = Client::connect(ports[0]).unwrap();
    assert_eq!(bob.say("AUTH bob pb").unwrap(), "+OK");
    let servers = ["r-0", "r-1"].map(|node| set.server_pid(node));

    set.replace("password", "two\n");
    set.replace(
        "users",
        "user ann on >pc ~a* +get\nuser eve on >pe ~* +@all\n",
    );
    set.replace(
        "conf",
        "maxmemory-policy allkeys-lru\nsave 900 1\nsave 300 10\n",
    );
    for port in ports {
        eventually("the new password counts", || logs_in(port, &["two"]));
        assert!(!logs_in(port, &["one"]), "the old password still counts");
    }
    for client in &mut old {
        assert_eq!(
            client.say("PING").unwrap(),
            "+PONG",
            "a client was sent away"
        );
    }
    for port in &ports[..2] {
        eventually("users changed", || logs_in(*port, &["pe", "--user", "eve"]));
        assert!(logs_in(*port, &["two"]));
        assert!(!logs_in(*port, &["pb", "--user", "bob"]), "bob is gone");
        let get = |key: &str| {
            redis_cli(
                *port,
                &["--no-auth-warning", "-a", "two", "CONFIG", "GET", key],
            )
        };
        assert_eq!(get("maxmemory-policy"), "maxmemory-policy\nallkeys-lru");
        assert_eq!(get("save"), "save\n900 1 300 10");
        let mut eve = Client::connect(*port).unwrap();
        assert_eq!(eve.say("AUTH eve pe").unwrap(), "+OK");
        let denied = eve.say("REPLICAOF NO ONE").unwrap();
        assert!(denied.starts_with("-NOPERM"), "{denied}");
    }
    assert_eq!(
        bob.say("PING").unwrap_or_default(),
        "",
        "who is no user any more has to go"
    );
    // A file that makes no sense changes nothing.
    set.replace("users", "maxclients 5\n");
    eventually("it is told", || {
        set.log("r-0").contains("is no `user …` line")
    });
    assert!(logs_in(ports[0], &["pe", "--user", "eve"]));
    set.all_live();
    assert_eq!(servers, ["r-0", "r-1"].map(|node| set.server_pid(node)));
}

/// As the chart does it with nodes that sync to disk already: the promise is raised and lowered while everybody writes.
#[test]
fn a_group_changes_its_durability_while_all_run() {
    let mut set = Set::new(3, 3);
    set.of_agents = "durability: fsync\n".to_owned();
    set.start_all();
    set.settled(3);
    set.primary();
    let servers = ["r-0", "r-1", "r-2"].map(|node| set.server_pid(node));
    let stop = Arc::new(AtomicBool::new(false));
    let writing = writer((0..3).map(|n| set.node_port(n)).collect(), stop.clone());
    for (durability, keys) in [
        ("quorum", ", durability: quorum"),
        ("fsync", ", durability: fsync, sync_replicas: 2"),
        ("async", ""),
        ("fsync", ", durability: fsync, sync_replicas: 1"),
    ] {
        set.of_group = keys;
        set.write();
        eventually(durability, || set.status(0)["durability"] == durability);
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(
            redis_cli(set.node_port(set.primary()), &["SET", durability, "1"]),
            "OK"
        );
    }
    // What is promised now is kept: everybody's redis-server dies at once, and the disks have it all.
    stop.store(true, Ordering::Relaxed);
    let acknowledged = writing.join().unwrap();
    set.all_live();
    assert_eq!(
        servers,
        ["r-0", "r-1", "r-2"].map(|node| set.server_pid(node))
    );
    for server in &servers {
        send(
            "-KILL",
            server.split_whitespace().next().unwrap().parse().unwrap(),
        );
    }
    let runs_anew = |(old, node): (&String, &str)| {
        let new = std::fs::read_to_string(set.path(node).join("server.pid"));
        new.is_ok_and(|new| new != *old)
    };
    eventually("all came back", || {
        servers.iter().zip(["r-0", "r-1", "r-2"]).all(runs_anew)
    });
    all_are_kept(&set, &acknowledged);
}

#[test]
fn with_tls_replicas_follow_take_over_and_certificates_are_renewed() {
    tls_through_a_failover(Set::new(1, 3));
}

/// The same through the agents' gates.
#[test]
fn with_tls_and_quorum_replicas_follow_take_over_and_certificates_are_renewed() {
    let mut set = Set::new(1, 3);
    set.of_group = ", durability: quorum";
    tls_through_a_failover(set);
}

fn tls_through_a_failover(mut set: Set) {
    certify(set.dir.path(), 100);
    let dir = set.dir.path().display().to_string();
    let files = format!("tls_cert_file: {dir}/tls.crt\ntls_key_file: {dir}/tls.key\n");
    set.of_agents = format!("{files}tls_ca_file: {dir}/ca.crt\ntls_client_auth: true\n");
    if !set.of_group.is_empty() {
        set.of_agents.push_str("durability: quorum\n");
    }
    set.of_sentinels = files;
    set.start_all();
    let tls = ["--tls", "--cacert"].map(str::to_owned);
    let own = [
        tls[0].clone(),
        tls[1].clone(),
        format!("{dir}/ca.crt"),
        "--cert".to_owned(),
        format!("{dir}/tls.crt"),
        "--key".to_owned(),
        format!("{dir}/tls.key"),
    ];
    let ask = |port: u16, args: &[&str]| {
        let own = own.iter().map(String::as_str);
        redis_cli(port, &own.chain(args.iter().copied()).collect::<Vec<_>>())
    };
    let sentinel = set.client_port(0);
    let status = || -> serde_json::Value {
        serde_json::from_str(&ask(sentinel, &["HOLDFAST", "STATUS", "mymaster"]))
            .unwrap_or_default()
    };
    let primary = || {
        let status = status();
        let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
        let open = nodes.iter().find(|node| node["writable"] == true)?.clone();
        open["name"]
            .as_str()?
            .strip_prefix("r-")?
            .parse::<usize>()
            .ok()
    };
    eventually("three nodes up", || {
        let status = status();
        let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
        primary().is_some() && nodes.len() == 3 && nodes.iter().all(|node| node["state"] == "up")
    });
    let plain = redis_cli(set.node_port(0), &["PING"]);
    assert_ne!(plain, "PONG", "the port speaks without TLS");
    let stranger = redis_cli(set.node_port(0), &["--tls", "--cacert", &own[2], "PING"]);
    assert_ne!(stranger, "PONG", "a client needs no certificate");
    let first = primary().unwrap();
    assert_eq!(ask(set.node_port(first), &["SET", "before", "1"]), "OK");
    let shown = |port: u16| {
        let at = format!("127.0.0.1:{port}");
        let said = run(
            "openssl",
            &[
                "s_client", "-connect", &at, "-cert", &own[4], "-key", &own[6], "-CAfile", &own[2],
            ],
        );
        serial_of(&said)
    };
    assert_eq!(shown(sentinel), "64");

    let servers = ["r-0", "r-1", "r-2"].map(|node| set.server_pid(node));
    certify(set.dir.path(), 200);
    for port in [
        set.node_port(0),
        set.node_port(1),
        set.node_port(2),
        sentinel,
    ] {
        eventually("the new certificate is shown", || shown(port) == "C8");
    }
    assert_eq!(
        servers,
        ["r-0", "r-1", "r-2"].map(|node| set.server_pid(node))
    );
    eventually("replicas still follow", || {
        let info = ask(set.node_port(first), &["INFO", "replication"]);
        info.contains("connected_slaves:2")
    });

    let pid = set.pid(&format!("r-{first}"));
    set::send("-KILL", pid);
    eventually("another primary", || {
        primary().is_some_and(|now| now != first)
    });
    let second = primary().unwrap();
    eventually("it takes writes", || {
        ask(set.node_port(second), &["SET", "after", "1"]) == "OK"
    });
    assert_eq!(ask(set.node_port(second), &["GET", "before"]), "1");
    let third = 3 - first - second;
    eventually("the other one follows by TLS", || {
        ask(set.node_port(third), &["GET", "after"]) == "1"
    });
}

/// The serial number, in hex, of the certificate that `openssl s_client` saw.
fn serial_of(said: &str) -> String {
    let Some(begin) = said.find("-----BEGIN CERTIFICATE-----") else {
        return String::new();
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &said[begin..]).unwrap();
    let path = file.path().display().to_string();
    let shown = run("openssl", &["x509", "-noout", "-serial", "-in", &path]);
    shown.trim_start_matches("serial=").to_owned()
}

#[test]
fn names_are_looked_up_and_clients_are_told_addresses_unless_names_are_wished() {
    let mut set = Set::new(3, 2);
    set.host = "localhost";
    set.of_agents = String::new();
    set.start_all();
    set.settled(2);
    let said = redis_cli(set.client_port(0), &["SENTINEL", "SENTINELS", "mymaster"]);
    assert!(
        said.contains("ip\n127.0.0.1") && !said.contains("localhost"),
        "{said}"
    );
    set.of_sentinels = "announce_hostnames: true\n".to_owned();
    set.write();
    eventually("names are told", || {
        redis_cli(set.client_port(0), &["SENTINEL", "SENTINELS", "mymaster"])
            .contains("ip\nlocalhost")
    });
}

#[test]
fn a_node_may_announce_a_name_and_replicas_are_given_the_address_behind_it() {
    let mut set = Set::new(1, 2);
    set.write();
    set.start("sentinel", "s-0");
    for number in 0..2 {
        let name = format!("r-{number}");
        let file = std::fs::read_to_string(set.path(&format!("{name}.yaml"))).unwrap();
        let announce = format!("announce: \"localhost:{}\"\n", set.node_port(number));
        set.replace(&format!("{name}.yaml"), &(announce + &file));
        set.start("agent", &name);
    }
    set.settled(2);
    let said = redis_cli(
        set.client_port(0),
        &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"],
    );
    assert!(said.starts_with("localhost\n"), "{said}");
    let info = redis_cli(set.node_port(set.replica()), &["INFO", "replication"]);
    assert!(info.contains("master_host:127.0.0.1"), "{info}");
    assert!(info.contains("master_link_status:up"), "{info}");
}
