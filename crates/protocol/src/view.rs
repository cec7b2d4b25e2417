//! What the sentinel knows, as plain data: the one source of every reply about groups.
//!
//! Ages are not stored but computed: every time is a stamp of the [`Clock`] in milliseconds, so a view stays true while nothing happens.

use std::sync::Arc;
use std::time::Instant;

/// Milliseconds of a [`Clock`].
pub type Ms = u64;

/// The monotonic clock that stamps in a [`View`] are read against; the sentinel and the server share one.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    /// A clock whose zero is `origin`.
    pub fn since(origin: Instant) -> Self {
        Self { origin }
    }

    /// Milliseconds since its start.
    pub fn now(&self) -> Ms {
        self.origin.elapsed().as_millis() as Ms
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::start()
    }
}

/// Where a process can be reached, as clients are told: IP or host name, and port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// IP address or host name, without brackets.
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

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Everything that one sentinel tells its clients.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Its identity: 40 hex characters.
    pub my_id: String,
    /// The highest epoch that it knows, over all groups.
    pub current_epoch: u64,
    /// Since when it distrusts its own view, if it does.
    pub tilt_since: Option<Ms>,
    /// How often it has begun to distrust its own view.
    pub total_tilt: u64,
    /// What `SENTINEL CONFIG GET` shows.
    pub settings: SentinelSettings,
    /// The groups, in the order in which they are shown.
    pub groups: Vec<Arc<Group>>,
}

impl View {
    /// The group called `name`.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups
            .iter()
            .find(|group| group.name.as_bytes() == name)
            .map(Arc::as_ref)
    }

    /// The group whose primary is at `host` and `port`.
    pub fn group_at(&self, host: &[u8], port: u16) -> Option<&Group> {
        let at = |node: &Node| node.address.port == port && node.address.host.as_bytes() == host;
        self.groups
            .iter()
            .map(Arc::as_ref)
            .find(|group| group.primary.as_ref().is_some_and(at))
    }
}

/// Settings of the sentinel itself.
#[derive(Debug, Clone, Default)]
pub struct SentinelSettings {
    /// The address that it announces, if not the one that it is reached at.
    pub announce_ip: String,
    /// The port that it announces; 0 when it is the one it listens on.
    pub announce_port: u16,
    /// Are names shown to clients instead of IP addresses?
    pub announce_hostnames: bool,
    /// May addresses be names?
    pub resolve_hostnames: bool,
    /// `debug`, `verbose`, `notice`, `warning` or `nothing`.
    pub log_level: String,
}

/// One replicated data set.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Who is primary. `None` while there never was one: clients are then told that the group is unknown.
    pub primary: Option<Node>,
    /// The other nodes, in the order in which they are shown.
    pub replicas: Vec<Node>,
    /// The other sentinels, self not included.
    pub sentinels: Vec<SentinelPeer>,
    /// Sentinels that must agree before a primary is deposed.
    pub quorum: u32,
    /// Epoch of the newest record.
    pub config_epoch: u64,
    /// Milliseconds of silence before an instance counts as down.
    pub down_after_ms: u64,
    /// Milliseconds before a failover that does not move is given up.
    pub failover_timeout_ms: u64,
    /// Replicas that may synchronise with a new primary at the same time.
    pub parallel_syncs: u32,
    /// How far a running failover is, if one runs.
    pub failover: Option<FailoverState>,
    /// Did a person force the failover?
    pub failover_forced: bool,
    /// Is the failover a handoff (no write lost, the old primary helps)?
    pub failover_coordinated: bool,
}

/// How far a failover is, in the words of Sentinel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailoverState {
    /// Announced, not begun.
    WaitStart,
    /// Positions are compared.
    SelectReplica,
    /// The chosen node is told to become primary.
    Promote,
    /// The chosen node has not reported its new role yet.
    WaitPromotion,
    /// The others are told to follow it.
    Reconfigure,
    /// Being written down.
    UpdateConfig,
}

impl FailoverState {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::WaitStart => "wait_start",
            Self::SelectReplica => "select_slave",
            Self::Promote => "send_slaveof_noone",
            Self::WaitPromotion => "wait_promotion",
            Self::Reconfigure => "reconf_slaves",
            Self::UpdateConfig => "update_config",
        }
    }
}

/// The link from this sentinel to an instance.
#[derive(Debug, Clone)]
pub struct Link {
    /// Is it connected?
    pub connected: bool,
    /// Requests sent and not yet answered.
    pub pending_commands: u32,
    /// When the oldest unanswered ping was sent, if there is one.
    pub ping_sent: Option<Ms>,
    /// When it last answered well.
    pub last_ok_reply: Ms,
    /// When it last answered at all.
    pub last_reply: Ms,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            connected: true,
            pending_commands: 0,
            ping_sent: None,
            last_ok_reply: 0,
            last_reply: 0,
        }
    }
}

/// The text of an INFO, and when it was received.
#[derive(Debug, Clone)]
pub struct CachedInfo {
    /// When it came.
    pub at: Ms,
    /// The whole text, if it is kept.
    pub text: Option<Arc<str>>,
}

/// How far a replica is with following a new primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reconfiguration {
    /// Nothing to do.
    #[default]
    None,
    /// It was told.
    Sent,
    /// It is synchronising.
    InProgress,
    /// It follows.
    Done,
}

/// One redis-server, primary or replica.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Where clients reach it.
    pub address: Address,
    /// Its `run_id`; empty when unknown.
    pub run_id: String,
    /// The link to it.
    pub link: Link,
    /// Since when this sentinel finds it down, if it does.
    pub s_down_since: Option<Ms>,
    /// Since when a quorum finds it down, if it does. Primaries only.
    pub o_down_since: Option<Ms>,
    /// Its last INFO (or report of its agent), if there was one.
    pub info: Option<CachedInfo>,
    /// Did it last report the role of a primary?
    pub reports_primary: bool,
    /// Since when it reports that role.
    pub role_reported_at: Ms,
    /// Has it been chosen as the next primary?
    pub promoted: bool,
    /// How far it is with following a new primary.
    pub reconfiguration: Reconfiguration,
    /// Did the primary return as a new, perhaps empty process?
    pub rebooted: bool,
    /// Replica: since when its link to the primary is down; `None` when it is up.
    pub primary_link_down_since: Option<Ms>,
    /// Replica: does it follow its primary without trouble?
    pub primary_link_ok: bool,
    /// Replica: whom it follows, if that is known.
    pub follows: Option<Address>,
    /// Replica: its `replica-priority`.
    pub priority: u32,
    /// Its replication offset in bytes.
    pub offset: i64,
    /// Replica: hidden from clients (`replica-announced no`)?
    pub hidden: bool,
}

/// Another sentinel.
#[derive(Debug, Clone, Default)]
pub struct SentinelPeer {
    /// Its identity: 40 hex characters.
    pub id: String,
    /// Where clients reach it.
    pub address: Address,
    /// The link to it.
    pub link: Link,
    /// Since when this sentinel finds it down, if it does.
    pub s_down_since: Option<Ms>,
    /// Does it find the primary down?
    pub finds_primary_down: bool,
    /// When it was last heard of.
    pub last_hello: Ms,
    /// Whom it last voted for, and in which epoch.
    pub vote: Option<(String, u64)>,
}
