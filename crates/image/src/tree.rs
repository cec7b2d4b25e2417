//! The files of a layer, by path.

use std::collections::BTreeMap;
use std::path::Path;

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// Permission bits and owner (user and group alike).
    Folder { mode: u32, owner: u64 },
    /// Permission bits and content.
    File { mode: u32, content: Vec<u8> },
    /// Where it points.
    Link(String),
}

/// Files, folders and links by path, relative to the root and in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// Adds a file with its parent folders. A leading `/` of the path is dropped.
    pub fn file(&mut self, path: &str, mode: u32, content: Vec<u8>) {
        self.add(path, Node::File { mode, content });
    }

    /// Adds a copy of a file of this machine, what it links to included, under the path that it has here.
    pub fn copy(&mut self, path: &Path, mode: u32) -> std::io::Result<()> {
        self.file(&path.to_string_lossy(), mode, std::fs::read(path)?);
        Ok(())
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.add(path, Node::Link(target.into()));
    }

    /// Adds a folder that belongs to `owner`, or gives an existing one that mode and owner.
    pub fn folder(&mut self, path: &str, mode: u32, owner: u64) {
        self.add(path, Node::Folder { mode, owner });
    }

    fn add(&mut self, path: &str, node: Node) {
        let path = path.trim_matches('/');
        for (end, _) in path.match_indices('/') {
            let parent = path[..end].to_owned();
            self.nodes.entry(parent).or_insert(Node::Folder {
                mode: 0o755,
                owner: 0,
            });
        }
        self.nodes.insert(path.to_owned(), node);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_keep_what_was_said_of_them() {
        let mut tree = Tree::default();
        tree.folder("/data/", 0o700, 999);
        tree.file("/data/deep/er", 0o644, vec![]);
        tree.link("a", "b");
        let paths: Vec<&str> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["a", "data", "data/deep", "data/deep/er"]);
        let data = tree.iter().nth(1).map(|(_, node)| node.clone());
        assert_eq!(
            data,
            Some(Node::Folder {
                mode: 0o700,
                owner: 999
            })
        );
    }
}
