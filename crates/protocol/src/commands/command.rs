//! COMMAND: what exists here.

use super::table::{COMMANDS, Command, all, find, find_sub};
use super::{CATEGORIES, Call, CommandId, Outcome, category_bit, find_id, help};
use crate::glob_matches;

/// An entry by the name that a client gives: `ping`, `sentinel|masters`.
fn named(name: &[u8]) -> Option<(CommandId, &'static Command)> {
    let mut parts = name.splitn(2, |byte| *byte == b'|');
    let (id, command) = find(parts.next()?)?;
    match parts.next() {
        None => Some((id, command)),
        Some(sub) => find_sub(id, command, sub),
    }
}

fn top_level() -> impl Iterator<Item = (CommandId, &'static Command)> {
    all().filter(|(id, _)| id.parent() == *id)
}

pub(super) fn count(call: &mut Call<'_>) -> Outcome {
    call.reply.integer(COMMANDS.len() as i64);
    Outcome::Done
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let text = call.request.text(4);
    let filter: Box<dyn Fn(CommandId) -> bool> = match call.request.len() {
        2 => Box::new(|_| true),
        5 if call.request.is(2, "filterby") && call.request.is(3, "pattern") => {
            Box::new(move |id| {
                glob_matches(
                    text.to_ascii_lowercase().as_bytes(),
                    id.full_name().as_bytes(),
                )
            })
        }
        5 if call.request.is(2, "filterby") && call.request.is(3, "aclcat") => {
            let bit = category_bit(&text).unwrap_or(0);
            Box::new(move |id| id.categories() & bit != 0)
        }
        5 if call.request.is(2, "filterby") && call.request.is(3, "module") => Box::new(|_| false),
        _ => return call.syntax_error(),
    };
    let names: Vec<_> = all()
        .map(|(id, _)| id)
        .filter(|id| filter(*id))
        .map(CommandId::full_name)
        .collect();
    call.reply.array(names.len());
    for name in &names {
        call.reply.bulk(name);
    }
    Outcome::Done
}

pub(super) fn info(call: &mut Call<'_>) -> Outcome {
    if call.request.len() <= 2 {
        let entries: Vec<_> = top_level().collect();
        call.reply.array(entries.len());
        for (id, command) in entries {
            describe(call, id, command);
        }
        return Outcome::Done;
    }
    call.reply.array(call.request.len() - 2);
    for name in call.request.from(2) {
        match named(name) {
            Some((id, command)) => describe(call, id, command),
            None => call.reply.null(),
        }
    }
    Outcome::Done
}

/// Ten elements, as redis-server 7 has them.
fn describe(call: &mut Call<'_>, id: CommandId, command: &Command) {
    let reply = &mut call.reply;
    reply.array(10);
    reply.bulk(id.full_name());
    reply.integer(command.arity.into());
    let flags = command.flag_names();
    reply.set(flags.len());
    for flag in flags {
        reply.simple(flag);
    }
    // First key, last key, step: there are no keys.
    for _ in 0..3 {
        reply.integer(0);
    }
    let categories: Vec<_> = (0..CATEGORIES.len())
        .filter(|bit| command.categories & (1 << bit) != 0)
        .collect();
    reply.set(categories.len());
    for bit in categories {
        reply.simple(format!("@{}", CATEGORIES[bit]));
    }
    // Tips and key specifications.
    reply.set(0);
    reply.set(0);
    call.reply.array(command.subs.len());
    for sub in command.subs {
        if let Some(id) = find_id(&format!("{}|{}", command.name, sub.name)) {
            describe(call, id, sub);
        }
    }
}

pub(super) fn docs(call: &mut Call<'_>) -> Outcome {
    let entries: Vec<_> = if call.request.len() == 2 {
        top_level().collect()
    } else {
        call.request.from(2).filter_map(named).collect()
    };
    call.reply.map(entries.len());
    for (id, command) in entries {
        document(call, id, command);
    }
    Outcome::Done
}

fn document(call: &mut Call<'_>, id: CommandId, command: &Command) {
    call.reply.bulk(id.full_name());
    call.reply.map(if command.subs.is_empty() { 3 } else { 4 });
    let group = match command.name {
        name if name.ends_with("subscribe") || name == "publish" => "pubsub",
        "auth" | "client" | "hello" | "ping" => "connection",
        _ => "sentinel",
    };
    for (name, value) in [
        ("summary", command.summary),
        ("since", "2.8.4"),
        ("group", group),
    ] {
        call.reply.bulk(name);
        call.reply.bulk(value);
    }
    if command.subs.is_empty() {
        return;
    }
    call.reply.bulk("subcommands");
    call.reply.map(command.subs.len());
    for sub in command.subs {
        if let Some(id) = find_id(&format!("{}|{}", command.name, sub.name)) {
            document(call, id, sub);
        }
    }
}

pub(super) fn getkeys(call: &mut Call<'_>) -> Outcome {
    match find(call.request.get(2)) {
        None => call.error("ERR Invalid command specified"),
        Some(_) => call.error("ERR The command has no key arguments"),
    }
}

pub(super) fn help(call: &mut Call<'_>) -> Outcome {
    call.lines(help::COMMAND)
}
