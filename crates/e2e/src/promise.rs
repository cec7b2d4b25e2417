//! The promises, in the order in which they are put to the test.

mod all_pods_deleted;
mod authority;
mod change_password;
mod control_plane_down;
mod drain;
mod empty_dir;
mod fsync;
mod grace_zero;
mod image_upgrade;
mod install;
mod killed;
mod net_cut;
mod node_lost;
mod plugin;
mod primary_deleted;
mod quiet;
mod quorum;
mod reinstall;
mod replica_deleted;
mod rotate_certificates;
mod scale;
mod sentinel_deleted;
mod two_releases;
mod wrong_values;

use crate::outcome::Outcome;
use crate::stage::Stage;
use std::time::Duration;

/// What is promised, and how it is put to the test.
pub(crate) struct Promise {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    /// For what the outcome measures; none where only losses and errors count.
    pub(crate) deadline: Option<Duration>,
    pub(crate) loss: Loss,
    pub(crate) run: fn(&Stage) -> anyhow::Result<Outcome>,
}

/// What may be lost of what was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing.
    None,
    /// With durability `async` a crash takes what no replica has heard of yet. It is counted, and shown.
    Counted,
}

const ALL: &[Promise] = &[
    wrong_values::PROMISE,
    install::PROMISE,
    replica_deleted::PROMISE,
    sentinel_deleted::PROMISE,
    primary_deleted::PROMISE,
    grace_zero::PROMISE,
    killed::SERVER,
    killed::AGENT,
    plugin::PROMISE,
    quiet::PROMISE,
    control_plane_down::PROMISE,
    node_lost::PROMISE,
    net_cut::PROMISE,
    all_pods_deleted::REDIS,
    all_pods_deleted::ALL,
    image_upgrade::PROMISE,
    scale::NODES,
    scale::SENTINELS,
    quorum::RAISED,
    reinstall::PROMISE,
    quorum::POD,
    quorum::SERVER,
    net_cut::QUORUM,
    plugin::CLIENTS,
    quorum::ENCRYPTED,
    fsync::PROMISE,
    empty_dir::PROMISE,
    drain::PROMISE,
    two_releases::PROMISE,
    change_password::PROMISE,
    rotate_certificates::PROMISE,
];

/// Those whose name contains one of the words; all without a word.
pub(crate) fn chosen(words: &[String]) -> Vec<&'static Promise> {
    let is_chosen = |promise: &&Promise| {
        words.is_empty()
            || words
                .iter()
                .any(|word| promise.name.contains(word.as_str()))
    };
    ALL.iter().filter(is_chosen).collect()
}
