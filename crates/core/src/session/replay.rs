//! What is said to the next server so that a session goes on there.

use super::Session;
use super::kept::Kept;
use super::seen::Seen;
use super::verbs::Kind;

/// What every client that caches is sent: nothing that it has may be trusted.
const FLUSH: &[u8] = b">2\r\n$10\r\ninvalidate\r\n_\r\n";

/// One request of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its name, for people.
    pub what: &'static str,
    /// Without it the session would not be what it was. Else it may be refused: replies are the same without it.
    pub essential: bool,
}

impl Ask {
    pub(super) fn must(what: &'static str) -> Self {
        Self {
            what,
            essential: true,
        }
    }

    pub(super) fn may(what: &'static str) -> Self {
        Self {
            what,
            essential: false,
        }
    }
}

/// Requests, and what is to come back.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Replay {
    /// The requests, as bytes. They may hold passwords.
    pub bytes: Vec<u8>,
    /// What is asked, each answered by one reply.
    pub asks: Vec<Ask>,
    /// Confirmations of subscriptions that must come after them.
    pub confirmations: usize,
    /// What the client is sent before anything of the next server.
    pub notice: &'static [u8],
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (replies, confirmations) = (self.asks.len(), self.confirmations);
        write!(
            f,
            "Replay({replies} replies, {confirmations} subscriptions)"
        )
    }
}

impl Replay {
    /// Whether its client is sent what it does not ask for each time: messages, or keys that are not valid any more.
    pub fn listens(&self) -> bool {
        self.confirmations > 0 || !self.notice.is_empty()
    }

    pub(super) fn ask(&mut self, ask: Ask, words: &[&[u8]]) {
        encode(&mut self.bytes, words);
        self.asks.push(ask);
    }
}

impl Session {
    /// What to say to the next server: what this one accepted, if what it has `seen` of the session agrees. It may have
    /// refused to say that, or be busy with a request that blocks.
    ///
    /// # Errors
    /// Why this session cannot go on elsewhere.
    pub fn replay(&self, seen: Option<&Seen>) -> Result<Replay, &'static str> {
        if let Some(why) = self.spoiled {
            return Err(why);
        }
        let waits = u64::from(self.waits() && seen.is_none());
        if self.under_way.len() > waits {
            return Err("not everything that it asked for was answered");
        }
        match seen {
            Some(seen) => self.agrees(seen)?,
            None if self.kept.as_deref().is_some_and(|kept| kept.doubts) => {
                return Err("a HELLO was refused that may have logged it in");
            }
            None if self.transaction.open || self.transaction.watching => {
                return Err("a transaction is open");
            }
            None => {}
        }
        let mut replay = Replay::default();
        self.log_in(seen, &mut replay)?;
        self.select(seen, &mut replay);
        if let Some(kept) = self.kept.as_deref() {
            kept.say(&mut replay);
        }
        Ok(replay)
    }

    fn select(&self, seen: Option<&Seen>, replay: &mut Replay) {
        let kept = self.kept.as_deref();
        let accepted = kept.and_then(|kept| kept.database.clone());
        let database = seen.map_or(accepted, |seen| Some(seen.database.clone().into_bytes()));
        if let Some(database) = database.filter(|number| number != b"0")
            && self.mutant != crate::mutant::Mutant::ForgetDatabase
        {
            replay.ask(Ask::must("SELECT"), &[b"SELECT", &database]);
        }
    }

    fn agrees(&self, seen: &Seen) -> Result<(), &'static str> {
        let kept = self.kept.as_deref();
        let count = |kind| kept.map_or(0, |kept| kept.subscribed(kind).len());
        let name = kept.and_then(|kept| kept.name.as_deref()).unwrap_or(b"");
        let tracking = kept.is_some_and(|kept| !kept.tracking.is_empty());
        if seen.in_transaction || seen.watching > 0 {
            return Err("a transaction is open");
        }
        if Kind::ALL.map(count) != seen.subscribed {
            return Err("its subscriptions are not those that it asked for");
        }
        if seen.name.as_bytes() != name {
            return Err("its name is not the one that it gave");
        }
        if seen.is_tracking() != tracking || seen.redirected || (tracking && seen.resp != 3) {
            return Err("its tracking is not what it asked for");
        }
        if kept.is_some_and(|kept| kept.resp3 != (seen.resp == 3) && !kept.doubts) {
            return Err("its protocol is not the one that it asked for");
        }
        if seen.flags.contains(['O', 'b', 'S', 'M']) {
            return Err("it is no plain client");
        }
        Ok(())
    }

    fn log_in(&self, seen: Option<&Seen>, replay: &mut Replay) -> Result<(), &'static str> {
        let logins = self.kept.as_deref().map_or(&[][..], |kept| &kept.logins);
        let login = match seen {
            Some(seen) => logins
                .iter()
                .rfind(|login| login.user == seen.user.as_bytes()),
            None => logins.last(),
        };
        if login.is_none() && seen.is_some_and(|seen| seen.user != "default") {
            return Err("its password is not known");
        }
        if let Some(login) = login {
            replay.ask(Ask::must("AUTH"), &[b"AUTH", &login.user, &login.password]);
        }
        let accepted = self.kept.as_deref().is_some_and(|kept| kept.resp3);
        if seen.map_or(accepted, |seen| seen.resp == 3) {
            replay.ask(Ask::must("HELLO"), &[b"HELLO", b"3"]);
        }
        Ok(())
    }
}

impl Kept {
    /// Everything that comes after login, protocol and database.
    fn say(&self, replay: &mut Replay) {
        if let Some(name) = self.name.as_ref().filter(|name| !name.is_empty()) {
            let words: [&[u8]; 3] = [b"CLIENT", b"SETNAME", name];
            replay.ask(Ask::may("CLIENT SETNAME"), &words);
        }
        let settings = self.settings.iter().map(|(_, request)| request);
        let settings = settings.map(|request| (Ask::may("CLIENT"), request));
        let tracking = self.tracking.iter();
        let tracking = tracking.map(|request| (Ask::must("CLIENT TRACKING"), request));
        for (ask, request) in settings.chain(tracking) {
            let words: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
            replay.ask(ask, &words);
        }
        if !self.tracking.is_empty() {
            replay.notice = FLUSH;
        }
        self.subscribe_again(replay);
    }

    fn subscribe_again(&self, replay: &mut Replay) {
        for kind in Kind::ALL {
            let names = self.subscribed(kind);
            if names.is_empty() {
                continue;
            }
            let words = names.iter().map(Vec::as_slice);
            let request: Vec<&[u8]> = std::iter::once(kind.command().as_bytes())
                .chain(words)
                .collect();
            encode(&mut replay.bytes, &request);
            replay.confirmations += names.len();
        }
    }
}

/// A request as RESP.
pub(super) fn encode(out: &mut Vec<u8>, words: &[&[u8]]) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}
