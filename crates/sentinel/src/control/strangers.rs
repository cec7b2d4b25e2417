//! Control connections whose other end has proven nothing yet: bounded, and told in the log, but not more than that.

use super::Connection;
use holdfast_core::time::Millis;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use tokio::sync::oneshot;

/// Greetings under way with one address. A machine may have many agents, and a greeting is over within milliseconds.
const SAME_ADDRESS_MAX: usize = 256;

/// Greetings under way in all: 6 MiB.
const ALL_MAX: usize = 1024;

/// Those who are being greeted, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Strangers(VecDeque<Stranger>);

#[derive(Debug)]
struct Stranger {
    id: Connection,
    from: IpAddr,
    /// Dropping it ends the greeting.
    _stay: oneshot::Sender<()>,
}

impl Strangers {
    /// Takes one in. Where there are too many, of its address or in all, the oldest goes: who is slow to prove anything
    /// must not keep others out. What is returned resolves when this one has to go.
    pub(super) fn enter(&mut self, id: Connection, from: IpAddr) -> oneshot::Receiver<()> {
        let same = self.0.iter().filter(|other| other.from == from).count();
        if same >= SAME_ADDRESS_MAX {
            let oldest = self.0.iter().position(|other| other.from == from);
            oldest.map(|place| self.0.remove(place));
        } else if self.0.len() >= ALL_MAX {
            self.0.pop_front();
        }
        let (stay, leave) = oneshot::channel();
        self.0.push_back(Stranger {
            id,
            from,
            _stay: stay,
        });
        leave
    }

    /// The greeting is over.
    pub(super) fn leave(&mut self, id: Connection) {
        self.0.retain(|stranger| stranger.id != id);
    }
}

/// Refusals of one address are told at most once in this time.
const TOLD_EVERY: Millis = 60_000;

/// Addresses whose refusals are counted. Where there are more, the one that was told longest ago is forgotten.
const ADDRESSES_MAX: usize = 256;

/// Refusals told in [`TOLD_EVERY`] in all, so that many addresses do not fill the log either.
const TOLD_MAX: usize = 64;

/// What was refused to whom, so that neither repetition fills the log nor anybody's noise hides another's mistake.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    by_address: BTreeMap<IpAddr, Refused>,
}

#[derive(Debug)]
struct Refused {
    told_at: Millis,
    untold: u64,
}

impl Refusals {
    /// Counts one. Returns how many of that address were not told before, when this one is to be told.
    pub(super) fn note(&mut self, now: Millis, from: IpAddr) -> Option<u64> {
        let recent = |refused: &Refused| now < refused.told_at + TOLD_EVERY;
        let crowded = self.by_address.values().filter(|r| recent(r)).count() >= TOLD_MAX;
        match self.by_address.get_mut(&from) {
            Some(refused) if crowded || recent(refused) => {
                refused.untold += 1;
                None
            }
            Some(refused) => {
                refused.told_at = now;
                Some(std::mem::take(&mut refused.untold))
            }
            None if crowded => None,
            None => {
                self.forget_oldest();
                let first = Refused {
                    told_at: now,
                    untold: 0,
                };
                self.by_address.insert(from, first);
                Some(0)
            }
        }
    }

    fn forget_oldest(&mut self) {
        if self.by_address.len() < ADDRESSES_MAX {
            return;
        }
        let oldest = self.by_address.iter().min_by_key(|(_, r)| r.told_at);
        if let Some(address) = oldest.map(|(address, _)| *address) {
            self.by_address.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from(0x0A00_0000 + number).into()
    }

    #[test]
    fn the_oldest_of_an_address_makes_room_for_its_next() {
        let mut strangers = Strangers::default();
        let mut other = strangers.enter(0, address(1));
        let mut own: Vec<_> = (1..=SAME_ADDRESS_MAX as u64 + 1)
            .map(|id| strangers.enter(id, address(2)))
            .collect();
        let mut gone = own.iter_mut().map(|leave| {
            leave
                .try_recv()
                .is_err_and(|e| e == oneshot::error::TryRecvError::Closed)
        });
        assert_eq!(gone.next(), Some(true), "the oldest of that address");
        assert!(gone.all(|gone| !gone), "and no other");
        assert_eq!(other.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        assert_eq!(strangers.0.len(), SAME_ADDRESS_MAX + 1);
    }

    #[test]
    fn many_addresses_take_no_more_than_there_is() {
        let mut strangers = Strangers::default();
        let all: Vec<_> = (0..2 * ALL_MAX as u32)
            .map(|n| strangers.enter(n.into(), address(n)))
            .collect();
        assert_eq!(strangers.0.len(), ALL_MAX);
        drop(all);
        strangers.leave(2 * ALL_MAX as u64 - 1);
        assert_eq!(strangers.0.len(), ALL_MAX - 1);
    }

    #[test]
    fn each_address_is_told_of_and_its_repeats_are_counted() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.note(0, address(1)), Some(0));
        for second in 1..50 {
            assert_eq!(refusals.note(second * 1_000, address(1)), None);
        }
        assert_eq!(
            refusals.note(50_000, address(2)),
            Some(0),
            "another's mistake is told"
        );
        assert_eq!(refusals.note(60_000, address(1)), Some(49));
    }

    /// Thousands of refusals silence nobody for longer than a minute.
    #[test]
    fn a_flood_is_over_when_it_is_over() {
        let mut refusals = Refusals::default();
        let flood = (0..10_000).map(|n| refusals.note(1_000, address(n)));
        assert_eq!(flood.flatten().count(), TOLD_MAX);
        assert!(refusals.by_address.len() <= ADDRESSES_MAX);
        assert_eq!(refusals.note(61_000, address(20_000)), Some(0));
    }
}
