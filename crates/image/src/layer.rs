//! A tree as a tar archive, with nothing in it that differs from one machine to the next.

use crate::blob::{Blob, hex_digest};
use crate::tree::{Node, Tree};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write as _};
use tar::{Builder, EntryType, Header};

/// One layer: plain for docker archives, compressed for registries.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) plain: Blob,
    pub(crate) compressed: Blob,
}

impl Layer {
    pub(crate) fn of(tree: &Tree) -> io::Result<Self> {
        let plain = Blob::new(archive(tree)?);
        // Without a file name and a time in its header, gzip's output depends on its input alone.
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&plain.bytes)?;
        Ok(Self {
            compressed: Blob::new(gzip.finish()?),
            plain,
        })
    }

    /// What the configuration calls this layer: the digest of the plain archive.
    pub(crate) fn diff_id(&self) -> String {
        format!("sha256:{}", hex_digest(&self.plain.bytes))
    }
}

fn archive(tree: &Tree) -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for (path, node) in tree.iter() {
        match node {
            Node::Folder { mode, owner } => {
                let mut header = header(EntryType::Directory, *mode, *owner, 0);
                tar.append_data(&mut header, format!("{path}/"), io::empty())?;
            }
            Node::File { mode, content } => {
                let mut header = header(EntryType::Regular, *mode, 0, content.len() as u64);
                tar.append_data(&mut header, path, content.as_slice())?;
            }
            Node::Link(target) => {
                let mut header = header(EntryType::Symlink, 0o777, 0, 0);
                tar.append_link(&mut header, path, target)?;
            }
        }
    }
    tar.into_inner()
}

/// A header with all times at zero.
pub(crate) fn header(kind: EntryType, mode: u32, owner: u64, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner);
    header.set_gid(owner);
    header.set_mtime(0);
    header.set_size(size);
    header
}
