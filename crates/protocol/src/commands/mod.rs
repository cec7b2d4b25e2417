//! The commands as a pure function: a request, what is known, and a session in; reply bytes out.

mod acl;
mod client;
mod command;
mod connection;
mod environment;
mod fields;
mod help;
mod holdfast;
mod info;
mod pubsub;
mod sentinel;
mod sentinel_change;
mod table;

use holdfast_resp::{Args, Encoder, Proto};

pub use environment::{ClientLine, ClientTable, Environment, Facts};
pub(crate) use table::{CATEGORIES, CommandId, category_bit, find_id};

use crate::session::Replies;
use crate::{ActionKind, Session};
use table::{Command, find, flags};

/// The arguments of one request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    args: &'a Args,
    buffer: &'a [u8],
}

impl<'a> Request<'a> {
    /// The arguments that were parsed from `buffer`.
    pub fn new(args: &'a Args, buffer: &'a [u8]) -> Self {
        Self { args, buffer }
    }

    /// How many there are, the command's name included.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Is it the empty request, which gets no reply?
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// Argument `index`; empty when there is none.
    pub fn get(&self, index: usize) -> &'a [u8] {
        self.args.get(self.buffer, index)
    }

    /// The arguments from `index` on.
    pub fn from(&self, index: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let request = *self;
        (index..request.len()).map(move |index| request.get(index))
    }

    /// Argument `index` as text; bytes that are not UTF-8 are replaced.
    pub(crate) fn text(&self, index: usize) -> String {
        String::from_utf8_lossy(self.get(index)).into_owned()
    }

    pub(crate) fn is(&self, index: usize, word: &str) -> bool {
        self.get(index).eq_ignore_ascii_case(word.as_bytes())
    }
}

/// What is to happen after a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reply (if any) is written.
    Done,
    /// The reply is written; close when it is sent.
    Close,
    /// The answer comes later: forward the action, and write its answer with [`ReplyForm::write`]. No other request of this client is
    /// handled before.
    Action(ActionKind, ReplyForm),
}

/// How the answer to an action is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyForm {
    /// `OK`, whatever the text.
    Ok,
    /// The text is a number.
    Integer,
    /// The text as a bulk string.
    Bulk,
    /// Not at all (`CLIENT REPLY OFF`).
    Muted,
}

impl ReplyForm {
    /// Appends the answer to `out`.
    pub fn write(self, answer: &Result<String, String>, proto: Proto, out: &mut Vec<u8>) {
        let mut reply = Encoder::new(out, proto);
        match (self, answer) {
            (Self::Muted, _) => {}
            (_, Err(text)) if starts_with_code(text) => reply.error(text),
            (_, Err(text)) => reply.error(format!("ERR {text}")),
            (Self::Ok, Ok(_)) => reply.ok(),
            (Self::Integer, Ok(text)) => reply.integer(text.trim().parse().unwrap_or(0)),
            (Self::Bulk, Ok(text)) => reply.bulk(text),
        }
    }
}

/// Does the text begin with an error code, a word in capitals?
fn starts_with_code(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or_default();
    word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase())
}

/// One request on its way.
pub(crate) struct Call<'a> {
    session: &'a mut Session,
    request: Request<'a>,
    env: &'a Environment<'a>,
    reply: Encoder<'a, Vec<u8>>,
}

impl Call<'_> {
    fn error(&mut self, text: impl AsRef<[u8]>) -> Outcome {
        self.reply.error(text);
        Outcome::Done
    }

    fn ok(&mut self) -> Outcome {
        self.reply.ok();
        Outcome::Done
    }

    fn syntax_error(&mut self) -> Outcome {
        self.error("ERR syntax error")
    }

    /// A reply that is a list of bulk strings.
    fn bulks<T: AsRef<[u8]>>(&mut self, items: &[T]) {
        self.reply.array(items.len());
        for item in items {
            self.reply.bulk(item);
        }
    }

    /// A reply that is a list of status lines.
    fn lines(&mut self, lines: &[&str]) -> Outcome {
        self.reply.array(lines.len());
        for line in lines {
            self.reply.simple(line);
        }
        Outcome::Done
    }
}

