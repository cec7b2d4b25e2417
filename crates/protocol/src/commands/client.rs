//! CLIENT: the connections of this sentinel.

use holdfast_resp::{Proto, parse_integer};

use super::connection::{is_name, rename};
use super::{Call, ClientLine, Outcome, help};
use crate::session::Replies;

pub(super) fn id(call: &mut Call<'_>) -> Outcome {
    call.reply.integer(call.session.id as i64);
    Outcome::Done
}

pub(super) fn getname(call: &mut Call<'_>) -> Outcome {
    if call.session.name.is_empty() {
        call.reply.null();
    } else {
        call.reply.bulk(call.session.name.as_bytes());
    }
    Outcome::Done
}

pub(super) fn setname(call: &mut Call<'_>) -> Outcome {
    rename(call, call.request.get(2))
}

pub(super) fn setinfo(call: &mut Call<'_>) -> Outcome {
    let value = call.request.get(3);
    let is_version = call.request.is(2, "lib-ver");
    if !is_version && !call.request.is(2, "lib-name") {
        let text = format!("ERR Unrecognized option '{}'", call.request.text(2));
        return call.error(text);
    }
    if !is_name(value) {
        let option = call.request.text(2);
        return call.error(format!(
            "ERR {option} cannot contain spaces, newlines or special characters."
        ));
    }
    let library = call.session.library.get_or_insert_default();
    let field = if is_version {
        &mut library.version
    } else {
        &mut library.name
    };
    *field = String::from_utf8_lossy(value).into();
    call.session.revision += 1;
    call.ok()
}

/// The line of this connection; what has changed since the last request is taken from the session itself.
fn own_line(call: &Call<'_>) -> Option<ClientLine> {
    let mut line = call
        .env
        .clients
        .clients()
        .into_iter()
        .find(|line| line.id == call.session.id)?;
    line.command = call.session.last_command.full_name();
    line.resp = if call.session.proto == Proto::Resp3 {
        3
    } else {
        2
    };
    Some(line)
}

