//! A full copy of a primary that fails on its way into memory.
//!
//! ```text
//!   snapshot received ─▶ append-only file off ─▶ memory emptied ─▶ dump renamed ─▶ loaded ─▶ append-only file anew
//!                      ╰─ BeforeFlush                 ╰─ AfterFlush              ╰─ HalfLoaded
//! ```
//!
//! Whatever fails, the process lives on and asks its primary again; once memory was emptied it has forgotten where it was. Its
//! append-only file stays off until a copy succeeds or it is promoted, and then holds what memory holds.

use super::Micros;
use super::files::Image;
use super::server::Server;
use std::sync::Arc;

/// How full copies fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyFault {
    /// They do not.
    #[default]
    None,
    /// Before memory is emptied: the old data stay. A full disk; on valkey 8 also a `dump.rdb` that cannot be replaced.
    BeforeFlush,
    /// After it, and before the dump is replaced: memory is empty, the disk holds what it held. redis 7.0 with a
    /// `dump.rdb` that cannot be replaced, as a mounted file.
    AfterFlush,
    /// While the new dump is read: a part of it is in memory, and the dump that was on disk is gone.
    HalfLoaded,
}

impl Server {
    /// From now on full copies that this server receives fail like this.
    pub fn fail_copies(&mut self, fault: CopyFault) {
        self.copies_fail = fault;
    }

    /// Whether it is to write an append-only file and does not.
    pub fn is_log_off(&self) -> bool {
        self.log_off && self.rewrite_at.is_none() && !self.is_loading()
    }

    /// The snapshot is there, and fails.
    pub(super) fn fail_copy(&mut self, image: &Image) {
        self.copies_failed += 1;
        self.log_off = self.settings.persistence.appends();
        if self.copies_fail != CopyFault::BeforeFlush {
            self.empty_memory();
        }
        if self.copies_fail == CopyFault::HalfLoaded {
            let half = image.data.len() / 2;
            self.data = Arc::new(image.data.iter().take(half).copied().collect());
            self.files.dump = Some(Image::of(&self.data, image.format));
        }
        self.drop_upstream();
    }

    /// What a copy does before it is read.
    pub(super) fn empty_memory(&mut self) {
        self.drop_all_attached();
        self.backlog = None;
        self.cached = None;
        self.data = Arc::default();
        self.stamp = None;
    }

    /// A promoted server writes its append-only file again, of what it has in memory.
    pub(super) fn log_again(&mut self, now: Micros) {
        if self.log_off && self.rewrite_at.is_none() {
            self.files.unfinished = true;
            self.rewrite_at = Some(now + self.settings.rewrite_us);
        }
    }
}
