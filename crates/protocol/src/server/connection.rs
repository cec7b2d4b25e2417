//! One client's connection: a small state machine that is polled, so that it holds buffers only while something is under way.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use holdfast_resp::{Encoder, Limits, RequestParser};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

use super::client::Client;
use super::shared::{Shared, count};
use crate::{
    ActionKind, ActionRequest, ClientLimits, Environment, Ms, Outcome, ReplyForm, Request, Session,
    handle,
};

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;
/// With this much waiting to be sent, no further request is handled until it is.
const HIGH_WATER_BYTES: usize = 64 * 1024;
/// A write buffer larger than this is not kept for the next connection.
const KEPT_BYTES: usize = 256 * 1024;

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
        let session = Session::new(at.client.id, &at.shared.acl.load());
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

    /// Sends the outbox, and what the stream itself (TLS) holds back.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.outbox.is_empty() && !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let sent = write_some(&mut self.stream, context, &self.outbox[self.sent..])?;
        self.sent += sent;
        if self.sent == self.outbox.len() {
            (self.outbox, self.sent) = (Vec::new(), 0);
        } else if self.sent > self.outbox.len() / 2 {
            self.outbox.drain(..std::mem::take(&mut self.sent));
        }
        self.after_write(context, sent)?;
        if self.outbox.is_empty() && !self.unflushed {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    /// Sends as much of `output` as the socket takes; the rest waits in the outbox, which must be empty.
    fn send(&mut self, context: &mut Context<'_>, output: &[u8]) -> io::Result<()> {
        let sent = write_some(&mut self.stream, context, output)?;
        self.outbox.extend_from_slice(&output[sent..]);
        self.after_write(context, sent)
    }

    /// Flushes the stream and keeps account.
    fn after_write(&mut self, context: &mut Context<'_>, sent: usize) -> io::Result<()> {
        self.unflushed = Pin::new(&mut self.stream).poll_flush(context)?.is_pending();
        count(&self.at.shared.counters.bytes_out, sent);
        let waiting = self.outbox.len() - self.sent + usize::from(self.unflushed);
        if waiting > 0 || self.has_waited {
            self.at
                .client
                .note_output(waiting, sent > 0, self.at.shared.now());
            self.has_waited = waiting > 0;
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

    fn send_scratch(&mut self, context: &mut Context<'_>, scratch: &mut Scratch) -> io::Result<()> {
        let sent = self.send(context, &scratch.output);
        scratch.output.clear();
        if scratch.output.capacity() > KEPT_BYTES {
            scratch.output = Vec::new();
        }
        sent
    }

    /// Handles the requests in `buffer`, until one is incomplete or something must wait; how many bytes were used up.
    fn handle_requests(&mut self, buffer: &[u8], scratch: &mut Scratch) -> usize {
        let mut parser = self
            .parser
            .take()
            .map_or_else(|| std::mem::take(&mut scratch.parser), |parser| *parser);
        let shared = Arc::clone(&self.at.shared);
        let (view, now) = (shared.wiring.view.load(), shared.now());
        let env = Environment {
            view: &view,
            now,
            acl: &shared.acl,
            clients: &*shared,
        };
        let limits = request_limits(&shared.limits);
        let mut used = 0;
        while scratch.output.len() < HIGH_WATER_BYTES && self.awaited.is_none() && !self.closing {
            parser.restrict(!self.session.is_authenticated());
            match parser.advance(&buffer[used..], &limits) {
                Ok(None) => break,
                Ok(Some(end)) => {
                    let request = Request::new(parser.args(), &buffer[used..]);
                    self.handle_request(request, &env, &mut scratch.output);
                    used += end;
                }
                Err(error) => {
                    Encoder::new(&mut scratch.output, self.session.proto())
                        .error(format!("ERR {error}"));
                    self.closing = true;
                }
            }
        }
        self.put_back(parser, scratch);
        self.note(now);
        if self.closing { buffer.len() } else { used }
    }

    fn handle_request(
        &mut self,
        request: Request<'_>,
        env: &Environment<'_>,
        output: &mut Vec<u8>,
    ) {
        let start = output.len();
        match handle(&mut self.session, request, env, output) {
            Outcome::Done => {}
            Outcome::Close => self.closing = true,
            Outcome::Action(kind, form) => self.forward(kind, form, env.now, output),
        }
        let counters = &self.at.shared.counters;
        count(&counters.commands, 1);
        if output.get(start) == Some(&b'-') {
            count(&counters.errors, 1);
        }
    }

    fn forward(&mut self, kind: ActionKind, form: ReplyForm, now: Ms, output: &mut Vec<u8>) {
        let (reply, answer) = oneshot::channel();
        match self
            .at
            .shared
            .wiring
            .actions
            .try_send(ActionRequest { kind, reply })
        {
            Ok(()) => {
                self.awaited = Some(Box::new(Awaited {
                    answer,
                    form,
                    since: now,
                }));
                self.at.client.set_waiting(true);
            }
            Err(error) => {
                let text = match error {
                    TrySendError::Full(_) => "Holdfast: too many actions are waiting, try again",
                    TrySendError::Closed(_) => "Holdfast: the sentinel is stopping",
                };
                form.write(&Err(text.to_owned()), self.session.proto(), output);
            }
        }
    }

    /// Keeps the parser only while it is in the middle of a request.
    fn put_back(&mut self, parser: RequestParser, scratch: &mut Scratch) {
        if parser.is_partial() && !self.closing {
            self.parser = Some(Box::new(parser));
        } else if !parser.is_partial() {
            scratch.parser = parser;
        }
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

/// Writes until the socket takes no more; how many bytes it took.
fn write_some<S: AsyncWrite + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
    output: &[u8],
) -> io::Result<usize> {
    let mut sent = 0;
    while sent < output.len() {
        match Pin::new(&mut *stream).poll_write(context, &output[sent..])? {
            Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(written) => sent += written,
            Poll::Pending => break,
        }
    }
    Ok(sent)
}

fn request_limits(limits: &ClientLimits) -> Limits {
    let most = limits.request_bytes;
    Limits {
        frame_bytes: most,
        bulk_bytes: most,
        inline_bytes: Limits::REQUEST.inline_bytes.min(most),
        ..Limits::REQUEST
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
