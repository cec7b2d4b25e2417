//! The gate, if this node has one: its doors, its orders, where sessions go on.

use super::Hands;
use crate::agent::Notice;
use crate::clients::Outlook;
use crate::gate::{Certificates, Gate};
use holdfast_core::gate::{Carry, GateOrder, News};
use holdfast_core::mutant::Mutant;
use holdfast_core::record::Durability;

/// Connections through a gate, as redis-server's own `maxclients` and some for replicas.
const CLIENTS_MAX: usize = 10_100;

impl Hands {
    /// Opens the gate's doors, still shut behind, where this node has one.
    ///
    /// # Errors
    /// When the address is taken, or the certificates cannot be used.
    pub(in super::super) fn open_gate(&mut self) -> anyhow::Result<()> {
        if self.options.gated() {
            self.certificates = Certificates::read(&self.options)?;
            let certificates = self.certificates.clone();
            let (inbox, listen) = (self.inbox.clone(), &self.options.listen);
            let tell = move |news: &News| inbox.try_send(Notice::Gate(news.clone())).is_ok();
            self.gate = Some(Gate::start(
                listen,
                certificates,
                CLIENTS_MAX,
                Mutant::None,
                tell,
            )?);
        }
        Ok(())
    }

    /// What has to be known to tell who is connected.
    pub(in super::super) fn outlook(&self) -> Outlook {
        let alive = self.alive.as_ref();
        Outlook {
            node: self.options.name.to_string(),
            tls: self.options.tls_cert_file.is_some(),
            server: alive.map(|alive| (alive.server.pid(), alive.server.link())),
            gate: self.gate.as_ref().map(Gate::register),
        }
    }

    /// Connections that the gate closed because they were no member's.
    pub(in super::super) fn turned_away(&self) -> u64 {
        self.gate.as_ref().map_or(0, Gate::turned_away)
    }

    /// What the gate has to do from now on.
    pub(in super::super) fn order_gate(&self, order: GateOrder) {
        let on_disk = self.options.durability == Durability::Fsync;
        match (&self.gate, order) {
            (_, GateOrder::Hold(hold)) if hold.on_disk() && !on_disk => {
                self.refuse_to_promise(Durability::Fsync);
            }
            (Some(gate), order) => gate.order(order),
            (None, GateOrder::Hold(_)) => self.refuse_to_promise(Durability::Quorum),
            (None, _) => {}
        }
    }

    /// Tells the gate of another primary, once.
    pub(in super::super) fn guide_gate(&mut self, primary: Option<Carry>) {
        let Some((gate, primary)) = self.gate.as_ref().zip(primary) else {
            return;
        };
        if primary.epoch > std::mem::replace(&mut self.guided, primary.epoch) {
            gate.guide(primary);
        }
    }

    /// The group promises what this node cannot keep: its clients talk to redis-server itself, or its disk is behind.
    fn refuse_to_promise(&self, asked: Durability) {
        tracing::error!(
            "ending redis-server: the group's durability is `{asked}` and this agent's is `{}`; start it with `durability: {asked}`",
            self.options.durability
        );
        if let Some(alive) = &self.alive {
            alive.server.kill();
        }
    }
}
