//! The gate with TLS: whom it trusts, and for how long it waits to get to know.

use crate::authority::{Authority, Secure, said, said_in_vain};
use crate::blocking;
use crate::client::Client;
use crate::group::Gated;
use crate::pair::Pair;
use crate::tls::group;
use holdfast_agent::Options;
use holdfast_core::mutant::Mutant;
use holdfast_core::record::Durability;
use rustls::StreamOwned;
use rustls::pki_types::CertificateDer;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Places at a gate in tests.
const PLACES: usize = 500;

/// Who come at once.
const CROWD: usize = 200;

#[tokio::test]
async fn who_has_no_certificate_of_ours_is_refused() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let demands = |options: &mut Options| {
        ours.certify(options);
        options.tls_client_auth = true;
    };
    let mut group = group(1, &demands).await;
    let port = group.primary.port();
    blocking(|| {
        let ping = ["PING"];
        assert_eq!(said(ours.cli_that_shows(port, &ours, &ping)), "PONG");
        for refused in [
            ours.cli(port, &ping),
            ours.cli_that_shows(port, &theirs, &ping),
            // The client refuses this one.
            theirs.cli_that_shows(port, &ours, &ping),
        ] {
            assert!(!said_in_vain(refused).contains("PONG"));
        }
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut others: Secure = Client::over(StreamOwned::new(ours.connection(&theirs), stream));
        assert!(others.try_read().is_err());
    });
    // Nor does a replica of somebody else get any data.
    let certify = |options: &mut Options| theirs.certify(options);
    let stranger = Gated::start_set(Durability::Quorum, "", Mutant::None, &certify);
    let mut stranger = stranger.await;
    let primary = group.primary.node.address().clone();
    stranger.node.link.follow(&primary).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!stranger.node.link.replication().await.unwrap().link_up);
    assert!(group.primary.node.set("still", "here").await.is_ok());
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let authority = Authority::new();
    let group = group(1, &|options| authority.certify(options)).await;
    blocking(|| {
        let begun = Instant::now();
        let mut silent = TcpStream::connect(("127.0.0.1", group.primary.port())).unwrap();
        let mut halfway = TcpStream::connect(("127.0.0.1", group.primary.port())).unwrap();
        // The head of a record that never ends.
        halfway.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
        for one in [&mut silent, &mut halfway] {
            one.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            assert!(one.read_to_end(&mut Vec::new()).is_ok());
        }
        let took = begun.elapsed();
        assert!(
            took > Duration::from_secs(4) && took < Duration::from_secs(15),
            "{took:?}"
        );
        // Who has shaken hands may be silent for longer.
        assert_eq!(said(authority.cli(group.primary.port(), &["PING"])), "PONG");
    });
}

#[tokio::test]
async fn those_who_do_not_shake_hands_keep_nobody_out_for_long() {
    let authority = Authority::new();
    let group = group(1, &|options| authority.certify(options)).await;
    let port = group.primary.port();
    blocking(|| {
        let mut early = authority.client(port);
        assert_eq!(early.text(&["SET", "a", "1"]), "OK");
        // More than there are places.
        let silent: Vec<_> = (0..PLACES)
            .map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap())
            .collect();
        std::thread::sleep(Duration::from_millis(200));
        assert!(!said_in_vain(authority.cli(port, &["PING"])).contains("PONG"));
        assert_eq!(early.text(&["GET", "a"]), "1");
        let begun = Instant::now();
        while said_in_vain(authority.cli(port, &["PING"])) != "PONG" {
            assert!(begun.elapsed() < Duration::from_secs(15));
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(silent.len() == PLACES);
        assert_eq!(early.text(&["GET", "a"]), "1");
    });
}

