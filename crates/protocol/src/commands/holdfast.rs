//! HOLDFAST: everything that Sentinel has no words for. Only HELP is answered here.

use super::{Call, Outcome, ReplyForm, help, stranger};
use crate::ActionKind;

pub(super) fn run(call: &mut Call<'_>) -> Outcome {
    if call.request.is(1, "help") {
        return call.lines(help::HOLDFAST);
    }
    let only_asks = ["status", "decisions"]
        .iter()
        .any(|word| call.request.is(1, word));
    if !only_asks && call.session.is_stranger() {
        return call.error(stranger(&format!("holdfast {}", call.request.text(1))));
    }
    let words: Result<Vec<_>, _> = call
        .request
        .from(1)
        .map(|word| String::from_utf8(word.to_vec()))
        .collect();
    match words {
        Ok(words) => Outcome::Action(ActionKind::Holdfast(words), ReplyForm::Bulk),
        Err(_) => call.error("ERR Holdfast: arguments must be UTF-8"),
    }
}
