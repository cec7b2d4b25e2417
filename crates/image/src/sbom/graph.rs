//! Which crates the binary links.

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// The crates below the binary's own, without those that only build or test it.
#[derive(Debug)]
pub(super) struct Graph {
    root: String,
    packages: BTreeMap<String, Package>,
    uses: BTreeMap<String, BTreeSet<String>>,
}

/// One crate.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) license: Option<String>,
}

impl Package {
    /// The package URL.
    pub(super) fn purl(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// None for a dependency of the code itself; `dev` or `build`.
    kind: Option<String>,
}

impl Graph {
    pub(super) fn read(root: &Path, triple: &str) -> anyhow::Result<Self> {
        let arguments = [
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            triple,
        ];
        Self::of(serde_json::from_str(&said(
            Command::new("cargo").args(arguments).current_dir(root),
        )?)?)
    }

    fn of(metadata: Metadata) -> anyhow::Result<Self> {
        let all: BTreeMap<String, Package> = metadata
            .packages
            .into_iter()
            .map(|package| (package.id.clone(), package))
            .collect();
        let binary = all.values().find(|package| package.name == "holdfast-cli");
        let root = binary
            .context("cargo metadata does not know holdfast-cli")?
            .id
            .clone();
        let edges: BTreeMap<String, BTreeSet<String>> =
            metadata.resolve.nodes.into_iter().map(linked_by).collect();
        let reached = reach(&root, &edges);
        Ok(Self {
            packages: all
                .into_iter()
                .filter(|(id, _)| reached.contains(id))
                .collect(),
            uses: edges,
            root,
        })
    }

    pub(super) fn root(&self) -> &Package {
        &self.packages[&self.root]
    }

    /// All but the root, by name and version.
    pub(super) fn linked(&self) -> impl Iterator<Item = &Package> {
        let mut all: Vec<&Package> = self
            .packages
            .values()
            .filter(|package| package.id != self.root)
            .collect();
        all.sort_by_key(|package| (&package.name, &package.version));
        all.into_iter()
    }

    pub(super) fn uses<'a>(&'a self, package: &Package) -> impl Iterator<Item = &'a Package> {
        let ids = self.uses.get(&package.id).into_iter().flatten();
        ids.filter_map(|id| self.packages.get(id))
    }
}

fn linked_by(node: Node) -> (String, BTreeSet<String>) {
    let linked =
        |dependency: &Dependency| dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
    let uses = node
        .deps
        .into_iter()
        .filter(linked)
        .map(|dependency| dependency.pkg);
    (node.id, uses.collect())
}

fn reach(root: &str, edges: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![root.to_owned()];
    while let Some(id) = next.pop() {
        if let Some(uses) = edges.get(&id) {
            next.extend(uses.iter().filter(|id| !reached.contains(*id)).cloned());
        }
        reached.insert(id);
    }
    reached
}

/// What a static binary carries besides crates: Rust's standard library and the C library.
pub(super) fn toolchain() -> anyhow::Result<Vec<(String, String)>> {
    let rust = said(Command::new("rustc").arg("--version"))?;
    let glibc = said(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
    let second = |text: &str| {
        text.split_whitespace()
            .nth(1)
            .unwrap_or("unknown")
            .to_owned()
    };
    Ok(vec![
        ("rust-std".into(), second(&rust)),
        ("glibc".into(), second(&glibc)),
    ])
}

fn said(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", error.trim());
    Ok(String::from_utf8(output.stdout)?)
}