/// Each handshake costs a signature; those who are in are served between them.
#[tokio::test]
async fn a_crowd_that_shakes_hands_does_not_stop_the_others() {
    let authority = Authority::new();
    authority.sign_as(2, "rsa:2048", 2);
    let group = group(1, &|options| authority.certify(options)).await;
    let port = group.primary.port();
    blocking(|| {
        let mut client = authority.client(port);
        assert_eq!(client.text(&["SET", "a", "1"]), "OK");
        let mut crowd: Vec<_> = (0..CROWD)
            .map(|_| {
                let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                (authority.connection(&authority), stream)
            })
            .collect();
        std::thread::sleep(Duration::from_millis(200));
        for (connection, stream) in &mut crowd {
            connection.write_tls(stream).unwrap();
        }
        assert_eq!(client.text(&["SET", "a", "2"]), "OK");
        let answered = |(_, stream): &&(_, TcpStream)| {
            stream.set_nonblocking(true).unwrap();
            stream.peek(&mut [0]).is_ok()
        };
        let meanwhile = crowd.iter().filter(answered).count();
        assert!(
            meanwhile < CROWD / 2,
            "{meanwhile} of them were served first"
        );
        let begun = Instant::now();
        while crowd.iter().filter(answered).count() < CROWD {
            assert!(begun.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

#[tokio::test]
async fn a_certificate_that_has_run_out_is_refused() {
    let authority = Authority::new();
    let demands = |options: &mut Options| {
        authority.certify(options);
        options.tls_client_auth = true;
    };
    let group = group(1, &demands).await;
    let port = group.primary.port();
    blocking(|| {
        authority.sign_as(2, "rsa:2048", 0);
        std::thread::sleep(Duration::from_millis(2_100));
        let refused = authority.cli_that_shows(port, &authority, &["PING"]);
        assert!(!said_in_vain(refused).contains("PONG"));
        authority.sign(3);
        let taken = authority.cli_that_shows(port, &authority, &["PING"]);
        assert_eq!(said(taken), "PONG");
    });
}

#[tokio::test]
async fn certificates_are_exchanged_while_it_runs() {
    let authority = Authority::new();
    let group = group(1, &|options| authority.certify(options)).await;
    let (port, options) = (group.primary.port(), &group.primary.node.options);
    let certificates = group.primary.certificates.as_ref().unwrap();
    blocking(|| {
        let mut before = authority.client(port);
        assert_eq!(before.text(&["SET", "a", "1"]), "OK");
        let first = shown(&before);
        authority.sign(2);
        // A key that does not belong to it: nothing changes.
        std::fs::rename(authority.file("tls.key"), authority.file("kept.key")).unwrap();
        std::fs::copy(authority.file("ca.key"), authority.file("tls.key")).unwrap();
        assert!(certificates.renew(options).is_err());
        std::fs::rename(authority.file("kept.key"), authority.file("tls.key")).unwrap();
        let mut between = authority.client(port);
        assert_eq!(between.text(&["GET", "a"]), "1");
        assert_eq!(shown(&between), first);
        certificates.renew(options).unwrap();
        let mut after = authority.client(port);
        assert_eq!(after.text(&["GET", "a"]), "1");
        assert_ne!(shown(&after), first);
        assert_eq!(before.text(&["GET", "a"]), "1", "its connection stands");
    });
}

fn shown(client: &Secure) -> CertificateDer<'static> {
    let chain = client.stream.conn.peer_certificates().unwrap();
    chain[0].clone().into_owned()
}

#[tokio::test]
async fn sessions_do_not_go_on_at_a_gate_that_is_not_ours() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut pair = Pair::start_set(Mutant::None, &|options| ours.certify(options)).await;
    let mut client = ours.client(pair.ruler().port());
    assert_eq!(client.text(&["SET", "a", "1"]), "OK");
    // From now on the other gate shows a certificate that nobody here has signed.
    let other = pair.other();
    let mut options = other.node.options.clone();
    theirs.certify(&mut options);
    other
        .certificates
        .as_ref()
        .unwrap()
        .renew(&options)
        .unwrap();
    pair.handoff().await;
    blocking(|| {
        client.send(&["GET", "a"]);
        assert!(client.is_closed(), "and not held at the other gate");
    });
}
