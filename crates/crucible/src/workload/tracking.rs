//! A client with a cache that the server invalidates (RESP3, `CLIENT TRACKING`).
//!
//! The server puts the invalidation into this connection before anything that it answers here after the write. So a copy that is still
//! valid when a `PING` comes back was current when the `PING` was served: it counts as a read at that time, and must fit
//! like any other.

use crate::clock;
use crate::history::{Action, Outcome};
use crate::workload::desk::Desk;
use crate::workload::names;
use crate::workload::registers::text;
use holdfast_resp::Value;

/// What such a client sends on every connection first.
pub(super) const OPENING: [&[&str]; 2] = [&["HELLO", "3"], &["CLIENT", "TRACKING", "ON"]];

/// One register kept in memory.
#[derive(Debug)]
struct Copy {
    register: String,
    content: String,
    /// On which connection: the server forgets its clients' copies with the connection.
    connection: u64,
}

/// A client that reads shared registers through its cache.
#[derive(Debug, Default)]
pub(super) struct Tracking {
    copy: Option<Copy>,
}

impl Tracking {
    /// Reads the register in use from the cache if it is there, else from the server.
    pub(super) async fn step(&mut self, desk: &mut Desk) {
        let register = names::shared_register(clock::now());
        match self.copy.take().filter(|copy| copy.register == register) {
            Some(copy) => self.confirm(desk, copy).await,
            None => self.fetch(desk, register).await,
        }
    }

    async fn confirm(&mut self, desk: &mut Desk, copy: Copy) {
        let Some(answer) = desk.session.attempt(&["PING"]).await else {
            return;
        };
        let key = names::named_register_key(&desk.tag, &copy.register);
        let pushes = desk.session.take_pushes();
        let same = desk.session.connection_number() == copy.connection;
        if answer.outcome != Outcome::Ok
            || !same
            || pushes.iter().any(|push| invalidates(push, &key))
        {
            return;
        }
        let read = Action::Read(copy.register.clone(), copy.content.clone());
        desk.recorder.add(read, answer);
        self.copy = Some(copy);
    }

    async fn fetch(&mut self, desk: &mut Desk, register: String) {
        let key = names::named_register_key(&desk.tag, &register);
        let Some(answer) = desk.session.attempt(&["GET", &key]).await else {
            return;
        };
        // What came before the reply is about older copies.
        desk.session.take_pushes();
        if answer.outcome != Outcome::Ok {
            return;
        }
        let content = text(answer.reply.as_ref());
        self.copy = Some(Copy {
            register: register.clone(),
            content: content.clone(),
            connection: desk.session.connection_number(),
        });
        desk.recorder.add(Action::Read(register, content), answer);
    }
}

/// Whether `push` says that a copy of `key` is stale: it names the key, or everything (null).
fn invalidates(push: &Value, key: &str) -> bool {
    let Some([kind, keys]) = push.as_slice() else {
        return false;
    };
    let named = keys.as_slice().unwrap_or_default();
    kind.as_str() == Some("invalidate")
        && (keys.is_null() || named.iter().any(|named| named.as_str() == Some(key)))
}
