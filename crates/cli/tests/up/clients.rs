//! `holdfast clients`: who is connected, by real addresses.

use crate::common::{holdfast, said};
use crate::group::{Up, eventually, primary, small};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd as _;
use std::process::Output;
use std::time::Duration;
use tempfile::tempdir;

/// A client from an address of this machine, by the inline protocol.
struct Guest(BufReader<TcpStream>);

impl Guest {
    fn from(source: &str, to: &str) -> Self {
        let flags = SockFlag::SOCK_CLOEXEC;
        let fd = socket(AddressFamily::Inet, SockType::Stream, flags, None).unwrap();
        let source = SocketAddrV4::new(source.parse().unwrap(), 0);
        bind(fd.as_raw_fd(), &SockaddrIn::from(source)).unwrap();
        let to: SocketAddrV4 = to.parse().unwrap();
        connect(fd.as_raw_fd(), &SockaddrIn::from(to)).unwrap();
        let stream = TcpStream::from(fd);
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, command: &str) -> String {
        let line = format!("{command}\r\n");
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
        let mut reply = String::new();
        self.0.read_line(&mut reply).unwrap();
        reply.trim_end().to_owned()
    }

    fn address(&self) -> String {
        self.0.get_ref().local_addr().unwrap().to_string()
    }
}

fn ask(up: &Up, more: &[&str]) -> Output {
    let mut command = holdfast(up.dir.parent().unwrap());
    let args = [&["clients", "--dir", "group"], more].concat();
    command.args(args).output().unwrap()
}

/// All clients of all nodes, each with the name of its node.
fn listed(up: &Up, more: &[&str]) -> Vec<(String, Value)> {
    let output = ask(up, &[&["--json"], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let heard: Value = serde_json::from_slice(&output.stdout).unwrap();
    let nodes = heard["nodes"].as_array().unwrap().iter();
    let clients = nodes.flat_map(|node| {
        let name = node["node"].as_str().unwrap();
        let clients = node["clients"].as_array().unwrap().iter();
        clients.map(move |client| (name.to_owned(), client.clone()))
    });
    clients.collect()
}

#[test]
fn clients_are_shown_by_their_addresses_in_every_durability() {
    for durability in ["async", "quorum"] {
        let dir = tempdir().unwrap();
        let up = small(&dir, &["--durability", durability]);
        up.settled();
        let (address, node) = (primary(&up), up.status()["primary"].clone());
        let mut guests = ["127.0.0.2", "127.0.0.3"].map(|source| Guest::from(source, &address));
        let mut ids = Vec::new();
        for (guest, name) in guests.iter_mut().zip(["alice", "bob"]) {
            assert_eq!(guest.say(&format!("CLIENT SETNAME {name}")), "+OK");
            ids.push(guest.say("CLIENT ID").trim_start_matches(':').to_owned());
        }
        let all = listed(&up, &[]);
        for ((guest, name), id) in guests.iter().zip(["alice", "bob"]).zip(&ids) {
            let found = all.iter().find(|(_, client)| client["name"] == name);
            let (at, client) = found.unwrap_or_else(|| panic!("{durability}: {name} in {all:?}"));
            assert_eq!(at.as_str(), node, "{durability}");
            assert_eq!(
                client["address"],
                guest.address().as_str(),
                "{durability}: {client}"
            );
            assert_eq!(client["id"].to_string(), *id, "{durability}: {client}");
            assert_eq!(client["tls"], false, "{durability}: {client}");
        }
        assert!(all.iter().all(|(_, client)| client["own"] == false));
        assert!(listed(&up, &["--all"]).len() > all.len());
        // By the id that a line of ACL LOG leads to, as a table.
        let node = node.as_str().unwrap();
        let shown = ask(&up, &["--id", &ids[0], "--node", node]);
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(
            text.contains(&guests[0].address()) && text.contains("alice"),
            "{text}"
        );
        assert!(!text.contains("bob"), "{text}");
        // Whoever left is gone.
        let [alice, mut bob] = guests;
        drop(alice);
        eventually("alice is gone", || {
            ask(&up, &["--id", &ids[0], "--node", node]).status.code() == Some(1)
        });
        assert_eq!(bob.say("PING"), "+PONG");
        // The agent's own folder, as in a pod.
        let mut command = holdfast(&up.dir);
        let inside = command.args(["clients", "--dir", node]).output().unwrap();
        assert!(
            String::from_utf8_lossy(&inside.stdout).contains("bob"),
            "{}",
            said(&inside)
        );
        up.stop();
        let nobody = ask_in(dir.path());
        assert_eq!(nobody.status.code(), Some(4), "{}", said(&nobody));
        assert!(
            said(&nobody).contains("no agent answers"),
            "{}",
            said(&nobody)
        );
    }
}

fn ask_in(dir: &std::path::Path) -> Output {
    let args = ["clients", "--dir", "group"];
    holdfast(dir).args(args).output().unwrap()
}

#[test]
fn a_folder_without_a_group_is_named() {
    let dir = tempdir().unwrap();
    let output = ask_in(dir.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("name one with --dir"),
        "{}",
        said(&output)
    );
}
