//! The keys of redis.conf that Holdfast sets itself, and why nobody else may.

use holdfast_core::record::Durability;

const ADDRESS: &str = "Holdfast sets it from `listen` and `announce`";
const ORDERS: &str = "only an order backed by the register decides whom a node follows";
const SEALED: &str = "every node starts sealed, so that no empty or old server ever takes writes";
const FENCE: &str =
    "it is Holdfast's write fence; for writes that wait for replicas use durability `quorum`";
const SECRET: &str =
    "the agents' own user authenticates replicas; clients' passwords go in `client_password_file`";
const FILES: &str = "Holdfast looks for data under the default name before it starts the server; rename the file instead";
const CHILD: &str = "the agent runs and watches the server itself";
const RESYNC: &str =
    "its value decides whether a failover is a partial resync of milliseconds or a full copy";
const ONE_CHANNEL: &str = "Holdfast sees to each copy itself and a replica has one connection, so it would have no effect";
const ON_DISK: &str = "with durability `fsync` Holdfast sees to it that every change is on disk before it is acknowledged";
const TLS: &str =
    "Holdfast sets it from tls_cert_file, tls_key_file, tls_ca_file and tls_client_auth";

/// Keys and reasons. Old names stand beside new ones.
const OWNED: &[(&str, &str)] = &[
    ("port", ADDRESS),
    ("bind", ADDRESS),
    ("replica-announce-ip", ADDRESS),
    ("replica-announce-port", ADDRESS),
    ("slave-announce-ip", ADDRESS),
    ("slave-announce-port", ADDRESS),
    ("replica-announced", ADDRESS),
    (
        "unixsocket",
        "the agent talks to the server through a socket in its own `dir`",
    ),
    (
        "unixsocketperm",
        "the agent talks to the server through a socket in its own `dir`",
    ),
    (
        "protected-mode",
        "replicas on other hosts must reach the server; to protect it set `client_password_file`",
    ),
    ("replicaof", ORDERS),
    ("slaveof", ORDERS),
    ("replica-priority", "set the option `priority`"),
    ("slave-priority", "set the option `priority`"),
    ("replica-read-only", SEALED),
    ("slave-read-only", SEALED),
    (
        "replica-serve-stale-data",
        "the agent must be able to ask a sealed server",
    ),
    (
        "slave-serve-stale-data",
        "the agent must be able to ask a sealed server",
    ),
    ("min-replicas-to-write", FENCE),
    ("min-slaves-to-write", FENCE),
    ("min-replicas-max-lag", FENCE),
    ("min-slaves-max-lag", FENCE),
    ("masterauth", SECRET),
    ("masteruser", SECRET),
    ("requirepass", SECRET),
    (
        "aclfile",
        "it cannot be combined with the agents' own user; write `user` lines instead",
    ),
    ("dir", "set the option `data_dir`"),
    ("dbfilename", FILES),
    ("appendfilename", FILES),
    ("appenddirname", FILES),
    ("rdb-del-sync-files", "it deletes data files"),
    ("logfile", "the log is `server.log` in the agent's `dir`"),
    ("daemonize", CHILD),
    ("supervised", CHILD),
    ("pidfile", CHILD),
    (
        "include",
        "a file that is read by the server alone could set keys that Holdfast owns; put its lines here",
    ),
    (
        "sentinel",
        "Holdfast's sentinels take the place of redis-sentinel",
    ),
    ("repl-diskless-sync", RESYNC),
    ("repl-diskless-sync-delay", RESYNC),
    ("dual-channel-replication-enabled", ONE_CHANNEL),
    ("repl-rdb-channel", ONE_CHANNEL),
    ("repl-backlog-ttl", RESYNC),
    ("repl-timeout", RESYNC),
    ("repl-ping-replica-period", RESYNC),
    ("repl-ping-slave-period", RESYNC),
    (
        "repl-diskless-load",
        "an aborted transfer must leave the old data in place",
    ),
    ("tls-port", TLS),
    ("tls-cert-file", TLS),
    ("tls-key-file", TLS),
    ("tls-key-file-pass", TLS),
    ("tls-client-cert-file", TLS),
    ("tls-client-key-file", TLS),
    ("tls-client-key-file-pass", TLS),
    ("tls-ca-cert-file", TLS),
    ("tls-ca-cert-dir", TLS),
    ("tls-auth-clients", TLS),
    ("tls-replication", TLS),
    ("tls-cluster", TLS),
    (
        "propagation-error-behavior",
        "a replica that failed a command must not go on and acknowledge",
    ),
];

/// Families of keys.
const OWNED_PREFIXES: &[(&str, &str)] = &[(
    "cluster-",
    "a group is one replicated data set; Redis Cluster is another thing",
)];

/// Keys that are Holdfast's where an acknowledgement means disks.
const OWNED_ON_DISK: &[&str] = &[
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "aof-load-truncated",
];

/// Commands that agents, replicas and watchdogs send. Renaming one takes it from them too.
const NEEDED: &[&str] = &[
    "acl",
    "auth",
    "bgsave",
    "client",
    "config",
    "discard",
    "echo",
    "eval",
    "exec",
    "get",
    "hello",
    "info",
    "multi",
    "ping",
    "psync",
    "publish",
    "replconf",
    "replicaof",
    "role",
    "select",
    "set",
    "shutdown",
    "slaveof",
    "sync",
    "wait",
    "waitaof",
];

/// Why a line may not be set, if it may not.
pub(super) fn reason(key: &str, args: &[String], durability: Durability) -> Option<String> {
    if durability == Durability::Fsync && OWNED_ON_DISK.contains(&key) {
        return Some(ON_DISK.to_owned());
    }
    if key == "rename-command" {
        let command = args.first()?.to_ascii_lowercase();
        let needed = NEEDED.contains(&command.as_str());
        return needed.then(|| {
            format!(
                "Holdfast itself sends {}; take it from your users with ACL rules instead",
                command.to_uppercase()
            )
        });
    }
    let exact = OWNED.iter().find(|(owned, _)| *owned == key);
    let family = OWNED_PREFIXES
        .iter()
        .find(|(prefix, _)| key.starts_with(prefix));
    exact.or(family).map(|(_, reason)| (*reason).to_owned())
}
