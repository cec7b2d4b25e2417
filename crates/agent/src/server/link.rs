//! The agent's link to its server: one connection by Unix socket, every call with a deadline.
//!
//! A call sends all its commands in one write and reads all replies. A call that misses its deadline or is dropped
//! half-way closes the connection (replies would be out of step), and the next call opens a new one; whether the
//! commands were executed is then unknown.

mod batch;
mod info;
mod orders;
mod script;
mod stamp;

use super::USER;
use super::probe::connect;
use batch::Batch;
use bytes::BytesMut;
use holdfast_resp::{Decoder, Limits, Value};
pub use info::{ConnectedReplica, Info, Persistence, Replication, Role};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Deadline of a call unless [`Link::with_patience`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection to one server process, made when it is first needed.
#[derive(Debug)]
pub struct Link {
    socket: PathBuf,
    password: String,
    /// What redis-server says first to a primary that it is ordered to follow.
    masterauth: String,
    pid: u32,
    patience: Duration,
    /// The database that holds the stamp, if there is one.
    stamps: Option<u32>,
    /// It was started to write an append-only file.
    appends: bool,
    connection: Option<Connection>,
    /// A call went unanswered: what it asked for may still be waiting in the server, on a connection given up here.
    unanswered: bool,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No complete answer in time. Whether the commands were executed is unknown.
    #[error("the server gave no answer within {0} ms")]
    Timeout(u64),
    /// No connection, or it broke. Whether the commands were executed is unknown.
    #[error("the connection to the server failed: {0}")]
    Closed(String),
    /// It is loading its data and refuses the command.
    #[error("the server is loading its data")]
    Loading,
    /// It runs a long script and refuses the command.
    #[error("the server is busy with a script")]
    Busy,
    /// It refused a command for another reason.
    #[error("the server refused {command}: {said}")]
    Refused {
        /// The command's name.
        command: String,
        /// Its error reply.
        said: String,
    },
}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    decoder: Decoder,
    buffer: BytesMut,
}

impl Link {
    /// A link to the server with this process number.
    pub(super) fn new(
        socket: PathBuf,
        password: String,
        masterauth: String,
        pid: u32,
        stamps: Option<u32>,
        appends: bool,
    ) -> Self {
        Self {
            socket,
            password,
            masterauth,
            pid,
            patience: PATIENCE,
            stamps,
            appends,
            connection: None,
            unanswered: false,
        }
    }

    /// The same with another deadline for each call.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sends one command and returns its reply, which is no error.
    pub async fn command(&mut self, args: &[&str]) -> Result<Value, LinkError> {
        let mut batch = Batch::default();
        batch.add(args);
        self.call(batch)
            .await?
            .pop()
            .ok_or_else(|| LinkError::Closed("no reply".to_owned()))
    }

    /// What the server says of these settings, by their names. A key that it does not know is left out.
    pub async fn settings(&mut self, keys: &[&str]) -> Result<BTreeMap<String, String>, LinkError> {
        let mut batch = Batch::default();
        for key in keys {
            batch.add(&["CONFIG", "GET", key]);
        }
        let replies = self.call(batch).await?;
        let pair = |reply: &Value| match reply.as_slice()? {
            [key, value] => Some((key.as_str()?.to_owned(), value.as_str()?.to_owned())),
            _ => None,
        };
        Ok(replies.iter().filter_map(pair).collect())
    }

    /// Sends a batch; returns its replies, none of them an error.
    async fn call(&mut self, batch: Batch) -> Result<Vec<Value>, LinkError> {
        let kept = self.connection.take();
        let exchange = self.exchange(kept, &batch);
        let (connection, replies) = match tokio::time::timeout(self.patience, exchange).await {
            Ok(done) => done?,
            Err(_) => {
                self.unanswered = true;
                return Err(LinkError::Timeout(self.patience.as_millis() as u64));
            }
        };
        self.unanswered = false;
        self.connection = Some(connection);
        batch.check(&replies)?;
        Ok(replies)
    }

    /// One round trip on a kept connection. One that the server has closed meanwhile (`timeout`, `CLIENT KILL`) is
    /// replaced, but only if it broke before a reply came: the commands may be repeated since each sets a state.
    async fn exchange(
        &self,
        kept: Option<Connection>,
        batch: &Batch,
    ) -> Result<(Connection, Vec<Value>), LinkError> {
        if let Some(mut connection) = kept
            && let Ok(replies) = connection.round_trip(batch.bytes(), batch.len()).await
        {
            return Ok((connection, replies));
        }
        self.first_exchange(batch).await
    }

    /// Connects, authenticates and calls in a single round trip.
    async fn first_exchange(&self, batch: &Batch) -> Result<(Connection, Vec<Value>), LinkError> {
        let mut connection = self.connect()?;
        let mut hello = Batch::default();
        hello.add(&["AUTH", USER, &self.password]);
        if self.unanswered {
            // An order that comes late would undo what is ordered now: forget it, with the connection that it came on.
            hello.add(&["CLIENT", "KILL", "TYPE", "normal", "USER", USER]);
        }
        let bytes = [hello.bytes(), batch.bytes()].concat();
        let mut replies = connection
            .round_trip(&bytes, hello.len() + batch.len())
            .await
            .map_err(closed)?;
        let rest = replies.split_off(hello.len());
        hello.check(&replies)?;
        let replies = rest;
        Ok((connection, replies))
    }

    fn connect(&self) -> Result<Connection, LinkError> {
        let stream = connect(&self.socket, self.pid).map_err(|errno| closed(errno.into()))?;
        let stream = UnixStream::from_std(stream).map_err(closed)?;
        Ok(Connection {
            stream,
            decoder: Decoder::new(Limits::REPLY),
            buffer: BytesMut::with_capacity(8192),
        })
    }
}

impl Connection {
    async fn round_trip(&mut self, bytes: &[u8], replies: usize) -> std::io::Result<Vec<Value>> {
        self.stream.write_all(bytes).await?;
        let mut out = Vec::with_capacity(replies);
        while out.len() < replies {
            match self
                .decoder
                .decode(&mut self.buffer)
                .map_err(std::io::Error::other)?
            {
                Some(value) => out.push(value),
                None if self.stream.read_buf(&mut self.buffer).await? == 0 => {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                None => {}
            }
        }
        Ok(out)
    }
}

#[allow(clippy::needless_pass_by_value)] // the shape that map_err wants
fn closed(error: std::io::Error) -> LinkError {
    LinkError::Closed(error.to_string())
}
