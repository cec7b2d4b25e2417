//! What happens to the messages between sentinels beside what the network does: the register must not care.

use crate::model::Micros;
use crate::rng::Rng;
use holdfast_core::wire::PeerMessage;

/// A message that is late is so by up to this much.
const LATE_US: Micros = 60_000;

/// A part of the messages is lost, doubled, or late behind its successors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chaos {
    per_mille: u64,
    only: Option<Kind>,
}

/// Messages of one kind, so that the others go on undisturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What is committed.
    Learn,
    /// What a sentinel thinks of the primary.
    Opinion,
    /// Answers of an acceptor.
    Answer,
}

impl Chaos {
    /// No message is touched.
    pub(super) const NONE: Self = Self {
        per_mille: 0,
        only: None,
    };

    /// Mostly none; else a few messages of every kind, or many of one.
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let (per_mille, only) = match rng.below(10) {
            0 | 1 => (60, None),
            2 | 3 => (700, Some(Kind::Learn)),
            4 => (300, Some(Kind::Opinion)),
            5 => (300, Some(Kind::Answer)),
            _ => (0, None),
        };
        Self { per_mille, only }
    }

    /// By how much each copy of `message` is late; none of it arrives when there is no entry. Nothing
    /// at all when the message goes its usual way.
    pub(super) fn befalls(self, rng: &mut Rng, message: &PeerMessage) -> Option<Vec<Micros>> {
        let meant = self.only.is_none_or(|only| Kind::of(message) == Some(only));
        if !meant || !rng.chance(self.per_mille) {
            return None;
        }
        let copies = match self.only {
            Some(_) => rng.below(3) / 2,
            None => rng.below(3),
        };
        Some((0..copies).map(|_| rng.between(100, LATE_US)).collect())
    }
}

impl Kind {
    fn of(message: &PeerMessage) -> Option<Self> {
        match message {
            PeerMessage::Learn { .. } => Some(Self::Learn),
            PeerMessage::Opinion { .. } => Some(Self::Opinion),
            PeerMessage::Promise { .. } | PeerMessage::Accepted { .. } => Some(Self::Answer),
            _ => None,
        }
    }
}
