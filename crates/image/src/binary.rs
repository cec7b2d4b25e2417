//! The static binary, and the image that holds it alone.

use crate::image::{Image, Settings};
use crate::tree::Tree;
use anyhow::{Context as _, bail, ensure};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a binary is built for.
#[derive(Clone, Debug)]
pub struct Target {
    /// As rustc calls it, for example `x86_64-unknown-linux-gnu`.
    pub triple: String,
    /// Cargo's profile: `dist` for what is published, `release` where a quick build counts more.
    pub profile: String,
}

impl Target {
    /// This machine, with GNU's libc: there a static binary still resolves names as everybody expects.
    pub fn host(profile: &str) -> Self {
        Self {
            triple: format!("{}-unknown-linux-gnu", env::consts::ARCH),
            profile: profile.into(),
        }
    }

    /// Whether what `cargo build` has made for this machine is good enough to start from.
    fn is_shared(&self) -> bool {
        self.profile != PUBLISHED && self.triple == Self::host(&self.profile).triple
    }

    /// The architecture as OCI calls it.
    pub fn architecture(&self) -> anyhow::Result<&'static str> {
        match self.triple.split('-').next() {
            Some("x86_64") => Ok("amd64"),
            Some("aarch64") => Ok("arm64"),
            _ => bail!(
                "{}: images are made for x86_64 and aarch64 only",
                self.triple
            ),
        }
    }
}

/// Builds the static binary of the workspace at `root` and returns where it is.
/// Fails when the outcome still asks for a dynamic loader: it would not start on an empty base.
pub fn build(root: &Path, target: &Target) -> anyhow::Result<PathBuf> {
    let status = cargo(root, target)
        .current_dir(root)
        .status()
        .context("starting cargo: install Rust from https://rustup.rs")?;
    ensure!(
        status.success(),
        "cargo could not build the static binary ({status})"
    );
    let path = artifacts(root, target).join("holdfast");
    let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(
        is_static(&bytes),
        "{} is not static: it names a dynamic loader",
        path.display()
    );
    Ok(path)
}

/// The image with that binary and nothing else. `revision` is the commit, where it is known.
pub fn holdfast(
    name: &str,
    binary: Vec<u8>,
    target: &Target,
    revision: Option<&str>,
) -> anyhow::Result<Image> {
    let mut tree = Tree::default();
    tree.file(BINARY, 0o755, binary);
    let mut labels: Vec<(String, String)> = [
        ("title", "Holdfast"),
        (
            "description",
            "Reliable multi-node Redis: agent, sentinel and tools in one binary",
        ),
        ("version", env!("CARGO_PKG_VERSION")),
        ("source", env!("CARGO_PKG_REPOSITORY")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
    ]
    .map(|(key, value)| (key.into(), value.into()))
    .into();
    labels.extend(revision.map(|commit| ("revision".into(), commit.into())));
    let settings = Settings {
        name: name.into(),
        architecture: target.architecture()?.into(),
        user: "65532:65532".into(),
        entrypoint: vec![BINARY.into()],
        folder: "/".into(),
        labels,
        ..Settings::default()
    };
    Image::new(&settings, &tree)
}

const BINARY: &str = "/usr/local/bin/holdfast";

/// Profile of what is published.
const PUBLISHED: &str = "dist";

/// What is published is built apart from everything else, so that no path of this machine is in it. Otherwise this machine's
/// everyday build will do: how a program is linked is a matter of its last step, and the rest is shared with `cargo build`.
fn cargo(root: &Path, target: &Target) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let program = ["--locked", "--package", "holdfast-cli", "--bin", "holdfast"];
    cargo
        .arg(if target.is_shared() { "rustc" } else { "build" })
        .args(program)
        .args(["--profile", &target.profile]);
    if target.is_shared() {
        cargo.args(["--", STATIC]);
    } else {
        cargo.args(["--target", &target.triple]);
        cargo.env("RUSTFLAGS", flags(root, &target.profile));
    }
    cargo
}

const STATIC: &str = "-Ctarget-feature=+crt-static";

fn flags(root: &Path, profile: &str) -> String {
    let mut flags = vec![STATIC.to_owned()];
    if profile == PUBLISHED {
        hide_paths(root, &mut flags);
    }
    flags.join(" ")
}

fn hide_paths(root: &Path, flags: &mut Vec<String>) {
    flags.push(format!("--remap-path-prefix={}=/holdfast", root.display()));
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    if let Some(cargo) = home.or_else(|| env::home_dir().map(|home| home.join(".cargo"))) {
        flags.push(format!("--remap-path-prefix={}=/cargo", cargo.display()));
    }
}

fn artifacts(root: &Path, target: &Target) -> PathBuf {
    let all = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |folder| root.join(folder));
    let folder = match target.profile.as_str() {
        "dev" => "debug",
        other => other,
    };
    if target.is_shared() {
        all.join(folder)
    } else {
        all.join(&target.triple).join(folder)
    }
}

/// Whether a 64-bit little-endian ELF file has no program header that names an interpreter.
fn is_static(elf: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let number = |at: usize, size: usize| {
        let bytes = elf.get(at..at + size)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)) as usize,
        )
    };
    let (Some(table), Some(size), Some(count)) = (number(32, 8), number(54, 2), number(56, 2))
    else {
        return false;
    };
    elf.starts_with(b"\x7fELF")
        && (0..count)
            .all(|n| number(table + n * size, 4).is_some_and(|kind| kind != INTERPRETER as usize))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_test_is_not_static_and_text_is_no_binary() {
        let this = std::fs::read(env::current_exe().unwrap()).unwrap();
        assert!(!is_static(&this));
        assert!(!is_static(b"#!/bin/sh"));
        let mut header_alone = this[..64].to_vec();
        header_alone[56..58].fill(0);
        assert!(is_static(&header_alone));
    }

    #[test]
    fn only_what_is_published_is_built_apart() {
        assert!(Target::host("release").is_shared());
        assert!(!Target::host("dist").is_shared());
        let words = |target: &Target| {
            let cargo = cargo(Path::new("/src"), target);
            let words = cargo
                .get_args()
                .map(|word| word.to_string_lossy().into_owned());
            words.collect::<Vec<_>>().join(" ")
        };
        assert!(words(&Target::host("release")).ends_with("-- -Ctarget-feature=+crt-static"));
        assert!(words(&Target::host("dist")).contains("--target "));
    }

    #[test]
    fn architectures() {
        let target = |triple: &str| Target {
            triple: triple.into(),
            profile: "dist".into(),
        };
        assert_eq!(
            target("aarch64-unknown-linux-gnu").architecture().unwrap(),
            "arm64"
        );
        assert!(
            target("riscv64gc-unknown-linux-gnu")
                .architecture()
                .is_err()
        );
    }
}
