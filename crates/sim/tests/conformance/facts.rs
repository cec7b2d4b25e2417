//! What is compared.

use std::collections::BTreeMap;

/// Names of histories by order of their first appearance, so that two systems can be compared.
#[derive(Clone, Default)]
pub(crate) struct Names(BTreeMap<String, usize>);

impl Names {
    pub(crate) fn of(&mut self, replid: &str) -> usize {
        let next = self.0.len();
        *self.0.entry(replid.to_owned()).or_insert(next)
    }
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) up: bool,
    pub(crate) primary: bool,
    pub(crate) following: Option<usize>,
    pub(crate) link_up: bool,
    pub(crate) history: usize,
    pub(crate) second: Option<usize>,
    pub(crate) backlog: bool,
    pub(crate) loading: bool,
    pub(crate) keys: u64,
    pub(crate) sync_full: u64,
    pub(crate) sync_partial: u64,
}

impl Node {
    pub(crate) fn down() -> Self {
        Self {
            up: false,
            primary: false,
            following: None,
            link_up: false,
            history: 0,
            second: None,
            backlog: false,
            loading: false,
            keys: 0,
            sync_full: 0,
            sync_partial: 0,
        }
    }
}

impl Node {
    /// It answers nothing but `-BUSY`.
    pub(crate) fn busy() -> Self {
        Self {
            up: true,
            loading: true,
            ..Self::down()
        }
    }
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) nodes: Vec<Node>,
    /// For each pair, how the offsets compare.
    pub(crate) order: Vec<std::cmp::Ordering>,
}

impl Facts {
    /// A copy that fails is tried again and again: how often, differs.
    pub(crate) fn forget_counts(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.sync_full = 0);
    }

    pub(crate) fn new(nodes: Vec<(Node, u64)>) -> Self {
        let offsets: Vec<u64> = nodes.iter().map(|(_, offset)| *offset).collect();
        let pairs = [(0, 1), (0, 2), (1, 2)];
        let order = pairs
            .iter()
            .map(|(a, b)| offsets[*a].cmp(&offsets[*b]))
            .collect();
        Self {
            nodes: nodes.into_iter().map(|(node, _)| node).collect(),
            order,
        }
    }
}
