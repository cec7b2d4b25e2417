//! What goes out: straight to the socket, and what that does not take waits in the outbox.

use super::super::shared::count;
use super::{Connection, Scratch};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};

/// A write buffer larger than this is not kept for the next connection.
const KEPT_BYTES: usize = 256 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Sends the outbox, and what the stream itself (TLS) holds back.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
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

    pub(super) fn send_scratch(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut Scratch,
    ) -> io::Result<()> {
        let sent = self.send(context, &scratch.output);
        scratch.output.clear();
        if scratch.output.capacity() > KEPT_BYTES {
            scratch.output = Vec::new();
        }
        sent
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
