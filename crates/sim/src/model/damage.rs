//! What may happen to a data directory while no server runs.

use super::files::{Files, Image, Persistence};
use crate::rng::Rng;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One way in which files come to hold less than was written to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The append-only file ends too early; redis-server loads what is there (`aof-load-truncated yes`).
    CutLog,
    /// The folder of the append-only file is gone.
    LostLog,
    /// The manifest of the append-only file is gone: redis-server starts empty beside the files that it named, and appends to
    /// the one that has the name of the first.
    LostManifest,
    /// The folder of the append-only file is there and empty: redis-server starts empty and ignores the dump.
    EmptyLog,
    /// The dump ends too early, or is gone.
    LostDump,
}

impl Damage {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::CutLog,
        Self::LostLog,
        Self::LostManifest,
        Self::EmptyLog,
        Self::LostDump,
    ];
}

impl Files {
    /// Something happens to the files.
    pub fn damage(&mut self, damage: Damage, rng: &mut Rng) {
        match damage {
            Damage::CutLog => self.cut_log(rng),
            Damage::LostLog => self.log = None,
            Damage::LostManifest => self.ignored = self.log.take().filter(|log| !log.is_empty()),
            Damage::EmptyLog => self.empty_log(),
            Damage::LostDump => self.dump = None,
        }
        self.synced = self.log.as_ref().map_or(0, Vec::len);
    }

    fn cut_log(&mut self, rng: &mut Rng) {
        if let Some(log) = &mut self.log {
            let kept = log.len() * rng.between(100, 950) as usize / 1_000;
            log.truncate(kept);
        }
    }

    /// A dump was put back by a person, who left an empty folder beside it.
    fn empty_log(&mut self) {
        if let Some(log) = self.log.take() {
            self.dump = Some(Image::of_log(&log));
            self.ignored = Some(Vec::new());
        }
    }

    /// Everything that any of the files holds.
    pub fn holds(&self) -> Vec<u64> {
        let logs = [&self.log, &self.ignored].into_iter().flatten();
        let logs = logs.map(|log| Image::of_log(log).data);
        let dump = self.dump.iter().map(|dump| Arc::clone(&dump.data));
        logs.chain(dump).flat_map(|data| data.to_vec()).collect()
    }

    /// What a redis-server that is started on these files reads.
    pub fn loads(&self, persistence: Persistence) -> Image {
        let log = self.log.as_ref().filter(|_| persistence.appends());
        let begun = self.ignored.is_some() && persistence.appends();
        match (log, &self.dump) {
            (Some(log), _) => Image::of_log(log),
            (None, Some(dump)) if !begun => dump.clone(),
            _ => Image::default(),
        }
    }

    /// A person puts right what keeps redis-server from being started: the manifest is back, an empty folder is gone.
    pub fn put_right(&mut self) {
        let ignored = self.ignored.take().filter(|log| !log.is_empty());
        if let Some(log) = ignored {
            self.synced = log.len();
            self.log = Some(log);
        }
    }

    /// What these files hold and a redis-server that is started on them passes over: files that no manifest names, and a dump
    /// where it reads nothing else. That an append-only file goes before an older dump is as it should be.
    pub fn ignores(&self, persistence: Persistence) -> Vec<u64> {
        let loaded: BTreeSet<u64> = self.loads(persistence).data.iter().copied().collect();
        let ignored = self.ignored.iter().map(|log| Image::of_log(log).data);
        let dump = self.dump.iter().filter(|_| loaded.is_empty());
        let all = ignored.chain(dump.map(|dump| Arc::clone(&dump.data)));
        let lying = all.flat_map(|data| data.to_vec());
        lying.filter(|value| !loaded.contains(value)).collect()
    }
}