/// Answers one request: appends the reply to `out`, changes the session, and says what is to happen next.
pub fn handle(
    session: &mut Session,
    request: Request<'_>,
    env: &Environment<'_>,
    out: &mut Vec<u8>,
) -> Outcome {
    if request.is_empty() {
        return Outcome::Done;
    }
    let wanted = session.replies;
    if wanted == Replies::SkipNext {
        session.replies = Replies::On;
    }
    let (start, proto) = (out.len(), session.proto);
    let reply = Encoder::new(&mut *out, proto);
    let outcome = dispatch(&mut Call {
        session,
        request,
        env,
        reply,
    });
    let muted = match wanted {
        Replies::On => false,
        Replies::Off => session.replies == Replies::Off,
        Replies::SkipNext => true,
    };
    if !muted {
        return outcome;
    }
    out.truncate(start);
    match outcome {
        Outcome::Action(kind, _) => Outcome::Action(kind, ReplyForm::Muted),
        other => other,
    }
}

/// The checks in the order of redis-server: does it exist, is the count right, who asks, may they, is it allowed now.
fn dispatch(call: &mut Call<'_>) -> Outcome {
    let Some((id, command)) = find(call.request.get(0)) else {
        return unknown_command(call);
    };
    let (id, command) = match find_sub(call, id, command) {
        Ok(found) => found,
        Err(outcome) => return outcome,
    };
    if !command.takes(call.request.len()) {
        return call.error(format!(
            "ERR wrong number of arguments for '{}' command",
            id.full_name()
        ));
    }
    if let Some(refusal) = refusal(call, id, command) {
        return call.error(refusal);
    }
    call.session.last_command = id;
    (command.run)(call)
}

fn find_sub(
    call: &mut Call<'_>,
    id: CommandId,
    command: &'static Command,
) -> Result<(CommandId, &'static Command), Outcome> {
    if command.subs.is_empty() || call.request.len() < 2 {
        return Ok((id, command));
    }
    table::find_sub(id, command, call.request.get(1)).ok_or_else(|| {
        let name = command.name.to_ascii_uppercase();
        let sub = &call.request.get(1)[..call.request.get(1).len().min(128)];
        call.error(
            [
                b"ERR unknown subcommand '",
                sub,
                b"'. Try ",
                name.as_bytes(),
                b" HELP.",
            ]
            .concat(),
        )
    })
}

fn unknown_command(call: &mut Call<'_>) -> Outcome {
    const SHOWN_BYTES: usize = 128;
    let name = call.request.get(0);
    let mut args = Vec::new();
    for arg in call.request.from(1) {
        if args.len() >= SHOWN_BYTES {
            break;
        }
        let shown = &arg[..arg.len().min(SHOWN_BYTES - args.len())];
        args.extend_from_slice(&[b"'", shown, b"' "].concat());
    }
    let name = &name[..name.len().min(SHOWN_BYTES)];
    call.error(
        [
            b"ERR unknown command '",
            name,
            b"', with args beginning with: ",
            &args,
        ]
        .concat(),
    )
}

/// What a stranger is told who gives an order.
fn stranger(order: &str) -> String {
    format!(
        "NOPERM Holdfast: '{order}' from another machine needs a password: log in as a user that has one \
         (client_password_file or acl_file of the sentinel), run it on the sentinel's machine, or set open_administration"
    )
}

/// Why the command is refused to this client now, if it is.
fn refusal(call: &mut Call<'_>, id: CommandId, command: &Command) -> Option<String> {
    if !command.has(flags::NO_AUTH) {
        let acl = call.env.acl.load();
        let user = call.session.user.as_deref().and_then(|name| acl.user(name));
        let Some(user) = user else {
            // A user who was deleted in the meantime is nobody again.
            call.session.user = None;
            return Some("NOAUTH Authentication required.".to_owned());
        };
        if !user.allows(id) {
            return Some(format!(
                "NOPERM this user has no permissions to run the '{}' command",
                id.full_name()
            ));
        }
    }
    if command.has(flags::NOT_FOR_STRANGERS) && call.session.is_stranger() {
        return Some(stranger(&id.full_name()));
    }
    let bound = call.session.proto == Proto::Resp2
        && call.session.is_subscribed()
        && !command.has(flags::WHILE_SUBSCRIBED);
    bound.then(|| {
        format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
            id.full_name()
        )
    })
}
