//! One user: passwords, command rules, channels.

use sha2::{Digest, Sha256};

use super::rules::{Rule, parse_rule};
use crate::commands::CommandId;
use crate::glob_matches;

/// Passwords, command rules, channel or key patterns at most, each, of one user.
const MAX_ENTRIES: usize = 1024;

/// A user of the ACL.
#[derive(Debug, Clone)]
pub struct User {
    enabled: bool,
    any_password: bool,
    /// SHA-256 of each password, in lower-case hex.
    passwords: Vec<String>,
    /// Command rules; the last one that names a command decides.
    rules: Vec<Rule>,
    /// Patterns of channels that may be subscribed to.
    channels: Vec<String>,
    /// Patterns of keys: shown, and without effect, since a sentinel has no keys.
    keys: Vec<String>,
}

impl User {
    /// A user who may do nothing: where `ACL SETUSER` starts.
    pub fn nobody() -> Self {
        Self {
            enabled: false,
            any_password: false,
            passwords: Vec::new(),
            rules: Vec::new(),
            channels: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// A user who may do everything without a password: `default` before it is configured.
    pub fn everything() -> Self {
        Self {
            enabled: true,
            any_password: true,
            rules: vec![Rule::all(true)],
            channels: vec!["*".to_owned()],
            keys: vec!["~*".to_owned()],
            ..Self::nobody()
        }
    }

    /// May the user log in?
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Is any password good?
    pub fn needs_no_password(&self) -> bool {
        self.any_password
    }

    /// SHA-256 of each password, in lower-case hex.
    pub fn passwords(&self) -> &[String] {
        &self.passwords
    }

    /// Is this one of the user's passwords?
    pub(crate) fn accepts(&self, password: &[u8]) -> bool {
        let hash = sha256_hex(password);
        let known = self
            .passwords
            .iter()
            .fold(false, |fits, known| fits | same(known, &hash));
        known || self.any_password
    }

    /// May the user run the command?
    pub(crate) fn allows(&self, command: CommandId) -> bool {
        self.rules
            .iter()
            .rev()
            .find(|rule| rule.names(command))
            .is_some_and(Rule::allows)
    }

    /// May the user subscribe to a channel (`pattern` false), or to exactly this pattern?
    pub(crate) fn may_subscribe(&self, name: &[u8], pattern: bool) -> bool {
        self.channels.iter().any(|allowed| {
            allowed == "*"
                || if pattern {
                    allowed.as_bytes() == name
                } else {
                    glob_matches(allowed.as_bytes(), name)
                }
        })
    }

    /// Applies one rule. The error is the reason in the words of redis-server.
    pub(crate) fn apply(&mut self, rule: &[u8]) -> Result<(), &'static str> {
        let text = std::str::from_utf8(rule).map_err(|_| SYNTAX)?;
        if self.apply_word(text) {
            return Ok(());
        }
        let rest = text.get(1..).ok_or(SYNTAX)?;
        match text.as_bytes().first() {
            Some(b'>') => self.add_password(sha256_hex(rest.as_bytes())),
            Some(b'<') => self.remove_password(&sha256_hex(rest.as_bytes())),
            Some(b'#') => self.add_password(checked_hash(rest)?),
            Some(b'!') => self.remove_password(&checked_hash(rest)?),
            Some(b'&') => push(&mut self.channels, rest.to_owned()),
            Some(b'~' | b'%') => push(&mut self.keys, text.to_owned()),
            Some(b'+' | b'-') => self.add_rule(parse_rule(text)?),
            Some(b'(') => Err("Holdfast: selectors are not supported, a sentinel has no keys"),
            _ => Err(SYNTAX),
        }
    }

    /// Rules that are a word. `false`: it is none of them.
    fn apply_word(&mut self, text: &str) -> bool {
        match text.to_ascii_lowercase().as_str() {
            "on" => self.enabled = true,
            "off" => self.enabled = false,
            "nopass" => (self.any_password, self.passwords) = (true, Vec::new()),
            "resetpass" => (self.any_password, self.passwords) = (false, Vec::new()),
            "allkeys" => self.keys = vec!["~*".to_owned()],
            "resetkeys" => self.keys.clear(),
            "allchannels" => self.channels = vec!["*".to_owned()],
            "resetchannels" => self.channels.clear(),
            "allcommands" | "+@all" => self.rules = vec![Rule::all(true)],
            "nocommands" | "-@all" => self.rules.clear(),
            "reset" => *self = Self::nobody(),
            "sanitize-payload" | "skip-sanitize-payload" | "clearselectors" => {}
            _ => return false,
        }
        true
    }

    fn add_password(&mut self, hash: String) -> Result<(), &'static str> {
        self.any_password = false;
        push(&mut self.passwords, hash)
    }

    fn remove_password(&mut self, hash: &str) -> Result<(), &'static str> {
        let before = self.passwords.len();
        self.passwords.retain(|known| known != hash);
        if self.passwords.len() < before {
            Ok(())
        } else {
            Err("The password you are trying to remove from the user does not exist")
        }
    }

    fn add_rule(&mut self, rule: Rule) -> Result<(), &'static str> {
        self.rules.retain(|earlier| !rule.covers(earlier));
        if self.rules.len() >= MAX_ENTRIES {
            return Err("Holdfast: too many rules");
        }
        self.rules.push(rule);
        Ok(())
    }

    /// The flags of `ACL GETUSER`.
    pub(crate) fn flags(&self) -> Vec<&'static str> {
        let mut flags = vec![if self.enabled { "on" } else { "off" }];
        if self.any_password {
            flags.push("nopass");
        }
        flags
    }

    /// The command rules, as one text.
    pub(crate) fn commands_text(&self) -> String {
        let starts_open = self.rules.first().is_some_and(Rule::is_all);
        let start = if starts_open {
            None
        } else {
            Some("-@all".to_owned())
        };
        let all = start
            .into_iter()
            .chain(self.rules.iter().map(Rule::to_string));
        all.collect::<Vec<_>>().join(" ")
    }

    /// The key patterns, as one text.
    pub(crate) fn keys_text(&self) -> String {
        self.keys.join(" ")
    }

    /// The channel patterns, as one text.
    pub(crate) fn channels_text(&self) -> String {
        self.channels
            .iter()
            .map(|pattern| format!("&{pattern}"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The user in the form of the configuration file.
    pub(crate) fn line(&self, name: &str) -> String {
        let channels = if self.channels.is_empty() {
            "resetchannels".to_owned()
        } else {
            self.channels_text()
        };
        let hashes = self.passwords.iter().map(|hash| format!("#{hash}"));
        let words = ["user".to_owned(), name.to_owned()].into_iter();
        let words = words
            .chain(self.flags().into_iter().map(str::to_owned))
            .chain(hashes);
        let words = words.chain([self.keys_text(), channels, self.commands_text()]);
        words
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

const SYNTAX: &str = "Syntax error";

fn push(list: &mut Vec<String>, entry: String) -> Result<(), &'static str> {
    if list.contains(&entry) {
        return Ok(());
    }
    if list.len() >= MAX_ENTRIES {
        return Err("Holdfast: too many entries");
    }
    list.push(entry);
    Ok(())
}

fn checked_hash(text: &str) -> Result<String, &'static str> {
    let fits = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    fits.then(|| text.to_owned())
        .ok_or("The provided password hash must be exactly 64 characters and contain only lowercase hexadecimal characters")
}

/// Compares without telling by its time where the texts differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |sum, (a, b)| sum | (a ^ b))
            == 0
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256_hex(text: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(text)
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
