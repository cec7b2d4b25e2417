//! Orders and positions, on real servers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server_support;

use holdfast_agent::server::{LinkError, Role};
use holdfast_core::names::Address;
use holdfast_core::record::Durability;
use server_support::{Node0, options};
use std::time::Duration;

fn dead() -> Address {
    Address::new("127.0.0.1", 1)
}

#[tokio::test]
async fn a_server_is_born_sealed_and_stays_closed_by_hand() {
    let mut node = Node0::start().await;
    let info = node.link.info().await.unwrap();
    assert_eq!(info.replication.role, Role::Replica);
    assert_eq!(info.replication.follows, Some(dead()));
    assert_eq!((info.replication.offset, info.keys), (0, 0));
    assert!(info.replication.fenced && !info.loading && info.persistence.aof_enabled);
    assert_eq!(info.run_id.as_str().len(), 40);
    assert!(info.maxmemory > 0);
    assert!(node.set("a", "1").await.unwrap_err().contains("READONLY"));
    node.link
        .command(&["REPLICAOF", "NO", "ONE"])
        .await
        .unwrap();
    let refusals = [
        node.set("a", "1").await,
        node.link
            .command(&["EVAL", "return redis.call('set','a','1')", "0"])
            .await
            .map(drop)
            .map_err(|e| e.to_string()),
    ];
    for refusal in refusals {
        assert!(refusal.unwrap_err().contains("NOREPLICAS"));
    }
    assert_eq!(node.get("a").await, None);
}

async fn make_primary_by_hand(node: &mut Node0) {
    let no_one = ["REPLICAOF", "NO", "ONE"];
    node.link.command(&no_one).await.unwrap();
}

