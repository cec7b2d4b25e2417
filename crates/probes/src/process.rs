//! What the kernel says of this process, under the names that Prometheus' own libraries use.

use crate::Metrics;

/// Fields of `/proc/self/stat` after the command's name, which may hold spaces: counted from the state.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const RESIDENT_PAGES: usize = 21;

/// Adds them; a kernel that says nothing leaves zeros.
pub(crate) fn write(metrics: &mut Metrics) {
    let (cpu_seconds, resident_bytes) = usage(&stat()).unwrap_or_default();
    metrics.plain_counter(
        "process_cpu_seconds",
        "Time of the cores used by this process",
        cpu_seconds,
    );
    metrics.plain_gauge(
        "process_resident_memory_bytes",
        "Memory of this process, the binary's own pages included",
        resident_bytes,
    );
}

fn stat() -> String {
    std::fs::read_to_string("/proc/self/stat").unwrap_or_default()
}

fn usage(stat: &str) -> Option<(f64, f64)> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<f64>().ok();
    let ticks = number(USER_TICKS)? + number(SYSTEM_TICKS)?;
    let pages = number(RESIDENT_PAGES)?;
    Some((
        ticks / rustix::param::clock_ticks_per_second() as f64,
        pages * rustix::param::page_size() as f64,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_shifts_nothing() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 99 1000 25 0";
        let page = rustix::param::page_size() as f64;
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        assert_eq!(usage(stat), Some((200.0 / ticks, 25.0 * page)));
        assert_eq!(usage("nonsense"), None);
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(usage(&stat()).is_some_and(|(_, resident)| resident > 100_000.0));
    }
}
