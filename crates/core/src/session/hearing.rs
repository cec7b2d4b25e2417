//! What the server's answers make of a session: only what it accepted counts.

use super::answers::{Heard, pass};
use super::kept::Kept;
use super::scripts::Scripts;
use super::telling::{may_be_half_done, tell};
use super::under_way::Asked;
use super::verbs::{Kind, Verb};
use super::{Session, answers::Answers};

/// Bytes of an answer that tell what it is.
const HEAD: usize = 64;

/// Bytes of the answer to a transaction that changes its session.
const TRANSACTION_MAX: usize = 64 << 10;

/// How messages begin that a subscriber gets in RESP2.
const MESSAGES: [&[u8]; 3] = [b"message", b"pmessage", b"smessage"];

const UNKNOWN: &str = "the replies of its server are not understood";

impl Session {
    /// These bytes came from its server, for the client. Scripts that it has loaded go to `scripts`.
    pub fn hear(&mut self, bytes: &[u8], scripts: &mut Scripts) {
        let mut at = 0;
        while at < bytes.len() && self.spoiled.is_none() {
            let keep = self.keeps();
            if keep == 0 && self.answers.is_between() {
                let ahead = self.under_way.ahead();
                let passed = pass(bytes, &mut at, ahead);
                self.under_way.take(passed);
                if passed > 0 {
                    continue;
                }
            }
            match self.answers.next(bytes, &mut at, keep) {
                Heard::Nothing => break,
                Heard::Lost => self.spoil(UNKNOWN),
                Heard::Reply(kind) if keep > 0 => self.look_at(kind, scripts),
                Heard::Reply(b'>') => {}
                Heard::Reply(_) if self.under_way.pass() => {}
                Heard::Reply(_) => self.spoil("it got a reply to nothing"),
            }
        }
        if self.under_way.is_empty() {
            // Nothing is under way, so the server's word is the last one.
            (self.multi, self.watch) = (self.transaction.open, self.transaction.watching);
        }
    }

    /// How many of these bytes are whole messages that nobody asked for, before anything else.
    pub fn messages(&self, bytes: &[u8]) -> usize {
        let (mut at, mut answers) = (0, Answers::default());
        let mut end = 0;
        while bytes.get(at) == Some(&b'>') && answers.next(bytes, &mut at, 0) == Heard::Reply(b'>')
        {
            end = at;
        }
        end
    }

    /// How much of the next answer is needed to tell what it means.
    #[inline]
    fn keeps(&self) -> usize {
        match self.under_way.next() {
            Some(asked) if asked.verb == Verb::Exec && self.transaction.tells() => TRANSACTION_MAX,
            Some(_) => HEAD,
            None if self.transaction.open || self.gets_messages() => HEAD,
            None => 0,
        }
    }

    /// Whether arrays may come that are no replies.
    #[inline]
    fn gets_messages(&self) -> bool {
        let kept = self.kept.as_deref();
        kept.is_some_and(|kept| !kept.resp3 && kept.is_subscribed())
    }

    fn look_at(&mut self, kind: u8, scripts: &mut Scripts) {
        if self.is_confirmation(kind) {
            return self.confirm();
        }
        if kind == b'>' || (kind == b'*' && self.gets_messages() && self.is_message()) {
            return;
        }
        let queued = self.transaction.open && self.answers.head().starts_with(b"+QUEUED");
        if self.under_way.pass() {
            if queued {
                self.transaction.count();
            }
            return;
        }
        let Some(asked) = self.under_way.pop() else {
            return self.spoil("it got a reply to nothing");
        };
        if queued {
            if !self.transaction.queue(asked) {
                self.spoil("it changes its session too often in a transaction");
            }
            return;
        }
        self.answered(&asked, b"-!".contains(&kind), scripts);
    }

    fn is_message(&self) -> bool {
        let first = self.answers.first_element();
        first.is_some_and(|word| MESSAGES.contains(&word))
    }

    fn is_confirmation(&self, kind: u8) -> bool {
        let next = self.under_way.next();
        let verb = |asked: &&Asked| matches!(asked.verb, Verb::Subscribe(_) | Verb::Unsubscribe(_));
        let (Some(asked), b'*' | b'>') = (next.filter(verb), kind) else {
            return false;
        };
        let first = self.answers.first_element().unwrap_or_default();
        asked.args[0].eq_ignore_ascii_case(first)
    }

