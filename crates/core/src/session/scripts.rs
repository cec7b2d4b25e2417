//! Scripts that clients have loaded. A server forgets them when it is no primary any more, so the next one is given them.

use super::replay::{Ask, Replay};
use std::collections::VecDeque;

/// Scripts that are remembered, and their bytes; beyond, the oldest are forgotten. One that the next primary lacks is
/// answered with `NOSCRIPT`, as after a failover.
const SCRIPTS_MAX: usize = 256;
const BYTES_MAX: usize = 1 << 20;

/// All scripts that were loaded through one gate.
#[derive(Debug, Default)]
pub struct Scripts {
    /// The newest last.
    bodies: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Scripts {
    /// A server has loaded this one.
    pub(super) fn add(&mut self, body: &[u8]) {
        if let Some(place) = self.bodies.iter().position(|one| one == body) {
            if let Some(known) = self.bodies.remove(place) {
                self.bodies.push_back(known);
            }
            return;
        }
        self.bytes += body.len();
        self.bodies.push_back(body.to_vec());
        while self.bodies.len() > SCRIPTS_MAX || self.bytes > BYTES_MAX {
            let oldest = self.bodies.pop_front().unwrap_or_default();
            self.bytes -= oldest.len();
        }
    }

    /// A server has forgotten all.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What to say to the next server before any session, as a user who may load scripts; then the connection is as if
    /// nothing had been said. A script that is refused is left out. `None` where there are no scripts.
    pub fn prelude(&self, user: &str, password: &str) -> Option<Replay> {
        if self.bodies.is_empty() {
            return None;
        }
        let mut prelude = Replay::default();
        let words: [&[u8]; 3] = [b"AUTH", user.as_bytes(), password.as_bytes()];
        prelude.ask(Ask::may("AUTH"), &words);
        for body in &self.bodies {
            prelude.ask(Ask::may("SCRIPT LOAD"), &[b"SCRIPT", b"LOAD", body]);
        }
        prelude.ask(Ask::must("RESET"), &[b"RESET"]);
        Some(prelude)
    }
}
