//! What a group on this machine should be.

use crate::error::StartError;
use holdfast_core::names::Group;
use holdfast_core::record::{Durability, OnLossOfQuorum};
use std::path::{Path, PathBuf};

/// The wish; everything that is `None` is taken from a group that already lives in `dir`, else the default.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Folder of the whole group: data, logs, configuration, `cluster.json`.
    pub dir: PathBuf,
    /// Number of replicas beside the primary; 3 by default, at most 64.
    pub replicas: Option<usize>,
    /// Number of sentinels, odd; 3 by default, at most 7.
    pub sentinels: Option<usize>,
    /// First port of the nodes; 6379 by default. Sentinels start 20,000 higher.
    pub base_port: Option<u16>,
    /// redis-server or valkey-server: a path, or a name found in PATH.
    pub server: PathBuf,
    /// Name of the group; `mymaster` by default.
    pub group: Option<Group>,
    /// What an acknowledgement promises.
    pub durability: Durability,
    /// How many replicas must have a write before its reply is released; of no meaning in `async`.
    pub sync_replicas: usize,
    /// What happens when that many cannot be reached.
    pub on_loss_of_quorum: OnLossOfQuorum,
    /// A handoff that is asked for begins at the earliest this many milliseconds after the one before.
    pub handoff_pace_ms: u64,
    /// Whether a process that dies is started again.
    pub restart: bool,
    /// Seconds after which a script that runs is ended; 0: never.
    pub script_limit_seconds: u32,
    /// The `holdfast` binary whose `sentinel` and `agent` subcommands are run.
    pub binary: PathBuf,
    /// File with the password that clients of the nodes must give.
    pub password_file: Option<PathBuf>,
    /// File with the password that clients of the sentinels must give.
    pub sentinel_password_file: Option<PathBuf>,
    /// Redis configuration lines of the user's own, for every node.
    pub redis_conf: Option<PathBuf>,
}

/// Defaults of a new group.
pub(crate) const DEFAULT_REPLICAS: usize = 3;
pub(crate) const DEFAULT_SENTINELS: usize = 3;
pub(crate) const DEFAULT_BASE_PORT: u16 = 6379;
pub(crate) const DEFAULT_GROUP: &str = "mymaster";
const MOST_REPLICAS: usize = 64;
const MOST_SENTINELS: usize = 7;

