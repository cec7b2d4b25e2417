//! One connection to a sentinel or a redis-server: a command, its reply, the next command.

use bytes::BytesMut;
use holdfast_core::names::Address;
use holdfast_resp::{Decoder, Limits, Value, encode_command};
use std::io::{Error, ErrorKind};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const CONNECT_WITHIN: Duration = Duration::from_millis(500);

/// Whatever carries bytes both ways: TCP, TLS, a forwarded port.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection that carries one command at a time.
pub struct Connection {
    stream: Box<dyn Stream>,
    received: BytesMut,
    decoder: Decoder,
}

impl Connection {
    /// Connects within half a second.
    ///
    /// # Errors
    /// When nobody listens there, or too slowly.
    pub async fn open(address: &Address) -> std::io::Result<Self> {
        let connecting = TcpStream::connect((address.host.as_str(), address.port));
        let stream = timeout(CONNECT_WITHIN, connecting)
            .await
            .map_err(|_| Error::new(ErrorKind::TimedOut, "no connection within 0.5 s"))??;
        stream.set_nodelay(true)?;
        Ok(Self::over(Box::new(stream)))
    }

    /// Talks over something that stands already.
    pub fn over(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            received: BytesMut::new(),
            decoder: Decoder::new(Limits::REPLY),
        }
    }

    /// Sends a command and returns its reply, which may be an error of the server.
    ///
    /// # Errors
    /// When the connection broke; it is of no use then.
    pub async fn call(&mut self, command: &[impl AsRef<[u8]>]) -> std::io::Result<Value> {
        let mut request = BytesMut::new();
        encode_command(command, &mut request);
        self.stream.write_all(&request).await?;
        loop {
            let decoded = self.decoder.decode(&mut self.received);
            if let Some(reply) =
                decoded.map_err(|error| Error::new(ErrorKind::InvalidData, error))?
            {
                return Ok(reply);
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(Error::new(
                    ErrorKind::UnexpectedEof,
                    "the connection was closed",
                ));
            }
        }
    }
}
