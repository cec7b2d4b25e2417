//! I9: on each connection replies keep their order and number; none is invented, none left out.

use crate::model::Micros;
use crate::report::Violation;
use crate::world::Asked;

/// Called when `client` gets an answer to its request `number` while it waits for `oldest`.
pub fn check(now: Micros, client: usize, oldest: Option<Asked>, number: u64) -> Option<Violation> {
    if oldest.is_some_and(|asked| asked.number == number) {
        return None;
    }
    Some(Violation {
        invariant: "i09_replies_in_order",
        at_us: now,
        text: format!("client {client} waits for {oldest:?} and is answered {number}"),
    })
}