    /// One of the names of a subscription is confirmed.
    fn confirm(&mut self) {
        let mut kept = self.kept.take().unwrap_or_default();
        if let Some(asked) = self.under_way.next_mut() {
            confirm(&mut kept, asked);
            if asked.confirmed >= asked.due {
                self.under_way.pop();
            }
        }
        self.keep(kept);
    }

    fn answered(&mut self, asked: &Asked, refused: bool, scripts: &mut Scripts) {
        match asked.verb {
            Verb::Exec if self.transaction.open => self.executed(scripts),
            Verb::Multi if !refused => self.transaction.begin(),
            Verb::Watch if !refused => self.transaction.watching = true,
            Verb::Unwatch if !refused => self.transaction.watching = false,
            Verb::Discard if !refused => self.transaction = super::Transaction::default(),
            Verb::Multi | Verb::Exec | Verb::Discard | Verb::Watch | Verb::Unwatch => {}
            _ => self.accepted(asked, refused, scripts),
        }
    }

    fn executed(&mut self, scripts: &mut Scripts) {
        match self.transaction.end(self.answers.head()) {
            None => self.spoil("what its transaction did to its session is not known"),
            Some(all) => {
                for (asked, refused) in all {
                    self.accepted(&asked, refused, scripts);
                }
            }
        }
    }

    /// A request outside of transactions, or of one that was executed.
    fn accepted(&mut self, asked: &Asked, refused: bool, scripts: &mut Scripts) {
        match asked.verb {
            Verb::Monitor if !refused => self.spoil("it is a monitor"),
            Verb::Sync if !refused => self.spoil("it asked for the replication stream"),
            Verb::Script if !refused => learn(scripts, &asked.args),
            Verb::Reset if !refused => {
                self.transaction = super::Transaction::default();
                if let Some(kept) = &mut self.kept {
                    kept.reset();
                }
            }
            Verb::Subscribe(_) | Verb::Unsubscribe(_) if !refused => self.spoil(UNKNOWN),
            Verb::Monitor | Verb::Sync | Verb::Script | Verb::Reset => {}
            Verb::Hello if refused && may_be_half_done(&asked.args) => {
                let mut kept = self.kept.take().unwrap_or_default();
                kept.doubt(&asked.args);
                self.keep(kept);
            }
            _ if refused => {}
            verb => {
                let mut kept = self.kept.take().unwrap_or_default();
                match tell(&mut kept, verb, &asked.args) {
                    Ok(()) => self.keep(kept),
                    Err(why) => self.spoil(why),
                }
            }
        }
    }

    fn keep(&mut self, kept: Box<Kept>) {
        if kept.is_too_large() {
            return self.spoil("too much would have to be said again");
        }
        self.kept = Some(kept);
    }
}

/// Takes the next name of a subscription in or out. Without names all of its kind go, with a confirmation each.
fn confirm(kept: &mut Kept, asked: &mut Asked) {
    let name = asked.args.get(1 + asked.confirmed);
    match (asked.verb, name) {
        (Verb::Subscribe(kind), Some(name)) => kept.subscribe(kind, name.clone()),
        (Verb::Unsubscribe(kind), Some(name)) => kept.unsubscribe(kind, name),
        (Verb::Unsubscribe(kind), None) => leave_all(kept, kind, asked),
        _ => {}
    }
    asked.confirmed += 1;
}

fn leave_all(kept: &mut Kept, kind: Kind, asked: &mut Asked) {
    if asked.confirmed == 0 {
        asked.due = kept.subscribed(kind).len().max(1);
    }
    if asked.confirmed + 1 == asked.due {
        kept.unsubscribe_all(kind);
    }
}

fn learn(scripts: &mut Scripts, args: &[Vec<u8>]) {
    match args {
        [_, about, body] if about.eq_ignore_ascii_case(b"LOAD") => scripts.add(body),
        [_, about, ..] if about.eq_ignore_ascii_case(b"FLUSH") => scripts.clear(),
        _ => {}
    }
}
