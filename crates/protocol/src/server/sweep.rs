//! The two tasks beside the connections: one brings events, one enforces time limits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::shared::Shared;
use crate::Event;

/// Time limits are checked this often, so each may be overrun by this much.
const SWEEP_EVERY: Duration = Duration::from_millis(250);

/// Puts every event into the mailboxes of all subscribers, in one order for all.
pub(super) async fn dispatch(shared: Arc<Shared>, mut events: Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(event) => post(&shared, &event),
            Err(RecvError::Lagged(missed)) => {
                tracing::error!(missed, "events were lost before subscribers saw them");
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn post(shared: &Shared, event: &Event) {
    for client in shared.all_subscribers() {
        if !client.post(event) {
            shared.drop_slow_reader(&client);
        }
    }
}

/// Drops clients that do not read, do not end a request that they began, or have been silent for too long, and wakes those whose action takes too long.
pub(super) async fn sweep(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let stall_ms = shared.limits.stall.as_millis() as u64;
    let request_ms = shared.limits.request.as_millis() as u64;
    let idle_ms = shared.limits.idle.map(|idle| idle.as_millis() as u64);
    loop {
        ticks.tick().await;
        let now = shared.now();
        for client in shared.all_clients() {
            if client
                .stalled_ms(now)
                .is_some_and(|stalled| stalled >= stall_ms)
            {
                shared.drop_slow_reader(&client);
            } else if client.partial_ms(now).is_some_and(|ms| ms >= request_ms)
                || idle_ms
                    .is_some_and(|limit| client.idle_ms(now).is_some_and(|idle| idle >= limit))
            {
                client.cut();
            } else {
                client.wake_if_waiting();
            }
        }
    }
}
