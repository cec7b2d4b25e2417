//! The sending side of a connection.

use crate::lines::Writer;
use serde::Serialize;
use tokio::sync::mpsc;

/// Messages that may wait for a slow receiver; with more its connection is dropped. Everything sent is a
/// newest state, so a receiver that connects again has lost nothing.
const WAITING_MAX: usize = 128;

/// Sends messages on one connection without waiting.
#[derive(Clone, Debug)]
pub struct Outbox(mpsc::Sender<Box<[u8]>>);

impl Outbox {
    /// An outbox for `writer`, and the task that empties it. The task ends when the connection breaks or
    /// the outbox is dropped or overflows.
    pub fn open(mut writer: Writer) -> (Self, impl Future<Output = ()>) {
        let (sender, mut receiver) = mpsc::channel::<Box<[u8]>>(WAITING_MAX);
        let task = async move {
            while let Some(first) = receiver.recv().await {
                writer.push_raw(&first);
                while let Ok(more) = receiver.try_recv() {
                    writer.push_raw(&more);
                }
                if writer.flush().await.is_err() {
                    return;
                }
            }
        };
        (Self(sender), task)
    }

    /// Sends one message. Returns false when the connection is broken or too slow.
    pub fn send<T: Serialize>(&self, message: &T) -> bool {
        let Ok(mut line) = serde_json::to_vec(message) else {
            return true;
        };
        line.push(b'\n');
        self.0.try_send(line.into()).is_ok()
    }
}
