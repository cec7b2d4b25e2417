//! Disturbs disk and clock of single processes: a small library between them and the C library (`interposer.c`), obeying one
//! file per pid. Built on the spot, so it needs a C compiler; a statically linked program is out of its reach.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const SOURCE: &str = include_str!("interposer.c");

/// What one process shall suffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// How much longer each fsync takes.
    pub slow_sync: Duration,
    /// Whether every write to a file fails with "no space left on device".
    pub disk_full: bool,
    /// Milliseconds that the wall clock is ahead (behind if negative).
    pub clock_ahead_ms: i64,
}

impl Orders {
    /// Nothing can be written.
    pub fn full_disk() -> Self {
        Self {
            disk_full: true,
            ..Self::default()
        }
    }

    /// Each fsync takes this much longer.
    pub fn slow_disk(slow_sync: Duration) -> Self {
        Self {
            slow_sync,
            ..Self::default()
        }
    }

    /// The wall clock is so many milliseconds ahead.
    pub fn clock(clock_ahead_ms: i64) -> Self {
        Self {
            clock_ahead_ms,
            ..Self::default()
        }
    }
}

/// A built library and the folder with its orders.
#[derive(Clone, Debug)]
pub struct Interposer {
    library: PathBuf,
    orders: PathBuf,
}

impl Interposer {
    /// Why it cannot be built here, if so.
    pub fn obstacle() -> Option<String> {
        let found = Command::new("cc")
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
        (!found).then(|| "no C compiler (`cc`) to build the disk and clock interposer".to_owned())
    }

    /// Builds the library below `dir`.
    pub fn build(dir: &Path) -> Result<Self> {
        let orders = dir.join("interposer");
        fs::create_dir_all(&orders).with_context(|| format!("create {}", orders.display()))?;
        let (source, library) = (orders.join("interposer.c"), orders.join("interposer.so"));
        fs::write(&source, SOURCE).with_context(|| format!("write {}", source.display()))?;
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl");
        let output = cc.output().context("run cc")?;
        if !output.status.success() {
            bail!("cc: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(Self { library, orders })
    }

    /// Environment of processes that shall be within reach.
    pub fn environment(&self) -> Vec<(String, String)> {
        vec![
            ("LD_PRELOAD".to_owned(), self.library.display().to_string()),
            (
                "CRUCIBLE_INTERPOSER".to_owned(),
                self.orders.display().to_string(),
            ),
        ]
    }

    /// Whether `pid` really has the library loaded.
    pub fn reaches(&self, pid: i32) -> bool {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        maps.contains(&self.library.display().to_string())
    }

    /// Gives orders for `pid`, in force within 20 ms of its next look.
    pub fn order(&self, pid: i32, orders: Orders) -> Result<()> {
        let path = self.orders.join(pid.to_string());
        let full = i32::from(orders.disk_full);
        let text = format!(
            "{} {full} {}\n",
            orders.slow_sync.as_millis(),
            orders.clock_ahead_ms
        );
        // Never seen half-written: the reader would take a prefix of a number for the number.
        let fresh = self.orders.join(format!("{pid}.new"));
        fs::write(&fresh, text).with_context(|| format!("write {}", fresh.display()))?;
        fs::rename(&fresh, &path).with_context(|| format!("write {}", path.display()))
    }

    /// Takes the orders back.
    pub fn relent(&self, pid: i32) {
        // Absent already: nothing to take back.
        let _ = fs::remove_file(self.orders.join(pid.to_string()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    /// Runs a shell as a child of this process: it obeys the orders for this process's pid.
    fn shell(interposer: &Interposer, script: &str) -> (bool, String) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).envs(interposer.environment());
        let output = command.output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    }

    #[test]
    fn clock_disk_and_delay_obey_orders_and_only_then() {
        let dir = tempfile::tempdir().unwrap();
        let interposer = Interposer::build(dir.path()).unwrap();
        let own = std::process::id() as i32;
        let file = dir.path().join("file").display().to_string();
        let write = format!("echo x > {file} && sync {file}");
        assert!(shell(&interposer, &write).0);

        let ahead = Orders {
            clock_ahead_ms: -7_200_000,
            ..Orders::default()
        };
        interposer.order(own, ahead).unwrap();
        let told: u64 = shell(&interposer, "exec date +%s").1.parse().unwrap();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        assert!(
            (7198..=7202).contains(&(now - told)),
            "the clock is {} s behind",
            now - told
        );

        interposer
            .order(
                own,
                Orders {
                    disk_full: true,
                    ..Orders::default()
                },
            )
            .unwrap();
        assert!(!shell(&interposer, &write).0);

        interposer
            .order(
                own,
                Orders {
                    slow_sync: Duration::from_millis(400),
                    ..Orders::default()
                },
            )
            .unwrap();
        let start = Instant::now();
        assert!(shell(&interposer, &format!("exec sync {file}")).0);
        assert!(start.elapsed() >= Duration::from_millis(400));

        interposer.relent(own);
        assert!(shell(&interposer, &write).0);
    }
}
