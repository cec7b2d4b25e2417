//! ACL: users, until the next restart. What is to last belongs into the configuration file.

use std::sync::Arc;

use holdfast_resp::parse_integer;

use super::{CATEGORIES, Call, Outcome, Request, category_bit, find_id, help, table};
use crate::acl::DEFAULT_USER;

pub(super) fn whoami(call: &mut Call<'_>) -> Outcome {
    call.reply
        .bulk(call.session.user.as_deref().unwrap_or(DEFAULT_USER));
    Outcome::Done
}

pub(super) fn users(call: &mut Call<'_>) -> Outcome {
    let acl = call.env.acl.load();
    let names: Vec<_> = acl.users().map(|(name, _)| name).collect();
    call.bulks(&names);
    Outcome::Done
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let acl = call.env.acl.load();
    let lines: Vec<_> = acl.users().map(|(name, user)| user.line(name)).collect();
    call.bulks(&lines);
    Outcome::Done
}

pub(super) fn getuser(call: &mut Call<'_>) -> Outcome {
    let acl = call.env.acl.load();
    let Some(user) = acl.user(&call.request.text(2)) else {
        call.reply.null();
        return Outcome::Done;
    };
    call.reply.map(6);
    call.reply.bulk("flags");
    let flags = user.flags();
    call.reply.set(flags.len());
    for flag in flags {
        call.reply.bulk(flag);
    }
    call.reply.bulk("passwords");
    call.bulks(user.passwords());
    for (name, text) in [
        ("commands", user.commands_text()),
        ("keys", user.keys_text()),
        ("channels", user.channels_text()),
    ] {
        call.reply.bulk(name);
        call.reply.bulk(text);
    }
    call.reply.bulk("selectors");
    call.reply.array(0);
    Outcome::Done
}

pub(super) fn setuser(call: &mut Call<'_>) -> Outcome {
    let changed = call
        .env
        .acl
        .load()
        .with_user(&call.request.text(2), call.request.from(3));
    match changed {
        Ok(acl) => {
            call.env.acl.store(Arc::new(acl));
            call.ok()
        }
        Err(error) => call.error(format!("ERR {error}")),
    }
}

pub(super) fn deluser(call: &mut Call<'_>) -> Outcome {
    if call
        .request
        .from(2)
        .any(|name| name == DEFAULT_USER.as_bytes())
    {
        return call.error("ERR The 'default' user cannot be removed");
    }
    let (mut acl, mut removed) = (call.env.acl.load_full(), 0);
    for index in 2..call.request.len() {
        if let Some(without) = acl.without_user(&call.request.text(index)) {
            acl = Arc::new(without);
            removed += 1;
        }
    }
    call.env.acl.store(acl);
    call.reply.integer(removed);
    Outcome::Done
}

pub(super) fn cat(call: &mut Call<'_>) -> Outcome {
    match call.request.len() {
        2 => call.bulks(&CATEGORIES),
        3 => {
            let name = call.request.text(2);
            let Some(bit) = category_bit(&name) else {
                return call.error(format!("ERR Unknown category '{name}'"));
            };
            let members = table::all()
                .map(|(id, _)| id)
                .filter(|id| id.categories() & bit != 0);
            let names: Vec<_> = members.map(super::CommandId::full_name).collect();
            call.bulks(&names);
        }
        _ => return call.error("ERR wrong number of arguments for 'acl|cat' command"),
    }
    Outcome::Done
}

pub(super) fn dryrun(call: &mut Call<'_>) -> Outcome {
    let acl = call.env.acl.load();
    let name = call.request.text(2);
    let Some(user) = acl.user(&name) else {
        return call.error(format!("ERR User '{name}' not found"));
    };
    let command = call.request.text(3);
    let full_name = format!("{command}|{}", call.request.text(4));
    let Some(id) = find_id(&full_name).or_else(|| find_id(&command)) else {
        return call.error(format!("ERR Command '{command}' not found"));
    };
    if user.allows(id) {
        return call.ok();
    }
    let text = format!(
        "User {name} has no permissions to run the '{}' command",
        id.full_name()
    );
    call.reply.bulk(text);
    Outcome::Done
}

pub(super) fn genpass(call: &mut Call<'_>) -> Outcome {
    const MAX_BITS: i64 = 4096;
    let Some(bits) = wanted_bits(call.request).filter(|bits| (1..=MAX_BITS).contains(bits)) else {
        return call.error(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
        );
    };
    let digits = (bits as usize).div_ceil(4);
    let mut random = vec![0_u8; digits.div_ceil(2)];
    if getrandom::fill(&mut random).is_err() {
        return call.error("ERR Holdfast: the system gave no random bytes");
    }
    let hex: String = random
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .take(digits)
        .map(hex_digit)
        .collect();
    call.reply.bulk(hex);
    Outcome::Done
}

fn wanted_bits(request: Request<'_>) -> Option<i64> {
    if request.len() == 2 {
        Some(256)
    } else {
        parse_integer(request.get(2))
    }
}

fn hex_digit(half: u8) -> char {
    char::from_digit(half.into(), 16).unwrap_or('0')
}

pub(super) fn log(call: &mut Call<'_>) -> Outcome {
    call.error("ERR Holdfast: there is no ACL LOG; refused logins are in the sentinel's log")
}

pub(super) fn no_file(call: &mut Call<'_>) -> Outcome {
    call.error(
        "ERR This Redis instance is not configured to use an ACL file. \
         Holdfast: users are in the sentinel's configuration file",
    )
}

pub(super) fn help(call: &mut Call<'_>) -> Outcome {
    call.lines(help::ACL)
}
