//! What a client has told its server of itself, as far as it must be told again.

use super::verbs::Kind;
use std::collections::BTreeSet;

/// Bytes kept of one session; a larger one is not carried over.
const KEPT_MAX: usize = 16 << 10;

/// Users with passwords that are remembered of one connection.
const LOGINS_MAX: usize = 4;

/// A user and its password. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Vec<u8>,
    pub(super) password: Vec<u8>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &String::from_utf8_lossy(&self.user))
            .finish_non_exhaustive()
    }
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// The newest last.
    pub(super) logins: Vec<Login>,
    /// It speaks RESP3.
    pub(super) resp3: bool,
    /// A request was refused that may have changed some of it before.
    pub(super) doubts: bool,
    pub(super) database: Option<Vec<u8>>,
    pub(super) name: Option<Vec<u8>>,
    /// `CLIENT SETINFO`, `NO-EVICT`, `NO-TOUCH`, `CAPA`, `READONLY`: the newest request of each kind, by its words. Replies are
    /// the same without them, so a server that does not know one may refuse it.
    pub(super) settings: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    /// Requests that made tracking what it is.
    pub(super) tracking: Vec<Vec<Vec<u8>>>,
    subscribed: [BTreeSet<Vec<u8>>; 3],
}

impl Kept {
    pub(super) fn login(&mut self, user: &[u8], password: &[u8]) {
        self.doubts = false;
        self.logins.retain(|login| login.user != user);
        self.logins.push(Login {
            user: user.to_vec(),
            password: password.to_vec(),
        });
        let surplus = self.logins.len().saturating_sub(LOGINS_MAX);
        self.logins.drain(..surplus);
    }

    pub(super) fn subscribed(&self, kind: Kind) -> &BTreeSet<Vec<u8>> {
        &self.subscribed[kind as usize]
    }

    pub(super) fn is_subscribed(&self) -> bool {
        self.subscribed.iter().any(|names| !names.is_empty())
    }

    pub(super) fn subscribe(&mut self, kind: Kind, name: Vec<u8>) {
        self.subscribed[kind as usize].insert(name);
    }

    pub(super) fn unsubscribe(&mut self, kind: Kind, name: &[u8]) {
        self.subscribed[kind as usize].remove(name);
    }

    pub(super) fn unsubscribe_all(&mut self, kind: Kind) {
        self.subscribed[kind as usize].clear();
    }

    pub(super) fn set(&mut self, about: Vec<u8>, request: Vec<Vec<u8>>) {
        self.unset(&about);
        self.settings.push((about, request));
    }

    pub(super) fn unset(&mut self, about: &[u8]) {
        self.settings.retain(|(one, _)| one != about);
    }

    /// As after `RESET`: what is not part of that stays.
    pub(super) fn reset(&mut self) {
        *self = Self {
            settings: std::mem::take(&mut self.settings),
            ..Self::default()
        };
        self.unset(b"NO-TOUCH");
        self.unset(b"READONLY");
    }

    pub(super) fn is_too_large(&self) -> bool {
        let words = |words: &[Vec<u8>]| words.iter().map(|word| word.len() + 24).sum::<usize>();
        let logins = self.logins.iter().map(|l| l.user.len() + l.password.len());
        let settings = self.settings.iter().map(|(_, request)| words(request));
        let tracking = self.tracking.iter().map(|request| words(request));
        let names = self.subscribed.iter().flatten().map(|name| name.len() + 24);
        let all = logins.chain(settings).chain(tracking).chain(names);
        all.sum::<usize>() + self.name.as_ref().map_or(0, Vec::len) > KEPT_MAX
    }
}
