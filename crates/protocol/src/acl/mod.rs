//! Who may do what: the users of the ACL, as plain data. Kept in memory; the configuration file is what survives a restart.

mod rules;
mod user;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use user::User;

/// The user that a connection has before it authenticates.
pub(crate) const DEFAULT_USER: &str = "default";
/// Users at most.
const MAX_USERS: usize = 1024;

/// Why a rule, or a line of the configuration, was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AclError {
    /// A rule that cannot be read or carried out.
    #[error("Error in ACL SETUSER modifier '{rule}': {reason}")]
    Rule {
        /// The rule as it was given.
        rule: String,
        /// Why it was refused, in the words of redis-server.
        reason: &'static str,
    },
    /// A user's name with blanks or control characters.
    #[error("Usernames can't contain spaces or null characters")]
    Name,
    /// The limit of 1,024 users.
    #[error("Holdfast: at most {MAX_USERS} ACL users")]
    TooManyUsers,
}

/// The users by name. The user `default` is always there.
#[derive(Debug, Clone)]
pub struct Acl {
    users: BTreeMap<String, Arc<User>>,
}

impl Default for Acl {
    fn default() -> Self {
        let users = BTreeMap::from([(DEFAULT_USER.to_owned(), Arc::new(User::everything()))]);
        Self { users }
    }
}

impl Acl {
    /// The ACL of a configuration: `requirepass` sets the password of the user `default`; each line is `[user] <name> <rule> …` as in
    /// redis.conf and wins over `requirepass`.
    pub fn from_configuration<S: AsRef<str>>(
        requirepass: Option<&str>,
        lines: &[S],
    ) -> Result<Self, AclError> {
        let mut acl = Self::default();
        if let Some(password) = requirepass.filter(|p| !p.is_empty()) {
            acl = acl.with_user(DEFAULT_USER, [format!(">{password}").as_bytes()])?;
        }
        for line in lines {
            let mut words = line.as_ref().split_ascii_whitespace().peekable();
            words.next_if(|word| word.eq_ignore_ascii_case("user"));
            let Some(name) = words.next() else { continue };
            acl = acl.with_user(name, words.map(str::as_bytes))?;
        }
        Ok(acl)
    }

    /// This ACL with the rules applied to one user, who is made if there is no such user; nothing changes on an error.
    pub fn with_user<'a>(
        &self,
        name: &str,
        rules: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, AclError> {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '\0') {
            return Err(AclError::Name);
        }
        let mut user = self.user(name).map_or_else(User::nobody, User::clone);
        for rule in rules {
            user.apply(rule).map_err(|reason| AclError::Rule {
                rule: shown(rule),
                reason,
            })?;
        }
        let mut users = self.users.clone();
        users.insert(name.to_owned(), Arc::new(user));
        if users.len() > MAX_USERS {
            Err(AclError::TooManyUsers)
        } else {
            Ok(Self { users })
        }
    }

    /// This ACL without the user, or `None` when there is no such user.
    pub fn without_user(&self, name: &str) -> Option<Self> {
        let mut users = self.users.clone();
        users.remove(name)?;
        Some(Self { users })
    }

    /// The user called `name`.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name).map(Arc::as_ref)
    }

    /// All users, by name.
    pub fn users(&self) -> impl ExactSizeIterator<Item = (&str, &User)> {
        self.users
            .iter()
            .map(|(name, user)| (name.as_str(), user.as_ref()))
    }

    /// Does a connection act as `default` without a word?
    pub fn open_to_all(&self) -> bool {
        self.user(DEFAULT_USER)
            .is_some_and(|user| user.enabled() && user.needs_no_password())
    }

    /// Is this the password of that user, who may log in?
    pub fn authenticates(&self, name: &[u8], password: &[u8]) -> bool {
        let user = std::str::from_utf8(name)
            .ok()
            .and_then(|name| self.user(name));
        // The work is the same for an unknown user: time tells nobody which names exist.
        let fits = user.unwrap_or(&User::nobody()).accepts(password);
        fits && user.is_some_and(User::enabled)
    }
}

/// A rule for an error message, without a password in it.
fn shown(rule: &[u8]) -> String {
    match rule.first() {
        Some(sign @ (b'>' | b'<')) => format!("{}******", char::from(*sign)),
        _ => String::from_utf8_lossy(rule).into_owned(),
    }
}

#[cfg(test)]
mod tests;
