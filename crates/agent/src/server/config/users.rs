//! Who may do what: ACL lines.
//!
//! The user `holdfast` may do everything; agents, replicas and watchdogs use it. Every other user is denied
//! four commands, whatever its own rules say, because one of them from a script, an old operator or a curious
//! person would undo what the register decided:
//!
//! * `REPLICAOF`, `SLAVEOF`: would make a second primary, or wipe a node by a full resync from the wrong one;
//! * `FAILOVER`: would change the primary behind the sentinels' back;
//! * `SHUTDOWN`: would skip the handoff (stop the agent instead).
//!
//! What is *not* closed without a gate: a user with `+@all` may still `CONFIG SET` or `CONFIG GET masterauth`. Whoever must
//! not is given a user of its own.
//!
//! Behind a gate more is closed, because an acknowledgement is a promise there: `PSYNC`, `SYNC` and `REPLCONF` (a stranger
//! that acknowledges in a member's name), `CONFIG SET`, `CONFIG REWRITE` and `DEBUG` (they undo what the promise rests on; settings
//! go in redis.conf, which is taken over while running), `CONFIG GET` (it shows `masterauth`, by which a member is known), and changes of users (they would lift all of this). With `fsync`
//! also `SWAPDB`.

use super::lines::quoted;
use crate::server::USER;
use holdfast_core::record::Durability;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Denied to every user but `holdfast`.
const DENIED: &str = "-replicaof -slaveof -failover -shutdown";

/// The same behind a gate.
const DENIED_GATED: &str = "-replicaof -slaveof -failover -shutdown -psync -sync -replconf -debug -config|get \
    -config|set -config|rewrite -acl|setuser -acl|deluser -acl|load -acl|save";

/// The same where acknowledgements mean disks: a swap would bring an old stamp back.
const DENIED_ON_DISK: &str = "-replicaof -slaveof -failover -shutdown -psync -sync -replconf -debug -config|get \
    -config|set -config|rewrite -acl|setuser -acl|deluser -acl|load -acl|save -swapdb";

/// What is denied to every user but `holdfast`.
pub(super) fn denied(durability: Durability) -> &'static str {
    match durability {
        Durability::Async => DENIED,
        Durability::Quorum => DENIED_GATED,
        Durability::Fsync => DENIED_ON_DISK,
    }
}

/// The agents' own user, by the hash of its password.
pub(super) fn own(password: &str) -> String {
    format!(
        "user {USER} on resetkeys resetchannels resetpass {} ~* &* +@all",
        hashed(password)
    )
}

/// Clients that name no user: with the password, or without any.
pub(super) fn default(password: Option<&str>, denied: &str) -> String {
    let secret = password.map_or_else(|| "nopass".to_owned(), hashed);
    format!("user default on {secret} ~* &* +@all {denied}")
}

/// A `user` line of the operator's, with the denials behind it and inside each of its selectors (a selector
/// allows on its own what the rules before it deny).
pub(super) fn guarded(args: &[String], denied: &str) -> String {
    let mut in_selector = false;
    let words: Vec<String> = args
        .iter()
        .map(|word| guarded_word(word, denied, &mut in_selector))
        .collect();
    format!("user {} {denied}", words.join(" "))
}

/// `(+get ~a*)` arrives as two words: a selector reaches from a word that begins with `(` to one that ends with `)`.
fn guarded_word(word: &str, denied: &str, in_selector: &mut bool) -> String {
    *in_selector |= word.starts_with('(');
    match word.strip_suffix(')') {
        Some(open) if *in_selector => {
            *in_selector = false;
            format!("{open} {denied})")
        }
        _ => quoted(word),
    }
}

/// `#` and the SHA-256 of a password in hex, as ACL lines take it.
fn hashed(password: &str) -> String {
    Sha256::digest(password.as_bytes())
        .iter()
        .fold(String::from("#"), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
