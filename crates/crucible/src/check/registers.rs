//! Registers: was each of them one register? Two checkers that share no idea give their verdicts, which must be the same.

pub mod clusters;
pub mod search;
pub mod touch;

use crate::check::{Finding, Survived, Verdict};
use crate::clock::Micros;
use crate::history::{Action, History, Operation};
use search::Judgement;
use std::collections::BTreeMap;
use touch::{Content, Kind, Touch};

/// Steps of the search for one register: a quarter of a second of work takes some thousand.
const STEPS: usize = 200_000;

/// Checks every register, its content after the round included.
pub fn check(history: &History, survived: &Survived, verdict: &mut Verdict) {
    let mut registers: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.operations {
        if let Action::Read(name, _) | Action::Write(name) | Action::Exchange(name, _) =
            &operation.action
        {
            registers.entry(name).or_default().push(operation);
            verdict.acknowledged +=
                u64::from(operation.acknowledged() && operation.action.writes());
        }
    }
    for (name, operations) in registers {
        let last = survived.registers.get(name).map_or("", String::as_str);
        compare(name, &touches(&operations, last), verdict);
    }
}

fn compare(name: &str, touches: &[Touch], verdict: &mut Verdict) {
    let conflict = clusters::judge(touches).err();
    verdict.registers += 1;
    match (search::judge(touches, STEPS), conflict) {
        (Judgement::Undecided, None) => verdict.undecided += 1,
        (Judgement::Linear, Some(_)) | (Judgement::Broken, None) => {
            verdict.find(Finding::Disputed, || {
                format!("register {name}: {conflict:?}")
            });
        }
        (_, Some(conflict)) => {
            verdict.find(Finding::Stale, || {
                format!(
                    "register {name}: {conflict:?} of {} operations",
                    touches.len()
                )
            });
        }
        (Judgement::Linear, None) => {}
    }
}

/// What both checkers look at. What survived is a read after everything.
fn touches(operations: &[&Operation], last: &str) -> Vec<Touch> {
    let mut numbers = Numbers::default();
    let mut touches: Vec<Touch> = operations
        .iter()
        .filter(|operation| !operation.refused())
        .map(|operation| Touch {
            kind: kind(operation, &mut numbers),
            invoke: operation.invoke,
            complete: operation.acknowledged().then_some(operation.complete),
        })
        .collect();
    touches.push(Touch {
        kind: Kind::Read(numbers.of(last)),
        invoke: Micros::MAX - 1,
        complete: Some(Micros::MAX - 1),
    });
    touches
}

fn kind(operation: &Operation, numbers: &mut Numbers) -> Kind {
    match &operation.action {
        Action::Read(_, found) => Kind::Read(numbers.of(found)),
        Action::Exchange(_, old) => Kind::Exchange(numbers.of(old), numbers.of(&operation.mark())),
        _ => Kind::Write(numbers.of(&operation.mark())),
    }
}

/// A number for each content; 0 for the empty one.
#[derive(Default)]
struct Numbers(BTreeMap<String, Content>);

impl Numbers {
    fn of(&mut self, content: &str) -> Content {
        if content.is_empty() {
            return 0;
        }
        let next = self.0.len() as Content + 1;
        *self.0.entry(content.to_owned()).or_insert(next)
    }
}

#[cfg(test)]
mod tests;
