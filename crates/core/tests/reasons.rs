//! The page of reason codes lists every code, and no other.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What stands in quotes behind `mark`, if it is a word in CamelCase.
fn quoted(text: &str, mark: &str) -> BTreeSet<String> {
    let parts = text.split(mark).skip(1);
    let words = parts.filter_map(|part| part.split('"').next());
    let word = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_alphanumeric())
    };
    words.filter(word).map(str::to_owned).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

/// Codes of the decisions that are types, and of those that a shell makes itself.
fn in_code() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for typed in ["agent/decision.rs", "sentinel/decision.rs"] {
        let path = root().join("crates/core/src").join(typed);
        codes.extend(quoted(&fs::read_to_string(path).unwrap(), "=> \""));
    }
    let mut shells = Vec::new();
    for shell in ["crates/agent/src", "crates/sentinel/src"] {
        sources(&root().join(shell), &mut shells);
    }
    for path in shells {
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        codes.extend(quoted(text, "code: \""));
    }
    codes
}

#[test]
fn the_page_lists_every_code() {
    let page = fs::read_to_string(root().join("docs/reference/reasons.md")).unwrap();
    let listed = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: BTreeSet<String> = listed.map(str::to_owned).collect();
    assert_eq!(listed, in_code());
}
