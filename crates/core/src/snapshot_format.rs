//! Formats of snapshots: which server writes which, and who can read it.
//!
//! The tables hold what was measured: each of redis 6.2.14, 7.0.15, 7.4.1, 8.2.3, 8.6.2 and 8.10.2 and of valkey 8.0.1, 8.1.8,
//! 9.0.0 and 9.1.2 was given the snapshots and the full copies of all the others. Redis 7.2 and 8.0 and Valkey 7.2 are
//! after `RDB_VERSION` in their sources. Of a release that is in no table nothing is said, and nothing is refused for it.

use crate::server_version::ServerVersion;
use std::fmt;

/// What the first nine bytes of a snapshot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SnapshotFormat {
    /// `REDIS0011`: of Redis, and of Valkey before 9.
    Redis(u32),
    /// `VALKEY080`: of Valkey from 9 on.
    Valkey(u32),
}

/// Newest `REDIS` format that each release of Redis reads, and the one that it writes.
const REDIS: &[((u32, u32), u32)] = &[
    ((6, 2), 9),
    ((7, 0), 10),
    ((7, 2), 11),
    ((7, 4), 12),
    ((8, 0), 12),
    ((8, 2), 12),
    ((8, 6), 13),
    ((8, 10), 15),
];

/// Releases of Valkey, and the newest `VALKEY` format that each reads, if any.
const VALKEY: &[((u32, u32), Option<u32>)] = &[
    ((7, 2), None),
    ((8, 0), None),
    ((8, 1), None),
    ((9, 0), Some(80)),
    ((9, 1), Some(80)),
];

/// Newest `REDIS` format that Valkey reads and writes: that of the Redis which it grew from.
const COMMON: u32 = 11;

impl SnapshotFormat {
    /// The format by a snapshot's first bytes; none where they are no snapshot's.
    pub fn of(magic: [u8; 9]) -> Option<Self> {
        let text = std::str::from_utf8(&magic).ok()?;
        let redis = text
            .strip_prefix("REDIS")
            .map(|n| n.parse().map(Self::Redis));
        let valkey = || {
            text.strip_prefix("VALKEY")
                .map(|n| n.parse().map(Self::Valkey))
        };
        redis.or_else(valkey)?.ok()
    }

    /// Whether this server loads it; none where that is not known.
    pub fn is_read_by(self, server: &ServerVersion) -> Option<bool> {
        let (redis, valkey) = newest_read(server)?;
        Some(match self {
            Self::Redis(number) => number <= redis,
            Self::Valkey(number) => valkey.is_some_and(|newest| number <= newest),
        })
    }

    /// The oldest known release that loads it, as a person would look for it.
    pub fn oldest_reader(self) -> Option<String> {
        let known = match self {
            Self::Redis(number) => REDIS
                .iter()
                .find(|(_, newest)| number <= *newest)
                .map(|(release, _)| ("Redis", release)),
            Self::Valkey(number) => VALKEY
                .iter()
                .find(|(_, newest)| newest.is_some_and(|newest| number <= newest))
                .map(|(release, _)| ("Valkey", release)),
        };
        known.map(|(name, (major, minor))| format!("{name} {major}.{minor}"))
    }

    /// The format of the snapshots that this server writes to its disk; none where that is not known.
    pub fn written_by(server: &ServerVersion) -> Option<Self> {
        let (redis, valkey) = newest_read(server)?;
        Some(valkey.map_or(Self::Redis(redis), Self::Valkey))
    }

    /// The format of the full copies that `from` gives to `to`; none where that is not known. Valkey asks its replicas for
    /// their version and, from 9.1 on, writes an old format for those that are no Valkey 9.
    fn of_copy(from: &ServerVersion, to: &ServerVersion) -> Option<Self> {
        let (redis, valkey) = newest_read(from)?;
        let is_new = to.name == "valkey" && to.major >= 9;
        Some(match valkey {
            Some(newest) if is_new || from.release() < (9, 1) => Self::Valkey(newest),
            _ => Self::Redis(redis),
        })
    }
}

impl fmt::Display for SnapshotFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(number) => write!(f, "REDIS{number:04}"),
            Self::Valkey(number) => write!(f, "VALKEY{number:03}"),
        }
    }
}

