//! Numbers as people read them.

/// `0 B`, `1.2 MiB`, …
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit < UNITS.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// How long ago a wall-clock moment was: `now`, `12 s ago`, `3 min ago`, …
pub(crate) fn ago(at_unix_ms: u64, now_unix_ms: u64) -> String {
    match now_unix_ms.saturating_sub(at_unix_ms) / 1000 {
        0 => "now".to_owned(),
        s @ 1..=119 => format!("{s} s ago"),
        s @ 120..=7199 => format!("{} min ago", s / 60),
        s @ 7200..=172_799 => format!("{} h ago", s / 3600),
        s => format!("{} days ago", s / 86_400),
    }
}

/// Milliseconds since 1970, for people only.
pub(crate) fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since
        .map(|since| since.as_millis() as u64)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(
            [0, 1023, 1024, 1_500_000, u64::MAX].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.4 MiB", "16384.0 PiB"]
        );
    }

    #[test]
    fn ages() {
        let ages = [10_000, 9_100, 0].map(|at| ago(at, 10_000));
        assert_eq!(ages, ["now", "now", "10 s ago"]);
        assert_eq!(ago(0, 300_000), "5 min ago");
        assert_eq!(ago(5_000, 0), "now");
    }
}
