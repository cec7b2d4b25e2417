//! Several images of one version, one per architecture, as one.

use crate::blob::Blob;
use crate::layout;
use anyhow::{Context as _, bail};
use oci_spec::image::{Descriptor, DescriptorBuilder, ImageIndex, ImageIndexBuilder, MediaType};
use std::path::{Path, PathBuf};

/// Writes a layout to `folder` whose one index names the images of all `parts`. Returns its digest.
pub fn merge(parts: &[PathBuf], folder: &Path) -> anyhow::Result<String> {
    layout::begin(folder)?;
    let mut manifests: Vec<Descriptor> = Vec::new();
    for part in parts {
        copy_blobs(part, folder)?;
        let index = ImageIndex::from_file(part.join("index.json"))
            .with_context(|| format!("reading {}", part.display()))?;
        manifests.extend(index.manifests().iter().cloned());
    }
    if manifests.is_empty() {
        bail!("no image to merge: name the layouts that `image holdfast` wrote");
    }
    manifests.sort_by_key(|manifest| manifest.digest().to_string());
    let tag = manifests[0].annotations().clone();
    for manifest in &mut manifests {
        manifest.set_annotations(None);
    }
    let list = Blob::json(
        &ImageIndexBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageIndex)
            .manifests(manifests)
            .build()?,
    )?;
    layout::add(folder, &list)?;
    let mut whole = DescriptorBuilder::default()
        .media_type(MediaType::ImageIndex)
        .digest(list.digest()?)
        .size(list.bytes.len() as u64)
        .build()?;
    whole.set_annotations(tag);
    layout::index(folder, vec![whole])?;
    Ok(format!("sha256:{}", list.hex))
}

fn copy_blobs(from: &Path, to: &Path) -> anyhow::Result<()> {
    let blobs = from.join("blobs/sha256");
    for entry in
        std::fs::read_dir(&blobs).with_context(|| format!("reading {}", blobs.display()))?
    {
        let entry = entry?;
        std::fs::copy(
            entry.path(),
            to.join("blobs/sha256").join(entry.file_name()),
        )?;
    }
    Ok(())
}
