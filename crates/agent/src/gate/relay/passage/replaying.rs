//! What the next server answers to a session that is said again.

use super::super::Ended;
use bytes::{Bytes, BytesMut};
use holdfast_core::session::Replay;
use holdfast_resp::{Decoder, Encoder, Limits, Proto, Value};

/// What has come of the answers to what was said again.
#[derive(Debug)]
pub(in super::super) struct Replaying {
    decoder: Decoder,
    pub(super) buffer: BytesMut,
    /// The gate there takes it in.
    pub(super) welcome: bool,
    replies: usize,
    confirmations: usize,
    /// What the client gets when it has arrived.
    pub(super) meanwhile: Vec<u8>,
}

impl Replaying {
    /// Nothing is answered yet.
    pub(super) fn of(replay: &Replay) -> Self {
        Self {
            decoder: Decoder::new(Limits::REPLY),
            buffer: BytesMut::new(),
            welcome: false,
            replies: replay.replies,
            confirmations: replay.confirmations,
            meanwhile: replay.notice.to_vec(),
        }
    }

    /// Whether all has been answered.
    pub(super) fn hear(&mut self) -> Result<bool, Ended> {
        while !self.welcome || self.replies > 0 || self.confirmations > 0 {
            let value = self.decoder.decode(&mut self.buffer).map_err(|_| Ended)?;
            let Some(value) = value else { return Ok(false) };
            self.take(&value)?;
        }
        Ok(true)
    }

    fn take(&mut self, value: &Value) -> Result<(), Ended> {
        if value.error().is_some() {
            tracing::debug!("a session is not carried over: the next server refused it");
            return Err(Ended);
        }
        match value {
            Value::Simple(said) if !self.welcome => {
                self.welcome = *said == Bytes::from_static(b"CARRIED");
                if self.welcome { Ok(()) } else { Err(Ended) }
            }
            _ if !self.welcome => Err(Ended),
            // Of keys that nobody remembers any more after the notice.
            Value::Push(_) if self.replies > 0 => Ok(()),
            _ if self.replies > 0 => {
                self.replies -= 1;
                Ok(())
            }
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
}

fn is_confirmation(value: &Value) -> bool {
    let (Value::Array(Some(items)) | Value::Push(items)) = value else {
        return false;
    };
    let kind = items.first().and_then(Value::as_str);
    matches!(kind, Some("subscribe" | "psubscribe" | "ssubscribe"))
}
