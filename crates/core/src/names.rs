//! Names and identities.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

// Names are shared, not copied: they are in every message, record and key.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }
    };
}

name!(
    /// A replicated data set under one name, `mymaster` by default.
    Group
);
name!(
    /// The stable name of a node (one redis-server and its agent): a pod's name, never an address.
    Node
);
name!(
    /// The stable name of a sentinel.
    Sentinel
);
name!(
    /// One run of a redis-server: its `run_id`. A restarted process is another incarnation.
    Incarnation
);
name!(
    /// Identity of a whole deployment. Messages of another cluster are refused.
    Cluster
);

/// Number of a reign: grows by one with every change of primary. 0 means none yet.
pub type Epoch = u64;

/// Where a process can be reached: host (or IP) and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Address {
    /// An address from its parts.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl std::str::FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').ok_or_else(|| {
            format!("`{text}` is not an address: write HOST:PORT, for example 127.0.0.1:6379")
        })?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port
            .parse()
            .map_err(|_| format!("`{text}`: `{port}` is not a port between 0 and 65535"))?;
        if host.is_empty() {
            return Err(format!("`{text}` names no host: write HOST:PORT"));
        }
        Ok(Self::new(host, port))
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
