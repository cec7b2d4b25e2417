//! What is said to the next server so that a session goes on there.

use super::Session;
use super::seen::Seen;
use super::verbs::Kind;

/// What every client that caches is sent: nothing that it has may be trusted.
const FLUSH: &[u8] = b">2\r\n$10\r\ninvalidate\r\n_\r\n";

/// Requests, and what is to come back.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Replay {
    /// The requests, as bytes. They may hold passwords.
    pub bytes: Vec<u8>,
    /// Replies that must come, none of them an error.
    pub replies: usize,
    /// Confirmations of subscriptions that must come after them.
    pub confirmations: usize,
    /// What the client is sent before anything of the next server.
    pub notice: &'static [u8],
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { replies, .. } = self;
        write!(
            f,
            "Replay({replies} replies, {} subscriptions)",
            self.confirmations
        )
    }
}

impl Replay {
    /// Whether its client is sent what it does not ask for each time: messages, or keys that are not valid any more.
    pub fn listens(&self) -> bool {
        self.confirmations > 0 || !self.notice.is_empty()
    }

    fn ask(&mut self, words: &[&[u8]]) {
        encode(&mut self.bytes, words);
        self.replies += 1;
    }
}

impl Session {
    /// What to say to the next server, if what is known here and what the server has `seen` agree. The server may have
    /// refused to say: then only what it confirms by not refusing it again is said.
    ///
    /// # Errors
    /// Why this session cannot go on elsewhere.
    pub fn replay(&self, seen: Option<&Seen>) -> Result<Replay, &'static str> {
        if let Some(why) = self.spoiled {
            return Err(why);
        }
        let mut replay = Replay::default();
        let kept = self.kept.as_deref();
        if let Some(seen) = seen {
            self.agrees(seen)?;
        } else if kept.is_some_and(|kept| kept.hello) {
            return Err("its server does not tell which protocol it speaks");
        }
        self.log_in(seen, &mut replay)?;
        let sniffed = kept.and_then(|kept| kept.database.clone());
        let database = seen.map_or(sniffed, |seen| Some(seen.database.clone().into_bytes()));
        if let Some(database) = database.filter(|number| number != b"0")
            && self.mutant != crate::mutant::Mutant::ForgetDatabase
        {
            replay.ask(&[b"SELECT", &database]);
        }
        let Some(kept) = kept else {
            return Ok(replay);
        };
        if let Some(name) = kept.name.as_ref().filter(|name| !name.is_empty()) {
            replay.ask(&[b"CLIENT", b"SETNAME", name]);
        }
        let requests = kept.settings.iter().map(|(_, request)| request);
        for request in requests.chain(&kept.tracking) {
            let words: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
            replay.ask(&words);
        }
        if !kept.tracking.is_empty() {
            replay.notice = FLUSH;
        }
        self.subscribe(&mut replay);
        Ok(replay)
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
            replay.ask(&[b"AUTH", &login.user, &login.password]);
        }
        if seen.is_some_and(|seen| seen.resp == 3) {
            replay.ask(&[b"HELLO", b"3"]);
        }
        Ok(())
    }

    fn subscribe(&self, replay: &mut Replay) {
        let Some(kept) = self.kept.as_deref() else {
            return;
        };
        for kind in Kind::ALL {
            let names = kept.subscribed(kind);
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
