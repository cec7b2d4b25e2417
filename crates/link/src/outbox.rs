//! The sending side of a connection.

use crate::lines::Writer;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A message as it goes over the wire.
type Line = Arc<[u8]>;

fn line<T: Serialize>(message: &T) -> Option<Line> {
    let mut line = serde_json::to_vec(message).ok()?;
    line.push(b'\n');
    Some(line.into())
}

/// Sends messages on one connection without waiting.
#[derive(Clone, Debug)]
pub struct Outbox(mpsc::Sender<Line>);

impl Outbox {
    /// An outbox for `writer` in which `most` messages may wait for a slow receiver, and the task that empties it.
    /// With more its connection is to be dropped: everything sent is a newest state, so a receiver that connects
    /// again has lost nothing. The task ends when the connection breaks or the outbox is dropped.
    pub fn open(mut writer: Writer, most: usize) -> (Self, impl Future<Output = ()>) {
        let (sender, mut receiver) = mpsc::channel::<Line>(most);
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
        line(message).is_none_or(|line| self.0.try_send(line).is_ok())
    }

    /// Sends one message to many, written out once. Those whose connection is broken or too slow are dropped.
    pub fn send_all<K: Ord, T: Serialize>(outboxes: &mut BTreeMap<K, Self>, message: &T) {
        if let Some(line) = line(message) {
            outboxes.retain(|_, outbox| outbox.0.try_send(line.clone()).is_ok());
        }
    }
}
