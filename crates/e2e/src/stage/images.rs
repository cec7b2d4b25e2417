//! The images that the cluster needs, under the very names that the chart asks for.

use anyhow::Context as _;
use holdfast_image::{Image, Server, Target};
use std::path::{Path, PathBuf};

/// Archives to load, and names to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    /// The static binary that is in Holdfast's image.
    pub(crate) binary: PathBuf,
    pub(crate) archives: Vec<PathBuf>,
    /// The same server as the chart's default, under another name: an upgrade that changes nothing but the image.
    pub(crate) other: String,
    /// The distribution's Redis.
    pub(crate) redis: String,
}

impl Images {
    /// Builds into `folder` what the cluster cannot pull, Holdfast's from `binary` where one is given.
    pub(super) fn make(
        folder: &Path,
        chart: &Path,
        binary: Option<&Path>,
        pulls: bool,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let version = field(&chart.join("Chart.yaml"), "appVersion:")?;
        let target = Target::host("release");
        let binary = match binary {
            Some(path) => path.into(),
            None => kept(folder, &target)?,
        };
        let image = holdfast(&format!("{HOLDFAST}:{version}"), &binary, &target)?;
        let mut images = if pulls {
            Self::official(binary)
        } else {
            Self::distribution(binary, folder, chart)?
        };
        images.archives.push(write(folder, "holdfast", &image)?);
        Ok(images)
    }

    /// Those of the registries.
    fn official(binary: PathBuf) -> Self {
        Self {
            binary,
            archives: Vec::new(),
            other: "docker.io/valkey/valkey:8.0".into(),
            redis: "docker.io/library/redis:7.2".into(),
        }
    }

    /// The distribution's servers, where there is no registry.
    fn distribution(binary: PathBuf, folder: &Path, chart: &Path) -> anyhow::Result<Self> {
        let default = field(&chart.join("values.yaml"), "image:")?;
        let other = format!("valkey:e2e-{}", Server::Valkey.version()?);
        let redis = format!("redis:e2e-{}", Server::Redis.version()?);
        let archives = vec![
            write(folder, "default", &Server::Valkey.image(&default)?)?,
            write(folder, "other", &Server::Valkey.image(&other)?)?,
            write(folder, "redis", &Server::Redis.image(&redis)?)?,
        ];
        Ok(Self {
            binary,
            archives,
            other,
            redis,
        })
    }
}

/// What the chart calls Holdfast's image.
const HOLDFAST: &str = "ghcr.io/holdfast-redis/holdfast";

fn holdfast(name: &str, binary: &Path, target: &Target) -> anyhow::Result<Image> {
    let bytes = std::fs::read(binary).with_context(|| format!("reading {}", binary.display()))?;
    holdfast_image::holdfast(name, bytes, target, None)
}

/// Builds it and keeps a copy: the next `cargo build` replaces it by one that is not static.
fn kept(folder: &Path, target: &Target) -> anyhow::Result<PathBuf> {
    let built = holdfast_image::build_binary(&std::env::current_dir()?, target)?;
    let kept = folder.join("holdfast");
    std::fs::copy(&built, &kept).with_context(|| format!("copying {}", built.display()))?;
    Ok(kept)
}

fn write(folder: &Path, stem: &str, image: &Image) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("{stem}.tar"));
    holdfast_image::write_archive(image, &path)?;
    Ok(path)
}

/// The value of a top-level key of a YAML file, without quotes.
fn field(file: &Path, key: &str) -> anyhow::Result<String> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    Ok(line
        .with_context(|| format!("{}: no {key}", file.display()))?
        .trim()
        .trim_matches('"')
        .to_owned())
}
