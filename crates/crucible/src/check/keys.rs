//! Which keys a round can have written.

use crate::history::{Action, History};
use crate::workload::names;
use std::collections::BTreeSet;

/// What to read back, and to delete afterwards. Everything is in order and named once.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Unique `SET`s, by client and sequence number.
    pub sets: Vec<(u16, u64)>,
    /// Clients with a list of their own.
    pub lists: BTreeSet<u16>,
    /// Shared lists.
    pub appended: BTreeSet<String>,
    /// Registers that are read, written and exchanged.
    pub registers: BTreeSet<String>,
    /// Clients that took from the queue.
    pub takers: BTreeSet<u16>,
    tag: String,
}

impl Keys {
    /// Those of `history`.
    pub fn of(history: &History) -> Self {
        let mut keys = Self {
            tag: history.tag.clone(),
            ..Self::default()
        };
        for operation in &history.operations {
            match &operation.action {
                Action::Set | Action::Direct => {
                    keys.sets.push((operation.client, operation.sequence));
                }
                Action::Push => insert(&mut keys.lists, &operation.client),
                Action::Append(list) | Action::Scan(list, _) => insert(&mut keys.appended, list),
                Action::Read(name, _) | Action::Write(name) | Action::Exchange(name, _) => {
                    insert(&mut keys.registers, name);
                }
                Action::Take(_) => insert(&mut keys.takers, &operation.client),
                _ => {}
            }
        }
        keys
    }

    /// Names of all keys.
    pub fn names(&self) -> Vec<String> {
        let tag = self.tag.as_str();
        let mut all = self.set_names(&self.sets);
        all.extend(
            self.lists
                .iter()
                .map(|client| names::list_key(tag, *client)),
        );
        all.extend(
            self.appended
                .iter()
                .map(|list| names::shared_list_key(tag, list)),
        );
        all.extend(
            self.registers
                .iter()
                .map(|name| names::named_register_key(tag, name)),
        );
        all.extend(
            self.takers
                .iter()
                .map(|client| names::taken_key(tag, *client)),
        );
        all.extend(self.accounts());
        all.extend([
            names::counter_key(tag),
            names::register_key(tag),
            names::members_key(tag),
            names::ledger_key(tag),
            names::queue_key(tag),
        ]);
        all
    }

    /// Names of the keys of unique `SET`s.
    pub fn set_names(&self, ids: &[(u16, u64)]) -> Vec<String> {
        let name = |(client, sequence): &(u16, u64)| names::set_key(&self.tag, *client, *sequence);
        ids.iter().map(name).collect()
    }

    /// Names of all accounts.
    pub fn accounts(&self) -> Vec<String> {
        (0..names::ACCOUNTS)
            .map(|account| names::account_key(&self.tag, account))
            .collect()
    }
}

/// Clones only what is new: most operations name a key that is known already.
fn insert<T: Ord + Clone>(known: &mut BTreeSet<T>, item: &T) {
    if !known.contains(item) {
        known.insert(item.clone());
    }
}
