//! By what a redis-server logs in at its primary: by the proof of its node where that has a gate, by the password of the
//! cluster where it has none. A node does not know which it will meet while its group changes its durability, or its version:
//! what is refused is followed by the other.

use super::{DEAD_HOST, DEAD_PORT, Login, Replication, Role};
use crate::Options;
use holdfast_core::names::Address;
use std::time::{Duration, Instant};

/// How long a link may be down before the other one is tried. redis-server tries once a second.
const PATIENCE: Duration = Duration::from_secs(2);

/// Both, and which is in use.
#[derive(Clone)]
pub(crate) struct Masterauth {
    words: [String; 2],
    other: bool,
    down_since: Option<Instant>,
}

impl std::fmt::Debug for Masterauth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masterauth(…)")
    }
}

impl Masterauth {
    /// Of this node, with the password of the cluster.
    pub(crate) fn of(options: &Options, password: &str) -> Self {
        let proof = Login::new(password, options).proof(&options.name);
        let (first, second) = if options.gated() {
            (proof, password.to_owned())
        } else {
            (password.to_owned(), proof)
        };
        Self::new(first, second)
    }

    /// `first` is said first, and after each order to follow.
    fn new(first: String, second: String) -> Self {
        Self {
            words: [first, second],
            other: false,
            down_since: None,
        }
    }

    /// What is said first.
    pub(crate) fn first(&self) -> &str {
        &self.words[0]
    }

    /// What is said where that is refused.
    pub(crate) fn second(&self) -> &str {
        &self.words[1]
    }

    /// A look at redis-server. Returns what it is to say from now on, where that changes.
    pub(crate) fn look(&mut self, now: Instant, seen: &Replication) -> Option<&str> {
        let waits = seen.role == Role::Replica && !seen.link_up && !seen.sync_in_progress;
        let tries = waits && !is_dead(seen.follows.as_ref());
        if !tries {
            self.down_since = None;
            return None;
        }
        let since = *self.down_since.get_or_insert(now);
        if now.duration_since(since) < PATIENCE {
            return None;
        }
        self.down_since = Some(now);
        self.other = !self.other;
        Some(&self.words[usize::from(self.other)])
    }
}

/// Whether that is what a sealed server follows.
fn is_dead(primary: Option<&Address>) -> bool {
    primary.is_none_or(|at| at.host == DEAD_HOST && at.port == DEAD_PORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_alternates_while_the_link_is_down_and_nothing_is_copied() {
        let mut auth = Masterauth::new("proof".to_owned(), "password".to_owned());
        let begun = Instant::now();
        let down = Replication {
            follows: Some(Address::new("redis-0", 6379)),
            ..Replication::default()
        };
        let mut at = |seconds: u64, seen: &Replication| {
            let now = begun + Duration::from_secs(seconds);
            auth.look(now, seen).map(str::to_owned)
        };
        assert_eq!(at(0, &down), None);
        assert_eq!(at(1, &down), None);
        assert_eq!(at(2, &down).as_deref(), Some("password"));
        assert_eq!(at(3, &down), None);
        assert_eq!(at(4, &down).as_deref(), Some("proof"));
        let copies = Replication {
            sync_in_progress: true,
            ..down.clone()
        };
        let up = Replication {
            link_up: true,
            ..down.clone()
        };
        let sealed = Replication {
            follows: Some(Address::new(DEAD_HOST, DEAD_PORT)),
            ..down.clone()
        };
        for (seconds, other) in [(9, copies), (19, up), (29, sealed)] {
            assert_eq!(at(seconds, &other), None);
            assert_eq!(at(seconds + 1, &down), None, "counted from here");
        }
    }
}
