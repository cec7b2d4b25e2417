//! An image as a folder in the OCI image layout, as skopeo, cosign and containerd read it.

use crate::blob::{Blob, sorted_json};
use crate::image::Image;
use anyhow::Context as _;
use oci_spec::image::{Descriptor, ImageIndexBuilder, MediaType};
use std::path::Path;

/// Writes the layout to `folder`, in place of what was there.
pub fn write_layout(image: &Image, folder: &Path) -> anyhow::Result<()> {
    begin(folder)?;
    for blob in [&image.layer.compressed, &image.config, &image.manifest] {
        add(folder, blob)?;
    }
    index(folder, vec![image.descriptor.clone()])
}

/// An empty layout.
pub(crate) fn begin(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("emptying {}", folder.display()))?;
    }
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).with_context(|| format!("making {}", blobs.display()))?;
    write(
        &folder.join("oci-layout"),
        br#"{"imageLayoutVersion":"1.0.0"}"#,
    )
}

/// Adds one blob under its digest.
pub(crate) fn add(folder: &Path, blob: &Blob) -> anyhow::Result<()> {
    write(&folder.join("blobs/sha256").join(&blob.hex), &blob.bytes)
}

/// Says which manifests the layout holds.
pub(crate) fn index(folder: &Path, manifests: Vec<Descriptor>) -> anyhow::Result<()> {
    let index = ImageIndexBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::ImageIndex)
        .manifests(manifests)
        .build()?;
    write(&folder.join("index.json"), &sorted_json(&index)?)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}
