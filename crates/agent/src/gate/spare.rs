//! Large pieces that are empty, kept for use again for a while: the kernel clears the pages of each new one.

use super::bounds::{READ_LARGE, SPARE_MAX};
use holdfast_core::gate::Micros;

/// How long spare pieces are kept without use.
const KEEP: Micros = 1_000_000;

/// The pieces, and when one was taken last.
#[derive(Debug, Default)]
pub(super) struct Spare {
    pieces: Vec<Vec<u8>>,
    used: Micros,
}

impl Spare {
    /// One of them, or a new one.
    pub(super) fn take(&mut self, now: Micros) -> Vec<u8> {
        self.used = now;
        let spare = self.pieces.pop();
        spare.unwrap_or_else(|| Vec::with_capacity(READ_LARGE))
    }

    /// Keeps this one, if it is a large piece and there is room.
    pub(super) fn put(&mut self, piece: Option<Vec<u8>>) {
        if let Some(mut piece) = piece
            && piece.capacity() == READ_LARGE
            && self.pieces.len() < SPARE_MAX
        {
            piece.clear();
            self.pieces.push(piece);
        }
    }

    /// Gives up what nobody has used for long.
    pub(super) fn rest(&mut self, now: Micros) {
        if self.used + KEEP < now {
            self.pieces = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pieces_are_used_again_within_bounds_and_given_up_when_nobody_does() {
        let mut spare = Spare::default();
        let mut piece = spare.take(5);
        piece.push(1);
        let place = piece.as_ptr();
        spare.put(Some(piece));
        spare.put(Some(vec![1]));
        spare.put(None);
        assert_eq!(spare.pieces.len(), 1, "a small piece is none");
        let again = spare.take(7);
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        (0..2 * SPARE_MAX).for_each(|_| spare.put(Some(Vec::with_capacity(READ_LARGE))));
        assert_eq!(spare.pieces.len(), SPARE_MAX);
        spare.rest(7 + KEEP);
        assert_eq!(spare.pieces.len(), SPARE_MAX);
        spare.rest(8 + KEEP);
        assert_eq!(spare.pieces.capacity(), 0);
    }
}
