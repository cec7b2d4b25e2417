//! Who gets on with whom, and what is said of files that will not do.
#![allow(clippy::unwrap_used)]

use holdfast_tls::{Authorities, Identity, client, peer, server};
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

/// An authority, called as all of them are, and a certificate for `localhost` that it has signed.
struct Signed(TempDir);

impl Signed {
    fn new(days: u32) -> Self {
        let signed = Self(TempDir::new().unwrap());
        signed.openssl(&format!(
            "req -x509 {KEY} -keyout ca.key -out ca.crt -days 2 -subj /CN=authority"
        ));
        signed.openssl(&format!(
            "req {KEY} -keyout tls.key -out tls.csr -subj /CN=localhost"
        ));
        std::fs::write(
            signed.0.path().join("names"),
            "subjectAltName=DNS:localhost\n",
        )
        .unwrap();
        signed.openssl(&format!(
            "x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -set_serial 1 -days {days} -extfile names -out tls.crt"
        ));
        signed
    }

    fn openssl(&self, words: &str) {
        let mut command = Command::new("openssl");
        command.args(words.split(' ')).current_dir(self.0.path());
        assert!(command.output().unwrap().status.success(), "{words}");
    }

    fn authorities(&self) -> Authorities {
        Authorities::read(&self.0.path().join("ca.crt")).unwrap()
    }

    fn identity(&self) -> Identity {
        let file = |name| self.0.path().join(name);
        Identity::read(&file("tls.crt"), &file("tls.key")).unwrap()
    }
}

/// Lets them shake hands; why they cannot, from whichever end says it.
fn shake(
    dials: Arc<ClientConfig>,
    name: &'static str,
    takes: Arc<ServerConfig>,
) -> Result<(), rustls::Error> {
    let mut dials: Connection = ClientConnection::new(dials, name.try_into().unwrap())?.into();
    let mut takes: Connection = ServerConnection::new(takes)?.into();
    for _ in 0..10 {
        carry(&mut dials, &mut takes)?;
        carry(&mut takes, &mut dials)?;
    }
    assert!(!dials.is_handshaking() && !takes.is_handshaking());
    Ok(())
}

fn carry(from: &mut Connection, to: &mut Connection) -> Result<(), rustls::Error> {
    let mut records = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut records).unwrap();
    }
    let mut records = records.as_slice();
    while !records.is_empty() {
        to.read_tls(&mut records).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn a_client_looks_at_authority_and_name() {
    let (ours, theirs) = (Signed::new(2), Signed::new(2));
    let takes = || server(ours.identity(), None).unwrap();
    let trusts = |who: &Signed| client(who.authorities(), None).unwrap();
    assert!(shake(trusts(&ours), "localhost", takes()).is_ok());
    let other_name = shake(trusts(&ours), "elsewhere", takes()).unwrap_err();
    assert!(
        other_name.to_string().contains("not valid for name"),
        "{other_name}"
    );
    let stranger = shake(trusts(&theirs), "localhost", takes()).unwrap_err();
    assert!(stranger.to_string().contains("BadSignature"), "{stranger}");
}

#[test]
fn a_peer_takes_any_name_from_its_own_authority_and_nobody_else() {
    let (ours, theirs, late) = (Signed::new(2), Signed::new(2), Signed::new(0));
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    let takes = |who: &Signed| server(who.identity(), None).unwrap();
    let dials = |who: &Signed| peer(who.authorities(), who.identity()).unwrap();
    assert!(shake(dials(&ours), "0.0.0.0", takes(&ours)).is_ok());
    let stranger = shake(dials(&ours), "0.0.0.0", takes(&theirs)).unwrap_err();
    assert!(stranger.to_string().contains("BadSignature"), "{stranger}");
    let expired = shake(dials(&late), "0.0.0.0", takes(&late)).unwrap_err();
    assert!(expired.to_string().contains("expired"), "{expired}");
}

#[test]
fn who_has_to_show_a_certificate_shows_one_of_ours() {
    let (ours, theirs) = (Signed::new(2), Signed::new(2));
    let demands = || server(ours.identity(), Some(ours.authorities())).unwrap();
    let shows = |own| client(ours.authorities(), own).unwrap();
    assert!(shake(shows(Some(ours.identity())), "localhost", demands()).is_ok());
    assert!(
        shake(
            peer(ours.authorities(), ours.identity()).unwrap(),
            "0.0.0.0",
            demands()
        )
        .is_ok()
    );
    let none = shake(shows(None), "localhost", demands()).unwrap_err();
    assert_eq!(none, rustls::Error::NoCertificatesPresented);
    let stranger = shake(shows(Some(theirs.identity())), "localhost", demands()).unwrap_err();
    assert!(stranger.to_string().contains("BadSignature"), "{stranger}");
}

#[test]
fn files_that_will_not_do_are_named() {
    let (ours, theirs) = (Signed::new(2), Signed::new(2));
    let (at, of) = (
        |name: &str| ours.0.path().join(name),
        |name: &str| theirs.0.path().join(name),
    );
    let missing = Authorities::read(&at("nothing.crt"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("nothing.crt: No such file"), "{missing}");
    let no_authority = Authorities::read(&at("tls.key")).unwrap_err().to_string();
    assert!(
        no_authority.contains("tls.key: no certificate"),
        "{no_authority}"
    );
    let no_key = Identity::read(&at("tls.crt"), &at("ca.crt"))
        .unwrap_err()
        .to_string();
    assert!(no_key.contains("ca.crt: "), "{no_key}");
    let strange = Identity::read(&at("tls.crt"), &of("tls.key")).unwrap();
    let strange = server(strange, None).unwrap_err().to_string();
    assert!(
        strange.ends_with("tls.crt: the private key is not that of this certificate"),
        "{strange}"
    );
    let empty = Identity::read(&at("names"), &at("tls.key")).and_then(|none| server(none, None));
    let empty = empty.unwrap_err().to_string();
    assert!(empty.contains("names: "), "{empty}");
}
