//! What a server says of itself, from its INFO.

use super::batch::Batch;
use holdfast_core::names::{Address, Incarnation};
use holdfast_core::server_version::ServerVersion;
use holdfast_core::stamp::Stamp;
use holdfast_resp::Value;

/// Which end of replication it is, by its own word. A sealed node is a replica of nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// `role:master`.
    Primary,
    /// `role:slave`.
    #[default]
    Replica,
}

/// Its part in replication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replication {
    /// Its role.
    pub role: Role,
    /// Whom it follows; the dead address while sealed. `None` for a primary.
    pub follows: Option<Address>,
    /// Name of its history (`master_replid`).
    pub replid: String,
    /// Name of the history before (`master_replid2`) and the last offset for which it counts (`second_repl_offset` is the next).
    pub before: Option<(String, u64)>,
    /// Bytes of the history applied: comparable between a primary, its replicas and sealed nodes of one history.
    /// 0 for a server that has no history yet.
    pub offset: u64,
    /// Is a replica's link to its primary up?
    pub link_up: bool,
    /// How long it has been down, in ms (a resolution of 1 s); `None` while up, or when it was never up.
    pub link_down_ms: Option<u64>,
    /// A full copy is under way: what it holds is about to be replaced.
    pub sync_in_progress: bool,
    /// Is the write fence closed (or would be, were it a primary)?
    pub fenced: bool,
    /// Has it a backlog? Without one its history begins anew, under another name, with its first replica.
    pub backlog: bool,
    /// Those that follow it.
    pub connected_replicas: Vec<ConnectedReplica>,
}

/// A replica as its primary sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedReplica {
    /// The address that it announces.
    pub address: Address,
    /// The offset that it last acknowledged (1 Hz, or when asked).
    pub offset: u64,
    /// `online`, `wait_bgsave` or `send_bulk`.
    pub state: String,
}

/// State of its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persistence {
    /// A snapshot is being written.
    pub rdb_in_progress: bool,
    /// The append-only file is being rewritten, or is about to be.
    pub aof_rewrite_in_progress: bool,
    /// The append-only file is on.
    pub aof_enabled: bool,
    /// It is to be on, by the server's present configuration.
    pub aof_configured: bool,
    /// It is to be on, by the file that the server is started with.
    pub aof_wanted: bool,
    /// A sync of the append-only file is under way, or put off.
    pub sync_pending: bool,
    /// It is synced once a second or oftener; else when the kernel does it.
    pub syncs: bool,
    /// The last snapshot succeeded.
    pub last_save_ok: bool,
    /// The last write to the append-only file succeeded.
    pub aof_write_ok: bool,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// This run of the process.
    pub run_id: Incarnation,
    /// Its part in replication.
    pub replication: Replication,
    /// It is loading its data.
    pub loading: bool,
    /// Keys in all databases of clients.
    pub keys: u64,
    /// The stamp in its data, where it has one.
    pub stamp: Option<Stamp>,
    /// Bytes of memory in use.
    pub used_memory: u64,
    /// `maxmemory` in bytes, 0 for none.
    pub maxmemory: u64,
    /// State of its files.
    pub persistence: Persistence,
    /// Path of the executable.
    pub executable: String,
    /// Version number as text; Valkey's own for Valkey.
    pub version: String,
    /// Name and number.
    pub server: Option<ServerVersion>,
}

/// Adds the questions for [`Info::read`]. Keys are counted last: the offset that is told with them is never beyond the count.
pub(super) fn ask_all(batch: &mut Batch) {
    for section in ["server", "memory", "persistence"] {
        batch.add(&["INFO", section]);
    }
    batch.add(&["CONFIG", "GET", "*append*"]);
    ask_replication(batch);
    batch.add(&["INFO", "keyspace"]);
}

/// Adds the question for [`Replication::read`].
pub(super) fn ask_replication(batch: &mut Batch) {
    batch.add(&["INFO", "replication"]);
}

/// A setting in the replies that [`ask_all`] asked for: the last but two is a list of names and values.
fn setting<'a>(replies: &'a [Value], key: &str) -> Option<&'a str> {
    let Value::Array(Some(pairs)) = replies.get(replies.len().checked_sub(3)?)? else {
        return None;
    };
    let mut pairs = pairs.chunks_exact(2);
    let pair = pairs.find(|pair| pair[0].as_str() == Some(key))?;
    pair[1].as_str()
}

impl Info {
    /// From the replies of a batch that ends with `ask_all`.
    pub fn read(replies: &[Value]) -> Self {
        let text = text_of(&replies[replies.len().saturating_sub(6)..]);
        let fields = Fields(&text);
        let is = |key| fields.get(key) == Some("1");
        let ok = |key| fields.get(key) == Some("ok");
        Self {
            run_id: Incarnation::from(fields.text("run_id")),
            replication: Replication::parse(&fields),
            loading: is("loading"),
            keys: fields.keys(),
            stamp: None,
            used_memory: fields.number("used_memory").unwrap_or(0),
            maxmemory: fields.number("maxmemory").unwrap_or(0),
            persistence: Persistence {
                rdb_in_progress: is("rdb_bgsave_in_progress"),
                aof_rewrite_in_progress: is("aof_rewrite_in_progress")
                    || is("aof_rewrite_scheduled"),
                aof_enabled: is("aof_enabled"),
                aof_configured: setting(replies, "appendonly") == Some("yes"),
                aof_wanted: false,
                sync_pending: fields.number("aof_pending_bio_fsync").unwrap_or(0) > 0
                    || (is("aof_rewrite_in_progress")
                        && setting(replies, "no-appendfsync-on-rewrite") == Some("yes")),
                syncs: setting(replies, "appendfsync") != Some("no"),
                last_save_ok: ok("rdb_last_bgsave_status"),
                aof_write_ok: ok("aof_last_write_status"),
            },
            executable: fields.text("executable").to_owned(),
            version: fields.version().1.to_owned(),
            server: ServerVersion::new(fields.version().0, fields.version().1),
        }
    }
}

