//! An image as a docker archive, for `docker load`, `ctr images import` and `kind load image-archive`.

use crate::image::Image;
use crate::layer::header;
use anyhow::Context as _;
use serde_json::json;
use std::io;
use std::path::Path;
use tar::{Builder, EntryType};

/// Writes the archive, in place of what was there.
pub fn write_archive(image: &Image, path: &Path) -> anyhow::Result<()> {
    let bytes = archive(image).context("writing the archive")?;
    std::fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}

fn archive(image: &Image) -> io::Result<Vec<u8>> {
    let config = format!("{}.json", image.config.hex);
    let layer = format!("{}/layer.tar", image.layer.plain.hex);
    let manifest =
        json!([{"Config": config, "Layers": [layer], "RepoTags": [image.name]}]).to_string();
    let mut tar = Builder::new(Vec::new());
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = header(EntryType::Regular, 0o644, 0, bytes.len() as u64);
        tar.append_data(&mut header, path, bytes)
    };
    add(&config, &image.config.bytes)?;
    add(&layer, &image.layer.plain.bytes)?;
    add("manifest.json", manifest.as_bytes())?;
    tar.into_inner()
}
