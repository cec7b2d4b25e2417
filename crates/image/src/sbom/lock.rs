//! Checksums of Cargo.lock.

use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::Path;

/// SHA-256 of each crate's archive, by name and version. Crates of the workspace have none.
#[derive(Debug)]
pub(super) struct Checksums {
    known: BTreeMap<(String, String), String>,
}

impl Checksums {
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let path = root.join("Cargo.lock");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        Ok(Self::of(&text))
    }

    /// Cargo writes one `key = "value"` per line, each package under its own heading.
    fn of(text: &str) -> Self {
        let packages = text.split("[[package]]").skip(1);
        let entry = |package: &str| {
            let value = |key: &str| {
                let line = package.lines().find_map(|line| line.strip_prefix(key))?;
                Some(
                    line.trim_start_matches([' ', '='])
                        .trim_matches('"')
                        .to_owned(),
                )
            };
            Some(((value("name")?, value("version")?), value("checksum")?))
        };
        Self {
            known: packages.filter_map(entry).collect(),
        }
    }

    pub(super) fn of_package(&self, name: &str, version: &str) -> Option<&str> {
        self.known
            .get(&(name.to_owned(), version.to_owned()))
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_with_and_without_a_checksum() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry\"\nchecksum = \"abc\"\n\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\n";
        let sums = Checksums::of(lock);
        assert_eq!(sums.of_package("a", "1.0.0"), Some("abc"));
        assert_eq!(sums.of_package("a", "1.0.1"), None);
        assert_eq!(sums.of_package("b", "0.1.0"), None);
    }
}
