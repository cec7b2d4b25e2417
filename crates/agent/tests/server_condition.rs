//! Real servers that live and do not serve: scripts without an end, clients that pause, full tables of clients.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server_support;

use holdfast_agent::server::hang::Activity;
use holdfast_agent::server::{Event, LinkError, Watch};
use holdfast_core::wire::Condition;
use nix::sys::signal::Signal;
use server_support::{Node0, signal};
use std::time::Duration;

/// One that says `-BUSY` soon.
const IMPATIENT: &str = "lua-time-limit 300\n";

/// The condition that is told next, and for how long it has been so.
async fn told(node: &mut Node0) -> (Condition, u64) {
    match node.event().await {
        Event::Condition {
            condition, for_ms, ..
        } => (condition, for_ms),
        other => panic!("{other:?}"),
    }
}

async fn begin(node: &mut Node0, command: &[&str]) {
    let mut client = node.server.link().with_patience(Duration::from_millis(1));
    let said = client.command(command).await;
    assert_eq!(said, Err(LinkError::Timeout(1)));
}

#[tokio::test]
async fn a_script_without_an_end_is_told_and_can_be_ended() {
    let mut node = Node0::start_with(IMPATIENT).await;
    node.server.set_watch(Watch::Vigilant);
    node.reign().await;
    begin(&mut node, &["EVAL", "while true do end", "0"]).await;
    let (condition, for_ms) = told(&mut node).await;
    assert_eq!(condition, Condition::Busy);
    assert!((1..2_000).contains(&for_ms), "since it began: {for_ms}");
    assert_eq!(node.link.ping().await, Err(LinkError::Busy));
    node.link.end_script().await.unwrap();
    assert_eq!(told(&mut node).await.0, Condition::Well);
    node.set("a", "1").await.unwrap();
    node.link.end_script().await.expect("none runs any more");
}

#[tokio::test]
async fn a_function_without_an_end_can_be_ended_too() {
    let mut node = Node0::start_with(IMPATIENT).await;
    node.server.set_watch(Watch::Vigilant);
    node.reign().await;
    let library =
        "#!lua name=mylib\nredis.register_function('forever', function() while true do end end)";
    node.link
        .command(&["FUNCTION", "LOAD", library])
        .await
        .unwrap();
    begin(&mut node, &["FCALL", "forever", "0"]).await;
    assert_eq!(told(&mut node).await.0, Condition::Busy);
    node.link.end_script().await.unwrap();
    assert_eq!(told(&mut node).await.0, Condition::Well);
}

#[tokio::test]
async fn a_script_that_has_written_cannot_be_ended() {
    let mut node = Node0::start_with(IMPATIENT).await;
    node.server.set_watch(Watch::Vigilant);
    node.reign().await;
    let script = "redis.call('set', 'a', '1') while true do end";
    begin(&mut node, &["EVAL", script, "0"]).await;
    assert_eq!(told(&mut node).await.0, Condition::Busy);
    let refused = node.link.end_script().await.unwrap_err().to_string();
    assert!(refused.contains("UNKILLABLE"), "{refused}");
}

#[tokio::test]
async fn a_script_is_ended_on_a_link_that_has_waited_in_vain() {
    let mut node = Node0::start_with(IMPATIENT).await;
    node.server.set_watch(Watch::Vigilant);
    begin(&mut node, &["EVAL", "while true do end", "0"]).await;
    let mut link = node.server.link().with_patience(Duration::from_millis(20));
    assert_eq!(link.ping().await, Err(LinkError::Timeout(20)));
    assert_eq!(told(&mut node).await.0, Condition::Busy);
    link.with_patience(Duration::from_secs(1))
        .end_script()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_pause_is_no_hang_and_a_hang_in_a_pause_is_one() {
    let mut node = Node0::start().await;
    node.server.set_watch(Watch::Vigilant);
    node.reign().await;
    let pause = ["CLIENT", "PAUSE", "3000", "ALL"];
    node.link.command(&pause).await.unwrap();
    let (condition, for_ms) = told(&mut node).await;
    assert_eq!(condition, Condition::Paused);
    assert!((1..2_000).contains(&for_ms), "{for_ms}");
    // Nothing more is told for the pause, which lasts longer than a sleeping server is given.
    assert_eq!(told(&mut node).await.0, Condition::Well);
    node.set("a", "1").await.unwrap();
    node.link.command(&pause).await.unwrap();
    assert_eq!(told(&mut node).await.0, Condition::Paused);
    signal(node.server.pid(), Signal::SIGSTOP);
    let event = node.event().await;
    let Event::Hung { activity, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(activity, Activity::Stopped);
    signal(node.server.pid(), Signal::SIGCONT);
    assert!(matches!(node.event().await, Event::Recovered { .. }));
    assert_eq!(told(&mut node).await.0, Condition::Well);
}

#[tokio::test]
async fn a_command_that_blocks_the_server_is_a_hang_as_before() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let mut node = Node0::start().await;
    node.server.set_watch(Watch::Vigilant);
    node.reign().await;
    node.set("a", "1").await.unwrap();
    begin(
        &mut node,
        &["MIGRATE", "127.0.0.1", &port, "a", "0", "4000"],
    )
    .await;
    let event = node.event().await;
    let Event::Hung { activity, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(activity, Activity::Sleeping);
}
