//! Starting a server from its files.

use super::Micros;
use super::backlog::Backlog;
use super::copy::CopyFault;
use super::files::{Files, Image};
use super::replica::Upstream;
use super::server::{Replid, Server, Settings};
use crate::rng::Rng;
use holdfast_core::names::Address;
use holdfast_core::snapshot_format::SnapshotFormat;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Server {
    /// Starts a process on `files`. With `following` it is born as a replica of that address (born
    /// sealed when nothing listens there). `rng` gives run id, history names and link numbers.
    pub fn start(
        now: Micros,
        settings: Settings,
        mut files: Files,
        following: Option<Address>,
        mut rng: Rng,
    ) -> Self {
        let image = image_of(&settings, &mut files);
        let boot = (!image.data.is_empty() || image.position.is_some() || image.stamp.is_some())
            .then(|| (now + settings.load_us, image));
        Self {
            run_id: rng.bits(),
            next_link: rng.bits() >> 1,
            replid: Replid(rng.bits()),
            second_at: now + rng.between(1, 1_000_000),
            ping_at: now + settings.ping_us,
            sync_at: now,
            settings,
            rng,
            second: None,
            offset: 0,
            backlog: None,
            data: Arc::default(),
            stamp: None,
            files,
            upstream: Upstream::Down,
            following,
            cached: None,
            attached: BTreeMap::new(),
            selected: false,
            fenced: false,
            keeps_copies: false,
            paused_until: None,
            held: Vec::new(),
            boot,
            rewrite_at: None,
            copies_fail: CopyFault::None,
            log_off: false,
            copies_failed: 0,
            was_online: false,
            script: None,
            sync_full: 0,
            sync_partial: 0,
            effects: Vec::new(),
        }
    }

    pub(super) fn finish_boot(&mut self, now: Micros) {
        if self.boot.as_ref().is_none_or(|(at, _)| now < *at) {
            return;
        }
        let Some((_, image)) = self.boot.take() else {
            return;
        };
        self.data = image.data;
        self.stamp = image.stamp;
        let Some((replid, offset)) = image.position else {
            return;
        };
        self.offset = offset;
        if self.following.is_some() {
            self.replid = replid;
            self.cached = Some((replid, offset));
        } else {
            self.backlog = Some(Backlog::new(offset, self.settings.backlog_bytes));
            self.second = Some((replid, offset + 1));
        }
    }

    pub(super) fn finish_rewrite(&mut self, now: Micros) {
        if self.rewrite_at.is_some_and(|at| now >= at) {
            self.rewrite_at = None;
            let image = Image {
                stamp: self.stamp,
                ..Image::of(&self.data, None)
            };
            self.files.rewrite(&image, self.format());
            self.files.rewrites += 1;
            self.files.unfinished = false;
            self.log_off = false;
        }
    }
}

/// With an append-only file configured the dump is only read where there is no folder for such a file at all: the agent
/// starts redis-server without one then, and switches it on.
fn image_of(settings: &Settings, files: &mut Files) -> Image {
    let image = files.loads(settings.persistence);
    if settings.persistence.appends() && files.log.is_none() {
        let format = settings
            .version
            .as_ref()
            .and_then(SnapshotFormat::written_by);
        files.rewrite(&image, format);
        // The first increment has the name of one that no manifest names: it is opened as it is, and written on.
        if let Some(log) = files.ignored.take() {
            files.synced = log.len();
            files.log = Some(log);
        }
    }
    image
}
