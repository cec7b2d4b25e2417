//! Content named by its digest.

use oci_spec::image::{Digest, Sha256Digest};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::str::FromStr as _;

/// Bytes and their SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) bytes: Vec<u8>,
    /// 64 hex characters.
    pub(crate) hex: String,
}

impl Blob {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let hex = hex_digest(&bytes);
        Self { bytes, hex }
    }

    /// JSON with sorted keys: the maps of the OCI types have no order of their own.
    pub(crate) fn json(document: &impl Serialize) -> anyhow::Result<Self> {
        Ok(Self::new(sorted_json(document)?))
    }

    pub(crate) fn digest(&self) -> anyhow::Result<Digest> {
        Ok(Sha256Digest::from_str(&self.hex)?.into())
    }
}

/// SHA-256 as 64 hex characters.
pub(crate) fn hex_digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// One line of JSON, keys sorted whatever features `serde_json` was built with.
pub(crate) fn sorted_json(document: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Sorted {
        Map(BTreeMap<String, Sorted>),
        List(Vec<Sorted>),
        Leaf(Value),
    }
    fn sort(value: Value) -> Sorted {
        match value {
            Value::Object(map) => Sorted::Map(map.into_iter().map(|(k, v)| (k, sort(v))).collect()),
            Value::Array(list) => Sorted::List(list.into_iter().map(sort).collect()),
            leaf => Sorted::Leaf(leaf),
        }
    }
    serde_json::to_vec(&sort(serde_json::to_value(document)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn json_does_not_depend_on_the_order_of_a_map() {
        let map: HashMap<String, u32> = (0..50).map(|n| (format!("key-{n:02}"), n)).collect();
        let text = String::from_utf8(sorted_json(&map).unwrap()).unwrap();
        let mut sorted: Vec<&str> = text.trim_matches(['{', '}']).split(',').collect();
        sorted.sort_unstable();
        assert_eq!(text.trim_matches(['{', '}']), sorted.join(","));
    }

    #[test]
    fn digest_of_nothing() {
        assert!(hex_digest(b"").starts_with("e3b0c44298fc1c149afbf4c8996fb924"));
    }
}
