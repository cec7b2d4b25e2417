//! A group to look at, and a blocking client.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::BytesMut;
use holdfast_protocol::{
    ActionRequest, Address, CachedInfo, Clock, Event, Group, Handle, Link, Node, Options,
    SentinelPeer, View, Wiring, spawn,
};
use holdfast_resp::{Limits, Value, decode, encode_command};
use tokio::sync::{broadcast, mpsc};

pub const NOW: u64 = 100_000;

pub fn node(port: u16, follows: Option<&Address>) -> Node {
    Node {
        address: Address::new("10.0.0.1", port),
        run_id: format!("{port:040x}"),
        link: Link {
            last_ok_reply: NOW - 50,
            last_reply: NOW - 40,
            ..Link::default()
        },
        reports_primary: follows.is_none(),
        role_reported_at: NOW - 7000,
        follows: follows.cloned(),
        primary_link_ok: follows.is_some(),
        priority: 100,
        offset: 4242,
        info: Some(CachedInfo {
            at: NOW - 300,
            text: Some(format!("# Server\r\ntcp_port:{port}\r\n").into()),
        }),
        ..Node::default()
    }
}

pub fn peer(number: u16) -> SentinelPeer {
    SentinelPeer {
        id: format!("{number:040x}"),
        address: Address::new("10.0.0.9", 26379 + number),
        last_hello: NOW - 500,
        ..SentinelPeer::default()
    }
}

pub fn group() -> Group {
    let primary = Address::new("10.0.0.1", 6379);
    Group {
        name: "mymaster".to_owned(),
        primary: Some(node(6379, None)),
        replicas: vec![node(6380, Some(&primary)), node(6381, Some(&primary))],
        sentinels: vec![peer(1), peer(2)],
        quorum: 2,
        config_epoch: 3,
        down_after_ms: 5000,
        failover_timeout_ms: 180_000,
        parallel_syncs: 1,
        ..Group::default()
    }
}

pub fn view_of(group: Group) -> View {
    View {
        my_id: "f".repeat(40),
        current_epoch: 3,
        groups: vec![Arc::new(group)],
        ..View::default()
    }
}

/// A running server, and the ends that a sentinel would hold.
pub struct Fixture {
    pub handle: Handle,
    pub view: Arc<ArcSwap<View>>,
    pub actions: mpsc::Receiver<ActionRequest>,
    pub events: broadcast::Sender<Event>,
}

pub fn local() -> Options {
    Options {
        listen: vec![([127, 0, 0, 1], 0).into()],
        ..Options::default()
    }
}

pub fn start(options: Options) -> Fixture {
    let view = Arc::new(ArcSwap::from_pointee(view_of(group())));
    let (sender, actions) = mpsc::channel(8);
    let (events, _) = broadcast::channel(65_536);
    let wiring = Wiring {
        clock: Clock::start(),
        view: Arc::clone(&view),
        actions: sender,
        events: events.clone(),
    };
    Fixture {
        handle: spawn(options, wiring).unwrap(),
        view,
        actions,
        events,
    }
}

impl Fixture {
    pub fn address(&self) -> SocketAddr {
        self.handle.addresses()[0]
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address())
    }
}

/// A client that waits at most five seconds for a reply.
pub struct Client {
    pub stream: TcpStream,
    buffer: BytesMut,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    pub fn send(&mut self, line: &str) {
        let mut out = Vec::new();
        encode_command(&line.split(' ').collect::<Vec<_>>(), &mut out);
        self.stream.write_all(&out).unwrap();
    }

    /// The next reply; `None` when the server has closed.
    pub fn receive(&mut self) -> Option<Value> {
        loop {
            if let Some(value) = decode(&mut self.buffer, &Limits::REPLY).unwrap() {
                return Some(value);
            }
            let mut piece = vec![0; 65536];
            match self.stream.read(&mut piece) {
                Ok(0) => return None,
                Ok(length) => self.buffer.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("no reply: {error}"),
            }
        }
    }

    pub fn ask(&mut self, line: &str) -> Value {
        self.send(line);
        self.receive().expect("a reply")
    }

    /// The reply in one line.
    pub fn show(&mut self, line: &str) -> String {
        shown(&self.ask(line))
    }
}

/// A value in one line: `[a b]` for sequences, `{a: b}` for maps, `-text` for errors, `:1` for integers.
pub fn shown(value: &Value) -> String {
    let all = |items: &[Value]| items.iter().map(shown).collect::<Vec<_>>().join(" ");
    match value {
        Value::Error(text) => format!("-{}", String::from_utf8_lossy(text)),
        Value::Integer(number) => format!(":{number}"),
        Value::Bulk(None) => "nil".to_owned(),
        Value::Array(None) => "nil-array".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Array(Some(items)) => format!("[{}]", all(items)),
        Value::Set(items) => format!("~[{}]", all(items)),
        Value::Push(items) => format!(">[{}]", all(items)),
        Value::Map(pairs) => {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(name, value)| format!("{}: {}", shown(name), shown(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Boolean(yes) => format!("#{yes}"),
        Value::Double(number) => format!(",{number}"),
        other => String::from_utf8_lossy(other.as_bytes().unwrap_or_default()).into_owned(),
    }
}
