//! Which redis-server there is, and whether it will do.

use crate::error::StartError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// The oldest redis-server that is supported.
pub const OLDEST_SERVER: (u32, u32, u32) = (6, 2, 0);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Name and version of a server binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVersion {
    /// `Redis` or `Valkey`.
    pub name: String,
    /// Major, minor, patch.
    pub version: (u32, u32, u32),
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.version;
        write!(f, "{} {major}.{minor}.{patch}", self.name)
    }
}

impl ServerVersion {
    /// Reads the first line of `redis-server --version`, for example `Redis server v=7.0.15 sha=…`.
    fn parse(line: &str) -> Option<Self> {
        let name = line.split_whitespace().next()?;
        let version = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("v="))?;
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
        let version = (numbers.next()??, numbers.next()??, numbers.next()??);
        Some(Self {
            name: name.to_owned(),
            version,
        })
    }
}

/// The full path of `server`, which is a path or a name found in PATH.
pub(crate) fn find_server(server: &Path) -> Result<PathBuf, StartError> {
    let found = if server.components().count() > 1 {
        is_program(server).then(|| server.to_owned())
    } else {
        in_path(server)
    };
    let found = found.and_then(|path| std::path::absolute(path).ok());
    found.ok_or_else(|| StartError::bad(missing(server)))
}

fn missing(server: &Path) -> String {
    format!(
        "no executable `{}` found: install Redis (`make up` does it; Debian and Ubuntu: apt install redis-server) \
         or name one with --server PATH",
        server.display()
    )
}

fn in_path(name: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|candidate| is_program(candidate))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Asks the binary for its version and refuses one that is too old.
pub(crate) async fn check_server(path: &Path) -> Result<ServerVersion, StartError> {
    let asked = Command::new(path)
        .arg("--version")
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(ANSWER_WITHIN, asked)
        .await
        .map_err(|_| {
            StartError::bad(format!(
                "{} --version did not answer within 5 s: is it a redis-server?",
                path.display()
            ))
        })?
        .map_err(|error| StartError::bad(format!("cannot run {}: {error}", path.display())))?;
    let text = String::from_utf8_lossy(&output.stdout);
    judge(path, text.lines().next().unwrap_or_default())
}

fn judge(path: &Path, line: &str) -> Result<ServerVersion, StartError> {
    let version = ServerVersion::parse(line).ok_or_else(|| {
        StartError::bad(format!(
            "{} is no redis-server or valkey-server: --version says `{}`",
            path.display(),
            line.trim()
        ))
    })?;
    if version.version < OLDEST_SERVER {
        let (major, minor, _) = OLDEST_SERVER;
        return Err(StartError::bad(format!(
            "{} is {version}: Holdfast needs {major}.{minor} or newer; install one, or name one with --server PATH",
            path.display()
        )));
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_redis_and_valkey() {
        let redis = judge(
            Path::new("r"),
            "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64",
        )
        .unwrap();
        assert_eq!(redis.to_string(), "Redis 7.0.15");
        let valkey = judge(
            Path::new("v"),
            "Valkey server v=8.1.1 sha=00000000:0 malloc=libc bits=64",
        )
        .unwrap();
        assert_eq!(valkey.to_string(), "Valkey 8.1.1");
    }

    #[test]
    fn refuses_an_old_one_and_says_what_is_needed() {
        let said = judge(
            Path::new("/opt/redis-server"),
            "Redis server v=5.0.14 sha=0",
        )
        .unwrap_err()
        .to_string();
        assert!(
            said.contains("Redis 5.0.14") && said.contains("6.2 or newer"),
            "{said}"
        );
    }

    #[test]
    fn refuses_what_is_no_redis() {
        let said = judge(Path::new("/bin/cat"), "cat (GNU coreutils) 9.1")
            .unwrap_err()
            .to_string();
        assert!(said.contains("no redis-server"), "{said}");
    }
}
