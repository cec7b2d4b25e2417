//! Only members acknowledge: whatever a client says, it counts for nothing.

use crate::blocking;
use crate::client::{Client, text};
use crate::group::{Gated, Group};
use holdfast_agent::Options;
use holdfast_agent::server::Login;
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Address, Group as Name, Node};
use holdfast_core::record::Durability;
use std::io::Write;
use std::time::Duration;

const FAR: &str = "1000000000000000";

fn resp(commands: &[&[&str]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for command in commands {
        holdfast_resp::encode_command(command, &mut bytes);
    }
    bytes
}

/// Says all of it at once, and then acknowledges all that there will ever be, for as long as it is heard.
fn forge(port: u16, commands: &[&[&str]]) -> Client {
    let mut client = Client::connect(port);
    client.stream.write_all(&resp(commands)).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    for _ in 0..3 {
        let _ = client.stream.write_all(&resp(&[&["REPLCONF", "ACK", FAR]]));
        std::thread::sleep(Duration::from_millis(20));
    }
    client
}

/// What a replica announces, as the member's own redis-server would say it.
fn announced(at: &Address) -> [Vec<String>; 2] {
    let port = at.port.to_string();
    let words = |words: [&str; 3]| words.map(str::to_owned).to_vec();
    [
        words(["REPLCONF", "listening-port", &port]),
        words(["REPLCONF", "ip-address", &at.host]),
    ]
}

/// Forges in the name of the only member while that is stopped; returns whether a write is answered.
fn is_deceived(group: &Group, before: &[&[&str]]) -> bool {
    let at = group.replicas[0].node.options.listen.clone();
    let announced = announced(&at);
    let announced = announced
        .each_ref()
        .map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
    let mut said: Vec<&[&str]> = before.to_vec();
    said.extend(announced.iter().map(Vec::as_slice));
    let psync: &[&str] = &["PSYNC", "?", "-1"];
    said.push(psync);
    group.freeze();
    let forger = forge(group.primary.port(), &said);
    let mut client = group.client();
    client.send(&["SET", "lost", "1"]);
    let deceived = !client.is_silent(400);
    drop(forger);
    group.thaw();
    deceived
}

/// The fault as it was found: the answer to `PING` was taken for the answer to `PSYNC`.
#[tokio::test]
async fn a_forged_acknowledgement_releases_nothing() {
    for durability in [Durability::Quorum, Durability::Fsync] {
        let group = Group::start_as(1, 1, durability, "", Mutant::None).await;
        blocking(|| assert!(!is_deceived(&group, &[&["PING"]]), "{durability}"));
        assert!(group.primary.gate.turned_away() > 0, "it is counted");
    }
}

#[tokio::test]
async fn a_planted_bug_is_deceived() {
    let mutant = Mutant::CountAForgedAcknowledgement;
    let group = Group::start_with(1, 1, "", mutant).await;
    blocking(|| assert!(is_deceived(&group, &[&["PING"]]), "the test cannot see it"));
}

/// Users who may do more, one answer at a time, and pieces of a member's own words.
#[tokio::test]
async fn no_user_speaks_for_a_member() {
    let conf = "user app on >word ~* &* +@all\nuser repl on >word +psync +replconf +ping";
    let group = Group::start_with(1, 1, conf, Mutant::None).await;
    let other = Login::new("another password", &group.primary.node.options);
    let forged = other.proof(&Node::from("redis-1"));
    let mut elsewhere = group.primary.node.options.clone();
    elsewhere.group = Name::from("another");
    let stolen =
        Login::new(crate::server_support::PASSWORD, &elsewhere).proof(&Node::from("redis-1"));
    blocking(|| {
        for before in [
            &[][..],
            &[&["AUTH", "app", "word"][..]],
            &[&["AUTH", "repl", "word"]],
            &[&["AUTH", "holdfast", &forged]],
            &[&["AUTH", "holdfast", &stolen]],
            &[&["PING"], &["PING"], &["PING"], &["PING"]],
            &[&["GET", "a"]],
            &[&["REPLCONF", "ACK", FAR], &["PING"]],
        ] {
            assert!(!is_deceived(&group, before), "{before:?}");
        }
    });
    // The member itself still counts.
    blocking(|| assert_eq!(group.client().text(&["SET", "kept", "1"]), "OK"));
}

/// The password of the cluster is enough to do anything, but not to be a member.
#[tokio::test]
async fn the_password_alone_gives_no_stream() {
    let group = Group::start(1, 1).await;
    blocking(|| {
        let mut client = group.client();
        let password = crate::server_support::PASSWORD;
        assert_eq!(client.text(&["AUTH", "holdfast", password]), "OK");
        client.send(&["PSYNC", "?", "-1"]);
        let said = text(&client.read());
        assert!(
            said.starts_with("-NOPERM") && said.contains("proof"),
            "{said}"
        );
        assert!(client.is_closed());
    });
}

/// A member whose redis-server claims more than it was sent is cut off, and comes back by the stream.
#[tokio::test]
async fn a_member_that_claims_too_much_is_closed() {
    let group = Group::start(1, 1).await;
    let options = &group.replicas[0].node.options;
    let proof = Login::new(crate::server_support::PASSWORD, options).proof(&options.name);
    blocking(|| {
        let mut member = group.client();
        assert_eq!(member.text(&["AUTH", "holdfast", &proof]), "OK");
        for words in announced(&options.listen) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(member.text(&words), "OK");
        }
        member.send(&["PSYNC", "?", "-1"]);
        let begun = text(&member.read());
        assert!(begun.starts_with("FULLRESYNC"), "{begun}");
        group.freeze();
        member.send(&["REPLCONF", "ACK", FAR]);
        let mut client = group.client();
        client.send(&["SET", "a", "1"]);
        assert!(client.is_silent(300));
        let before = group.primary.gate.turned_away();
        assert!(before > 0);
        group.thaw();
        assert_eq!(text(&client.read()), "OK", "the member itself came back");
    });
}

/// A replica logs in by whatever its primary takes.
#[tokio::test]
async fn copies_with_and_without_a_length_are_followed() {
    for by_stream in ["no", "yes"] {
        let mut group = Group::start(1, 1).await;
        blocking(|| {
            let value = "x".repeat(100_000);
            assert_eq!(group.client().text(&["SET", "large", &value]), "OK");
        });
        let link = &mut group.primary.node.link;
        for (key, value) in [
            ("repl-diskless-sync", by_stream),
            ("repl-diskless-sync-delay", "0"),
        ] {
            link.command(&["CONFIG", "SET", key, value]).await.unwrap();
        }
        let named = |options: &mut Options| options.name = Node::from("redis-2");
        let mut late = Gated::start_set(Durability::Quorum, "", Mutant::None, &named).await;
        late.node.follow_and_catch_up(&mut group.primary.node).await;
        group.replicas.push(late);
        // Both have to acknowledge.
        group.primary.gate.order(group.hold(2, 2));
        blocking(|| {
            for number in 0..20 {
                let key = format!("k{number}");
                assert_eq!(
                    group.client().text(&["SET", &key, "1"]),
                    "OK",
                    "{by_stream}"
                );
            }
        });
        assert_eq!(group.primary.gate.turned_away(), 0);
    }
}
