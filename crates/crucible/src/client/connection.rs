//! One connection to one server, one command at a time.

use crate::clock::{self, Micros};
use bytes::BytesMut;
use holdfast_resp::{Limits, Value, decode, encode_command};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// Nothing was sent: the operation certainly did not happen.
    NotSent(String),
    /// Sent, but no reply: it may or may not have happened.
    Unknown(String),
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
    address: String,
    pushes: Vec<Value>,
}

/// Messages of the server beside the replies that are kept until somebody takes them; older ones go.
const MOST_PUSHES: usize = 4096;

/// What came back for several commands sent at once.
#[derive(Debug, Default)]
pub struct Replies {
    /// Replies in order, with the time when each came.
    pub came: Vec<(Value, Micros)>,
    /// Why the rest did not come, if so.
    pub broken: Option<CallError>,
}

impl Connection {
    /// Connects to `address` (host:port) within `limit`.
    pub async fn open(address: &str, limit: Duration) -> Result<Self, CallError> {
        let not_sent = |why: String| CallError::NotSent(format!("connect {address}: {why}"));
        let stream = match timeout(limit, TcpStream::connect(address)).await {
            Err(_) => return Err(not_sent("timed out".to_owned())),
            Ok(Err(error)) => return Err(not_sent(error.to_string())),
            Ok(Ok(stream)) => stream,
        };
        stream
            .set_nodelay(true)
            .map_err(|error| not_sent(error.to_string()))?;
        Ok(Self {
            stream,
            buffer: BytesMut::with_capacity(4096),
            address: address.to_owned(),
            pushes: vec![],
        })
    }

    /// Where it leads.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends one command and waits for its reply, at most `limit`. After an error the connection is of no use.
    pub async fn call<A: AsRef<[u8]>>(
        &mut self,
        command: &[A],
        limit: Duration,
    ) -> Result<Value, CallError> {
        let mut replies = self.pipeline(&[command], limit).await?;
        replies
            .pop()
            .ok_or_else(|| CallError::Unknown("no reply".to_owned()))
    }

    /// Sends several commands at once and waits for all replies, at most `limit` together.
    pub async fn pipeline<A: AsRef<[u8]>>(
        &mut self,
        commands: &[&[A]],
        limit: Duration,
    ) -> Result<Vec<Value>, CallError> {
        let mut replies = Replies::default();
        self.exchange(commands, limit, &mut replies).await;
        match replies.broken {
            Some(error) => Err(error),
            None => Ok(replies.came.into_iter().map(|(value, _)| value).collect()),
        }
    }

    /// Sends several commands at once and puts what comes back into `replies`, at most for `limit`. What had come stays there when this is
    /// dropped half-way.
    pub async fn exchange<A: AsRef<[u8]>>(
        &mut self,
        commands: &[&[A]],
        limit: Duration,
        replies: &mut Replies,
    ) {
        let done = timeout(limit, self.send_and_read(commands, &mut replies.came)).await;
        replies.broken = match done {
            Err(_) => Some(CallError::Unknown("timed out".to_owned())),
            Ok(outcome) => outcome.err(),
        };
    }

    async fn send_and_read<A: AsRef<[u8]>>(
        &mut self,
        commands: &[&[A]],
        came: &mut Vec<(Value, Micros)>,
    ) -> Result<(), CallError> {
        let mut bytes = BytesMut::new();
        for command in commands {
            encode_command(command, &mut bytes);
        }
        self.stream
            .write_all(&bytes)
            .await
            .map_err(|error| unknown(&error))?;
        while came.len() < commands.len() {
            match self.read().await? {
                push @ Value::Push(_) => self.keep_push(push),
                reply => came.push((reply, clock::now())),
            }
        }
        Ok(())
    }

    fn keep_push(&mut self, push: Value) {
        if self.pushes.len() >= MOST_PUSHES {
            self.pushes.remove(0);
        }
        self.pushes.push(push);
    }

    /// Takes the messages beside replies (RESP3) that came with the replies so far.
    pub fn take_pushes(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.pushes)
    }

    /// Waits for one message from the server, without limit; for subscriptions.
    pub async fn read(&mut self) -> Result<Value, CallError> {
        loop {
            match decode(&mut self.buffer, &Limits::REPLY) {
                Ok(Some(value)) => return Ok(value),
                Ok(None) => {}
                Err(error) => return Err(CallError::Unknown(error.to_string())),
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) => return Err(CallError::Unknown("closed by the server".to_owned())),
                Ok(_) => {}
                Err(error) => return Err(unknown(&error)),
            }
        }
    }
}

fn unknown(error: &std::io::Error) -> CallError {
    CallError::Unknown(error.to_string())
}

/// Connects, sends one command, closes: how most libraries ask a sentinel.
pub async fn ask<A: AsRef<[u8]>>(
    address: &str,
    command: &[A],
    limit: Duration,
) -> Result<Value, CallError> {
    Connection::open(address, limit)
        .await?
        .call(command, limit)
        .await
}