#[tokio::test]
async fn a_sealed_server_that_is_made_a_primary_by_hand_wipes_nobody() {
    let (mut primary, mut replica) = (Node0::start().await, Node0::start().await);
    primary.reign().await;
    primary.set("a", "1").await.unwrap();
    replica.follow_and_catch_up(&mut primary).await;
    primary.link.depose().await.unwrap();
    let (mut blank, mut other) = (Node0::start().await, Node0::start().await);
    for sealed in [&mut blank, &mut primary] {
        make_primary_by_hand(sealed).await;
    }
    other.reign().await;
    other.set("b", "2").await.unwrap();
    other.link.depose().await.unwrap();
    // One has nothing, the other has ruled and has something else.
    replica.link.follow(blank.address()).await.unwrap();
    other.link.follow(primary.address()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(replica.get("a").await.as_deref(), Some("1"));
    assert_eq!(other.get("b").await.as_deref(), Some("2"));
    // Whoever is promoted by its agent gives copies, also to those who have waited.
    primary.link.promote().await.unwrap();
    other.catch_up(&mut primary).await;
    assert_eq!(other.get("a").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn promote_leaves_the_fence_closed_until_it_is_opened() {
    let mut node = Node0::start().await;
    let info = node.link.promote().await.unwrap();
    assert_eq!(
        (
            info.replication.role,
            info.replication.fenced,
            info.replication.follows
        ),
        (Role::Primary, true, None)
    );
    assert!(node.set("a", "1").await.is_err());
    node.link.open().await.unwrap();
    assert!(!node.link.replication().await.unwrap().fenced);
    node.set("a", "1").await.unwrap();
    node.link.fence().await.unwrap();
    assert!(node.set("a", "2").await.is_err());
    assert_eq!(node.get("a").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn who_is_shut_out_finds_no_server_until_the_door_opens() {
    let mut node = Node0::start().await;
    node.reign().await;
    node.link.open().await.unwrap();
    let address = ("127.0.0.1", node.options.listen.port);
    let client = std::net::TcpStream::connect(address).unwrap();
    let seen = node.server.shut_out(&mut node.link).await.unwrap();
    assert!(seen.replication.fenced && node.server.is_shut());
    let mut rest = Vec::new();
    client
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let ended = std::io::Read::read_to_end(&mut &client, &mut rest);
    let waits = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(
        !waits && rest.is_empty(),
        "ended, and told nothing: {rest:?}"
    );
    assert!(std::net::TcpStream::connect(address).is_err());
    node.server.open_door(&mut node.link).await.unwrap();
    assert!(!node.server.is_shut());
    assert!(std::net::TcpStream::connect(address).is_ok());
}

/// Its settings are looked at all the same: there is no door that would have to open first.
#[tokio::test]
async fn behind_a_gate_there_is_no_door_to_shut() {
    let home = tempfile::TempDir::new().unwrap();
    let mut options = options(home.path());
    options.durability = Durability::Quorum;
    let mut node = Node0::start_in(home, options).await;
    node.reign().await;
    let seen = node.server.shut_out(&mut node.link).await.unwrap();
    assert!(seen.replication.fenced && !node.server.is_shut());
}

#[tokio::test]
async fn sealed_positions_are_the_applied_ones_and_the_next_sync_is_partial() {
    let (mut a, mut b, mut c) = (
        Node0::start().await,
        Node0::start().await,
        Node0::start().await,
    );
    a.reign().await;
    b.follow_and_catch_up(&mut a).await;
    c.follow_and_catch_up(&mut a).await;
    for i in 0..100 {
        a.set(&format!("k{i}"), "v").await.unwrap();
    }
    b.catch_up(&mut a).await;
    c.catch_up(&mut a).await;
    // C falls behind: sealed before the last writes.
    let sealed_c = c.link.seal().await.unwrap();
    a.set("late", "1").await.unwrap();
    b.catch_up(&mut a).await;
    let before = a.link.replication().await.unwrap();
    let sealed_b = b.link.seal().await.unwrap();
    let sealed_a = a.link.depose().await.unwrap();
    for sealed in [&sealed_a, &sealed_b, &sealed_c] {
        assert_eq!(sealed.replication.replid, before.replid);
        assert_eq!(sealed.replication.follows, Some(dead()));
        assert!(sealed.replication.fenced);
    }
    assert!(
        sealed_a.replication.offset >= before.offset,
        "a primary's last pings count"
    );
    assert!(
        sealed_b.replication.offset >= before.offset
            && sealed_b.replication.offset <= sealed_a.replication.offset
    );
    assert!(sealed_c.replication.offset < sealed_b.replication.offset);
    assert_eq!(
        (sealed_a.keys, sealed_b.keys, sealed_c.keys),
        (101, 101, 100)
    );
    // A sealed position does not move.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    for (node, sealed) in [
        (&mut a, &sealed_a),
        (&mut b, &sealed_b),
        (&mut c, &sealed_c),
    ] {
        assert_eq!(
            node.link.replication().await.unwrap().offset,
            sealed.replication.offset
        );
    }
    // B reigns: its history continues at its position, and C comes level without a full copy.
    let promoted = b.link.promote().await.unwrap();
    assert_ne!(promoted.replication.replid, before.replid);
    let former = Some((before.replid.clone(), sealed_b.replication.offset));
    assert_eq!(promoted.replication.before, former);
    b.link.open().await.unwrap();
    b.set("new", "2").await.unwrap();
    c.follow_and_catch_up(&mut b).await;
    assert_eq!(c.get("late").await.as_deref(), Some("1"));
    assert_eq!(c.get("new").await.as_deref(), Some("2"));
    // C knows under which name it had its data, and up to where: by that it can still be compared when nobody knows B's.
    let copied = c.link.replication().await.unwrap();
    let former = Some((before.replid, sealed_c.replication.offset));
    assert_eq!(
        (copied.replid, copied.before),
        (promoted.replication.replid, former)
    );
    assert_eq!(
        (b.count("sync_full").await, b.count("sync_partial_ok").await),
        (0, 1)
    );
    // The old primary, when it has nothing of its own beyond B's start, too.
    if sealed_a.replication.offset == sealed_b.replication.offset {
        a.follow_and_catch_up(&mut b).await;
        assert_eq!(b.count("sync_full").await, 0);
    }
}

/// Pause, level, depose; what the old primary still sent (it pings its replicas also while paused) reaches the new one
/// by the old link, which a seal of the *sender* leaves up; then promote.
async fn hand_over(from: &mut Node0, to: &mut Node0) {
    from.link.hold(2000).await.unwrap();
    to.catch_up(from).await;
    let last = from.link.depose().await.unwrap().replication.offset;
    while to.link.replication().await.unwrap().offset < last {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let promoted = to.link.promote().await.unwrap().replication;
    assert_eq!(
        promoted.before.map(|(_, until)| until),
        Some(last),
        "the same history to the last byte"
    );
    to.link.open().await.unwrap();
}

#[tokio::test]
async fn a_chain_of_promotions_resyncs_partially() {
    let (mut a, mut b, mut c) = (
        Node0::start().await,
        Node0::start().await,
        Node0::start().await,
    );
    a.reign().await;
    b.follow_and_catch_up(&mut a).await;
    c.follow_and_catch_up(&mut a).await;
    a.set("from a", "1").await.unwrap();
    hand_over(&mut a, &mut b).await;
    b.set("from b", "2").await.unwrap();
    c.follow_and_catch_up(&mut b).await;
    a.follow_and_catch_up(&mut b).await;
    hand_over(&mut b, &mut c).await;
    c.set("from c", "3").await.unwrap();
    a.follow_and_catch_up(&mut c).await;
    b.follow_and_catch_up(&mut c).await;
    for node in [&mut a, &mut b] {
        assert_eq!(node.get("from c").await.as_deref(), Some("3"));
        assert_eq!(node.link.info().await.unwrap().keys, 3);
    }
    assert_eq!(
        (b.count("sync_full").await, c.count("sync_full").await),
        (0, 0)
    );
    let replicas = c.link.replication().await.unwrap().connected_replicas;
    let mut ports: Vec<u16> = replicas
        .iter()
        .map(|replica| replica.address.port)
        .collect();
    ports.sort_unstable();
    let mut expected = vec![a.address().port, b.address().port];
    expected.sort_unstable();
    assert_eq!(
        ports, expected,
        "replicas are known by the address that they announce"
    );
}

#[tokio::test]
async fn deposing_disconnects_clients_and_following_twice_changes_nothing() {
    use std::io::Read;
    let (mut a, mut b) = (Node0::start().await, Node0::start().await);
    a.reign().await;
    b.follow_and_catch_up(&mut a).await;
    let mut client = std::net::TcpStream::connect(("127.0.0.1", a.address().port)).unwrap();
    client
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    std::io::Write::write_all(&mut client, b"SUBSCRIBE x\r\n").unwrap();
    assert!(client.read(&mut [0; 256]).unwrap() > 0);
    let full = a.count("sync_full").await;
    b.link.follow(a.address()).await.unwrap();
    b.catch_up(&mut a).await;
    assert_eq!(a.count("sync_full").await, full);
    b.link.follow_now(a.address()).await.unwrap();
    b.catch_up(&mut a).await;
    assert_eq!(
        a.count("sync_full").await,
        full,
        "a hurried reconnect is partial"
    );
    a.link.depose().await.unwrap();
    assert_eq!(
        client.read(&mut [0; 256]).unwrap(),
        0,
        "the subscriber is disconnected"
    );
    a.link.ping().await.unwrap();
}

#[tokio::test]
async fn a_hold_lets_writes_wait_and_a_seal_ends_it() {
    let mut node = Node0::start().await;
    node.reign().await;
    node.link.hold(60_000).await.unwrap();
    let mut writer = node.server.link().with_patience(Duration::from_millis(100));
    assert_eq!(
        writer.command(&["SET", "a", "1"]).await,
        Err(LinkError::Timeout(100))
    );
    assert_eq!(node.get("a").await, None);
    node.link.depose().await.unwrap();
    let refused = node.set("a", "1").await.unwrap_err();
    assert!(refused.contains("READONLY"), "{refused}");
}

#[tokio::test]
async fn clients_are_denied_what_the_register_decides() {
    use std::io::{Read, Write};
    let mut node = Node0::start_with("user app on nopass ~* &* +@all").await;
    node.reign().await;
    for hello in ["", "AUTH app x\r\n"] {
        for command in [
            "REPLICAOF NO ONE",
            "SLAVEOF 127.0.0.1 1",
            "FAILOVER",
            "SHUTDOWN NOSAVE",
        ] {
            let mut client =
                std::net::TcpStream::connect(("127.0.0.1", node.address().port)).unwrap();
            client
                .write_all(format!("{hello}{command}\r\n").as_bytes())
                .unwrap();
            client.shutdown(std::net::Shutdown::Write).unwrap();
            let mut said = String::new();
            client.read_to_string(&mut said).unwrap();
            assert!(said.contains("-NOPERM"), "{hello}{command}: {said}");
        }
    }
    assert_eq!(node.link.replication().await.unwrap().role, Role::Primary);
}

#[tokio::test]
async fn a_link_belongs_to_one_process_and_says_what_is_wrong() {
    let mut node = Node0::start().await;
    let mut old = node.server.link();
    old.ping().await.unwrap();
    assert!(matches!(
        old.command(&["NO-SUCH"]).await,
        Err(LinkError::Refused { .. })
    ));
    old.ping().await.unwrap();
    // Closed by the server: the next call goes through on a new connection.
    node.kill_clients().await;
    old.ping().await.unwrap();
    node.reign().await;
    node.set("a", "1").await.unwrap();
    let mut node = node.restart().await;
    assert!(
        matches!(old.ping().await, Err(LinkError::Closed(_))),
        "a later incarnation is another server"
    );
    assert_eq!(
        node.get("a").await.as_deref(),
        Some("1"),
        "stopped in order, the data is there"
    );
}

#[tokio::test]
async fn a_busy_script_and_a_silent_server_are_told_apart() {
    let mut node = Node0::start_with("lua-time-limit 50").await;
    node.reign().await;
    let mut script = node.server.link().with_patience(Duration::from_millis(150));
    let endless = script.command(&["EVAL", "while true do end", "0"]).await;
    assert_eq!(endless, Err(LinkError::Timeout(150)));
    assert_eq!(node.link.info().await, Err(LinkError::Busy));
    node.link.command(&["SCRIPT", "KILL"]).await.unwrap();
    // The script ends at its next look around.
    while node.link.info().await == Err(LinkError::Busy) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    node.link.info().await.unwrap();
}

#[tokio::test]
async fn a_hold_lets_writes_wait_until_they_are_served_or_refused() {
    let mut node = Node0::start().await;
    node.reign().await;
    let patient = |node: &Node0| node.server.link().with_patience(Duration::from_secs(5));
    let mut writer = patient(&node);
    writer.command(&["SET", "a", "1"]).await.unwrap();
    // Short holds do not run out.
    node.link.hold(10).await.unwrap();
    let waiting = tokio::spawn(async move { writer.command(&["SET", "a", "2"]).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!waiting.is_finished());
    node.link.fence().await.unwrap();
    let refused = waiting.await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("NOREPLICAS"), "{refused}");
    node.link.open().await.unwrap();
    node.link.hold(10_000).await.unwrap();
    let mut writer = patient(&node);
    let waiting = tokio::spawn(async move { writer.command(&["SET", "a", "3"]).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    assert_eq!(node.get("a").await.as_deref(), Some("1"), "reads go on");
    node.link.open().await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(node.get("a").await.as_deref(), Some("3"));
}
