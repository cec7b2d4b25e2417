//! What a request tells a server of the session, once the server has accepted it.

use super::kept::Kept;
use super::verbs::Verb;

/// What `CLIENT` tells of a session.
const TELLING: [&[u8]; 7] = [
    b"SETNAME",
    b"SETINFO",
    b"NO-EVICT",
    b"NO-TOUCH",
    b"TRACKING",
    b"CAPA",
    b"IMPORT-SOURCE",
];

/// Whether the answer to this request counts.
pub(super) fn counts(verb: Verb, args: &[Vec<u8>]) -> bool {
    let about = args.get(1).map(Vec::as_slice).unwrap_or_default();
    let is_one_of = |words: &[&[u8]]| words.iter().any(|one| about.eq_ignore_ascii_case(one));
    match verb {
        Verb::Client => is_one_of(&TELLING),
        Verb::Script => is_one_of(&[b"LOAD", b"FLUSH"]),
        Verb::Block(_) | Verb::Stream | Verb::Wait | Verb::Quit => false,
        _ => true,
    }
}

/// Notes what was accepted.
pub(super) fn tell(kept: &mut Kept, verb: Verb, args: &[Vec<u8>]) -> Result<(), &'static str> {
    match (verb, args) {
        (Verb::Auth, [_, password]) => kept.login(b"default", password),
        (Verb::Auth, [_, user, password]) => kept.login(user, password),
        (Verb::Select, [_, database]) => kept.database = Some(database.clone()),
        (Verb::Readonly, [_]) => kept.set(b"READONLY".to_vec(), args.to_vec()),
        (Verb::Readwrite, [_]) => kept.unset(b"READONLY"),
        (Verb::Hello, [_, version, options @ ..]) => hello(kept, version, options),
        (Verb::Client, args) => return client(kept, args),
        _ => {}
    }
    Ok(())
}

fn client(kept: &mut Kept, args: &[Vec<u8>]) -> Result<(), &'static str> {
    let about = args.get(1).map(Vec::as_slice).unwrap_or_default();
    match (about.to_ascii_uppercase().as_slice(), args) {
        (b"SETNAME", [_, _, name]) => kept.name = Some(name.clone()),
        (b"TRACKING", [_, _, on, options @ ..]) => return tracking(kept, args, on, options),
        (b"NO-EVICT" | b"NO-TOUCH" | b"IMPORT-SOURCE", [_, about, _]) => {
            kept.set(about.to_ascii_uppercase(), args.to_vec());
        }
        (b"SETINFO", [_, _, attribute, _]) => {
            kept.set(attribute.to_ascii_uppercase(), args.to_vec());
        }
        // What a client is capable of only grows.
        (b"CAPA", args) => kept.set(args.join(&b' ').to_ascii_uppercase(), args.to_vec()),
        _ => {}
    }
    Ok(())
}

fn tracking(
    kept: &mut Kept,
    args: &[Vec<u8>],
    on: &[u8],
    options: &[Vec<u8>],
) -> Result<(), &'static str> {
    let redirects = |word: &Vec<u8>| word.eq_ignore_ascii_case(b"REDIRECT");
    if !on.eq_ignore_ascii_case(b"ON") {
        kept.tracking.clear();
    } else if options.iter().any(redirects) {
        return Err("its invalidations go to another connection");
    } else if !kept.tracking.iter().any(|request| request == args) {
        kept.tracking.push(args.to_vec());
    }
    Ok(())
}

/// Whether a `HELLO` that was refused may have logged in, and been refused for what came behind that.
pub(super) fn may_be_half_done(args: &[Vec<u8>]) -> bool {
    args.len() > 5
}

impl Kept {
    /// A `HELLO` was refused that may have done some of what it asked for. Its login may be the one that counts.
    pub(super) fn doubt(&mut self, args: &[Vec<u8>]) {
        let (resp3, name) = (self.resp3, self.name.clone());
        hello(self, b"", &args[2..]);
        (self.resp3, self.name, self.doubts) = (resp3, name, true);
    }
}

fn hello(kept: &mut Kept, version: &[u8], mut options: &[Vec<u8>]) {
    kept.resp3 = version == b"3";
    loop {
        options = match options {
            [word, user, password, rest @ ..] if word.eq_ignore_ascii_case(b"AUTH") => {
                kept.login(user, password);
                rest
            }
            [word, name, rest @ ..] if word.eq_ignore_ascii_case(b"SETNAME") => {
                kept.name = Some(name.clone());
                rest
            }
            _ => return,
        };
    }
}
