//! How much of a memory limit the data may take.
//!
//! ```text
//!  limit = maxmemory                      the data, and the backlog (redis counts it in)
//!        + limit / 4                      pages copied while a fork writes a snapshot
//!        + backlog                        replicas' buffers beyond the backlog (redis does not count those)
//!        + limit / 16                     clients' buffers, fragmentation, the agent
//! ```

const MIB: u64 = 1 << 20;

/// The backlog that bridges a failover: minutes of writes at usual rates.
const BACKLOG: u64 = 256 * MIB;

/// How large the replication backlog is, also where `maxmemory` changes while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backlog {
    /// As the operator's redis.conf says.
    Fixed(u64),
    /// As Holdfast says, within this limit of the node's memory.
    Within(Option<u64>),
}

impl Backlog {
    /// Its bytes beside this `maxmemory`, 0 for none. redis counts the backlog in, so it must leave the data their room.
    pub fn bytes(self, maxmemory: u64) -> u64 {
        match self {
            Self::Fixed(bytes) => bytes,
            Self::Within(limit) => {
                // A `maxmemory` that was derived from the limit has left room for it already.
                let derived = |limit| maxmemory == self::maxmemory(limit, backlog(Some(limit), 0));
                let own = Some(maxmemory).filter(|_| !limit.is_some_and(derived));
                backlog(limit, own.unwrap_or(0))
            }
        }
    }
}

/// Bytes of replication backlog: 256 MiB, but at most an eighth of the limit and of `maxmemory` (0 for none), at least 1 MiB.
pub fn backlog(limit: Option<u64>, maxmemory: u64) -> u64 {
    let own = Some(maxmemory).filter(|bytes| *bytes > 0);
    let bounds = limit.into_iter().chain(own).map(|bytes| bytes / 8);
    bounds.fold(BACKLOG, u64::min).max(MIB)
}

/// `maxmemory` for a limit, given the backlog in use.
pub fn maxmemory(limit: u64, backlog: u64) -> u64 {
    let rest = limit.saturating_sub(limit / 4 + limit / 16 + backlog);
    // A backlog that the operator set larger than the limit allows leaves the data a quarter, not nothing.
    rest.max(limit / 4)
}

/// Bytes meant by redis.conf's way of writing them: `1000`, `1kb` (1024), `1k` (1000), …
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let unit = match &text[digits..] {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_exceed_the_limit() {
        for limit in [
            32 * MIB,
            64 * MIB,
            256 * MIB,
            1024 * MIB,
            4096 * MIB,
            65_536 * MIB,
        ] {
            let backlog = backlog(Some(limit), 0);
            let data = maxmemory(limit, backlog);
            assert!(data + limit / 4 + limit / 16 + backlog <= limit, "{limit}");
            assert!(data >= limit / 2, "{limit}: {data}");
        }
        assert_eq!(
            maxmemory(1024 * MIB, backlog(Some(1024 * MIB), 0)),
            576 * MIB
        );
        assert_eq!(maxmemory(100 * MIB, 500 * MIB), 25 * MIB);
        assert_eq!(backlog(None, 0), 256 * MIB);
        assert_eq!(backlog(None, 100 * MIB), 100 * MIB / 8);
        assert_eq!(backlog(Some(64 * MIB), 100 * MIB), 8 * MIB);
        assert_eq!(backlog(None, 1), MIB);
        assert_eq!(Backlog::Fixed(500 * MIB).bytes(100 * MIB), 500 * MIB);
        let within = Backlog::Within(Some(1024 * MIB));
        assert_eq!(within.bytes(576 * MIB), 128 * MIB, "derived");
        assert_eq!(within.bytes(80 * MIB), 10 * MIB);
        assert_eq!(within.bytes(0), 128 * MIB);
    }

    #[test]
    fn reads_sizes_as_the_server_does() {
        let table = [
            ("100", Some(100)),
            ("1k", Some(1000)),
            ("1KB", Some(1024)),
            ("3gb", Some(3 << 30)),
            ("x", None),
            ("1tb", None),
        ];
        for (text, expected) in table {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