impl Spec {
    /// A new or resumed group in `dir`, with every default, run by the binary `binary`.
    pub fn new(dir: impl Into<PathBuf>, binary: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            replicas: None,
            sentinels: None,
            base_port: None,
            server: PathBuf::from("redis-server"),
            group: None,
            durability: Durability::Async,
            sync_replicas: 1,
            on_loss_of_quorum: OnLossOfQuorum::Hold,
            handoff_pace_ms: holdfast_sentinel::HANDOFF_PACE_MS,
            restart: true,
            script_limit_seconds: 10,
            binary: binary.into(),
            password_file: None,
            sentinel_password_file: None,
            redis_conf: None,
        }
    }

    /// Refuses what cannot work, with the reason.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        self.check_sentinels()?;
        self.check_nodes()?;
        self.check_group()?;
        self.node_password()?;
        self.sentinel_password()?;
        self.redis_conf_lines().map(drop)
    }

    fn check_sentinels(&self) -> Result<(), StartError> {
        match self.sentinels {
            Some(0) => Err(StartError::bad(
                "--sentinels 0: without a sentinel nobody decides who is primary; use 3",
            )),
            Some(count) if count > MOST_SENTINELS => Err(StartError::bad(format!(
                "--sentinels {count}: more than {MOST_SENTINELS} only slow every decision down; use 3 or 5"
            ))),
            Some(count) if count % 2 == 0 => Err(StartError::bad(even_sentinels(count))),
            None | Some(_) => Ok(()),
        }
    }

    /// Refuses to wait for more replicas than the group has, old ones of the folder included.
    pub(crate) fn check_sync_replicas(&self, replicas: usize) -> Result<(), StartError> {
        match self.sync_replicas {
            _ if self.durability == Durability::Async => Ok(()),
            _ if replicas == 0 => Err(StartError::bad(format!(
                "--durability {} waits for replicas, and there are none: use async, or --replicas 2",
                self.durability
            ))),
            k if (1..=replicas).contains(&k) => Ok(()),
            k => Err(StartError::bad(format!(
                "--sync-replicas {k}: of {replicas} replicas it can wait for 1 to {replicas}"
            ))),
        }
    }

    fn check_nodes(&self) -> Result<(), StartError> {
        if let Some(count) = self.replicas.filter(|count| *count > MOST_REPLICAS) {
            return Err(StartError::bad(format!(
                "--replicas {count}: at most {MOST_REPLICAS} on one machine"
            )));
        }
        Ok(())
    }

    fn check_group(&self) -> Result<(), StartError> {
        let Some(group) = self.group.as_ref().map(Group::as_str) else {
            return Ok(());
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if group.is_empty() || group.len() > 63 || !group.chars().all(plain) {
            return Err(StartError::bad(format!(
                "--group `{}`: a name has 1 to 63 letters, digits, `-`, `_` or `.`",
                group.escape_debug()
            )));
        }
        Ok(())
    }

    /// The password of the sentinels' clients, where they ask for one.
    pub(crate) fn sentinel_password(&self) -> Result<Option<String>, StartError> {
        password(
            self.sentinel_password_file.as_deref(),
            "--sentinel-password-file",
        )
    }

    /// The password of the nodes' clients, where they ask for one.
    pub(crate) fn node_password(&self) -> Result<Option<String>, StartError> {
        password(self.password_file.as_deref(), "--password-file")
    }

    /// The user's own redis.conf lines.
    pub(crate) fn redis_conf_lines(&self) -> Result<Option<String>, StartError> {
        text(self.redis_conf.as_deref(), "--redis-conf")
    }
}

fn password(path: Option<&Path>, option: &str) -> Result<Option<String>, StartError> {
    let Some(text) = text(path, option)? else {
        return Ok(None);
    };
    let password = text.trim_end();
    if password.is_empty() {
        let path = path.map(Path::display);
        return Err(StartError::bad(format!(
            "{option} {} holds no password; write one, or leave it out",
            path.map(|path| path.to_string()).unwrap_or_default()
        )));
    }
    Ok(Some(password.to_owned()))
}

fn text(path: Option<&Path>, option: &str) -> Result<Option<String>, StartError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| {
            StartError::bad(format!(
                "{option} {}: {error}; name a file that can be read, or leave it out",
                path.display()
            ))
        })
    };
    path.map(read).transpose()
}

fn even_sentinels(count: usize) -> String {
    let (fewer, more) = (count - 1, count + 1);
    format!(
        "--sentinels {count}: an even number survives no more failures than {fewer} and splits into halves that \
         decide nothing; use {fewer} or {more}"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn spec() -> Spec {
        Spec::new("/nowhere", "/nowhere/holdfast")
    }

    #[test]
    fn odd_numbers_of_sentinels_only() {
        for (count, good) in [
            (0, false),
            (1, true),
            (2, false),
            (3, true),
            (4, false),
            (5, true),
            (7, true),
            (9, false),
        ] {
            let checked = Spec {
                sentinels: Some(count),
                ..spec()
            }
            .check();
            assert_eq!(checked.is_ok(), good, "{count}: {checked:?}");
        }
    }

    #[test]
    fn an_even_number_is_told_what_to_use() {
        let said = Spec {
            sentinels: Some(4),
            ..spec()
        }
        .check()
        .unwrap_err()
        .to_string();
        assert!(said.contains("use 3 or 5"), "{said}");
    }

    #[test]
    fn group_names_are_plain() {
        for (name, good) in [
            ("mymaster", true),
            ("a.b-c_9", true),
            ("", false),
            ("a b", false),
            ("a/b", false),
            ("a\n", false),
        ] {
            assert_eq!(
                Spec {
                    group: Some(name.into()),
                    ..spec()
                }
                .check()
                .is_ok(),
                good,
                "{name:?}"
            );
        }
    }
}
