//! The configuration file of the server: typed options, the operator's own lines, and what Holdfast owns.
//!
//! Order in the file: Holdfast's defaults, the operator's lines (they may change the defaults), then what
//! Holdfast owns. Operator's lines are read, judged and written again, so what was judged is what the server reads.

mod changes;
mod lines;
mod listening;
pub mod memory;
mod operators;
mod owned;
mod users;

pub(super) use changes::setting;
pub use changes::{Change, changes};

use super::{DEAD_HOST, DEAD_PORT, FENCE, Masterauth, NO_COPIES, USER, Version};
use crate::Options;
use holdfast_core::record::Durability;
use lines::{Line, quoted};
pub(super) use listening::listens;
use listening::{bind_line, is_any, is_loopback, path, port_lines};
use memory::Backlog;
use operators::{inert_lines, operators_lines, written};
use std::path::{Path, PathBuf};

/// What the operator can change with a redis.conf of their own.
const DEFAULTS: &[&str] = &[
    "appendonly yes",
    "appendfsync everysec",
    "aof-load-truncated yes",
];

/// What the operator can change, where there is an append-only file: that has every write, and a snapshot that fails is no
/// reason to refuse one. A node that cannot replace its `dump.rdb` could not rule otherwise: each copy for a replica is a
/// snapshot as well.
const SAVES_MAY_FAIL: &str = "stop-writes-on-bgsave-error no";

/// What the operator can change, behind a gate: the largest value must reach a replica by the stream, because its client waits
/// for the replica's acknowledgement. Redis' own limit of 256 MiB would end that replica's connection instead.
const DEFAULTS_GATED: &[&str] = &["client-output-buffer-limit replica 1gb 640mb 60"];

/// Where an acknowledgement means disks: every change is in the append-only file, and synced, before it is answered or
/// acknowledged, also while that file is being rewritten.
const ON_DISK: &[&str] = &[
    "appendonly yes",
    "appendfsync always",
    "no-appendfsync-on-rewrite no",
];

/// Databases of a server that is told no number.
const DATABASES: u32 = 16;

/// Fewest connections that `maxclients` may allow: 6 of the agent and its watchdog, 4 of barriers behind a gate, and replicas; about
/// half is left to clients.
const PLACES_MIN: u32 = 24;

/// Most databases of clients; one more holds the stamp.
const DATABASES_MAX: u32 = 10_000;

/// What never changes. The server is born sealed: it follows nobody, takes no write as a replica, and its fence
/// refuses writes should somebody make it a primary by hand.
const SEALED: &[&str] = &[
    "replica-read-only yes",
    "replica-serve-stale-data yes",
    "min-replicas-max-lag 10",
    "protected-mode no",
    "daemonize no",
    "supervised no",
    "unixsocketperm 700",
    "repl-diskless-load disabled",
    // A backlog that is freed after an hour without replicas takes the replication id with it.
    "repl-backlog-ttl 0",
    // A PING moves the offset: one that falls between a handoff's pause and its end would cost the old primary its
    // partial resync. The sentinels watch the nodes; the stream need not.
    "repl-timeout 60",
    "repl-ping-replica-period 10",
];

/// How a server treats the data that it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataUse {
    /// As configured.
    #[default]
    Configured,
    /// There is a snapshot and no append-only file: a server that is told to use one would not read the snapshot.
    /// It is read first; the append-only file is begun after that.
    SnapshotFirst,
    /// The data are not those that were noted: nothing of them is shown to clients before a primary's take their place.
    Doubted,
    /// Both: the snapshot is read first, and not shown.
    DoubtedSnapshot,
    /// The data is not known to this group: read it, write nothing.
    Untouched,
}

/// All that a configuration is made of; files are read by the caller.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// How the data found on disk is to be treated.
    pub data: DataUse,
    /// The agent's options.
    pub options: &'a Options,
    /// The server that will read it.
    pub version: &'a Version,
    /// Password of the user `holdfast`, the same on all nodes of the cluster.
    pub password: &'a str,
    /// The agent's socket to the server.
    pub socket: &'a Path,
    /// The server's log.
    pub log: &'a Path,
    /// Bytes of memory that the node may use, if limited.
    pub memory_limit: Option<u64>,
    /// Text of the operator's redis.conf, if any.
    pub redis_conf: Option<&'a str>,
    /// Text of the file with ACL users, if any.
    pub acl: Option<&'a str>,
    /// Password that clients must give, if any.
    pub client_password: Option<&'a str>,
}

/// A configuration, and what the operator should hear about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The file's text. It holds secrets: mode 0600.
    pub text: String,
    /// One line each.
    pub warnings: Vec<String>,
    /// What it may say to its primary in the place of its `masterauth`.
    pub other_auth: String,
    /// The database behind those of the clients that holds the stamp, where acknowledgements mean disks.
    pub stamps: Option<u32>,
    /// Whether it writes an append-only file, at the latest once it has read its snapshot.
    pub appends: bool,
    /// How large the replication backlog is.
    pub backlog: Backlog,
}

