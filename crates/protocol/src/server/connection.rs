//! One client's connection: a small state machine that is polled, so that it holds buffers only while something is under way.

mod requests;
mod sending;

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use holdfast_resp::RequestParser;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use super::client::Client;
use super::shared::{Shared, count};
#[cfg(feature = "tls")]
use crate::ClientLimits;
use crate::{Ms, ReplyForm, Session};

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    /// What a connection borrows while it runs.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

struct Scratch {
    input: Box<[u8]>,
    output: Vec<u8>,
    parser: RequestParser,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            input: vec![0; READ_BYTES].into_boxed_slice(),
            output: Vec::new(),
            parser: RequestParser::default(),
        }
    }
}

/// The place of a connection in the table; left when this is dropped.
pub(super) struct Registered {
    shared: Arc<Shared>,
    client: Arc<Client>,
}

impl Registered {
    pub(super) fn new(shared: Arc<Shared>, client: Arc<Client>) -> Self {
        Self { shared, client }
    }

    #[cfg(feature = "tls")]
    pub(super) fn limits(&self) -> &ClientLimits {
        &self.shared.limits
    }

    /// Shakes hands as of now, where there is TLS at all.
    #[cfg(feature = "tls")]
    pub(super) fn acceptor(&self) -> Option<tokio_rustls::TlsAcceptor> {
        self.shared.tls.load().as_deref().cloned()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shared.forget(self.client.id);
    }
}

/// An action whose answer is awaited.
struct Awaited {
    answer: oneshot::Receiver<Result<String, String>>,
    form: ReplyForm,
    since: Ms,
}

/// A connection; the future ends with it.
pub(super) struct Connection<S> {
    stream: S,
    at: Registered,
    session: Session,
    /// Received and not yet handled; a request that is incomplete, or held back while output waits.
    inbox: Vec<u8>,
    /// How far the incomplete request at the front of the inbox is parsed.
    parser: Option<Box<RequestParser>>,
    /// To be sent, from `sent` on.
    outbox: Vec<u8>,
    sent: usize,
    /// Does the stream hold back what was written to it?
    unflushed: bool,
    /// Does the table think that output waits?
    has_waited: bool,
    awaited: Option<Box<Awaited>>,
    /// Close when the outbox is empty.
    closing: bool,
    /// The session's revision that the table knows.
    revision: u32,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Connection<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let connection = self.get_mut();
        SCRATCH
            .with_borrow_mut(|scratch| connection.step(context, scratch))
            .map(|_| ())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(at: Registered, stream: S) -> Self {
        let origin = at.client.origin(at.shared.open_administration);
        let session = Session::new(at.client.id, &at.shared.acl.load(), origin);
        at.client.describe(&session);
        Self {
            stream,
            at,
            session,
            inbox: Vec::new(),
            parser: None,
            outbox: Vec::new(),
            sent: 0,
            unflushed: false,
            has_waited: false,
            awaited: None,
            closing: false,
            revision: 0,
        }
    }

    /// Goes on as far as possible. `Ready`: the connection is over.
    fn step(&mut self, context: &mut Context<'_>, scratch: &mut Scratch) -> Poll<io::Result<()>> {
        loop {
            self.poll_answer(context);
            self.deliver_events(context)?;
            ready!(self.poll_flush(context))?;
            if self.closing {
                return Pin::new(&mut self.stream).poll_shutdown(context);
            }
            if self.awaited.is_some() {
                return Poll::Pending;
            }
            if !self.inbox.is_empty() && self.handle_inbox(context, scratch)? {
                continue;
            }
            ready!(self.poll_read(context, scratch))?;
        }
    }

    /// Writes the answer to the action that is under way, if it has come or will not come any more.
    fn poll_answer(&mut self, context: &mut Context<'_>) {
        let Some(awaited) = &mut self.awaited else {
            return;
        };
        let limit = self.at.shared.limits.action;
        let answer = match Pin::new(&mut awaited.answer).poll(context) {
            Poll::Ready(Ok(answer)) => answer,
            Poll::Ready(Err(_)) => Err("Holdfast: the sentinel gave no answer".to_owned()),
            Poll::Pending
                if self.at.shared.now().saturating_sub(awaited.since)
                    >= limit.as_millis() as u64 =>
            {
                Err(format!(
                    "Holdfast: no answer within {} ms; it may still happen",
                    limit.as_millis()
                ))
            }
            // The sweeper wakes us, so that the limit is seen.
            Poll::Pending => return self.at.client.register(context.waker()),
        };
        awaited
            .form
            .write(&answer, self.session.proto(), &mut self.outbox);
        self.awaited = None;
        self.at.client.set_waiting(false);
    }

    /// Appends the events that have come to the outbox.
    fn deliver_events(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if !self.session.is_subscribed() {
            return Ok(());
        }
        self.at.client.register(context.waker());
        for event in self.at.client.take_events() {
            self.session.deliver(&event, &mut self.outbox);
        }
        if self.outbox.len() - self.sent > self.at.shared.limits.output_bytes {
            self.at.shared.drop_slow_reader(&self.at.client);
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// Reads what has come, and handles it.
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> Poll<io::Result<()>> {
        let mut input = ReadBuf::new(&mut scratch.input);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut input))?;
        let length = input.filled().len();
        if length == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        count(&self.at.shared.counters.bytes_in, length);
        if !self.inbox.is_empty() {
            self.inbox.extend_from_slice(&scratch.input[..length]);
            return Poll::Ready(self.handle_inbox(context, scratch).map(|_| ()));
        }
        let input = std::mem::take(&mut scratch.input);
        let used = self.handle_requests(&input[..length], scratch);
        self.inbox.extend_from_slice(&input[used..length]);
        scratch.input = input;
        Poll::Ready(self.send_scratch(context, scratch))
    }

    /// Handles what is complete in the inbox. `false`: nothing is.
    fn handle_inbox(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> io::Result<bool> {
        let mut inbox = std::mem::take(&mut self.inbox);
        let used = self.handle_requests(&inbox, scratch);
        if used < inbox.len() {
            inbox.drain(..used);
            self.inbox = inbox;
        }
        self.send_scratch(context, scratch)?;
        Ok(used > 0)
    }

    /// Tells the table what it shows of this connection.
    fn note(&mut self, now: Ms) {
        self.at.client.touch(now, self.session.last_command);
        if self.revision != self.session.revision {
            self.revision = self.session.revision;
            self.at.client.describe(&self.session);
            self.at
                .shared
                .set_subscribed(&self.at.client, self.session.is_subscribed());
            if !self.session.is_subscribed() {
                self.at.client.take_events();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Connection;

    #[test]
    fn a_connection_is_small() {
        let bytes = size_of::<Connection<tokio::net::TcpStream>>();
        assert!(
            bytes <= 320,
            "{bytes} bytes for each connection, ten thousand times"
        );
    }
}
