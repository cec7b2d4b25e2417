//! A bank: money moves between accounts in one `MULTI`, watched, and the ledger says so in the same transaction. Whatever one command
//! sees of all accounts sums up to zero, where they all began.

use crate::client::Answer;
use crate::history::{Action, Outcome};
use crate::workload::desk::Desk;
use crate::workload::names;
use holdfast_resp::Value;

const MOST_MONEY: usize = 100;

/// Moves money; every third time all accounts are read.
pub(super) async fn step(desk: &mut Desk) {
    if desk.dice.below(3) == 0 {
        audit(desk).await;
    } else {
        transfer(desk).await;
    }
}

async fn audit(desk: &mut Desk) {
    let mut command = vec!["MGET".to_owned()];
    command.extend((0..names::ACCOUNTS).map(|account| names::account_key(&desk.tag, account)));
    let Some(answer) = desk.session.attempt(&command).await else {
        return;
    };
    if let Some(values) = answer.reply.as_ref().and_then(Value::as_slice) {
        let balances = values.iter().map(balance).collect();
        desk.recorder.add(Action::Audit(balances), answer);
    }
}

async fn transfer(desk: &mut Desk) {
    let from = desk.dice.below(names::ACCOUNTS);
    let to = (from + desk.dice.between(1, names::ACCOUNTS - 1)) % names::ACCOUNTS;
    let amount = desk.dice.between(1, MOST_MONEY) as i64;
    let keys = [from, to].map(|account| names::account_key(&desk.tag, account));
    let Some((payer, receiver)) = look(desk, &keys).await else {
        return;
    };
    let ledger = names::ledger_key(&desk.tag);
    let entry = format!("{} {from} {to} {amount}", desk.mark());
    let (payer, receiver) = (
        (payer - amount).to_string(),
        (receiver + amount).to_string(),
    );
    let commands: [&[&str]; 5] = [
        &["MULTI"],
        &["SET", &keys[0], &payer],
        &["SET", &keys[1], &receiver],
        &["RPUSH", &ledger, &entry],
        &["EXEC"],
    ];
    // Elsewhere nothing would be watched.
    let answers = desk.session.exchange_on_same(&commands).await;
    if let Some(answer) = answers.and_then(executed) {
        desk.recorder
            .add(Action::Transfer { from, to, amount }, answer);
    }
}

/// Watches two accounts and reads them.
async fn look(desk: &mut Desk, keys: &[String; 2]) -> Option<(i64, i64)> {
    let commands: [&[&str]; 2] = [
        &["WATCH", &keys[0], &keys[1]],
        &["MGET", &keys[0], &keys[1]],
    ];
    let answers = desk.session.exchange(&commands).await?;
    let found = answers.last()?.reply.as_ref()?.as_slice()?;
    let watched = answers.iter().all(|answer| answer.outcome == Outcome::Ok);
    watched.then_some((balance(found.first()?), balance(found.get(1)?)))
}

fn balance(value: &Value) -> i64 {
    value.as_integer().unwrap_or(0)
}

/// The answer to `EXEC`. Null means that a watched account had changed: nothing was done.
fn executed(mut answers: Vec<Answer>) -> Option<Answer> {
    let mut answer = answers.pop()?;
    match &answer.reply {
        Some(reply) if reply.is_null() => {
            answer.outcome = Outcome::Fail("an account had changed".to_owned());
        }
        Some(reply)
            if reply
                .as_slice()
                .is_none_or(|replies| replies.iter().any(|reply| reply.error().is_some())) =>
        {
            answer.outcome = Outcome::Info(format!("EXEC answered {reply:?}"));
        }
        _ => {}
    }
    Some(answer)
}
