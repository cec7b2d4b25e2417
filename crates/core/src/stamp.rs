//! How far the data on a disk reaches, in a form that survives every restart.
//!
//! A replication id and an offset end with the process when the data comes from an append-only file. So where an
//! acknowledgement stands for disks, each barrier of the gate is a write: it sets one key to its stamp. That rides in the
//! stream and in the append-only file behind everything that the barrier covers.

use crate::names::Epoch;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Epoch and number of a barrier. Whoever has a stamp has what every barrier up to it has released.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Stamp {
    /// The reign.
    pub epoch: Epoch,
    /// Grows with each barrier of the reign.
    pub number: u64,
}

impl Stamp {
    /// As it is kept in redis-server: two numbers of 20 digits, so that texts are ordered as stamps are.
    pub fn to_text(self) -> String {
        format!("{:020}.{:020}", self.epoch, self.number)
    }

    /// From such a text; none if it is anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let (epoch, number) = text.split_once('.')?;
        let read = |part: &str| (part.len() == 20).then(|| part.parse().ok())?;
        Some(Self {
            epoch: read(epoch)?,
            number: read(number)?,
        })
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_ordered_as_stamps_are() {
        let stamps = [
            (0, 0),
            (0, 9),
            (0, 10),
            (7, 3),
            (70, 1),
            (u64::MAX, u64::MAX),
        ];
        let stamps = stamps.map(|(epoch, number)| Stamp { epoch, number });
        let texts = stamps.map(Stamp::to_text);
        assert!(texts.is_sorted(), "{texts:?}");
        assert_eq!(texts.map(|text| Stamp::from_text(&text)), stamps.map(Some));
        for other in ["", "7.3", "x", "00000000000000000007", "1.2.3"] {
            assert_eq!(Stamp::from_text(other), None, "{other}");
        }
    }
}
