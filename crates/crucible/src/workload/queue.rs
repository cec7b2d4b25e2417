//! A queue: marks are put in at one end and moved (`BLMOVE`) from the other to the list of the client that takes them, which removes
//! them when it is done.

use crate::history::{Action, Outcome};
use crate::workload::desk::Desk;
use crate::workload::names;
use holdfast_resp::Value;

/// How long a client waits at an empty queue, in seconds.
const WAIT: &str = "0.05";

/// One client at the queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Taken, and not yet done with.
    at_hand: Option<String>,
}

impl Queue {
    /// Finishes what is at hand, or puts in, or takes.
    pub(super) async fn step(&mut self, desk: &mut Desk) {
        match self.at_hand.take() {
            Some(item) => settle(desk, item).await,
            None if desk.dice.below(2) == 0 => enqueue(desk).await,
            None => self.take(desk).await,
        }
    }

    async fn take(&mut self, desk: &mut Desk) {
        let (queue, taken) = (
            names::queue_key(&desk.tag),
            names::taken_key(&desk.tag, desk.client()),
        );
        let command = ["BLMOVE", &queue, &taken, "RIGHT", "LEFT", WAIT];
        let Some(answer) = desk.session.attempt(&command).await else {
            return;
        };
        let item = answer.reply.as_ref().and_then(Value::as_str);
        self.at_hand = item.map(str::to_owned);
        // An empty queue is no news; silence is, since something may have been moved.
        if answer.outcome != Outcome::Ok || self.at_hand.is_some() {
            desk.recorder
                .add(Action::Take(self.at_hand.clone()), answer);
        }
    }
}

async fn enqueue(desk: &mut Desk) {
    let (queue, mark) = (names::queue_key(&desk.tag), desk.mark());
    if let Some(answer) = desk.session.attempt(&["LPUSH", &queue, &mark]).await {
        desk.recorder.add(Action::Enqueue, answer);
    }
}

/// Tried once: whether a removal without an answer happened stays open.
async fn settle(desk: &mut Desk, item: String) {
    let taken = names::taken_key(&desk.tag, desk.client());
    let Some(answer) = desk.session.attempt(&["LREM", &taken, "1", &item]).await else {
        return;
    };
    let there = answer.reply.as_ref().and_then(Value::as_integer) != Some(0);
    desk.recorder.add(Action::Settle(item, there), answer);
}
