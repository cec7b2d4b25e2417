//! The bill of materials: every crate in the binary with version, licence and checksum, in `CycloneDX`.

mod graph;
mod lock;

use graph::{Graph, Package};
use lock::Checksums;
use serde_json::{Value, json};
use std::path::Path;

/// What the image of `digest` is made of, as `CycloneDX` 1.5 JSON: the crates that the binary for `triple`
/// links, from Cargo.lock, and the parts of the toolchain that a static binary carries.
pub fn bill_of_materials(root: &Path, triple: &str, digest: &str) -> anyhow::Result<String> {
    let graph = Graph::read(root, triple)?;
    let checksums = Checksums::read(root)?;
    let mut components: Vec<Value> = graph
        .linked()
        .map(|package| component(package, &checksums))
        .collect();
    components.extend(graph::toolchain()?.into_iter().map(|(name, version)| {
        let purl = format!("pkg:generic/{name}@{version}");
        json!({"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl})
    }));
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": image(graph.root(), digest)},
        "components": components,
        "dependencies": dependencies(&graph),
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&bill)?))
}

fn image(root: &Package, digest: &str) -> Value {
    json!({
        "type": "container",
        "bom-ref": root.purl(),
        "name": "holdfast",
        "version": root.version,
        "hashes": [{"alg": "SHA-256", "content": digest.trim_start_matches("sha256:")}],
    })
}

fn component(package: &Package, checksums: &Checksums) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": package.purl(),
        "name": package.name,
        "version": package.version,
        "purl": package.purl(),
    });
    if let Some(licence) = &package.license {
        // Before SPDX, crates wrote "MIT/Apache-2.0".
        component["licenses"] =
            json!([{"expression": licence.replace(" / ", "/").replace('/', " OR ")}]);
    }
    if let Some(checksum) = checksums.of_package(&package.name, &package.version) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    component
}

fn dependencies(graph: &Graph) -> Vec<Value> {
    let of = |package: &Package| {
        let uses: Vec<String> = graph.uses(package).map(Package::purl).collect();
        json!({"ref": package.purl(), "dependsOn": uses})
    };
    std::iter::once(graph.root())
        .chain(graph.linked())
        .map(of)
        .collect()
}
