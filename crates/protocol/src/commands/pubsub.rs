//! SUBSCRIBE and its kin. The channels are the names of events.

use super::{Call, Outcome};
use crate::session::MAX_SUBSCRIPTIONS;

pub(super) fn subscribe(call: &mut Call<'_>) -> Outcome {
    add(call, false, "subscribe")
}

pub(super) fn psubscribe(call: &mut Call<'_>) -> Outcome {
    add(call, true, "psubscribe")
}

pub(super) fn unsubscribe(call: &mut Call<'_>) -> Outcome {
    remove(call, false, "unsubscribe")
}

pub(super) fn punsubscribe(call: &mut Call<'_>) -> Outcome {
    remove(call, true, "punsubscribe")
}

fn add(call: &mut Call<'_>, pattern: bool, verb: &str) -> Outcome {
    if !may_subscribe(call, pattern) {
        return call.error(
            "NOPERM this user has no permissions to access one of the channels used as arguments",
        );
    }
    for name in call.request.from(1) {
        if !call.session.subscribe(name, pattern) {
            return call.error(format!(
                "ERR Holdfast: at most {MAX_SUBSCRIPTIONS} channels and patterns for one client"
            ));
        }
        confirm(call, verb, Some(name));
    }
    Outcome::Done
}

fn may_subscribe(call: &Call<'_>, pattern: bool) -> bool {
    let acl = call.env.acl.load();
    let user = call.session.user.as_deref().and_then(|name| acl.user(name));
    user.is_some_and(|user| {
        call.request
            .from(1)
            .all(|name| user.may_subscribe(name, pattern))
    })
}

fn remove(call: &mut Call<'_>, pattern: bool, verb: &str) -> Outcome {
    let named = call.request.len() > 1;
    let all = if named {
        Vec::new()
    } else {
        call.session.subscribed(pattern)
    };
    if !named && all.is_empty() {
        confirm(call, verb, None);
    }
    for name in call.request.from(1).chain(all.iter().map(AsRef::as_ref)) {
        call.session.unsubscribe(name, pattern);
        confirm(call, verb, Some(name));
    }
    Outcome::Done
}

fn confirm(call: &mut Call<'_>, verb: &str, name: Option<&[u8]>) {
    let (channels, patterns) = call.session.subscription_counts();
    call.reply.push(3);
    call.reply.bulk(verb);
    match name {
        Some(name) => call.reply.bulk(name),
        None => call.reply.null(),
    }
    call.reply.integer((channels + patterns) as i64);
}

pub(super) fn publish(call: &mut Call<'_>) -> Outcome {
    if call.request.get(1) == b"__sentinel__:hello" {
        return call.error(
            "ERR Holdfast: sentinels do not gossip; they know each other from their configuration",
        );
    }
    call.error("ERR Only HELLO messages are accepted by Sentinel instances.")
}
