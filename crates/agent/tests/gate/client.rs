//! A client as simple as can be.

use bytes::BytesMut;
use holdfast_resp::{Decoder, Limits, Value, encode_command};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What bytes of a client go through.
pub trait Way: Read + Write {
    fn socket(&self) -> &TcpStream;
}

impl Way for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

pub struct Client<S = TcpStream> {
    pub stream: S,
    decoder: Decoder,
    buffer: BytesMut,
}

impl Client {
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        Self::on(stream)
    }

    /// From this address of this machine.
    pub fn connect_from(source: [u8; 4], port: u16) -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddr::from((source, 0))).unwrap();
        connect(&socket, &SocketAddr::from(([127, 0, 0, 1], port))).expect("a connection");
        Self::on(socket.into())
    }

    fn on(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }
}

impl<S: Way> Client<S> {
    /// Whether nothing comes for a while.
    pub fn is_silent(&mut self, for_ms: u64) -> bool {
        let patience = Duration::from_millis(for_ms);
        let wait = |client: &Self, patience| {
            let socket = client.stream.socket();
            socket.set_read_timeout(Some(patience)).unwrap();
        };
        wait(self, patience);
        let read = self.try_read();
        wait(self, PATIENCE);
        matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    pub fn over(stream: S) -> Self {
        let limits = Limits {
            frame_bytes: 1 << 30,
            bulk_bytes: 1 << 30,
            ..Limits::REPLY
        };
        Self {
            stream,
            decoder: Decoder::new(limits),
            buffer: BytesMut::new(),
        }
    }

    /// Bytes as they are.
    pub fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub fn send(&mut self, args: &[&str]) {
        let mut bytes = Vec::new();
        encode_command(args, &mut bytes);
        self.stream.write_all(&bytes).expect("sent");
    }

    /// The next reply; an error at the connection's end.
    pub fn try_read(&mut self) -> std::io::Result<Value> {
        loop {
            if let Some(value) = self.decoder.decode(&mut self.buffer).expect("RESP") {
                return Ok(value);
            }
            let mut bytes = vec![0; 1 << 16];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.buffer.extend_from_slice(&bytes[..read]),
                // A child was stopped.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub fn read(&mut self) -> Value {
        self.try_read().expect("a reply")
    }

    pub fn call(&mut self, args: &[&str]) -> Value {
        self.send(args);
        self.read()
    }

    /// The reply as text: bulk, status or number; errors with their `-`.
    pub fn text(&mut self, args: &[&str]) -> String {
        text(&self.call(args))
    }

    /// Whether the connection has been closed.
    pub fn is_closed(&mut self) -> bool {
        match self.try_read() {
            Ok(_) => false,
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

pub fn text(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Error(said) => format!("-{}", String::from_utf8_lossy(said)),
        value if value.is_null() => "nil".to_owned(),
        value => match (value.as_str(), value.as_slice()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(items)) => items.iter().map(text).collect::<Vec<_>>().join(" "),
            _ => format!("{value:?}"),
        },
    }
}