impl Replication {
    /// From the replies of a batch that ends with `ask_replication`.
    pub fn read(replies: &[Value]) -> Self {
        let text = text_of(&replies[replies.len().saturating_sub(1)..]);
        Self::parse(&Fields(&text))
    }

    fn parse(fields: &Fields<'_>) -> Self {
        let role = if fields.get("role") == Some("master") {
            Role::Primary
        } else {
            Role::Replica
        };
        let down_seconds = fields.number("master_link_down_since_seconds");
        let second = fields.number("second_repl_offset");
        let until = second.map(|offset| offset.saturating_sub(1));
        Self {
            role,
            follows: fields.follows(),
            replid: fields.text("master_replid").to_owned(),
            before: until.map(|until| (fields.text("master_replid2").to_owned(), until)),
            offset: fields.offset(role),
            link_up: fields.get("master_link_status") == Some("up"),
            link_down_ms: down_seconds.map(|seconds| seconds * 1000),
            sync_in_progress: fields.get("master_sync_in_progress") == Some("1"),
            // The server counts good replicas only while a minimum is set, and Holdfast sets none but the fence.
            fenced: fields.get("min_slaves_good_slaves").is_some(),
            backlog: fields.get("repl_backlog_active") == Some("1"),
            connected_replicas: fields.replicas(),
        }
    }
}

/// `key:value` lines.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        self.0
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
    }

    fn text(&self, key: &str) -> &'a str {
        self.get(key).unwrap_or_default()
    }

    /// Name and number: Valkey says `redis_version:7.2.4` for the sake of old clients.
    fn version(&self) -> (&'a str, &'a str) {
        match self.get("valkey_version") {
            Some(number) => ("valkey", number),
            None => ("redis", self.text("redis_version")),
        }
    }

    /// Negative numbers stand for "none".
    fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }

    /// A replica without a history says 1; its history then has no byte.
    fn offset(&self, role: Role) -> u64 {
        let own = self.number("master_repl_offset").unwrap_or(0);
        match (role, self.number("slave_repl_offset")) {
            (Role::Replica, Some(applied)) if applied > 1 || own > 0 => applied,
            _ => own,
        }
    }

    fn follows(&self) -> Option<Address> {
        Some(Address::new(
            self.get("master_host")?,
            self.get("master_port")?.parse().ok()?,
        ))
    }

    /// Sum over `db0:keys=1,expires=0,…`.
    fn keys(&self) -> u64 {
        let databases = self.0.lines().filter(|line| line.starts_with("db"));
        let keys = databases.filter_map(|line| {
            line.split_once(":keys=")?
                .1
                .split(',')
                .next()?
                .parse::<u64>()
                .ok()
        });
        keys.sum()
    }

    /// `slave0:ip=127.0.0.1,port=7001,state=online,offset=14,lag=0`.
    fn replicas(&self) -> Vec<ConnectedReplica> {
        self.0
            .lines()
            .filter(|line| line.starts_with("slave"))
            .filter_map(replica)
            .collect()
    }
}

fn replica(line: &str) -> Option<ConnectedReplica> {
    let (name, rest) = line.split_once(':')?;
    name.strip_prefix("slave")?.parse::<u32>().ok()?;
    let part = |key: &str| {
        rest.split(',')
            .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
    };
    Some(ConnectedReplica {
        address: Address::new(part("ip")?, part("port")?.parse().ok()?),
        offset: part("offset")?.parse().ok()?,
        state: part("state")?.to_owned(),
    })
}

fn text_of(replies: &[Value]) -> String {
    replies
        .iter()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_primary_with_replicas() {
        let text = "role:master\r\nconnected_slaves:2\r\nslave0:ip=10.0.0.1,port=7001,state=online,offset=14,lag=0\r\n\
            slave1:ip=fe80::1,port=7002,state=wait_bgsave,offset=0,lag=0\r\nmaster_replid:aa\r\nmaster_replid2:bb\r\n\
            master_repl_offset:28\r\nsecond_repl_offset:15\r\nmin_slaves_good_slaves:1\r\n";
        let got = Replication::parse(&Fields(text));
        assert_eq!(
            (got.role, got.offset, got.before),
            (Role::Primary, 28, Some(("bb".to_owned(), 14)))
        );
        assert!(got.fenced);
        assert_eq!(got.connected_replicas.len(), 2);
        assert_eq!(
            got.connected_replicas[1].address,
            Address::new("fe80::1", 7002)
        );
    }

    #[test]
    fn a_blank_replica_has_no_history() {
        let text = "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:1\r\nslave_repl_offset:1\r\nmaster_repl_offset:0\r\n\
            master_link_down_since_seconds:-1\r\nsecond_repl_offset:-1\r\nmaster_replid2:000\r\n";
        let got = Replication::parse(&Fields(text));
        assert_eq!(
            (got.offset, got.before, got.link_down_ms, got.fenced),
            (0, None, None, false)
        );
        assert_eq!(got.follows, Some(Address::new("127.0.0.1", 1)));
    }
}
