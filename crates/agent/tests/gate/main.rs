//! The gate in front of real servers.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

#[path = "../server_support/mod.rs"]
mod server_support;

mod accepted;
mod authority;
mod carry;
mod client;
mod commands;
mod cut;
mod echoes;
mod group;
mod hostile;
mod loss;
mod members;
mod niceness;
mod orders;
mod pair;
mod sizes;
mod stamps;
mod tls;
mod trust;
mod whose;

/// Work that waits by itself; the runtime has nothing else to do meanwhile.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    work()
}
