//! Where a fault strikes: the group as it is at that moment.

use crate::clock::{self, Micros};
use crate::dice::Dice;
use crate::fault::Remedy;
use crate::target::interposer::Orders;
use crate::target::network::Place;
use crate::target::{Group, Interposer, Network, NodeProcess, SentinelProcess, System, process};
use anyhow::{Context, Result};
use nix::sys::signal::Signal;

/// The group, who is primary, and what must be undone later.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The system under test.
    pub system: &'a System,
    /// Its processes, read just before the fault.
    pub group: Group,
    /// Index of the primary.
    pub primary: usize,
    /// For choices.
    pub dice: Dice,
    /// What must be undone.
    pub remedies: Vec<Remedy>,
    /// When the first blow fell.
    pub event: Option<Micros>,
}

impl<'a> Scene<'a> {
    /// Reads the group; `primary` is the address of its primary.
    pub fn new(system: &'a System, primary: &str, seed: u64) -> Result<Self> {
        let group = system.group()?;
        let index = group.nodes.iter().position(|node| node.address == primary);
        let primary =
            index.with_context(|| format!("find the primary {primary} among the nodes"))?;
        Ok(Self {
            system,
            group,
            primary,
            dice: Dice::new(seed),
            remedies: vec![],
            event: None,
        })
    }

    /// The primary.
    pub fn primary(&self) -> &NodeProcess {
        &self.group.nodes[self.primary]
    }

    /// A replica, by chance.
    pub fn some_replica(&mut self) -> NodeProcess {
        let others: Vec<_> = (0..self.group.nodes.len())
            .filter(|index| *index != self.primary)
            .collect();
        let index = others
            .get(self.dice.below(others.len()))
            .copied()
            .unwrap_or(self.primary);
        self.group.nodes[index].clone()
    }

    /// A sentinel, by chance.
    pub fn some_sentinel(&mut self) -> Result<SentinelProcess> {
        let index = self.dice.below(self.group.sentinels.len());
        self.group
            .sentinels
            .get(index)
            .cloned()
            .context("find a sentinel")
    }

    /// Notes that the blow falls now.
    pub fn strike(&mut self) {
        self.event.get_or_insert_with(clock::now);
    }

    /// SIGKILLs a process.
    pub fn kill(&mut self, pid: Option<i32>) -> Result<()> {
        let pid = pid.context("kill a process that is not running")?;
        self.strike();
        process::send(pid, Signal::SIGKILL)
    }

    /// SIGSTOPs a process until the end of the fault.
    pub fn freeze(&mut self, pid: Option<i32>) -> Result<()> {
        let pid = pid.context("freeze a process that is not running")?;
        self.remedies.push(Remedy::Continue(pid));
        self.strike();
        process::send(pid, Signal::SIGSTOP)
    }

    /// The interposer, which must reach `pid`.
    pub fn interposer(&self, pid: i32) -> Result<&'a Interposer> {
        let interposer = self
            .system
            .interposer()
            .context("the group was started without the interposer")?;
        anyhow::ensure!(
            interposer.reaches(pid),
            "pid {pid} does not load the interposer: statically linked, or its environment was cleared"
        );
        Ok(interposer)
    }

    /// Stands between a process and the kernel until the end of the fault.
    pub fn disturb(&mut self, pid: Option<i32>, orders: Orders) -> Result<()> {
        let pid = pid.context("disturb a process that is not running")?;
        let interposer = self.interposer(pid)?;
        self.remedies.push(Remedy::Relent(pid));
        interposer.order(pid, orders)
    }

    /// The network that the group lives in.
    pub fn network(&self) -> Result<&'a Network> {
        self.system
            .network()
            .context("the group has no network of its own")
    }

    /// The primary's place in the network.
    pub fn primary_place(&self) -> Result<Place> {
        Ok(self.network()?.node(self.primary))
    }
}
