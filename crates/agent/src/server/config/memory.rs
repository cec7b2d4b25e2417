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

/// Bytes of replication backlog: 256 MiB, but at most an eighth of the limit, at least 1 MiB.
pub fn backlog(limit: Option<u64>) -> u64 {
    limit
        .map_or(BACKLOG, |limit| BACKLOG.min(limit / 8))
        .max(MIB)
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
            let backlog = backlog(Some(limit));
            let data = maxmemory(limit, backlog);
            assert!(data + limit / 4 + limit / 16 + backlog <= limit, "{limit}");
            assert!(data >= limit / 2, "{limit}: {data}");
        }
        assert_eq!(maxmemory(1024 * MIB, backlog(Some(1024 * MIB))), 576 * MIB);
        assert_eq!(maxmemory(100 * MIB, 500 * MIB), 25 * MIB);
        assert_eq!(backlog(None), 256 * MIB);
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
