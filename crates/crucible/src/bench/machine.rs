//! Where it was measured: numbers without that say little.

use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The machine and the server under test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Logical processors.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Kernel release.
    pub kernel: String,
    /// What `redis-server --version` says.
    pub server: String,
    /// Load average when the measurement began: others may share the machine.
    pub load: String,
}

/// Looks at this machine.
pub fn describe(server: &Path) -> Machine {
    let version = Command::new(server).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    Machine {
        cores: std::thread::available_parallelism().map_or(0, Into::into),
        memory_mib: memory_mib(),
        kernel: read("/proc/sys/kernel/osrelease"),
        server: version
            .unwrap_or_default()
            .split(" sha=")
            .next()
            .unwrap_or_default()
            .to_owned(),
        load: read("/proc/loadavg")
            .split(' ')
            .take(3)
            .collect::<Vec<_>>()
            .join(" "),
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn memory_mib() -> u64 {
    let text = read("/proc/meminfo");
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
