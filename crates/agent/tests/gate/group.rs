//! A primary with its replicas, each behind a gate.

use crate::client::Client;
use crate::cut::Cut;
use crate::server_support::{Node0, PASSWORD, options, version};
use holdfast_agent::Options;
use holdfast_agent::gate::{Behind, Certificates, Gate};
use holdfast_agent::server::Login;
use holdfast_core::gate::{GateOrder, Hold, News};
use holdfast_core::mutant::Mutant;
use holdfast_core::names::{Address, Incarnation, Node};
use holdfast_core::record::Durability;
use holdfast_core::syncset::SyncRule;
use nix::sys::signal::Signal;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct Gated {
    pub node: Node0,
    pub gate: Gate,
    pub certificates: Option<Certificates>,
    pub news: Receiver<News>,
}

impl Gated {
    pub async fn start(conf: &str, mutant: Mutant) -> Self {
        Self::start_as(Durability::Quorum, conf, mutant).await
    }

    pub async fn start_as(durability: Durability, conf: &str, mutant: Mutant) -> Self {
        Self::start_set(durability, conf, mutant, &|_| ()).await
    }

    /// With more options set.
    pub async fn start_set(
        durability: Durability,
        conf: &str,
        mutant: Mutant,
        set: &dyn Fn(&mut Options),
    ) -> Self {
        let home = TempDir::new().unwrap();
        let mut options = options(home.path());
        options.durability = durability;
        set(&mut options);
        options.memory_limit_bytes = 4 << 30;
        std::fs::write(home.path().join("my.conf"), conf).unwrap();
        options.redis_conf = Some(home.path().join("my.conf"));
        let (tell, news) = channel();
        let tell = move |news: &News| tell.send(news.clone()).is_ok();
        let certificates = Certificates::read(&options).unwrap();
        let gate = Gate::start(&options.listen, certificates.clone(), 500, mutant, tell);
        let node = Node0::start_in(home, options).await;
        let gate = gate.unwrap();
        gate.renew(Some(u64::MAX));
        gate.serve(Some(Behind {
            socket: node.server.socket().to_owned(),
            id: node.server.id(),
            login: Login::new(PASSWORD, &node.options),
            sharded: version().at_least(7, 0),
            stamps: node.server.configuration().rendered.stamps,
        }));
        Self {
            node,
            gate,
            certificates,
            news,
        }
    }

    pub fn port(&self) -> u16 {
        self.node.options.listen.port
    }

    pub fn signal(&self, signal: Signal) {
        crate::server_support::signal(self.node.server.pid(), signal);
    }

    /// The next of the gate's news of this kind.
    pub fn heard(&self, what: impl Fn(&News) -> bool) -> News {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let news = self.news.recv_timeout(left).expect("news");
            if what(&news) {
                return news;
            }
        }
    }
}

pub struct Group {
    pub primary: Gated,
    pub replicas: Vec<Gated>,
    /// The network from the primary to each replica.
    pub cuts: Vec<Cut>,
    durability: Durability,
}

impl Group {
    /// A primary and replicas that have caught up, the gate holding for k of all of them.
    pub async fn start(replicas: usize, k: usize) -> Self {
        Self::start_with(replicas, k, "", Mutant::None).await
    }

    pub async fn start_with(replicas: usize, k: usize, conf: &str, mutant: Mutant) -> Self {
        Self::start_as(replicas, k, Durability::Quorum, conf, mutant).await
    }

    pub async fn start_as(
        replicas: usize,
        k: usize,
        durability: Durability,
        conf: &str,
        mutant: Mutant,
    ) -> Self {
        Self::start_set(replicas, k, durability, conf, mutant, &|_| ()).await
    }

    /// With more options of every node set.
    pub async fn start_set(
        replicas: usize,
        k: usize,
        durability: Durability,
        conf: &str,
        mutant: Mutant,
        set: &dyn Fn(&mut Options),
    ) -> Self {
        let mut group = Self {
            primary: Gated::start_set(durability, conf, mutant, set).await,
            replicas: Vec::new(),
            cuts: Vec::new(),
            durability,
        };
        group.primary.node.reign().await;
        for number in 1..=replicas {
            let named = |options: &mut Options| {
                options.name = Node::from(format!("redis-{number}"));
                set(options);
            };
            let mut replica = Gated::start_set(durability, conf, Mutant::None, &named).await;
            let cut = Cut::to(group.primary.port());
            let network = Address::new("127.0.0.1", cut.port);
            replica.node.link.follow(&network).await.unwrap();
            replica.node.catch_up(&mut group.primary.node).await;
            group.cuts.push(cut);
            replica.gate.order(GateOrder::Stale);
            group.replicas.push(replica);
        }
        group.primary.gate.order(group.hold(1, k));
        group
    }

    /// The order to hold for k of all replicas.
    pub fn hold(&self, version: u64, k: usize) -> GateOrder {
        let rule = self.rule(k);
        GateOrder::Hold(Hold {
            epoch: 1,
            version,
            addresses: rule.addresses.clone(),
            rules: vec![rule],
        })
    }

    pub fn rule(&self, k: usize) -> SyncRule {
        let mut rule = SyncRule {
            k,
            on_disk: self.durability == Durability::Fsync,
            ..SyncRule::default()
        };
        for (number, replica) in self.replicas.iter().enumerate() {
            let node = Node::from(format!("redis-{}", number + 1));
            rule.members.insert(node.clone(), Incarnation::from("run"));
            rule.addresses
                .insert(node, replica.node.options.listen.clone());
        }
        rule
    }

    pub fn client(&self) -> Client {
        Client::connect(self.primary.port())
    }

    pub fn freeze(&self) {
        self.replicas
            .iter()
            .for_each(|one| one.signal(Signal::SIGSTOP));
    }

    pub fn thaw(&self) {
        self.replicas
            .iter()
            .for_each(|one| one.signal(Signal::SIGCONT));
    }
}
