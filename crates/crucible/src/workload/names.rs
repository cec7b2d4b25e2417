//! Keys of a round. Every round has its own tag, so rounds on one group do not see each other.

use crate::clock::Micros;

/// Accounts of the bank.
pub const ACCOUNTS: usize = 6;
/// How long one register or shared list is in use, in microseconds: histories per key stay short enough to be searched, and lists
/// short enough to be read whole.
const WINDOW: Micros = 250_000;

/// Key of one unique `SET`.
pub fn set_key(tag: &str, client: u16, sequence: u64) -> String {
    format!("crucible:{tag}:set:{client}:{sequence}")
}

/// Key of one client's list.
pub fn list_key(tag: &str, client: u16) -> String {
    format!("crucible:{tag}:list:{client}")
}

/// Key of the counter.
pub fn counter_key(tag: &str) -> String {
    format!("crucible:{tag}:counter")
}

/// Key of the register that is only compared and set.
pub fn register_key(tag: &str) -> String {
    format!("crucible:{tag}:register")
}

/// Key of the set of marks.
pub fn members_key(tag: &str) -> String {
    format!("crucible:{tag}:members")
}

/// Name of the register in use at `now` that all share.
pub fn shared_register(now: Micros) -> String {
    format!("shared.{}", now / WINDOW)
}

/// Name of the register in use at `now` that only `client` touches.
pub fn own_register(client: u16, now: Micros) -> String {
    format!("own.{client}.{}", now / WINDOW)
}

/// Key of a register that is read, written and exchanged.
pub fn named_register_key(tag: &str, register: &str) -> String {
    format!("crucible:{tag}:register:{register}")
}

/// Name of the shared list in use at `now`.
pub fn shared_list(now: Micros) -> String {
    (now / WINDOW).to_string()
}

/// Key of a shared list.
pub fn shared_list_key(tag: &str, list: &str) -> String {
    format!("crucible:{tag}:append:{list}")
}

/// Key of an account.
pub fn account_key(tag: &str, account: usize) -> String {
    format!("crucible:{tag}:account:{account}")
}

/// Key of the ledger.
pub fn ledger_key(tag: &str) -> String {
    format!("crucible:{tag}:ledger")
}

/// Key of the queue.
pub fn queue_key(tag: &str) -> String {
    format!("crucible:{tag}:queue")
}

/// Key of what one client has taken from the queue.
pub fn taken_key(tag: &str, client: u16) -> String {
    format!("crucible:{tag}:taken:{client}")
}
