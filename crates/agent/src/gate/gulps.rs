//! Streams to replicas that nobody waits for: they go out in gulps, with everything that has come meanwhile.

use holdfast_core::gate::Micros;

/// Time between two gulps. It is what a barrier waits longer when a replica that was counted on stands still, and by what the
/// others' reads are older.
const GULP: Micros = 1_000;

/// The relays whose stream waits, and until when.
#[derive(Debug, Default)]
pub(super) struct Gulps {
    slots: Vec<usize>,
    due: Option<Micros>,
}

impl Gulps {
    /// The stream of this relay waits for the next gulp.
    pub(super) fn put_off(&mut self, slot: usize, now: Micros) {
        self.slots.push(slot);
        self.due.get_or_insert(now + GULP);
    }

    /// When the next gulp is, if somebody waits for one.
    pub(super) fn due(&self) -> Option<Micros> {
        self.due
    }

    /// Those whose gulp is due.
    pub(super) fn take(&mut self, now: Micros) -> Vec<usize> {
        if self.due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        self.due = None;
        std::mem::take(&mut self.slots)
    }
}
