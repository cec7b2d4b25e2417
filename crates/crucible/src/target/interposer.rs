//! Disturbs disk and clock of single processes: a small library between them and the C library (`interposer.c`), obeying one
//! file per pid. Built on the spot, so it needs a C compiler; a statically linked program is out of its reach.

use crate::target::process;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

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
        let synced = orders.join("synced");
        fs::create_dir_all(&synced).with_context(|| format!("create {}", synced.display()))?;
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

    /// Every process that has the library loaded: whatever the group started, listed or not.
    pub fn everybody(&self) -> Vec<i32> {
        let mut pids = process::all();
        pids.retain(|pid| self.reaches(*pid));
        pids
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

    /// Cuts every file below `dir` back to what its last sync made sure of: the least that a loss of power leaves. A file
    /// that was never synced is emptied; names and what was overwritten stay. No process may have it open any more. Gives
    /// the bytes that went.
    ///
    /// # Errors
    /// When a file cannot be looked at or cut.
    pub fn lose_power(&self, dir: &Path) -> Result<u64> {
        let mut gone = 0;
        let entries = fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))?;
        for entry in entries {
            let path = entry
                .with_context(|| format!("read {}", dir.display()))?
                .path();
            gone += if path.is_dir() {
                self.lose_power(&path)?
            } else {
                self.cut(&path)?
            };
        }
        Ok(gone)
    }

    fn cut(&self, path: &Path) -> Result<u64> {
        let about = || format!("cut {}", path.display());
        let file = fs::File::options()
            .write(true)
            .open(path)
            .with_context(about)?;
        let found = file.metadata().with_context(about)?;
        if !found.is_file() {
            return Ok(0);
        }
        let kept = self.synced(&found).min(found.len());
        if kept < found.len() {
            file.set_len(kept).with_context(about)?;
        }
        Ok(found.len() - kept)
    }

    /// Bytes of a file that a loss of power cannot take.
    fn synced(&self, found: &fs::Metadata) -> u64 {
        let birth = found.created().ok();
        let birth = birth.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let birth = birth.map_or(0, |since| since.as_nanos());
        let noted = self.orders.join(format!("synced/{}-{birth}", found.ino()));
        let text = fs::read_to_string(noted).unwrap_or_default();
        // Without its dot it was being written when its process was killed: then nothing is sure.
        let length = text.strip_suffix('.').and_then(|text| text.parse().ok());
        length.unwrap_or(0)
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
    use std::time::{Instant, SystemTime};

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
    fn a_loss_of_power_takes_what_was_not_synced() {
        let dir = tempfile::tempdir().unwrap();
        let interposer = Interposer::build(dir.path()).unwrap();
        let data = dir.path().join("data");
        fs::create_dir_all(data.join("deep")).unwrap();
        let (file, never) = (data.join("deep/file"), data.join("never"));
        let (f, n) = (file.display(), never.display());
        let script = format!("echo 1234567 > {f}; sync {f}; echo 890 >> {f}; echo x > {n}");
        assert!(shell(&interposer, &script).0);
        assert_eq!(interposer.lose_power(&data).unwrap(), 6);
        assert_eq!(fs::read_to_string(&file).unwrap(), "1234567\n");
        assert_eq!(fs::read_to_string(&never).unwrap(), "");
        // A new file with the number of an old one has nothing of its.
        fs::remove_file(&file).unwrap();
        fs::write(&file, "again").unwrap();
        assert_eq!(interposer.lose_power(&data).unwrap(), 5);
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
