//! A small file that is replaced as a whole, on a disk that may lose what was not synced.

use crate::rng::Rng;

/// One file. Each write replaces it (write, rename); a power loss may take back what was not synced.
#[derive(Clone, Debug)]
pub struct Disk<T> {
    /// What a power loss cannot take, if the file exists at all.
    synced: Option<T>,
    /// Writes since then, oldest first; the newest is what a reader sees.
    unsynced: Vec<T>,
}

/// Unsynced versions kept; more would only be older ones.
const UNSYNCED_MAX: usize = 16;

impl<T: Clone> Default for Disk<T> {
    fn default() -> Self {
        Self {
            synced: None,
            unsynced: Vec::new(),
        }
    }
}

impl<T: Clone> Disk<T> {
    /// What a process reads.
    pub fn read(&self) -> Option<T> {
        self.unsynced.last().or(self.synced.as_ref()).cloned()
    }

    /// Writes without waiting for the disk.
    pub(super) fn write(&mut self, value: T) {
        if self.unsynced.len() >= UNSYNCED_MAX {
            self.unsynced.remove(0);
        }
        self.unsynced.push(value);
    }

    /// Writes, and everything so far is safe.
    pub(super) fn sync(&mut self, value: T) {
        self.unsynced.clear();
        self.synced = Some(value);
    }

    /// Power loss: some prefix of the unsynced writes survives.
    pub(super) fn lose_power(&mut self, rng: &mut Rng) {
        let kept = rng.below(self.unsynced.len() as u64 + 1) as usize;
        if kept > 0 {
            self.synced = self.unsynced.get(kept - 1).cloned();
        }
        self.unsynced.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_loss_takes_only_what_was_not_synced() {
        for seed in 0..20 {
            let mut disk = Disk::default();
            disk.sync(1);
            disk.write(2);
            assert_eq!(disk.read(), Some(2));
            disk.lose_power(&mut Rng::new(seed));
            assert!(disk.read().is_some_and(|value| value == 1 || value == 2));
        }
    }
}
