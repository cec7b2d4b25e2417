//! Who is connected, and who has to go when there are too many.
//!
//! A probe is one request that is here with its connection, so whoever has said half a request, or none, gives way: a
//! kubelet that finds no place would take the process for dead.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::task::AbortHandle;

/// Connections served at once.
pub(crate) const CONNECTIONS_MAX: usize = 64;

/// Connections of one address; a Prometheus keeps one, a kubelet opens a few.
const SAME_ADDRESS_MAX: usize = 16;

/// Whether a request is being answered on a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answering(Arc<AtomicBool>);

impl Answering {
    pub(crate) fn set(&self, yes: bool) {
        self.0.store(yes, Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// The connections, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Seats(VecDeque<Seat>);

#[derive(Debug)]
struct Seat {
    from: IpAddr,
    answering: Answering,
    task: AbortHandle,
}

impl Seats {
    /// Makes room for one more of this address: the oldest connection on which nothing is being answered goes. False where
    /// there is none.
    pub(crate) fn make_room(&mut self, from: IpAddr) -> bool {
        self.0.retain(|seat| !seat.task.is_finished());
        let same = self.0.iter().filter(|seat| seat.from == from).count();
        let place = if same >= SAME_ADDRESS_MAX {
            self.oldest(|seat| seat.from == from)
        } else if self.0.len() >= CONNECTIONS_MAX {
            self.oldest(|_| true)
        } else {
            return true;
        };
        let gone = place.and_then(|place| self.0.remove(place));
        if let Some(seat) = &gone {
            seat.task.abort();
        }
        gone.is_some()
    }

    fn oldest(&self, fits: impl Fn(&Seat) -> bool) -> Option<usize> {
        self.0
            .iter()
            .position(|seat| fits(seat) && !seat.answering.get())
    }

    pub(crate) fn take(&mut self, from: IpAddr, answering: Answering, task: AbortHandle) {
        self.0.push_back(Seat {
            from,
            answering,
            task,
        });
    }
}

#[cfg(test)]
mod tests;
