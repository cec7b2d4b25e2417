//! From received bytes to answers.

use super::super::shared::count;
use super::{Awaited, Connection, Scratch};
use crate::{
    ActionKind, ActionRequest, ClientLimits, Environment, Ms, Outcome, ReplyForm, Request, handle,
};
use holdfast_resp::{Encoder, Limits, RequestParser};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

/// With this much waiting to be sent, no further request is handled until it is.
const HIGH_WATER_BYTES: usize = 64 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Handles the requests in `buffer`, until one is incomplete or something must wait; how many bytes were used up.
    pub(super) fn handle_requests(&mut self, buffer: &[u8], scratch: &mut Scratch) -> usize {
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
        let (mut used, mut half) = (0, false);
        while scratch.output.len() < HIGH_WATER_BYTES && self.awaited.is_none() && !self.closing {
            parser.restrict(!self.session.is_authenticated());
            match parser.advance(&buffer[used..], &limits) {
                Ok(None) => {
                    half = true;
                    break;
                }
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
        let client = &self.at.client;
        client.note_partial(half && used < buffer.len(), used > 0, now);
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
}

fn request_limits(limits: &ClientLimits) -> Limits {
    let most = limits.request_bytes;
    Limits {
        frame_bytes: most,
        bulk_bytes: Limits::REQUEST.bulk_bytes.min(most),
        inline_bytes: Limits::REQUEST.inline_bytes.min(most),
        ..Limits::REQUEST
    }
}
