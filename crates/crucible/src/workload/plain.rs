//! Workloads of one command, which need to remember nothing.

use crate::history::{Action, Outcome};
use crate::workload::desk::Desk;
use crate::workload::names;
use holdfast_resp::Value;

/// Commands of one pipeline.
const PIPELINE: u64 = 16;

/// Sets a register only if it holds what is expected (empty: nothing yet).
const COMPARE_AND_SET: &str = "local now = redis.call('GET', KEYS[1]) or '' \
     if now == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return 1 else return 0 end";

/// `SET` of a key of its own.
pub(super) async fn set(desk: &mut Desk, action: Action) {
    let (key, value) = (desk.set_key(0), desk.recorder.sequence().to_string());
    let Some(answer) = desk.session.attempt(&["SET", &key, &value]).await else {
        return;
    };
    // A replica refuses direct writes all day long: that is no news.
    if action == Action::Direct && matches!(answer.outcome, Outcome::Fail(_)) {
        return desk.recorder.skip();
    }
    desk.recorder.add(action, answer);
}

/// Many `SET`s sent at once.
pub(super) async fn pipeline(desk: &mut Desk) {
    let next = desk.recorder.sequence();
    let pairs: Vec<[String; 3]> = (0..PIPELINE)
        .map(|ahead| {
            [
                "SET".to_owned(),
                desk.set_key(ahead),
                (next + ahead).to_string(),
            ]
        })
        .collect();
    let commands: Vec<&[String]> = pairs.iter().map(<[String; 3]>::as_slice).collect();
    for answer in desk.session.exchange(&commands).await.unwrap_or_default() {
        desk.recorder.add(Action::Set, answer);
    }
}

/// `RPUSH` to a list of its own.
pub(super) async fn push(desk: &mut Desk) {
    let key = names::list_key(&desk.tag, desk.client());
    let value = desk.recorder.sequence().to_string();
    if let Some(answer) = desk.session.attempt(&["RPUSH", &key, &value]).await {
        desk.recorder.add(Action::Push, answer);
    }
}

/// `INCR` of the counter that all share.
pub(super) async fn increment(desk: &mut Desk) {
    let key = names::counter_key(&desk.tag);
    if let Some(answer) = desk.session.attempt(&["INCR", &key]).await {
        let value = answer.reply.as_ref().and_then(Value::as_integer);
        desk.recorder.add(Action::Increment(value), answer);
    }
}

/// Reads the register, then sets it if nobody else did. A lost race is refused: nothing was written.
pub(super) async fn swap(desk: &mut Desk) {
    let key = names::register_key(&desk.tag);
    let Some(read) = desk.session.attempt(&["GET", &key]).await else {
        return;
    };
    let Some(value) = read.reply else { return };
    let old = value.as_str().unwrap_or_default().to_owned();
    let mark = desk.mark();
    let command = ["EVAL", COMPARE_AND_SET, "1", &key, &old, &mark];
    let Some(mut answer) = desk.session.attempt(&command).await else {
        return;
    };
    if answer.reply.as_ref().and_then(Value::as_integer) == Some(0) {
        answer.outcome = Outcome::Fail("lost the race".to_owned());
    }
    desk.recorder.add(Action::Swap(old), answer);
}

/// `RPUSH` to a list that all share; every fourth time, all of it is read.
pub(super) async fn append(desk: &mut Desk) {
    let list = names::shared_list(crate::clock::now());
    let key = names::shared_list_key(&desk.tag, &list);
    if desk.dice.below(4) > 0 {
        let mark = desk.mark();
        if let Some(answer) = desk.session.attempt(&["RPUSH", &key, &mark]).await {
            desk.recorder.add(Action::Append(list), answer);
        }
        return;
    }
    let Some(answer) = desk.session.attempt(&["LRANGE", &key, "0", "-1"]).await else {
        return;
    };
    if let Some(items) = answer.reply.as_ref().and_then(Value::as_slice) {
        let found = items.iter().filter_map(Value::as_str).map(str::to_owned);
        let scan = Action::Scan(list, found.collect());
        desk.recorder.add(scan, answer);
    }
}
