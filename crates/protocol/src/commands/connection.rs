//! AUTH, HELLO, PING, SHUTDOWN.

use holdfast_resp::{Proto, parse_integer};

use super::{Call, Outcome};
use crate::COMPATIBLE_VERSION;
use crate::acl::DEFAULT_USER;

const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const NAME_REFUSED: &str =
    "ERR Client names cannot contain spaces, newlines or special characters.";
const HELLO_FIRST: &str = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> \
    option can be used to authenticate the client and select the RESP protocol version at the same time";

/// Runs for a command that has only subcommands. The count of arguments keeps it from being reached.
pub(super) fn never(call: &mut Call<'_>) -> Outcome {
    call.error("ERR syntax error")
}

pub(super) fn ping(call: &mut Call<'_>) -> Outcome {
    let argument = call.request.get(1);
    let count = call.request.len();
    if count > 2 {
        return call.error("ERR wrong number of arguments for 'ping' command");
    }
    if call.session.is_subscribed() && call.session.proto == Proto::Resp2 {
        call.bulks(&[b"pong", argument]);
    } else if count == 2 {
        call.reply.bulk(argument);
    } else {
        call.reply.simple("PONG");
    }
    Outcome::Done
}

pub(super) fn auth(call: &mut Call<'_>) -> Outcome {
    let (user, password) = match call.request.len() {
        2 if call.env.acl.load().open_to_all() => {
            return call.error(
                "ERR AUTH <password> called without any password configured for the default user. \
                 Are you sure your configuration is correct?",
            );
        }
        2 => (DEFAULT_USER.as_bytes(), call.request.get(1)),
        3 => (call.request.get(1), call.request.get(2)),
        _ => return call.syntax_error(),
    };
    if log_in(call, user, password) {
        call.ok()
    } else {
        call.error(WRONG_PASSWORD)
    }
}

fn log_in(call: &mut Call<'_>, user: &[u8], password: &[u8]) -> bool {
    let acl = call.env.acl.load();
    let fits = acl.authenticates(user, password);
    if fits {
        let known = std::str::from_utf8(user)
            .ok()
            .and_then(|name| acl.user(name));
        let proven = known.is_some_and(|user| !user.needs_no_password());
        call.session.log_in(user, proven);
    } else {
        // Written as a literal: a client must not be able to make lines of its own in the log.
        tracing::info!(client = call.session.id, user = ?String::from_utf8_lossy(user), "client authentication failed");
    }
    fits
}

/// What HELLO was asked for; nothing is changed before all of it has been read.
struct Hello<'a> {
    proto: Option<Proto>,
    login: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

pub(super) fn hello(call: &mut Call<'_>) -> Outcome {
    let hello = match read_hello(call) {
        Ok(hello) => hello,
        Err(text) => return call.error(text),
    };
    if let Some((user, password)) = hello.login
        && !log_in(call, user, password)
    {
        return call.error(WRONG_PASSWORD);
    }
    if !call.session.is_authenticated() {
        return call.error(HELLO_FIRST);
    }
    if let Some(name) = hello.name {
        set_name(call, name);
    }
    if let Some(proto) = hello.proto {
        call.session.proto = proto;
        call.session.revision += 1;
        call.reply.set_proto(proto);
    }
    describe_server(call);
    Outcome::Done
}

fn read_hello<'a>(call: &Call<'a>) -> Result<Hello<'a>, String> {
    let request = call.request;
    let mut hello = Hello {
        proto: None,
        login: None,
        name: None,
    };
    if request.len() >= 2 {
        hello.proto = Some(match parse_integer(request.get(1)) {
            Some(2) => Proto::Resp2,
            Some(3) => Proto::Resp3,
            Some(_) => return Err("NOPROTO unsupported protocol version".to_owned()),
            None => return Err("ERR Protocol version is not an integer or out of range".to_owned()),
        });
    }
    let mut at = 2;
    while at < request.len() {
        let left = request.len() - at - 1;
        if request.is(at, "auth") && left >= 2 {
            hello.login = Some((request.get(at + 1), request.get(at + 2)));
            at += 3;
        } else if request.is(at, "setname") && left >= 1 {
            hello.name = Some(request.get(at + 1));
            if !is_name(request.get(at + 1)) {
                return Err(NAME_REFUSED.to_owned());
            }
            at += 2;
        } else {
            return Err(format!(
                "ERR Syntax error in HELLO option '{}'",
                request.text(at)
            ));
        }
    }
    Ok(hello)
}

fn describe_server(call: &mut Call<'_>) {
    let (proto, id) = (call.session.proto, call.session.id);
    let reply = &mut call.reply;
    reply.map(6);
    reply.bulk("server");
    reply.bulk("redis");
    reply.bulk("version");
    reply.bulk(COMPATIBLE_VERSION);
    reply.bulk("proto");
    reply.integer(if proto == Proto::Resp3 { 3 } else { 2 });
    reply.bulk("id");
    reply.integer(id as i64);
    reply.bulk("mode");
    reply.bulk("sentinel");
    reply.bulk("modules");
    reply.array(0);
}

/// Printable characters without blanks, so that `CLIENT LIST` can be read.
pub(super) fn is_name(name: &[u8]) -> bool {
    name.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// Names the connection; the name must have passed [`is_name`].
pub(super) fn set_name(call: &mut Call<'_>, name: &[u8]) {
    call.session.name = String::from_utf8_lossy(name).into();
    call.session.revision += 1;
}

/// [`set_name`] with its refusal.
pub(super) fn rename(call: &mut Call<'_>, name: &[u8]) -> Outcome {
    if !is_name(name) {
        return call.error(NAME_REFUSED);
    }
    set_name(call, name);
    call.ok()
}

pub(super) fn shutdown(call: &mut Call<'_>) -> Outcome {
    let known = ["nosave", "save", "now", "force", "abort"];
    let fits = |arg: &[u8]| {
        known
            .iter()
            .any(|word| word.as_bytes().eq_ignore_ascii_case(arg))
    };
    if !call.request.from(1).all(fits) {
        return call.syntax_error();
    }
    call.error("ERR Holdfast: the sentinel is supervised and would be started again; stop it where it was started, with SIGTERM")
}
