//! Two nodes that hand over to each other.

use crate::client::Client;
use crate::group::Gated;
use holdfast_agent::Options;
use holdfast_core::gate::{Carry, GateOrder, Hold, News};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Incarnation, Node};
use holdfast_core::record::Durability;
use holdfast_core::syncset::SyncRule;
use std::time::{Duration, Instant};

pub struct Pair {
    nodes: [Gated; 2],
    ruler: usize,
    epoch: u64,
}

impl Pair {
    pub async fn start(mutant: Mutant) -> Self {
        Self::start_set(mutant, &|_| ()).await
    }

    /// With more options of both set.
    pub async fn start_set(mutant: Mutant, set: &dyn Fn(&mut Options)) -> Self {
        let other = |options: &mut Options| {
            options.name = Node::from("redis-1");
            set(options);
        };
        let nodes = [
            Gated::start_set(Durability::Quorum, "", mutant, set).await,
            Gated::start_set(Durability::Quorum, "", mutant, &other).await,
        ];
        let mut pair = Self {
            nodes,
            ruler: 0,
            epoch: 1,
        };
        let [primary, replica] = &mut pair.nodes;
        primary.node.reign().await;
        replica.node.follow_and_catch_up(&mut primary.node).await;
        replica.gate.order(GateOrder::Stale);
        pair.nodes[0].gate.order(pair.hold());
        pair
    }

    fn hold(&self) -> GateOrder {
        let replica = &self.nodes[1 - self.ruler];
        let node = replica.node.options.name.clone();
        let mut rule = SyncRule {
            k: 1,
            ..SyncRule::default()
        };
        rule.members.insert(node.clone(), Incarnation::from("run"));
        rule.addresses
            .insert(node, replica.node.options.listen.clone());
        GateOrder::Hold(Hold {
            epoch: self.epoch,
            version: self.epoch,
            addresses: rule.addresses.clone(),
            rules: vec![rule],
        })
    }

    pub fn client(&self) -> Client {
        Client::connect(self.nodes[self.ruler].port())
    }

    pub fn ruler(&self) -> &Gated {
        &self.nodes[self.ruler]
    }

    pub fn other(&self) -> &Gated {
        &self.nodes[1 - self.ruler]
    }

    pub fn client_of_old(&self) -> Client {
        Client::connect(self.nodes[1 - self.ruler].port())
    }

    /// The same user on both.
    pub async fn user(&mut self, name: &str, rules: &[&str]) {
        for one in &mut self.nodes {
            let args = [&["ACL", "SETUSER", name], rules].concat();
            one.node.link.command(&args).await.unwrap();
        }
    }

    /// Only on the node that does not rule.
    pub async fn user_of_other(&mut self, name: &str, rules: &[&str]) {
        let args = [&["ACL", "SETUSER", name], rules].concat();
        let other = &mut self.nodes[1 - self.ruler];
        other.node.link.command(&args).await.unwrap();
    }

    /// As the sentinels do: only to a replica in step.
    pub async fn handoff(&mut self) {
        self.in_step().await;
        self.pause();
        self.hand_over().await;
    }

    async fn in_step(&mut self) {
        let until = Instant::now() + Duration::from_secs(10);
        let replica = &mut self.nodes[1 - self.ruler];
        while !replica.node.link.replication().await.unwrap().link_up {
            assert!(Instant::now() < until, "not in step in time");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether nothing is under way any more, so soon after a pause began; then all goes on where it was.
    pub fn drains(&self, within: Duration) -> bool {
        let news = &self.nodes[self.ruler].news;
        while news.try_recv().is_ok() {}
        self.pause();
        let until = Instant::now() + within;
        let next = || news.recv_timeout(until.saturating_duration_since(Instant::now()));
        let drained = std::iter::from_fn(|| next().ok()).any(|news| news == News::Drained);
        self.nodes[self.ruler].gate.order(self.hold());
        drained
    }

    pub fn pause(&self) {
        self.nodes[self.ruler].gate.order(GateOrder::Pause);
    }

    /// Sessions leave before the old server is sealed and after it, in turns.
    pub async fn hand_over(&mut self) {
        let [first, second] = &mut self.nodes;
        let (old, new) = if self.ruler == 0 {
            (first, second)
        } else {
            (second, first)
        };
        old.heard(|news| *news == News::Drained);
        old.node.link.hold(5_000).await.unwrap();
        new.node.catch_up(&mut old.node).await;
        new.gate.order(GateOrder::Shut);
        new.node.link.promote().await.unwrap();
        let (to, epoch) = (new.node.address().clone(), self.epoch + 1);
        let carry = Carry { epoch, to };
        if epoch % 2 == 0 {
            old.gate.order(GateOrder::Carry(carry.clone()));
        }
        old.node.link.depose().await.unwrap();
        new.node.link.open().await.unwrap();
        old.node.link.follow_now(new.node.address()).await.unwrap();
        (self.ruler, self.epoch) = (1 - self.ruler, epoch);
        let [old, new] = [1 - self.ruler, self.ruler].map(|index| &self.nodes[index]);
        old.gate.order(GateOrder::Carry(carry.clone()));
        new.gate.order(self.hold());
        for gate in [&old.gate, &new.gate] {
            gate.guide(carry.clone());
        }
    }
}
