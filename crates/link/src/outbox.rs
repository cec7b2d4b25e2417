//! The sending side of a connection.

use crate::lines::Writer;
use serde::Serialize;
use tokio::sync::mpsc;

/// Sends messages on one connection without waiting.
#[derive(Clone, Debug)]
pub struct Outbox(mpsc::Sender<Box<[u8]>>);

impl Outbox {
    /// An outbox for `writer` in which `most` messages may wait for a slow receiver, and the task that empties it.
    /// With more its connection is to be dropped: everything sent is a newest state, so a receiver that connects
    /// again has lost nothing. The task ends when the connection breaks or the outbox is dropped.
    pub fn open(mut writer: Writer, most: usize) -> (Self, impl Future<Output = ()>) {
        let (sender, mut receiver) = mpsc::channel::<Box<[u8]>>(most);
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
