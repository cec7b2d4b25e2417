//! What it costs to know a session: nanoseconds for each request and each reply of a pipeline.
//!
//! `cargo run --release -p holdfast-core --example session`; the least of many rounds, so that a busy machine disturbs little.

use holdfast_core::mutant::Mutant;
use holdfast_core::session::{Scripts, Session};
use std::time::Instant;

const PIPELINE: usize = 1_000;
const ROUNDS: usize = 2_000;

fn main() {
    let set = "*3\r\n$3\r\nSET\r\n$8\r\nkey:0001\r\n$3\r\nxxx\r\n";
    let get = "*2\r\n$3\r\nGET\r\n$8\r\nkey:0001\r\n";
    let transaction = "*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*1\r\n$4\r\nEXEC\r\n";
    measure("SET, +OK", set, "+OK\r\n");
    measure("GET, 3 bytes", get, "$3\r\nxxx\r\n");
    measure(
        "GET, 4 KiB",
        get,
        &format!("$4096\r\n{}\r\n", "x".repeat(4096)),
    );
    measure(
        "LRANGE of 100",
        get,
        &format!("*100\r\n{}", "$3\r\nxxx\r\n".repeat(100)),
    );
    measure(
        "MULTI, INCR, EXEC",
        transaction,
        "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n",
    );
}

fn measure(what: &str, request: &str, reply: &str) {
    let (requests, replies) = (request.repeat(PIPELINE), reply.repeat(PIPELINE));
    let (mut session, mut scripts) = (Session::new(Mutant::None), Scripts::default());
    let (mut asked, mut heard) = (u128::MAX, u128::MAX);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        session.note(0, requests.as_bytes());
        let between = Instant::now();
        session.hear(replies.as_bytes(), &mut scripts);
        asked = asked.min((between - begun).as_nanos());
        heard = heard.min(between.elapsed().as_nanos());
    }
    assert!(session.is_quiet() && session.spoiled().is_none());
    let each = |nanos: u128| nanos as f64 / PIPELINE as f64;
    println!(
        "{what}: {:.1} ns a request, {:.1} ns its reply",
        each(asked),
        each(heard)
    );
}
