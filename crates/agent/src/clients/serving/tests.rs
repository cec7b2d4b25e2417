#![allow(clippy::expect_used)]

use super::*;
use crate::clients::ask;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::Instant;
use tempfile::TempDir;
use tokio::task::LocalSet;

/// An agent whose redis-server does not run, asked on another thread.
async fn with_agent(ask: impl FnOnce(PathBuf) + Send + 'static) {
    let home = TempDir::new().expect("a directory");
    let dir = home.path().to_owned();
    let agent = async {
        let listener = open(&dir).expect("a socket");
        let (inbox, mut notices) = mpsc::channel(8);
        spawn_local(serve(listener, inbox));
        let (done, ended) = oneshot::channel();
        let asker = dir.clone();
        std::thread::spawn(move || {
            ask(asker);
            let _ = done.send(());
        });
        spawn_local(async move {
            while let Some(notice) = notices.recv().await {
                let Notice::Asked(asker) = notice else {
                    continue;
                };
                let _ = asker.send(Outlook {
                    node: "redis-0".to_owned(),
                    tls: false,
                    server: None,
                    gate: None,
                });
            }
        });
        ended.await.expect("as expected");
    };
    LocalSet::new().run_until(agent).await;
}

fn connect(dir: &Path) -> std::os::unix::net::UnixStream {
    let stream = std::os::unix::net::UnixStream::connect(dir.join(SOCKET));
    let stream = stream.expect("a connection");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a time");
    stream
}

fn say(dir: &Path, bytes: &[u8]) -> String {
    let mut stream = connect(dir);
    stream.write_all(bytes).expect("sent");
    let mut said = String::new();
    let _ = stream.read_to_string(&mut said);
    said
}

fn refusal(dir: &Path) -> String {
    let refused = ask(dir, &Question::new(None)).expect_err("no redis-server");
    format!("{refused:#}")
}

#[tokio::test]
async fn only_its_own_user_may_ask() {
    with_agent(|dir| {
        let socket = std::fs::metadata(dir.join(SOCKET)).expect("the socket");
        assert_eq!(socket.permissions().mode() & 0o777, 0o600);
        assert_eq!(
            refusal(&dir),
            "the agent refuses: redis-server does not run"
        );
    })
    .await;
    assert!(!is_trusted(getuid().as_raw().wrapping_add(1)));
}

#[tokio::test]
async fn what_is_no_question_is_refused_in_a_sentence() {
    with_agent(|dir| {
        for (bytes, why) in [
            (&b"garbage\n"[..], "not a question"),
            (b"\xff\xfe\n", "not a question"),
            (b"{\"version\":1,\"name\":\"a\"}\n", "unknown field `name`"),
            (b"{\"version\":1,\"id\":-1}\n", "not a question"),
            (b"{\"version\":2}\n", "this agent knows 1"),
            (&[b'x'; 2_000], "a line of at most"),
        ] {
            let said = say(&dir, bytes);
            assert!(said.contains("refused") && said.contains(why), "{said}");
        }
        // A stale socket of an agent that was killed is replaced, others are not harmed.
        assert!(refusal(&dir).contains("does not run"));
    })
    .await;
}

#[tokio::test]
async fn one_asker_too_many_is_told_so() {
    with_agent(|dir| {
        let silent: Vec<_> = (0..ASKERS_MAX).map(|_| connect(&dir)).collect();
        let begun = Instant::now();
        assert!(refusal(&dir).contains(TOO_MANY));
        assert!(begun.elapsed() < ASK_WITHIN, "at once");
        // Those who say nothing are not waited for.
        for mut stream in silent {
            let mut said = String::new();
            stream.read_to_string(&mut said).expect("an answer");
            assert!(said.contains("no question came in time"), "{said}");
        }
        assert!(begun.elapsed() < 5 * ASK_WITHIN);
        assert!(refusal(&dir).contains("does not run"));
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_is_left_over_is_replaced() {
    let home = TempDir::new().expect("a directory");
    let long = home.path().join("d".repeat(120));
    std::fs::create_dir(&long).expect("created");
    drop(open(&long).expect("a socket"));
    assert!(long.join(SOCKET).exists());
    assert!(
        format!(
            "{:#}",
            ask(&long, &Question::new(None)).expect_err("nobody")
        )
        .contains("no agent answers")
    );
    let _listener = open(&long).expect("another one");
}
