//! The bank: every look at all accounts sums up to zero; every acknowledged transfer is in the ledger, once; the accounts are what
//! the ledger makes them.

use crate::check::{Finding, Survived, Verdict};
use crate::history::{Action, History};
use crate::workload::names;
use std::collections::BTreeMap;

/// Checks audits, ledger and accounts.
pub fn check(history: &History, survived: &Survived, verdict: &mut Verdict) {
    for operation in &history.operations {
        if let Action::Audit(balances) = &operation.action
            && balances.iter().sum::<i64>() != 0
        {
            verdict.find(Finding::Torn, || {
                format!("accounts {balances:?} at {}", operation.node)
            });
        }
    }
    let entries = check_transfers(history, survived, verdict);
    if entries && replay(&survived.ledger) != padded(&survived.accounts) {
        verdict.find(Finding::Torn, || {
            format!("accounts {:?} against their ledger", survived.accounts)
        });
    }
}

/// Says whether every entry of the ledger belongs to a transfer.
fn check_transfers(history: &History, survived: &Survived, verdict: &mut Verdict) -> bool {
    let mut entries: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &survived.ledger {
        *entries.entry(entry).or_default() += 1;
    }
    for operation in &history.operations {
        let Action::Transfer { from, to, amount } = operation.action else {
            continue;
        };
        verdict.acknowledged += u64::from(operation.acknowledged());
        let entry = format!("{} {from} {to} {amount}", operation.mark());
        let what = || format!("transfer {entry} by {}", operation.node);
        match entries.remove(entry.as_str()) {
            None if operation.acknowledged() => verdict.find(Finding::Lost, what),
            Some(_) if operation.refused() => verdict.find(Finding::Phantom, what),
            Some(times) if times > 1 => verdict.find(Finding::Duplicated, what),
            _ => {}
        }
    }
    for entry in entries.keys() {
        verdict.find(Finding::Foreign, || format!("`{entry}` in the ledger"));
    }
    entries.is_empty()
}

/// The accounts after all entries.
fn replay(ledger: &[String]) -> Vec<i64> {
    let mut accounts = vec![0; names::ACCOUNTS];
    for entry in ledger {
        let words: Vec<&str> = entry.split(' ').collect();
        let number = |index: usize| words.get(index).and_then(|word| word.parse::<i64>().ok());
        let (Some(from), Some(to), Some(amount)) = (number(1), number(2), number(3)) else {
            continue;
        };
        for (account, change) in [(from, -amount), (to, amount)] {
            if let Some(balance) = accounts.get_mut(account as usize) {
                *balance += change;
            }
        }
    }
    accounts
}

fn padded(accounts: &[i64]) -> Vec<i64> {
    let mut accounts = accounts.to_vec();
    accounts.resize(names::ACCOUNTS, 0);
    accounts
}
