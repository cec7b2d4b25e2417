//! The way from the thread that answers HTTP to the role's loop.

use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait; there are never more than connections.
const WAITING_MAX: usize = super::seats::CONNECTIONS_MAX;

/// A loop that does not answer for this long does not turn. Probes should wait a second longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Somebody wants to know how the role is.
#[derive(Debug)]
pub struct Question<F>(oneshot::Sender<F>);

impl<F> Question<F> {
    /// Answers it. Whoever has given up waiting does not mind.
    pub fn answer(self, facts: F) {
        let _ = self.0.send(facts);
    }
}

/// The questions, as the loop takes them.
#[derive(Debug)]
pub struct Questions<F>(Option<mpsc::Receiver<Question<F>>>);

impl<F> Questions<F> {
    /// Nobody asks: there is no listener.
    pub fn none() -> Self {
        Self(None)
    }

    /// The next question; waits for ever when nobody asks. Safe to be dropped while it waits.
    pub async fn next(&mut self) -> Question<F> {
        if let Some(receiver) = &mut self.0
            && let Some(question) = receiver.recv().await
        {
            return question;
        }
        std::future::pending().await
    }
}

/// The asking end.
#[derive(Debug)]
pub(crate) struct Asking<F>(mpsc::Sender<Question<F>>);

impl<F> Clone for Asking<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F> Asking<F> {
    /// The facts, or nothing when the loop does not answer in time.
    pub(crate) async fn facts(&self) -> Option<F> {
        let asked = async {
            let (sender, receiver) = oneshot::channel();
            self.0.send(Question(sender)).await.ok()?;
            receiver.await.ok()
        };
        tokio::time::timeout(ANSWER_WITHIN, asked).await.ok()?
    }
}

/// Both ends.
pub(crate) fn channel<F>() -> (Asking<F>, Questions<F>) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    (Asking(sender), Questions(Some(receiver)))
}
