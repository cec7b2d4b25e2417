//! What an idle watch costs. One test, so that the process's CPU time is its own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server_support;

use holdfast_agent::server::Watch;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use server_support::Node0;
use std::time::{Duration, Instant};

fn cpu_us() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
}

async fn percent_of_a_core(node: &Node0, watch: Watch) -> f64 {
    node.server.set_watch(watch);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (at, before) = (Instant::now(), cpu_us());
    tokio::time::sleep(Duration::from_secs(2)).await;
    (cpu_us() - before) as f64 / at.elapsed().as_micros() as f64 * 100.0
}

#[tokio::test]
async fn an_idle_watch_is_cheap() {
    let node = Node0::start().await;
    // The better of two: a busy machine makes every wake-up dearer.
    let (mut vigilant, mut relaxed) = (f64::MAX, f64::MAX);
    for _ in 0..2 {
        vigilant = vigilant.min(percent_of_a_core(&node, Watch::Vigilant).await);
        relaxed = relaxed.min(percent_of_a_core(&node, Watch::Relaxed).await);
    }
    eprintln!("vigilant {vigilant:.2} %, relaxed {relaxed:.2} % of a core");
    assert!(
        vigilant < 1.0 && relaxed < 0.4,
        "vigilant {vigilant:.2} %, relaxed {relaxed:.2} %"
    );
}
