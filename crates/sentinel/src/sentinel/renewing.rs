//! What is taken over while running: the set, the groups, users, certificates.

use super::{Running, start};
use crate::options::Options;
use holdfast_core::names::Sentinel;
use holdfast_core::sentinel::SentinelInput;

impl Running {
    /// Takes over a configuration, or files named in it, that changed. One that makes no sense is told and left.
    pub(super) fn renew(&mut self, renewed: Result<Options, String>) {
        let next = renewed.map_err(anyhow::Error::msg);
        let next = match next.and_then(|next| start::check(&next).map(|()| next)) {
            Ok(next) => next,
            Err(error) => {
                return tracing::warn!("the changed configuration is not taken over: {error}");
            }
        };
        if let Some(key) = self.options.fixed_change(&next) {
            tracing::warn!("`{key}` has changed: that counts from the next start on");
        }
        self.clients.renew(&next);
        let (set, groups) = (start::set(&next), start::groups(&next));
        let told = (&self.options.sentinels, &self.options.groups);
        let news = told != (&next.sentinels, &next.groups);
        self.options = next;
        if news {
            let names: Vec<&str> = set.iter().map(Sentinel::as_str).collect();
            let sizes = groups.iter().map(|g| format!("{} of {}", g.name, g.nodes));
            tracing::info!(
                "the configuration has changed: sentinels {}; groups {}",
                names.join(", "),
                sizes.collect::<Vec<_>>().join(", ")
            );
            self.step(SentinelInput::Reconfigure { set, groups });
            self.reach();
        }
    }

    /// Keeps connections to whom the configuration and the voters name.
    pub(super) fn reach(&mut self) {
        self.reached = self.core.voters().version;
        let given_up = self
            .dialing
            .reach(&self.options.sentinels, self.core.voters());
        for peer in given_up {
            self.peers.remove(&peer);
            self.step(SentinelInput::PeerGone(peer));
        }
    }
}
