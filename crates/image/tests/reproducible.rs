//! The same input gives the same bits, in the forms that other tools read.
#![allow(clippy::unwrap_used, missing_docs)]

use holdfast_image::{Image, Server, Settings, Target, Tree};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

fn target() -> Target {
    Target::host("dist")
}

fn small(name: &str) -> Image {
    holdfast_image::holdfast(
        name,
        b"\x7fELF and so on".to_vec(),
        &target(),
        Some("0123456"),
    )
    .unwrap()
}

/// Every file below a folder, by path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let below = files(&entry.path());
            found.extend(
                below
                    .into_iter()
                    .map(|(path, bytes)| (format!("{name}/{path}"), bytes)),
            );
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

fn written(image: &Image) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    holdfast_image::write_layout(image, &folder.path().join("layout")).unwrap();
    holdfast_image::write_archive(image, &folder.path().join("archive.tar")).unwrap();
    files(folder.path())
}

#[test]
fn built_twice_is_the_same_bit_by_bit() {
    let (first, second) = (written(&small("holdfast:1")), written(&small("holdfast:1")));
    assert_eq!(first, second);
    let other = holdfast_image::holdfast(
        "holdfast:1",
        b"another".to_vec(),
        &target(),
        Some("0123456"),
    )
    .unwrap();
    assert_ne!(first, written(&other));
}

#[test]
fn every_blob_has_the_digest_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    holdfast_image::write_layout(&small("holdfast:1"), folder.path()).unwrap();
    let blobs = files(&folder.path().join("blobs/sha256"));
    assert_eq!(blobs.len(), 3, "manifest, configuration, layer");
    for (name, bytes) in blobs {
        use sha2::Digest as _;
        let sum = sha2::Sha256::digest(&bytes);
        assert_eq!(name, format!("{sum:x}"));
    }
}

#[test]
fn the_archive_holds_one_root_owned_file_without_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    holdfast_image::write_archive(&small("holdfast:1"), &path).unwrap();
    let mut outer = tar::Archive::new(fs::File::open(&path).unwrap());
    let mut layer = Vec::new();
    for entry in outer.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().ends_with("layer.tar") {
            entry.read_to_end(&mut layer).unwrap();
        }
    }
    let mut inner = tar::Archive::new(layer.as_slice());
    let mut plain = Vec::new();
    for entry in inner.entries().unwrap() {
        let header = entry.unwrap().header().clone();
        assert_eq!(
            (
                header.mtime().unwrap(),
                header.uid().unwrap(),
                header.gid().unwrap()
            ),
            (0, 0, 0)
        );
        if header.entry_type().is_file() {
            plain.push((
                header.path().unwrap().display().to_string(),
                header.mode().unwrap(),
            ));
        }
    }
    assert_eq!(plain, [("usr/local/bin/holdfast".to_owned(), 0o755)]);
}

#[test]
fn the_image_runs_as_nobody_and_starts_holdfast() {
    let folder = tempfile::tempdir().unwrap();
    holdfast_image::write_layout(&small("holdfast:1"), folder.path()).unwrap();
    let blobs = files(&folder.path().join("blobs/sha256"));
    let documents = blobs
        .values()
        .filter_map(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok());
    let config = documents
        .map(|document| document["config"].clone())
        .find(|config| config["User"].is_string())
        .unwrap();
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(
        config["Entrypoint"],
        serde_json::json!(["/usr/local/bin/holdfast"])
    );
    assert_eq!(
        config["Labels"]["org.opencontainers.image.revision"],
        "0123456"
    );
}

#[test]
fn the_servers_image_is_complete_and_the_same_twice() {
    let version = Server::Redis.version().unwrap();
    assert!(version.split('.').count() >= 3, "{version}");
    let image = Server::Redis.image("redis:test").unwrap();
    assert_eq!(
        image.digest(),
        Server::Redis.image("redis:test").unwrap().digest()
    );
}

#[test]
fn architectures_are_merged_into_one_index() {
    let folder = tempfile::tempdir().unwrap();
    let mut parts = Vec::new();
    for architecture in ["arm64", "amd64"] {
        let settings = Settings {
            name: "holdfast:1".into(),
            architecture: architecture.into(),
            ..Settings::default()
        };
        let part = folder.path().join(architecture);
        holdfast_image::write_layout(&Image::new(&settings, &Tree::default()).unwrap(), &part)
            .unwrap();
        parts.push(part);
    }
    let digest = holdfast_image::merge(&parts, &folder.path().join("one")).unwrap();
    parts.reverse();
    assert_eq!(
        digest,
        holdfast_image::merge(&parts, &folder.path().join("two")).unwrap()
    );
    let blob = folder
        .path()
        .join("one/blobs/sha256")
        .join(digest.trim_start_matches("sha256:"));
    let index: serde_json::Value = serde_json::from_slice(&fs::read(blob).unwrap()).unwrap();
    let mut architectures: Vec<&str> = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|manifest| manifest["platform"]["architecture"].as_str().unwrap())
        .collect();
    architectures.sort_unstable();
    assert_eq!(architectures, ["amd64", "arm64"]);
}

#[test]
fn the_bill_lists_what_is_linked_and_not_what_only_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    let bill = || holdfast_image::bill_of_materials(root, &target().triple, "sha256:00").unwrap();
    let text = bill();
    assert_eq!(text, bill());
    let bill: serde_json::Value = serde_json::from_str(&text).unwrap();
    let components = bill["components"].as_array().unwrap();
    let find = |name: &str| {
        components
            .iter()
            .find(|component| component["name"] == name)
    };
    let tokio = find("tokio").unwrap();
    assert_eq!(tokio["hashes"][0]["content"].as_str().unwrap().len(), 64);
    assert!(find("holdfast-core").is_some() && find("glibc").is_some());
    assert!(
        find("holdfast-image").is_none(),
        "builds images, is in none"
    );
    for component in components {
        let named = bill["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .any(|d| d["ref"] == component["bom-ref"]);
        assert!(
            named
                || component["purl"]
                    .as_str()
                    .unwrap()
                    .starts_with("pkg:generic/"),
            "{component}"
        );
    }
}