pub(super) fn info(call: &mut Call<'_>) -> Outcome {
    let line = own_line(call)
        .map(|line| format!("{line}\n"))
        .unwrap_or_default();
    call.reply.verbatim(*b"txt", line.as_bytes());
    Outcome::Done
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let mut clients = call.env.clients.clients();
    if call.request.is(2, "type") && call.request.len() == 4 {
        let Some(wanted) = kind(call.request.get(3)) else {
            let text = format!("ERR Unknown client type '{}'", call.request.text(3));
            return call.error(text);
        };
        clients.retain(|line| kind_of(line) == wanted);
    } else if call.request.is(2, "id") && call.request.len() >= 4 {
        let ids: Option<Vec<i64>> = call.request.from(3).map(parse_integer).collect();
        let Some(ids) = ids else {
            return call.error("ERR Invalid client ID");
        };
        clients.retain(|line| ids.contains(&(line.id as i64)));
    } else if call.request.len() > 2 {
        return call.syntax_error();
    }
    let lines: Vec<_> = clients.iter().map(|line| format!("{line}\n")).collect();
    call.reply.verbatim(*b"txt", lines.concat().as_bytes());
    Outcome::Done
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Kind {
    Normal,
    Subscriber,
    /// A replica or a master: never connected to a sentinel.
    Other,
}

fn kind(word: &[u8]) -> Option<Kind> {
    match word.to_ascii_lowercase().as_slice() {
        b"normal" => Some(Kind::Normal),
        b"pubsub" => Some(Kind::Subscriber),
        b"master" | b"replica" | b"slave" => Some(Kind::Other),
        _ => None,
    }
}

fn kind_of(line: &ClientLine) -> Kind {
    if line.is_subscriber() {
        Kind::Subscriber
    } else {
        Kind::Normal
    }
}

pub(super) fn kill(call: &mut Call<'_>) -> Outcome {
    let clients = call.env.clients.clients();
    if call.request.len() == 3 {
        let address = call.request.text(2);
        let Some(line) = clients
            .iter()
            .find(|line| line.address.to_string() == address)
        else {
            return call.error("ERR No such client");
        };
        call.reply.ok();
        return cut(call, std::slice::from_ref(line));
    }
    let (mut chosen, mut skip_me) = (clients, true);
    if !call.request.len().is_multiple_of(2) {
        return call.syntax_error();
    }
    for at in (2..call.request.len()).step_by(2) {
        if let Err(text) = narrow(call, at, &mut chosen, &mut skip_me) {
            return call.error(text);
        }
    }
    chosen.retain(|line| !skip_me || line.id != call.session.id);
    call.reply.integer(chosen.len() as i64);
    cut(call, &chosen)
}

/// Applies one `option value` of CLIENT KILL.
fn narrow(
    call: &Call<'_>,
    at: usize,
    chosen: &mut Vec<ClientLine>,
    skip_me: &mut bool,
) -> Result<(), String> {
    let value = call.request.get(at + 1);
    let text = call.request.text(at + 1);
    match call.request.get(at).to_ascii_lowercase().as_slice() {
        b"id" => {
            let id = parse_integer(value)
                .filter(|id| *id > 0)
                .ok_or("ERR client-id should be greater than 0")?;
            chosen.retain(|line| line.id as i64 == id);
        }
        b"type" => {
            let kind = kind(value).ok_or_else(|| format!("ERR Unknown client type '{text}'"))?;
            chosen.retain(|line| kind_of(line) == kind);
        }
        b"addr" => chosen.retain(|line| line.address.to_string() == text),
        b"laddr" => chosen.retain(|line| line.local_address.to_string() == text),
        b"user" => {
            call.env
                .acl
                .load()
                .user(&text)
                .ok_or_else(|| format!("ERR No such user '{text}'"))?;
            chosen.retain(|line| *line.user == *text);
        }
        b"skipme" if value.eq_ignore_ascii_case(b"yes") => *skip_me = true,
        b"skipme" if value.eq_ignore_ascii_case(b"no") => *skip_me = false,
        _ => return Err("ERR syntax error".to_owned()),
    }
    Ok(())
}

/// Cuts the connections off; this one only after its reply.
fn cut(call: &Call<'_>, chosen: &[ClientLine]) -> Outcome {
    let mut outcome = Outcome::Done;
    for line in chosen {
        if line.id == call.session.id {
            outcome = Outcome::Close;
        } else {
            call.env.clients.kill(line.id);
        }
    }
    outcome
}

pub(super) fn reply(call: &mut Call<'_>) -> Outcome {
    let off = call.session.replies == Replies::Off;
    if call.request.is(2, "on") {
        call.session.replies = Replies::On;
        return call.ok();
    } else if call.request.is(2, "off") {
        call.session.replies = Replies::Off;
    } else if call.request.is(2, "skip") {
        call.session.replies = if off { Replies::Off } else { Replies::SkipNext };
    } else {
        return call.syntax_error();
    }
    Outcome::Done
}

/// For what is either on or off and has no effect in either case.
pub(super) fn on_off(call: &mut Call<'_>) -> Outcome {
    if call.request.is(2, "on") || call.request.is(2, "off") {
        call.ok()
    } else {
        call.syntax_error()
    }
}

pub(super) fn caching(call: &mut Call<'_>) -> Outcome {
    call.error("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
}

pub(super) fn getredir(call: &mut Call<'_>) -> Outcome {
    call.reply.integer(-1);
    Outcome::Done
}

pub(super) fn trackinginfo(call: &mut Call<'_>) -> Outcome {
    call.reply.map(3);
    call.reply.bulk("flags");
    call.reply.set(1);
    call.reply.bulk("off");
    call.reply.bulk("redirect");
    call.reply.integer(-1);
    call.reply.bulk("prefixes");
    call.reply.array(0);
    Outcome::Done
}

pub(super) fn unblock(call: &mut Call<'_>) -> Outcome {
    if parse_integer(call.request.get(2)).is_none() {
        return call.error("ERR value is not an integer or out of range");
    }
    call.reply.integer(0);
    Outcome::Done
}

pub(super) fn pause(call: &mut Call<'_>) -> Outcome {
    if parse_integer(call.request.get(2)).is_none_or(|ms| ms < 0) {
        return call.error("ERR timeout is not an integer or out of range");
    }
    call.error("ERR Holdfast: a sentinel does not pause its clients")
}

pub(super) fn unpause(call: &mut Call<'_>) -> Outcome {
    call.ok()
}

pub(super) fn help(call: &mut Call<'_>) -> Outcome {
    call.lines(help::CLIENT)
}
