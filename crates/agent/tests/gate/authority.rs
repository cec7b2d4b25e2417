//! An authority that signs certificates, and clients that trust it.

use crate::client::{Client, Way};
use holdfast_agent::Options;
use holdfast_tls::{Authorities, Identity};
use rustls::{ClientConnection, StreamOwned};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A client whose bytes go through rustls.
pub type Secure = Client<StreamOwned<ClientConnection, TcpStream>>;

impl Way for StreamOwned<ClientConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref()
    }
}

pub struct Authority(TempDir);

impl Authority {
    /// A new one, with a first certificate for everybody.
    pub fn new() -> Self {
        let authority = Self(TempDir::new().unwrap());
        authority.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority",
        );
        authority.sign(1);
        authority
    }

    /// Puts another certificate in the place of the one before.
    pub fn sign(&self, serial: u32) {
        self.sign_as(serial, "ec -pkeyopt ec_paramgen_curve:prime256v1", 2);
    }

    /// With a key of this kind, for so many days.
    pub fn sign_as(&self, serial: u32, key: &str, days: u32) {
        let names = "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
        std::fs::write(self.file("names"), names).unwrap();
        self.openssl(&format!(
            "req -newkey {key} -nodes -keyout tls.key -out tls.csr -subj /CN=localhost"
        ));
        self.openssl(&format!(
            "x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -set_serial {serial} -days {days} -extfile names -out tls.crt"
        ));
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A node with its certificate.
    pub fn certify(&self, options: &mut Options) {
        options.tls_cert_file = Some(self.file("tls.crt"));
        options.tls_key_file = Some(self.file("tls.key"));
        options.tls_ca_file = Some(self.file("ca.crt"));
    }

    /// `redis-cli` at this port, trusting this authority.
    pub fn cli(&self, port: u16, args: &[&str]) -> Command {
        let mut command = Command::new("redis-cli");
        command.args(["--no-auth-warning", "-h", "localhost", "-p"]);
        command.arg(port.to_string()).arg("--tls");
        command.arg("--cacert").arg(self.file("ca.crt")).args(args);
        command.stdin(Stdio::null());
        command
    }

    /// The same, with the certificate of this authority to show.
    pub fn cli_that_shows(&self, port: u16, other: &Self, args: &[&str]) -> Command {
        let mut command = self.cli(port, &[]);
        command.arg("--cert").arg(other.file("tls.crt"));
        command.arg("--key").arg(other.file("tls.key")).args(args);
        command
    }

    pub fn client(&self, port: u16) -> Secure {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Client::over(StreamOwned::new(self.connection(self), stream))
    }

    /// The TLS of a client that trusts this authority and shows a certificate of that one.
    pub fn connection(&self, shown: &Self) -> ClientConnection {
        let trusted = Authorities::read(&self.file("ca.crt")).unwrap();
        let own = Identity::read(&shown.file("tls.crt"), &shown.file("tls.key")).unwrap();
        let config = holdfast_tls::client(trusted, Some(own)).unwrap();
        ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap()
    }

    fn openssl(&self, words: &str) {
        let mut command = Command::new("openssl");
        command.args(words.split(' ')).current_dir(self.0.path());
        said(command);
    }
}

/// What a program prints, all of it.
pub fn said(mut command: Command) -> String {
    let output = command.output().unwrap();
    let both = [output.stdout, output.stderr].concat();
    let both = String::from_utf8_lossy(&both).trim_end().to_owned();
    assert!(output.status.success(), "{command:?}: {both}");
    both
}

/// What a program prints that may fail.
pub fn said_in_vain(mut command: Command) -> String {
    let output = command.output().unwrap();
    let both = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&both).trim_end().to_owned()
}
