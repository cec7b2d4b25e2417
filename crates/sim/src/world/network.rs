//! Who reaches whom, and how fast.

use crate::model::Micros;
use crate::rng::Rng;
use std::collections::BTreeMap;

/// One place in the network: a pod of a node, a sentinel, or a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A node's pod (agent and redis-server).
    Node(usize),
    /// A sentinel.
    Sentinel(usize),
    /// A client.
    Client(usize),
}

/// The network between places. Each direction of each pair can be cut and slowed by itself; cuts of
/// several faults add up, so that healing one does not heal the other.
#[derive(Debug)]
pub(super) struct Network {
    cuts: BTreeMap<(Place, Place), u32>,
    slow: BTreeMap<(Place, Place), Micros>,
    base_us: Micros,
    jitter_us: Micros,
    rng: Rng,
}

impl Network {
    /// A network whose one-way delay is `base_us` and up to `jitter_us` more.
    pub(super) fn new(rng: Rng, base_us: Micros, jitter_us: Micros) -> Self {
        Self {
            cuts: BTreeMap::new(),
            slow: BTreeMap::new(),
            base_us,
            jitter_us,
            rng,
        }
    }

    /// Whether something sent from `from` arrives at `to`.
    pub(super) fn passes(&self, from: Place, to: Place) -> bool {
        !self.cuts.contains_key(&(from, to))
    }

    /// Whether both directions work.
    pub(super) fn connects(&self, a: Place, b: Place) -> bool {
        self.passes(a, b) && self.passes(b, a)
    }

    /// Cuts one direction.
    pub(super) fn cut(&mut self, from: Place, to: Place) {
        *self.cuts.entry((from, to)).or_insert(0) += 1;
    }

    /// Takes one cut back.
    pub(super) fn heal(&mut self, from: Place, to: Place) {
        if let Some(count) = self.cuts.get_mut(&(from, to)) {
            *count -= 1;
            if *count == 0 {
                self.cuts.remove(&(from, to));
            }
        }
    }

    /// Adds `by` to the delay of one direction (0: as usual again).
    pub(super) fn slow_down(&mut self, from: Place, to: Place, by: Micros) {
        self.slow.insert((from, to), by);
    }

    /// Everything works again.
    pub(super) fn heal_all(&mut self) {
        self.cuts.clear();
        self.slow.clear();
    }

    /// The delay of one message.
    pub(super) fn delay(&mut self, from: Place, to: Place) -> Micros {
        let tail = if self.rng.chance(5) {
            self.jitter_us * 10
        } else {
            0
        };
        let slow = self.slow.get(&(from, to)).copied().unwrap_or(0);
        self.base_us + self.rng.below(self.jitter_us + 1) + tail + slow
    }
}
