//! Packets that are dropped between one place and others, until the filter is opened again. Filters at one place may overlap: each adds its
//! own rules and takes back just those.

use crate::target::network::ip;
use anyhow::Result;

/// Which packets a filter drops, as its place sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those that arrive.
    In,
    /// Those that leave.
    Out,
    /// All.
    Both,
    /// One in five of those that arrive.
    Some,
}

/// A filter at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub(super) namespace: String,
    /// Addresses with commas between.
    pub(super) peers: String,
    pub(super) side: Side,
}

impl Filter {
    /// Begins to drop.
    pub fn close(&self) -> Result<()> {
        self.change("-A")
    }

    /// Ends it.
    pub fn open(&self) -> Result<()> {
        self.change("-D")
    }

    fn change(&self, verb: &str) -> Result<()> {
        if self.side != Side::Out {
            let mut rule = vec![verb, "INPUT", "-s", &self.peers];
            if self.side == Side::Some {
                rule.extend("-m statistic --mode random --probability 0.2".split(' '));
            }
            self.apply(&rule)?;
        }
        if matches!(self.side, Side::Out | Side::Both) {
            self.apply(&[verb, "OUTPUT", "-d", &self.peers])?;
        }
        Ok(())
    }

    fn apply(&self, rule: &[&str]) -> Result<()> {
        let mut words = vec!["netns", "exec", &self.namespace, "iptables", "-w"];
        words.extend(rule);
        words.extend(["-j", "DROP"]);
        ip(&words)
    }
}
