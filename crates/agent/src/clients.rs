//! Who is connected to this node, with real addresses. redis-server sees only Unix sockets behind a gate.
//!
//! ```text
//!  CLIENT LIST ── id=7 fd=12 ──▶ /proc/PID/fd/12 ── inode of the server's end ──┐
//!  gate ── client's address, inode of the gate's end ──▶ sock_diag: who is whose peer ──▶ 7 is 10.0.0.9:4711
//! ```
//!
//! Whoever may use the agent's directory asks by its socket there; one question and one answer, each a line of JSON.

mod asking;
mod diag;
mod files;
mod join;
mod line;
mod outlook;
mod serving;

pub use asking::{ANSWER_MAX, ask};
pub use outlook::Outlook;
pub(crate) use serving::{open, serve};

use serde::{Deserialize, Serialize};

/// Version of questions and answers.
const VERSION: u32 = 1;

/// The socket's name in the agent's directory.
pub const SOCKET: &str = "agent.sock";

/// What is asked. What this agent does not know in it is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    version: u32,
    /// Only the client with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
}

impl Question {
    /// Everybody, or the client with this id.
    pub fn new(id: Option<u64>) -> Self {
        Self {
            version: VERSION,
            id,
        }
    }
}

/// A line of an answer.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    version: u32,
    #[serde(flatten)]
    said: Said,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Clients(Clients),
    /// Why not, in a sentence.
    Refused(String),
}

/// Everybody who is connected to one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clients {
    /// Its name.
    pub node: String,
    /// Whether clients come through the agent's gate.
    pub gate: bool,
    /// Why addresses are missing, where they cannot be found out at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// By id; those that this node's server does not serve are last.
    pub clients: Vec<Client>,
}

/// One connection. Fields of redis-server are as in its `CLIENT LIST`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Client {
    /// Its id in this node's server; none where its session goes on at another node.
    pub id: Option<u64>,
    /// Where it comes from; none where that is not known.
    pub address: Option<String>,
    /// The gate that brought it, and told the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// The gate at which its session goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Whether it speaks TLS, up to the gate that it is connected to; none where that is not known.
    pub tls: Option<bool>,
    /// Whether it is the agent's own connection.
    pub own: bool,
    /// The name that it gave itself.
    pub name: String,
    /// Its ACL user.
    pub user: String,
    /// Its database.
    pub db: u32,
    /// Its last command.
    pub cmd: String,
    /// Seconds since it connected to this server.
    pub age: u64,
    /// Seconds since its last command.
    pub idle: u64,
    /// `N` a client, `S` a replica, `P` a subscriber, …
    pub flags: String,
}
