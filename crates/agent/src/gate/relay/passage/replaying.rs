//! What the next server answers to a session that is said again.

use super::super::Ended;
use bytes::{Bytes, BytesMut};
use holdfast_core::session::{Ask, Replay};
use holdfast_resp::{Decoder, Encoder, Limits, Proto, Value};
use std::collections::VecDeque;

/// What has come of the answers to what was said again.
#[derive(Debug)]
pub(in super::super) struct Replaying {
    decoder: Decoder,
    pub(super) buffer: BytesMut,
    /// The gate there takes it in.
    pub(super) welcome: bool,
    asks: VecDeque<Ask>,
    confirmations: usize,
    /// What was refused that has to be, and the words.
    pub(super) refused: Option<(&'static str, String)>,
    /// What the client gets when it has arrived.
    pub(super) meanwhile: Vec<u8>,
}

impl Replaying {
    /// Nothing is answered yet. The prelude comes first.
    pub(super) fn of(prelude: Option<&Replay>, replay: &Replay) -> Self {
        let all = prelude.into_iter().chain([replay]);
        Self {
            decoder: Decoder::new(Limits::REPLY),
            buffer: BytesMut::new(),
            welcome: false,
            asks: all.flat_map(|one| one.asks.iter().copied()).collect(),
            confirmations: replay.confirmations,
            refused: None,
            meanwhile: replay.notice.to_vec(),
        }
    }

    /// Whether all has been answered.
    pub(super) fn hear(&mut self) -> Result<bool, Ended> {
        while !self.welcome || !self.asks.is_empty() || self.confirmations > 0 {
            let value = self.decoder.decode(&mut self.buffer).map_err(|_| Ended)?;
            let Some(value) = value else { return Ok(false) };
            self.take(&value)?;
        }
        Ok(true)
    }

    fn take(&mut self, value: &Value) -> Result<(), Ended> {
        match value {
            Value::Simple(said) if !self.welcome => {
                self.welcome = *said == Bytes::from_static(b"CARRIED");
                if self.welcome { Ok(()) } else { Err(Ended) }
            }
            _ if !self.welcome => Err(Ended),
            // Of keys that nobody remembers any more after the notice.
            Value::Push(_) if !self.asks.is_empty() => Ok(()),
            value if value.error().is_some() => self.refuse(value),
            _ if self.asks.pop_front().is_some() => Ok(()),
            value if is_confirmation(value) => {
                self.confirmations -= 1;
                Ok(())
            }
            message => {
                let proto = if matches!(message, Value::Push(_)) {
                    Proto::Resp3
                } else {
                    Proto::Resp2
                };
                Encoder::new(&mut self.meanwhile, proto).value(message);
                Ok(())
            }
        }
    }

    /// What only adorns a session may be refused.
    fn refuse(&mut self, value: &Value) -> Result<(), Ended> {
        let ask = self.asks.pop_front();
        let said = value.error().unwrap_or_default();
        match ask {
            Some(Ask {
                essential: false,
                what,
            }) => {
                tracing::debug!("a session goes on without {what}, which the new primary refuses");
                Ok(())
            }
            other => {
                let what = other.map_or("a subscription", |ask| ask.what);
                self.refused = Some((what, said.into_owned()));
                Err(Ended)
            }
        }
    }
}

fn is_confirmation(value: &Value) -> bool {
    let (Value::Array(Some(items)) | Value::Push(items)) = value else {
        return false;
    };
    let kind = items.first().and_then(Value::as_str);
    matches!(kind, Some("subscribe" | "psubscribe" | "ssubscribe"))
}
