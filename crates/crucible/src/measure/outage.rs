//! The gap in acknowledgements around the event.

use crate::clock::Micros;
use crate::history::{Action, History, Operation};
use serde::{Deserialize, Serialize};

/// How long the clients that follow the sentinels could not write. All in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// From the event to the first acknowledgement by another node than the old primary; absent if the primary stayed.
    pub event_to_first_write: Option<Micros>,
    /// The longest time without any acknowledgement, from just before the event on.
    pub longest_pause: Micros,
}

impl Outage {
    /// Measures the history around its event.
    pub fn of(history: &History) -> Self {
        let mut acknowledged: Vec<&Operation> =
            history.operations.iter().filter(|op| counts(op)).collect();
        acknowledged.sort_by_key(|operation| operation.complete);
        Self {
            event_to_first_write: first_elsewhere(history, &acknowledged),
            longest_pause: longest_pause(history, &acknowledged),
        }
    }

    /// The number to report for a fault: to the first write on the new primary, else the longest pause.
    pub fn unavailable(&self) -> Micros {
        self.event_to_first_write.unwrap_or(self.longest_pause)
    }
}

/// Only clients that follow the sentinels tell when the service is back.
fn counts(operation: &Operation) -> bool {
    operation.acknowledged() && operation.action.writes() && operation.action != Action::Direct
}

fn first_elsewhere(history: &History, acknowledged: &[&Operation]) -> Option<Micros> {
    let elsewhere = |operation: &&&Operation| {
        operation.invoke >= history.event && operation.node != history.first_primary
    };
    acknowledged
        .iter()
        .find(elsewhere)
        .map(|operation| operation.complete - history.event)
}

/// The longest gap that ends after the event. A gap that began before counts from its beginning: a pause just before a
/// handoff's answer is part of it.
fn longest_pause(history: &History, acknowledged: &[&Operation]) -> Micros {
    let gaps = acknowledged
        .windows(2)
        .filter(|pair| pair[1].complete > history.event);
    gaps.map(|pair| pair[1].complete - pair[0].complete)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Outcome;

    fn acknowledgement(node: &str, complete: Micros) -> Operation {
        Operation {
            client: 0,
            sequence: complete,
            action: Action::Set,
            invoke: complete - 1,
            complete,
            outcome: Outcome::Ok,
            node: node.to_owned(),
        }
    }

    fn history(operations: Vec<Operation>) -> History {
        History {
            operations,
            first_primary: "a".to_owned(),
            event: 100,
            ..History::default()
        }
    }

    #[test]
    fn counts_to_the_first_write_on_the_new_primary() {
        let outage = Outage::of(&history(vec![
            acknowledgement("a", 90),
            acknowledgement("a", 105),
            acknowledgement("b", 400),
            acknowledgement("b", 410),
        ]));
        assert_eq!(
            outage,
            Outage {
                event_to_first_write: Some(300),
                longest_pause: 295
            }
        );
    }

    #[test]
    fn direct_writes_do_not_count() {
        let direct = Operation {
            action: Action::Direct,
            ..acknowledgement("b", 150)
        };
        let outage = Outage::of(&history(vec![
            acknowledgement("a", 90),
            direct,
            acknowledgement("a", 200),
        ]));
        assert_eq!(
            outage,
            Outage {
                event_to_first_write: None,
                longest_pause: 110
            }
        );
    }
}