/// Whether `to` surely cannot load a full copy that `from` gives. Never said of servers that are not known.
pub fn is_unreadable(from: &ServerVersion, to: &ServerVersion) -> bool {
    let same = from.name == to.name && from.release() == to.release();
    let copy = SnapshotFormat::of_copy(from, to);
    !same && copy.and_then(|format| format.is_read_by(to)) == Some(false)
}

/// Whether a change of the primary from a server to another goes back: to an older release, or to a server that surely
/// cannot load what the other writes.
pub fn is_downgrade(from: &ServerVersion, to: &ServerVersion) -> bool {
    to.is_older_than(from) || is_unreadable(from, to)
}

/// The newest formats that a known server reads, of each kind.
fn newest_read(server: &ServerVersion) -> Option<(u32, Option<u32>)> {
    let release = server.release();
    match server.name.as_str() {
        "redis" => REDIS
            .iter()
            .find(|(known, _)| *known == release)
            .map(|(_, newest)| (*newest, None)),
        "valkey" => VALKEY
            .iter()
            .find(|(known, _)| *known == release)
            .map(|(_, newest)| (COMMON, *newest)),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn server(text: &str) -> ServerVersion {
        ServerVersion::from(text.to_owned())
    }

    #[test]
    fn magic_is_read_and_written() {
        for text in [b"REDIS0013", b"VALKEY080"] {
            let format = SnapshotFormat::of(*text).unwrap();
            assert_eq!(format.to_string().as_bytes(), text);
        }
        for text in [
            b"*2\r\n$6\r\nS",
            b"REDIS00x3",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(SnapshotFormat::of(*text), None);
        }
    }

    /// Rows: who gives the copy. Columns: who is given it, in the same order. As measured with redis-server and valkey-server.
    #[test]
    fn copies_are_read_as_measured() {
        let servers = [
            "redis 6.2.14",
            "redis 7.0.15",
            "redis 7.4.1",
            "redis 8.2.3",
            "redis 8.6.2",
            "valkey 8.0.1",
            "valkey 8.1.8",
            "valkey 9.0.0",
            "valkey 9.1.2",
        ];
        let measured = [
            "+++++++++",
            "-++++++++",
            "--+++----",
            "--+++----",
            "----+----",
            "--+++++++",
            "--+++++++",
            "-------++",
            "--+++++++",
        ];
        for (from, row) in servers.iter().zip(measured) {
            for (to, mark) in servers.iter().zip(row.chars()) {
                let unreadable = is_unreadable(&server(from), &server(to));
                assert_eq!(unreadable, mark == '-', "{from} to {to}");
            }
        }
    }

    #[test]
    fn nothing_is_said_of_servers_that_are_not_known() {
        for unknown in [
            "redis 99.1.0",
            "redis 8.4.0",
            "valkey 10.0.0",
            "keydb 6.3.0",
            "?",
        ] {
            for known in ["redis 6.2.14", "redis 8.6.2", "valkey 9.1.2"] {
                assert!(
                    !is_unreadable(&server(unknown), &server(known)),
                    "{unknown}"
                );
                assert!(
                    !is_unreadable(&server(known), &server(unknown)),
                    "{unknown}"
                );
            }
        }
    }

    #[test]
    fn a_way_back_is_one_between_names_too() {
        assert!(is_downgrade(
            &server("redis 8.6.2"),
            &server("redis 7.0.15")
        ));
        assert!(is_downgrade(
            &server("redis 8.6.2"),
            &server("valkey 9.1.2")
        ));
        assert!(is_downgrade(
            &server("redis 99.0.0"),
            &server("redis 98.0.0")
        ));
        assert!(!is_downgrade(
            &server("redis 7.0.15"),
            &server("valkey 9.1.2")
        ));
        assert!(!is_downgrade(
            &server("redis 7.0.15"),
            &server("redis 7.0.11")
        ));
        assert!(!is_downgrade(
            &server("redis 8.6.2"),
            &server("redis 8.6.2")
        ));
    }

    #[test]
    fn a_person_is_told_who_reads_it() {
        let reader = |format: SnapshotFormat| format.oldest_reader();
        assert_eq!(
            reader(SnapshotFormat::Redis(13)).as_deref(),
            Some("Redis 8.6")
        );
        assert_eq!(
            reader(SnapshotFormat::Valkey(80)).as_deref(),
            Some("Valkey 9.0")
        );
        assert_eq!(reader(SnapshotFormat::Redis(99)), None);
    }
}
