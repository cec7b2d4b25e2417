//! What can be told.

use k8s_openapi::jiff::Timestamp;

/// What a node is to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Accepts writes; the primary Service leads here.
    Primary,
    /// Follows the primary.
    Replica,
    /// Neither.
    Sealed,
}

impl Role {
    /// The value of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
            Self::Sealed => "sealed",
        }
    }
}

/// A role in an epoch: what is told of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) role: Role,
    pub(crate) epoch: u64,
}

/// Something that a person wants to know; becomes one event.
#[derive(Clone, Debug)]
pub struct News {
    pub(crate) at: Timestamp,
    pub(crate) reason: &'static str,
    pub(crate) warning: bool,
    pub(crate) pod: Option<String>,
    pub(crate) text: String,
    pub(crate) key: String,
}

impl News {
    /// What just happened: `reason` is one word in CamelCase, `text` a sentence. `pod` is the pod that it is about,
    /// the own one if none. News with the same `key` are told once in the whole namespace.
    pub fn now(
        reason: &'static str,
        warning: bool,
        pod: Option<String>,
        text: String,
        key: String,
    ) -> Self {
        Self {
            at: Timestamp::now(),
            reason,
            warning,
            pod,
            text,
            key,
        }
    }
}
