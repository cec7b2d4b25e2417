//! A server that knows sessions and nothing else.

use std::collections::BTreeSet;

/// What it holds of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) resp3: bool,
    user: Option<(String, String)>,
    database: String,
    name: String,
    settings: BTreeSet<(String, String)>,
    pub(super) tracking: Vec<String>,
    subscribed: [BTreeSet<String>; 3],
    pub(super) watching: bool,
    /// Requests that wait for `EXEC`; and whether one was refused.
    pub(super) transaction: Option<(Vec<Vec<String>>, bool)>,
}

const KINDS: [&str; 3] = ["subscribe", "psubscribe", "ssubscribe"];

fn is_subscription(word: &str) -> Option<(usize, bool)> {
    let word = word.to_lowercase();
    let kind = |word: &str| KINDS.iter().position(|kind| *kind == word);
    if let Some(kind) = kind(&word) {
        return Some((kind, true));
    }
    kind(&word.replacen("un", "", 1)).map(|kind| (kind, false))
}

impl Model {
    /// Its answer to a request that it refuses, for whatever reason, or not.
    pub(super) fn answer(&mut self, request: &[&str], refuse: bool) -> String {
        let verb = request[0].to_uppercase();
        let quiet = self.resp3 || self.subscribed.iter().all(BTreeSet::is_empty);
        let always = is_subscription(&verb).is_some() || verb == "RESET";
        let nested = self.transaction.is_some();
        let wrong = match verb.as_str() {
            "MULTI" | "WATCH" | "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE" | "UNSUBSCRIBE"
            | "PUNSUBSCRIBE" | "SUNSUBSCRIBE" => nested,
            "EXEC" | "DISCARD" => !nested,
            _ => false,
        };
        if verb == "HELLO" && refuse && !nested && request.len() > 5 {
            // Logged in, and then refused.
            self.user = Some((request[3].to_owned(), request[4].to_owned()));
            return "-ERR Client names cannot contain spaces\r\n".to_owned();
        }
        if refuse || wrong || (!quiet && !always) {
            return self.refuse(&verb);
        }
        match (verb.as_str(), &mut self.transaction) {
            ("EXEC", Some(_)) => self.execute(),
            ("DISCARD", _) => {
                (self.transaction, self.watching) = (None, false);
                ok()
            }
            ("RESET", _) => {
                self.reset();
                "+RESET\r\n".to_owned()
            }
            (_, Some((queued, _))) => {
                queued.push(request.iter().map(|word| (*word).to_owned()).collect());
                "+QUEUED\r\n".to_owned()
            }
            ("MULTI", None) => {
                self.transaction = Some((Vec::new(), false));
                ok()
            }
            _ => self.execute_one(request),
        }
    }

    fn refuse(&mut self, verb: &str) -> String {
        if verb == "EXEC" && self.transaction.take().is_some() {
            self.watching = false;
            return "-EXECABORT Transaction discarded because of: no\r\n".to_owned();
        }
        if let Some((_, dirty)) = &mut self.transaction {
            *dirty = true;
        }
        "-NOPERM this user has no permissions\r\n".to_owned()
    }

    fn execute(&mut self) -> String {
        let (queued, dirty) = self.transaction.take().unwrap();
        self.watching = false;
        if dirty {
            return "-EXECABORT Transaction discarded because of previous errors.\r\n".to_owned();
        }
        let mut out = format!("*{}\r\n", queued.len());
        for request in queued {
            let request: Vec<&str> = request.iter().map(String::as_str).collect();
            // Some fail only when they are executed.
            out += &if request.last() == Some(&"fails") {
                "-ERR it fails\r\n".to_owned()
            } else {
                self.execute_one(&request)
            };
        }
        out
    }

    fn reset(&mut self) {
        let kept = ["SETINFO", "NO-EVICT", "CAPA"];
        *self = Self {
            settings: std::mem::take(&mut self.settings),
            ..Self::default()
        };
        self.settings
            .retain(|(about, _)| kept.iter().any(|one| about.starts_with(one)));
    }