/// Why there is no configuration. Each reads as one line: what, where, what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A key that Holdfast owns.
    #[error("{}:{line}: `{key}` is not yours to set: {reason}; remove the line", file.display())]
    Owned {
        /// The operator's redis.conf.
        file: PathBuf,
        /// Line in it.
        line: usize,
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
    /// A line that cannot be read.
    #[error("{}:{line}: {what}; correct the line", file.display())]
    Syntax {
        /// The operator's redis.conf.
        file: PathBuf,
        /// Line in it.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Options that only make sense together.
    #[error("{0}")]
    Contradiction(&'static str),
    /// A path that no configuration line can hold.
    #[error("{what} is not UTF-8: choose another")]
    Unwritable {
        /// Which.
        what: &'static str,
    },
}

/// The file's text for these inputs. Pure.
pub fn render(inputs: &Inputs<'_>) -> Result<Rendered, ConfigError> {
    if inputs.options.gated() {
        judge_gated(inputs)?;
    }
    let own_lines = operators_lines(inputs)?;
    let denied = users::denied(inputs.options.durability);
    judge_places(inputs, &own_lines)?;
    let last = behind_the_clients(inputs, &own_lines)?;
    let on_disk = inputs.options.durability == Durability::Fsync;
    let mut out = vec![
        "# Written by Holdfast at every start of the server; changes here are lost.".to_owned(),
    ];
    out.extend(DEFAULTS.iter().map(ToString::to_string));
    if on_disk || appends(&own_lines) {
        out.push(SAVES_MAY_FAIL.to_owned());
    }
    if inputs.options.gated() {
        out.extend(DEFAULTS_GATED.iter().map(ToString::to_string));
    }
    let mut warnings = inert_lines(inputs.options, &own_lines);
    out.extend(memory_lines(inputs, &own_lines, &mut warnings));
    out.push("# From the operator's redis.conf.".to_owned());
    out.extend(own_lines.iter().map(|line| written(line, denied)));
    out.push("# Owned by Holdfast.".to_owned());
    out.extend(SEALED.iter().map(ToString::to_string));
    // Until its promotion it gives no copy of its data, nor of having none.
    out.extend(NO_COPIES.map(|[key, value]| format!("{key} {value}")));
    out.extend(node_lines(inputs)?);
    if on_disk {
        out.extend(ON_DISK.iter().map(ToString::to_string));
    }
    out.push(format!("databases {}", last + 1));
    out.extend(data_lines(inputs.data).iter().map(ToString::to_string));
    out.extend(access_lines(inputs, &own_lines, &mut warnings));
    out.push(String::new());
    Ok(Rendered {
        text: out.join("\n"),
        warnings,
        other_auth: auth(inputs).second().to_owned(),
        stamps: on_disk.then_some(last),
        appends: inputs.data != DataUse::Untouched && (on_disk || appends(&own_lines)),
        backlog: backlog(inputs, &own_lines),
    })
}

/// Whether an append-only file is wanted: unless the operator says no.
fn appends(own: &[Line]) -> bool {
    let said = own.iter().rev().find(|line| line.key == "appendonly");
    said.and_then(|line| line.args.first())
        .is_none_or(|word| !word.eq_ignore_ascii_case("no"))
}

/// What a gate needs: the server's word on who acknowledges, and a server that speaks of its replicas by their names.
fn judge_gated(inputs: &Inputs<'_>) -> Result<(), ConfigError> {
    if !inputs.version.at_least(7, 0) {
        return Err(ConfigError::Contradiction(
            "durability `quorum` or `fsync` needs Redis 7.0 or newer, or Valkey",
        ));
    }
    if is_any(&inputs.options.announced().host) {
        return Err(ConfigError::Contradiction(
            "durability `quorum` or `fsync` knows replicas by the address that they announce: set `announce`",
        ));
    }
    Ok(())
}

/// Places for the agent, its watchdog and its gate, for replicas, and for a few clients.
fn judge_places(inputs: &Inputs<'_>, own: &[Line]) -> Result<(), ConfigError> {
    let Some(line) = own.iter().rev().find(|line| line.key == "maxclients") else {
        return Ok(());
    };
    let asked = line.args.first().and_then(|text| text.parse::<u32>().ok());
    if asked.is_none_or(|places| places >= PLACES_MIN) {
        return Ok(());
    }
    Err(ConfigError::Syntax {
        file: inputs.options.redis_conf.clone().unwrap_or_default(),
        line: line.number,
        what: format!(
            "maxclients must be {PLACES_MIN} or more: Holdfast itself takes up to 10 connections, and each replica one"
        ),
    })
}

/// The database for the stamp: the first behind those that the operator asks for. It is there in every durability, since
/// the files of a group may hold a stamp from before, and its nodes change their durability one after the other.
fn behind_the_clients(inputs: &Inputs<'_>, own: &[Line]) -> Result<u32, ConfigError> {
    let Some(line) = own.iter().rev().find(|line| line.key == "databases") else {
        return Ok(DATABASES);
    };
    let asked = line.args.first().and_then(|text| text.parse().ok());
    asked
        .filter(|count| (1..=DATABASES_MAX).contains(count))
        .ok_or_else(|| ConfigError::Syntax {
            file: inputs.options.redis_conf.clone().unwrap_or_default(),
            line: line.number,
            what: format!("there can be 1 to {DATABASES_MAX} databases"),
        })
}

/// What the data on disk asks for, whatever is configured.
fn data_lines(data: DataUse) -> &'static [&'static str] {
    match data {
        DataUse::Configured => &[],
        DataUse::Doubted => &["replica-serve-stale-data no"],
        DataUse::SnapshotFirst => &["appendonly no"],
        DataUse::DoubtedSnapshot => &["appendonly no", "replica-serve-stale-data no"],
        DataUse::Untouched => &["appendonly no", "save \"\""],
    }
}

/// Backlog and `maxmemory`, unless the operator set them. Sizes are explained in [`memory`].
fn memory_lines(inputs: &Inputs<'_>, own: &[Line], warnings: &mut Vec<String>) -> Vec<String> {
    let set = |key: &str| {
        own.iter()
            .rev()
            .find(|line| line.key == key)
            .and_then(|line| line.args.first())
    };
    let chosen = set("maxmemory").and_then(|text| memory::bytes(text));
    let rule = backlog(inputs, own);
    let backlog = rule.bytes(chosen.unwrap_or(0));
    let mut out = vec![format!("repl-backlog-size {backlog}")];
    let much = chosen.filter(|most| *most > 0 && backlog > most / 2);
    warnings.extend(much.map(|most| {
        format!(
            "repl-backlog-size {backlog} counts in maxmemory {most}: what is left for the data is less than half of it, or nothing"
        )
    }));
    match (inputs.memory_limit, chosen) {
        (Some(limit), None) => out.push(format!("maxmemory {}", memory::maxmemory(limit, backlog))),
        (Some(limit), Some(chosen)) if chosen == 0 || chosen > limit => {
            warnings.push(format!("maxmemory {chosen} does not fit the memory limit of {limit} bytes: the kernel will kill the server when it is full"));
        }
        _ => {}
    }
    out
}

/// The operator's backlog, or else Holdfast's.
fn backlog(inputs: &Inputs<'_>, own: &[Line]) -> Backlog {
    let mut lines = own.iter().rev();
    let line = lines.find(|line| line.key == "repl-backlog-size");
    let set = line.and_then(|line| memory::bytes(line.args.first()?));
    set.map_or(Backlog::Within(inputs.memory_limit), Backlog::Fixed)
}

/// Addresses, files and the dead address that it "follows" at birth.
fn node_lines(inputs: &Inputs<'_>) -> Result<Vec<String>, ConfigError> {
    let Options {
        listen,
        data_dir,
        priority,
        ..
    } = inputs.options;
    let announced = inputs.options.announced();
    let mut out = port_lines(inputs.options)?;
    out.extend([
        bind_line(&listen.host),
        format!("unixsocket {}", path("the socket's path", inputs.socket)?),
        format!("dir {}", path("`data_dir`", data_dir)?),
        format!("logfile {}", path("the log's path", inputs.log)?),
        "pidfile \"\"".to_owned(),
        "dbfilename dump.rdb".to_owned(),
        "appendfilename appendonly.aof".to_owned(),
        format!("replica-priority {priority}"),
        format!("replica-announce-port {}", announced.port),
        format!("replicaof {DEAD_HOST} {DEAD_PORT}"),
        format!("min-replicas-to-write {FENCE}"),
    ]);
    if !is_any(&announced.host) {
        out.push(format!("replica-announce-ip {}", quoted(&announced.host)));
    }
    if inputs.version.at_least(7, 0) {
        out.push("appenddirname appendonlydir".to_owned());
        out.push("propagation-error-behavior panic-on-replicas".to_owned());
    }
    Ok(out)
}

/// What it says to its primary: behind a gate nothing by which anybody could order anything.
fn auth(inputs: &Inputs<'_>) -> Masterauth {
    Masterauth::of(inputs.options, inputs.password)
}

/// Users and the password for replication.
fn access_lines(inputs: &Inputs<'_>, own: &[Line], warnings: &mut Vec<String>) -> Vec<String> {
    let mut out = vec![
        format!("masteruser {USER}"),
        format!("masterauth {}", quoted(auth(inputs).first())),
        users::own(inputs.password),
    ];
    let default_is_set = own
        .iter()
        .any(|line| line.key == "user" && line.args[0] == "default");
    if !default_is_set {
        let denied = users::denied(inputs.options.durability);
        out.push(users::default(inputs.client_password, denied));
        if inputs.client_password.is_none() && !is_loopback(&inputs.options.listen.host) {
            warnings.push(format!(
                "anybody who reaches {} may read and write: set client_password_file",
                inputs.options.listen
            ));
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests;
