//! Which server is it, and is it new enough?

use holdfast_core::server_version::ServerVersion;
use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Oldest server that Holdfast runs: `CLIENT PAUSE … WRITE` and `FAILOVER` (denied to clients by name) are of 6.2.
const OLDEST: (u32, u32) = (6, 2);

/// How long `--version` may take before the file is taken for something else.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// redis-server.
    Redis,
    /// valkey-server.
    Valkey,
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        })
    }
}

/// A server that can be run: its path and what it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Absolute or relative path of the executable, never a bare name.
    pub executable: PathBuf,
    /// Redis or Valkey.
    pub flavour: Flavour,
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
    /// The file that was asked.
    pub mark: Option<FileMark>,
}

/// What tells one file from another in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMark {
    inode: u64,
    device: u64,
    changed: (i64, i64),
}

impl FileMark {
    fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        Some(Self {
            inode: meta.ino(),
            device: meta.dev(),
            changed: (meta.mtime(), meta.mtime_nsec()),
        })
    }
}

impl Version {
    /// Runs `SERVER --version` (a bare name is looked up in `PATH`) and refuses what cannot be run or is too old.
    /// Blocks for a few milliseconds, at most 5 s.
    pub fn detect(server: &Path) -> Result<Self, VersionError> {
        let executable = find(server)?;
        let said = say_version(&executable)?;
        let version =
            Self::parse(&executable, &said).ok_or_else(|| VersionError::Unrecognised {
                path: executable.clone(),
                said: said
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(80)
                    .collect(),
            })?;
        if version.at_least(OLDEST.0, OLDEST.1) {
            Ok(version)
        } else {
            Err(VersionError::TooOld {
                path: executable,
                version: version.number(),
            })
        }
    }

    /// The same program as it is now: an upgrade of the machine may have put another in its place. One that cannot be looked
    /// at stays what it was; its start will tell. Runs it only where its file has changed.
    #[must_use]
    pub fn renewed(&self) -> Self {
        if FileMark::of(&self.executable) == self.mark {
            return self.clone();
        }
        Self::detect(&self.executable).unwrap_or_else(|_| self.clone())
    }

    /// Is it this version or a later one? Valkey counts on from Redis 7.2.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        (self.major, self.minor) >= (major, minor)
    }

    /// Name and number, as they are told to others.
    pub fn named(&self) -> ServerVersion {
        ServerVersion {
            name: self.flavour.to_string(),
            major: self.major,
            minor: self.minor,
            patch: self.patch,
        }
    }

    /// The number as text, for example `7.0.15`.
    pub fn number(&self) -> String {
        format!("{}.{}.{}", self.major, self.minor, self.patch)
    }

    /// Reads `Redis server v=7.0.15 sha=…` and `Valkey server v=8.0.1 sha=…`.
    fn parse(executable: &Path, said: &str) -> Option<Self> {
        let line = said.lines().find(|line| line.contains("server v="))?;
        let number = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("v="))?;
        let mut parts = number.split('.').map(|part| {
            // Release candidates: `8.1.0-rc1`.
            part.split('-').next().unwrap_or(part).parse::<u32>().ok()
        });
        let flavour = if line.to_ascii_lowercase().starts_with("valkey") {
            Flavour::Valkey
        } else {
            Flavour::Redis
        };
        Some(Self {
            executable: executable.to_owned(),
            flavour,
            major: parts.next()??,
            minor: parts.next()??,
            patch: parts.next().flatten().unwrap_or(0),
            mark: FileMark::of(executable),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.flavour, self.number())
    }
}

/// Why a server cannot be used. Each reads as one line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// No such file, or no such name in `PATH`.
    #[error("no server at `{}`: install redis-server or valkey-server (6.2 or later), or name it with --server PATH", server.display())]
    Missing {
        /// What was asked for.
        server: PathBuf,
    },
    /// It exists but does not run.
    #[error("cannot run `{}`: {why}; make it executable for this user, or name another with --server PATH", path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// It runs but does not speak of a Redis or Valkey version.
    #[error("`{} --version` does not name a Redis or Valkey version (it said `{said}`): give the path of redis-server or valkey-server with --server PATH", path.display())]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// The start of its answer.
        said: String,
    },
    /// Older than 6.2.
    #[error("`{}` is version {version}, and Holdfast needs 6.2 or later: install a newer server, or name another with --server PATH", path.display())]
    TooOld {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
}

/// The file meant by a path or by a name in `PATH`. Images of Valkey may know it by its own name only.
fn find(server: &Path) -> Result<PathBuf, VersionError> {
    let missing = || VersionError::Missing {
        server: server.to_owned(),
    };
    if server.components().count() > 1 {
        return if server.is_file() {
            Ok(server.to_owned())
        } else {
            Err(missing())
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = |name: &Path| {
        std::env::split_paths(&path)
            .map(|dir| dir.join(name))
            .find(|file| file.is_file())
    };
    let other = || {
        let redis = server == Path::new("redis-server");
        redis.then(|| in_path(Path::new("valkey-server"))).flatten()
    };
    in_path(server).or_else(other).ok_or_else(missing)
}

/// What it prints, with a limit on time (4 KiB at most are read).
fn say_version(path: &Path) -> Result<String, VersionError> {
    let refuse = |error: std::io::Error| VersionError::NotExecutable {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let mut child = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(refuse)?;
    let started = Instant::now();
    while child.try_wait().map_err(refuse)?.is_none() {
        if started.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut said = Vec::new();
    if let Some(out) = child.stdout.take() {
        out.take(4096).read_to_end(&mut said).map_err(refuse)?;
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_servers_print() {
        let read = |said| Version::parse(Path::new("x"), said).map(|v| (v.flavour, v.number()));
        let redis =
            "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4\n";
        assert_eq!(read(redis), Some((Flavour::Redis, "7.0.15".into())));
        let valkey = "Valkey server v=8.1.0-rc1 sha=0 malloc=libc bits=64 build=1";
        assert_eq!(read(valkey), Some((Flavour::Valkey, "8.1.0".into())));
        assert_eq!(read("redis-cli 7.0.15"), None);
        assert_eq!(read("Redis server v=seven"), None);
    }
}