    fn execute_one(&mut self, request: &[&str]) -> String {
        if let Some((kind, on)) = is_subscription(request[0]) {
            return self.subscribe(kind, on, &request[1..]);
        }
        match request {
            ["AUTH", password] => self.user = Some(("default".into(), (*password).into())),
            ["AUTH", user, password] => self.user = Some(((*user).into(), (*password).into())),
            ["HELLO", version, options @ ..] => {
                self.resp3 = *version == "3";
                match options {
                    ["AUTH", user, password, rest @ ..] => {
                        self.user = Some(((*user).into(), (*password).into()));
                        if let ["SETNAME", name] = rest {
                            self.name = (*name).into();
                        }
                    }
                    ["SETNAME", name] => self.name = (*name).into(),
                    _ => {}
                }
                return if self.resp3 {
                    "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nmodules\r\n*0\r\n".to_owned()
                } else {
                    "*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nmodules\r\n*0\r\n".to_owned()
                };
            }
            ["SELECT", number] => {
                self.database = if *number == "0" { "" } else { *number }.into();
            }
            ["CLIENT", "SETNAME", name] => self.name = (*name).into(),
            ["CLIENT", "TRACKING", "OFF"] => self.tracking.clear(),
            ["CLIENT", "TRACKING", "ON", rest @ ..] => {
                let rest = rest.join(" ");
                if !self.tracking.contains(&rest) {
                    self.tracking.push(rest);
                }
            }
            ["CLIENT", about, value @ ..] => {
                let key = match *about {
                    "SETINFO" => format!("SETINFO {}", value[0]),
                    about => about.to_owned(),
                };
                self.settings.retain(|(one, _)| *one != key);
                let value = (*value.last().unwrap()).to_owned();
                self.settings.insert((key, value));
            }
            ["READONLY"] => {
                self.settings.insert(("READONLY".into(), String::new()));
            }
            ["WATCH", ..] => self.watching = true,
            ["UNWATCH"] => self.watching = false,
            ["GET", _] => return "$12\r\n+OK\r\n-ERR *3\r\n".to_owned(),
            ["LRANGE", ..] => {
                return "*3\r\n$7\r\nmessage\r\n*2\r\n:1\r\n*-1\r\n$-1\r\n".to_owned();
            }
            ["HGETALL", ..] if self.resp3 => {
                return "|1\r\n+ttl\r\n:5\r\n%1\r\n$1\r\na\r\n~2\r\n,1.5\r\n#t\r\n".to_owned();
            }
            other => panic!("{other:?}"),
        }
        ok()
    }

    fn subscribe(&mut self, kind: usize, on: bool, names: &[&str]) -> String {
        let word = if on {
            KINDS[kind].to_owned()
        } else {
            KINDS[kind].replacen("subscribe", "unsubscribe", 1)
        };
        let all: Vec<String> = self.subscribed[kind].iter().cloned().collect();
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        if names.is_empty() {
            names = all;
        }
        let mark = if self.resp3 { '>' } else { '*' };
        let mut out = String::new();
        if names.is_empty() {
            return format!("{mark}3\r\n${}\r\n{word}\r\n$-1\r\n:0\r\n", word.len());
        }
        for name in names {
            let (first, second) = (word.len(), name.len());
            let one = format!("{mark}3\r\n${first}\r\n{word}\r\n${second}\r\n{name}\r\n:1\r\n");
            out.push_str(&one);
            if on {
                self.subscribed[kind].insert(name);
            } else {
                self.subscribed[kind].remove(&name);
            }
        }
        out
    }

    /// Something that it sends without being asked, if this client may get such.
    pub(super) fn message(&self) -> &'static str {
        if self.resp3 {
            ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$11\r\n-ERR no\r\n+x\r\n"
        } else if self.subscribed.iter().any(|names| !names.is_empty()) {
            "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$9\r\nsubscribe\r\n"
        } else {
            ""
        }
    }

    /// Its answer to `CLIENT INFO`.
    pub(super) fn info(&self) -> String {
        let Self { database, name, .. } = self;
        let user = self.user.as_ref().map_or("default", |(user, _)| user);
        let [channels, patterns, shards] = [0, 1, 2].map(|kind| self.subscribed[kind].len());
        let multi = self.transaction.as_ref().map_or(-1, |_| 0);
        let database = if database.is_empty() { "0" } else { database };
        let flags = if self.tracking.is_empty() { "N" } else { "t" };
        let resp = if self.resp3 { 3 } else { 2 };
        let watch = u8::from(self.watching);
        format!(
            "id=3 name={name} db={database} sub={channels} psub={patterns} ssub={shards} multi={multi} watch={watch} flags={flags} user={user} redir=-1 resp={resp}"
        )
    }
}

fn ok() -> String {
    "+OK\r\n".to_owned()
}
