//! Which server a node runs, by its real name and number.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Name and number of a redis-server or valkey-server. On the wire it is text, `valkey 8.0.1`; text of another form is kept
/// as a name with the number 0.0.0, of which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ServerVersion {
    /// `redis` or `valkey`, in small letters. Valkey calls itself Redis 7.2.4 in `redis_version`: that is not its number.
    pub name: String,
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
}

impl ServerVersion {
    /// From a name and a number like `7.0.15` or `8.1.0-rc1`; none where the number has no two parts.
    pub fn new(name: &str, number: &str) -> Option<Self> {
        let mut parts = number
            .split('.')
            .map(|part| part.split('-').next().unwrap_or(part).parse().ok());
        Some(Self {
            name: name.to_ascii_lowercase(),
            major: parts.next()??,
            minor: parts.next()??,
            patch: parts.next().flatten().unwrap_or(0),
        })
    }

    /// First and second number: what decides about formats. The third never does.
    pub fn release(&self) -> (u32, u32) {
        (self.major, self.minor)
    }

    /// Whether it is an older release of the same server. Servers of different names have no order.
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.name == other.name && self.release() < other.release()
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            major,
            minor,
            patch,
        } = self;
        write!(f, "{name} {major}.{minor}.{patch}")
    }
}

impl From<String> for ServerVersion {
    fn from(text: String) -> Self {
        let read = text.split_once(' ').and_then(|(n, v)| Self::new(n, v));
        read.unwrap_or(Self {
            name: text,
            major: 0,
            minor: 0,
            patch: 0,
        })
    }
}

impl From<ServerVersion> for String {
    fn from(version: ServerVersion) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let valkey = ServerVersion::new("Valkey", "8.1.0-rc1").unwrap();
        let text = String::from(valkey.clone());
        assert_eq!(text, "valkey 8.1.0");
        assert_eq!(ServerVersion::from(text), valkey);
        let strange = ServerVersion::from("something else".to_owned());
        assert_eq!(
            (strange.name.as_str(), strange.major),
            ("something else", 0)
        );
        assert_eq!(ServerVersion::new("redis", "seven"), None);
    }

    #[test]
    fn patches_are_no_releases_and_names_have_no_order() {
        let version = |name, number| ServerVersion::new(name, number).unwrap();
        assert!(version("redis", "7.0.15").is_older_than(&version("redis", "8.6.2")));
        assert!(!version("redis", "7.0.1").is_older_than(&version("redis", "7.0.15")));
        assert!(!version("redis", "7.0.15").is_older_than(&version("valkey", "8.0.1")));
    }
}
