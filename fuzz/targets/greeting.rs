//! The greeting of control connections: nobody gets in without the secret, and the answer to anything is short.
#![no_main]

use holdfast_link::{Identity, Kind, Secret, accept};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

fn me() -> Identity {
    Identity {
        wire: 1,
        cluster: "c".to_owned(),
        kind: Kind::Sentinel,
        group: String::new(),
        name: "sentinel-0".to_owned(),
        secret: Secret::from_bytes(b"a secret that the fuzzer does not know"),
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    })
}

/// Says these bytes to an acceptor. Returns whether it took them in, and what it answered.
async fn say(bytes: &[u8]) -> (bool, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let mut client = TcpStream::connect(address).await.expect("connected");
    let (server, _) = listener.accept().await.expect("accepted");
    client.set_zero_linger().expect("no port is left waiting");
    let talk = async {
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer).await;
        answer
    };
    let me = me();
    let (met, answer) = tokio::join!(async { accept(server, &me).await.is_ok() }, talk);
    (met, answer)
}

fuzz_target!(|bytes: &[u8]| {
    let (met, answer) = runtime().block_on(say(bytes));
    assert!(!met, "let in without the secret");
    assert!(answer.len() <= 1024 + 4 * bytes.len());
});
