//! What the kernel's control groups say: the memory limit, and whether the kernel killed for lack of memory.

use std::path::{Path, PathBuf};

/// A v1 limit of "none" is a huge number, rounded to pages.
const NO_LIMIT: u64 = 1 << 60;

/// The tightest memory limit above this process in bytes, v2 or v1, or `None`.
pub fn memory_limit() -> Option<u64> {
    let files =
        ancestors().flat_map(|dir| [dir.join("memory.max"), dir.join("memory.limit_in_bytes")]);
    files
        .filter_map(|file| read_number(&file))
        .filter(|limit| *limit < NO_LIMIT)
        .min()
}

/// How often the kernel has killed for lack of memory in this process's control group (or, where the group does not
/// count, on the whole machine). Compared before and after a death by SIGKILL it tells whether the kernel did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OomKills(u64);

impl OomKills {
    /// The count as of now; 0 where the kernel does not tell. The kernel counts before it kills.
    pub fn now() -> Self {
        let files = |dir: PathBuf| [dir.join("memory.events"), dir.join("memory.oom_control")];
        let own = ancestors()
            .flat_map(files)
            .find_map(|file| keyed(&file, "oom_kill"));
        let count = own.or_else(|| keyed(Path::new("/proc/vmstat"), "oom_kill"));
        Self(count.unwrap_or(0))
    }

    /// Has it killed since?
    pub fn more_than(self, before: Self) -> bool {
        self.0 > before.0
    }
}

/// Directories of this process's memory control group, innermost first. Inside a container the path that
/// `/proc/self/cgroup` names may not exist; its root is then the container's own group.
fn ancestors() -> impl Iterator<Item = PathBuf> {
    let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let upwards = |(mount, path): (&str, &str)| -> Vec<PathBuf> {
        let full = Path::new(mount).join(path.trim_start_matches('/'));
        full.ancestors()
            .take_while(|dir| dir.starts_with(mount))
            .map(Path::to_owned)
            .collect()
    };
    memory_groups(&text)
        .into_iter()
        .flat_map(upwards)
        .collect::<Vec<_>>()
        .into_iter()
}

/// (mount point, path) of the groups that can limit memory, from the text of `/proc/self/cgroup`.
fn memory_groups(text: &str) -> Vec<(&'static str, &str)> {
    let line = |line: &'_ str| -> Option<(usize, usize)> {
        let first = line.find(':')?;
        Some((first, first + 1 + line[first + 1..].find(':')?))
    };
    text.lines()
        .filter_map(|text| {
            let (first, second) = line(text)?;
            match &text[first + 1..second] {
                "" => Some(("/sys/fs/cgroup", &text[second + 1..])),
                names if names.split(',').any(|name| name == "memory") => {
                    Some(("/sys/fs/cgroup/memory", &text[second + 1..]))
                }
                _ => None,
            }
        })
        .collect()
}

fn read_number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The number behind a key in a file of `key number` lines.
fn keyed(file: &Path, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        line.strip_prefix(key)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_memory_group_of_both_versions() {
        let v1 = "9:name=systemd:/\n4:memory:/api/f21\n2:cpu,cpuacct:/\n0::/\n";
        assert_eq!(
            memory_groups(v1),
            [
                ("/sys/fs/cgroup/memory", "/api/f21"),
                ("/sys/fs/cgroup", "/")
            ]
        );
        assert_eq!(
            memory_groups("0::/kubepods/pod1/c2\n"),
            [("/sys/fs/cgroup", "/kubepods/pod1/c2")]
        );
        assert_eq!(
            memory_groups("5:blkio,memory:/x:y\n"),
            [("/sys/fs/cgroup/memory", "/x:y")]
        );
    }
}
