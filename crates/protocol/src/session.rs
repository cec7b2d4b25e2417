//! What the server remembers of one connection.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast_resp::{Encoder, Proto};

use crate::acl::DEFAULT_USER;
use crate::{Acl, Event, glob_matches};

/// Channels and patterns of one connection at most.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 256;

/// Which replies a connection wants (`CLIENT REPLY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Replies {
    #[default]
    On,
    Off,
    /// All but the next one.
    SkipNext,
}

/// From where a connection comes: who may give orders without a password depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// This machine, whose users could as well stop the process; or anywhere, where that is configured.
    Here,
    /// Another machine.
    #[default]
    Elsewhere,
}

/// The state of one connection: small, since there may be ten thousand of them.
#[derive(Debug, Default)]
pub struct Session {
    pub(crate) id: u64,
    /// Who it acts as; `None` until it has authenticated.
    pub(crate) user: Option<Arc<str>>,
    origin: Origin,
    /// It gave a password of the user as whom it acts.
    proven: bool,
    pub(crate) proto: Proto,
    pub(crate) replies: Replies,
    /// Grows whenever something that `CLIENT LIST` shows has changed.
    pub(crate) revision: u32,
    /// Index of the last command in the table.
    pub(crate) last_command: crate::commands::CommandId,
    pub(crate) name: Box<str>,
    subscriptions: Option<Box<Subscriptions>>,
    pub(crate) library: Option<Box<Library>>,
}

/// What `CLIENT SETINFO` told.
#[derive(Debug, Default, Clone)]
pub(crate) struct Library {
    pub(crate) name: Box<str>,
    pub(crate) version: Box<str>,
}

#[derive(Debug, Default)]
struct Subscriptions {
    channels: BTreeSet<Box<[u8]>>,
    patterns: BTreeSet<Box<[u8]>>,
}

impl Subscriptions {
    fn set(&mut self, pattern: bool) -> &mut BTreeSet<Box<[u8]>> {
        if pattern {
            &mut self.patterns
        } else {
            &mut self.channels
        }
    }
}

impl Session {
    /// A new connection; acts as `default` where that needs no password.
    pub fn new(id: u64, acl: &Acl, origin: Origin) -> Self {
        let user = acl.open_to_all().then(|| Arc::from(DEFAULT_USER));
        Self {
            id,
            user,
            origin,
            ..Self::default()
        }
    }

    /// Its number, as `CLIENT ID` shows it.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// May it do anything yet?
    pub fn is_authenticated(&self) -> bool {
        self.user.is_some()
    }

    /// The version of the protocol that it speaks.
    pub fn proto(&self) -> Proto {
        self.proto
    }

    /// Acts as `user` from now on. `proven`: a password was needed for that.
    pub(crate) fn log_in(&mut self, user: &[u8], proven: bool) {
        self.user = Some(Arc::from(String::from_utf8_lossy(user)));
        self.proven = proven;
        self.revision += 1;
    }

    /// Does nothing vouch for it, neither a password nor where it comes from? What changes the group or other clients is
    /// refused to a stranger.
    pub(crate) fn is_stranger(&self) -> bool {
        self.origin == Origin::Elsewhere && !self.proven
    }

    /// Channels and patterns that it listens to.
    pub(crate) fn subscription_counts(&self) -> (usize, usize) {
        self.subscriptions
            .as_ref()
            .map_or((0, 0), |s| (s.channels.len(), s.patterns.len()))
    }

    /// Does it listen to events?
    pub fn is_subscribed(&self) -> bool {
        self.subscriptions.is_some()
    }

    /// Adds a channel or pattern. `false`: there are too many.
    pub(crate) fn subscribe(&mut self, name: &[u8], pattern: bool) -> bool {
        let (channels, patterns) = self.subscription_counts();
        if channels + patterns >= MAX_SUBSCRIPTIONS {
            return false;
        }
        self.revision += 1;
        self.subscriptions
            .get_or_insert_default()
            .set(pattern)
            .insert(name.into());
        true
    }

    pub(crate) fn unsubscribe(&mut self, name: &[u8], pattern: bool) {
        let Some(subscriptions) = &mut self.subscriptions else {
            return;
        };
        subscriptions.set(pattern).remove(name);
        self.revision += 1;
        if self.subscription_counts() == (0, 0) {
            self.subscriptions = None;
        }
    }

    /// All its channels, or all its patterns.
    pub(crate) fn subscribed(&self, pattern: bool) -> Vec<Box<[u8]>> {
        let Some(subscriptions) = &self.subscriptions else {
            return Vec::new();
        };
        let names = if pattern {
            &subscriptions.patterns
        } else {
            &subscriptions.channels
        };
        names.iter().cloned().collect()
    }

    /// Appends the event to `out`, once for its channel and once for each pattern that fits.
    pub fn deliver(&self, event: &Event, out: &mut Vec<u8>) {
        let Some(subscriptions) = &self.subscriptions else {
            return;
        };
        let mut reply = Encoder::new(out, self.proto);
        if subscriptions.channels.contains(event.channel.as_bytes()) {
            reply.push(3);
            reply.bulk("message");
            reply.bulk(event.channel);
            reply.bulk(&*event.payload);
        }
        for pattern in &subscriptions.patterns {
            if glob_matches(pattern, event.channel.as_bytes()) {
                reply.push(4);
                reply.bulk("pmessage");
                reply.bulk(pattern);
                reply.bulk(event.channel);
                reply.bulk(&*event.payload);
            }
        }
    }
}
