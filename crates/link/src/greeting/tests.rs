#![allow(clippy::unwrap_used)]

use super::*;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

const CLUSTER: &str = "0123456789abcdef0123456789abcdef";

fn me(cluster: &str) -> Identity {
    Identity {
        wire: 1,
        cluster: cluster.to_owned(),
        kind: Kind::Sentinel,
        group: String::new(),
        name: "sentinel-0".to_owned(),
        secret: Secret::from_bytes(b"a secret of many bytes"),
    }
}

/// What a stranger is told who says this, and what the acceptor makes of it.
async fn say_this(line: &[u8]) -> (String, Result<Met, Error>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stranger = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let me = me(CLUSTER);
    let accepting = accept(stream, &me);
    let talking = async {
        stranger.write_all(line).await.unwrap();
        let mut told = String::new();
        BufReader::new(&mut stranger)
            .read_line(&mut told)
            .await
            .ok();
        told
    };
    let (met, told) = tokio::join!(accepting, talking);
    (told, met.map(|(met, ..)| met))
}

fn hello(cluster: &str, name: &str) -> Vec<u8> {
    let hello = Hello {
        wire: 1,
        cluster: cluster.to_owned(),
        kind: Kind::Agent,
        group: "mymaster".to_owned(),
        name: name.to_owned(),
        nonce: "00".repeat(16),
    };
    let mut line = serde_json::to_vec(&hello).unwrap();
    line.push(b'\n');
    line
}

fn refused(met: Result<Met, Error>) -> String {
    match met.unwrap_err() {
        Error::Refused(why) => why,
        other => other.to_string(),
    }
}

#[tokio::test]
async fn a_stranger_does_not_learn_which_cluster_this_is() {
    let (told, met) = say_this(&hello("another", "redis-0")).await;
    assert!(
        told.contains("serves another cluster than another"),
        "{told}"
    );
    assert!(!told.contains(CLUSTER), "{told}");
    let logged = refused(met);
    assert!(
        logged.contains(CLUSTER),
        "this side's log says both: {logged}"
    );
}

#[tokio::test]
async fn no_name_makes_lines_of_its_own_in_a_log() {
    for name in ["a\nb", "a\u{1b}[2J", "", &"x".repeat(256)] {
        let logged = refused(say_this(&hello(CLUSTER, name)).await.1);
        assert!(logged.contains("names have"), "{name:?}: {logged}");
    }
    let logged = refused(say_this(&hello("c\n2026 ERROR", "redis-0")).await.1);
    assert!(
        !logged.contains('\n') && logged.contains("c\\n2026"),
        "{logged}"
    );
}

#[tokio::test]
async fn what_is_said_before_the_proof_is_short() {
    let mut line = vec![b'['; GREETING_LINE_MAX as usize];
    let began = std::time::Instant::now();
    let (_, met) = say_this(&line).await;
    assert!(refused(met).contains("too long"));
    assert!(began.elapsed() < GREETING_MAX, "not by the deadline");
    line.truncate(100);
    let (told, met) = say_this(&line).await;
    assert_eq!(
        (told.as_str(), refused(met)),
        ("", Error::Timeout.to_string())
    );
}

#[tokio::test]
async fn what_an_acceptor_says_is_no_line_of_the_log_either() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut whereabouts = Whereabouts::new("127.0.0.1", listener.local_addr().unwrap().port());
    let me = me(CLUSTER);
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = [0; 64];
        stream.read_exact(&mut heard).await.unwrap();
        let line = b"{\"refused\":\"no\\nline\"}\n";
        stream.write_all(line).await.unwrap();
        stream
    };
    let (met, _stream) = tokio::join!(dial(&mut whereabouts, &me), answering);
    let why = refused(met.map(|(met, ..)| met));
    assert_eq!(why, "no\\nline");
}
