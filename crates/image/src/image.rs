//! One image for one architecture: configuration and layer.

use crate::blob::Blob;
use crate::layer::Layer;
use crate::tree::Tree;
use anyhow::Context as _;
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, DescriptorBuilder, ImageConfigurationBuilder,
    ImageManifestBuilder, MediaType, Os, PlatformBuilder, RootFsBuilder,
};
use std::collections::HashMap;

/// How an image is run and described.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Name and tag, for example `holdfast:0.1.0`.
    pub name: String,
    /// As OCI calls it: `amd64` or `arm64`.
    pub architecture: String,
    /// Numeric user, and group after a `:`.
    pub user: String,
    /// The program, and the arguments that are always given.
    pub entrypoint: Vec<String>,
    /// What is run, or given to the entrypoint, where nothing else is said.
    pub command: Vec<String>,
    /// Where it is run.
    pub folder: String,
    /// `org.opencontainers.image.…` without that prefix, and its value.
    pub labels: Vec<(String, String)>,
}

/// A complete image, in memory.
#[derive(Clone, Debug)]
pub struct Image {
    /// Name and tag.
    pub name: String,
    pub(crate) layer: Layer,
    pub(crate) config: Blob,
    pub(crate) manifest: Blob,
    /// What an index says of it.
    pub(crate) descriptor: Descriptor,
}

impl Image {
    /// Builds the image whose files are those of `tree`.
    pub fn new(settings: &Settings, tree: &Tree) -> anyhow::Result<Self> {
        let layer = Layer::of(tree).context("writing the layer")?;
        let config = config(settings, &layer)?;
        let manifest = manifest(settings, &layer, &config)?;
        let descriptor = DescriptorBuilder::default()
            .media_type(MediaType::ImageManifest)
            .digest(manifest.digest()?)
            .size(manifest.bytes.len() as u64)
            .platform(
                PlatformBuilder::default()
                    .architecture(Arch::from(settings.architecture.as_str()))
                    .os(Os::Linux)
                    .build()?,
            )
            .annotations(HashMap::from([(
                REF_NAME.to_owned(),
                tag(&settings.name).to_owned(),
            )]))
            .build()?;
        Ok(Self {
            name: settings.name.clone(),
            layer,
            config,
            manifest,
            descriptor,
        })
    }

    /// The digest that registries and signatures use: `sha256:` and 64 hex characters.
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.manifest.hex)
    }
}

const REF_NAME: &str = "org.opencontainers.image.ref.name";
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn config(settings: &Settings, layer: &Layer) -> anyhow::Result<Blob> {
    let config = ConfigBuilder::default()
        .user(settings.user.clone())
        .env(vec![PATH.to_owned()])
        .entrypoint(settings.entrypoint.clone())
        .cmd(settings.command.clone())
        .working_dir(settings.folder.clone())
        .labels(labels(settings))
        .build()?;
    let root = RootFsBuilder::default()
        .typ("layers")
        .diff_ids(vec![layer.diff_id()])
        .build()?;
    Blob::json(
        &ImageConfigurationBuilder::default()
            .architecture(Arch::from(settings.architecture.as_str()))
            .os(Os::Linux)
            .config(config)
            .rootfs(root)
            .build()?,
    )
}

fn manifest(settings: &Settings, layer: &Layer, config: &Blob) -> anyhow::Result<Blob> {
    Blob::json(
        &ImageManifestBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageManifest)
            .config(part(MediaType::ImageConfig, config)?)
            .layers(vec![part(MediaType::ImageLayerGzip, &layer.compressed)?])
            .annotations(labels(settings))
            .build()?,
    )
}

fn part(kind: MediaType, blob: &Blob) -> anyhow::Result<Descriptor> {
    Ok(DescriptorBuilder::default()
        .media_type(kind)
        .digest(blob.digest()?)
        .size(blob.bytes.len() as u64)
        .build()?)
}

fn labels(settings: &Settings) -> HashMap<String, String> {
    let full = |(key, value): &(String, String)| {
        (format!("org.opencontainers.image.{key}"), value.clone())
    };
    settings.labels.iter().map(full).collect()
}

fn tag(name: &str) -> &str {
    name.rsplit_once(':').map_or("latest", |(_, tag)| tag)
}
