//! Which server a model is, as far as formats go: in which it writes, and which it cannot read.

use super::files::{Files, Image, Persistence};
use super::server::Server;
use holdfast_core::server_version::ServerVersion;
use holdfast_core::snapshot_format::SnapshotFormat;
use std::sync::Arc;

impl Server {
    /// Name and number, in runs where those count.
    pub fn version(&self) -> Option<&ServerVersion> {
        self.settings.version.as_ref()
    }

    /// In which format it writes snapshots, copies, and the base of its append-only file.
    pub(super) fn format(&self) -> Option<SnapshotFormat> {
        SnapshotFormat::written_by(self.version()?)
    }

    /// Whether it loads a copy.
    pub fn reads(&self, image: &Image) -> bool {
        is_read(image.format, self.version())
    }

    /// A copy that it cannot read has taken the place of its dump, and memory was emptied for it.
    pub(super) fn choke_on(&mut self, image: Image) {
        self.copies_failed += 1;
        self.log_off = self.settings.persistence.appends();
        self.empty_memory();
        self.files.dump = Some(image);
        self.drop_upstream();
    }
}

impl Files {
    /// The format in which a file is that this server would have to read, and cannot.
    pub fn unreadable_by(
        &self,
        persistence: Persistence,
        server: Option<&ServerVersion>,
    ) -> Option<SnapshotFormat> {
        let dump = self.dump.as_ref().and_then(|dump| dump.format);
        let format = match &self.log {
            Some(_) if persistence.appends() => self.log_format,
            _ => dump,
        };
        format.filter(|_| !is_read(format, server))
    }

    /// The append-only file is written from its beginning.
    pub(super) fn rewrite(&mut self, image: &Image, format: Option<SnapshotFormat>) {
        let log = Image::to_log(&image.data, image.stamp);
        self.synced = log.len();
        (self.log, self.log_format) = (Some(log), format);
    }
}

impl Image {
    /// The same in another format.
    pub(super) fn of(data: &Arc<Vec<u64>>, format: Option<SnapshotFormat>) -> Self {
        Self {
            data: Arc::clone(data),
            format,
            ..Self::default()
        }
    }
}

fn is_read(format: Option<SnapshotFormat>, server: Option<&ServerVersion>) -> bool {
    let known = format.zip(server);
    known.is_none_or(|(format, server)| format.is_read_by(server) != Some(false))
}
