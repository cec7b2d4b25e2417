//! Where a Unix socket in the agent's directory is, that of the server for example, however long the path of the agent's directory.

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Bytes of a Unix socket's path (`sun_path` less its end mark).
const PATH_MAX: usize = 107;

/// The name of the server's socket.
pub(super) const NAME: &str = "redis.sock";

/// The socket by a path that fits, for this process and its children.
#[derive(Debug)]
pub(crate) struct Socket {
    path: PathBuf,
    /// The directory, where its path is too long; closed with the server.
    _held: Option<OwnedFd>,
}

impl Socket {
    /// The socket of this name in this directory, which exists.
    pub(crate) fn in_directory(dir: &Path, name: &str) -> io::Result<Self> {
        let path = std::path::absolute(dir)?.join(name);
        if path.as_os_str().len() <= PATH_MAX {
            return Ok(Self { path, _held: None });
        }
        // Not closed on exec: redis-server and its watchdog inherit it, so that the same number names it there too.
        let held = open(dir, OFlag::O_PATH | OFlag::O_DIRECTORY, Mode::empty())?;
        Ok(Self {
            path: PathBuf::from(format!("/proc/self/fd/{}/{name}", held.as_raw_fd())),
            _held: Some(held),
        })
    }

    /// The path, valid in this process and its children while this lives.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn the_longest_plain_path_is_taken_as_it_is() {
        let fits = "/".to_owned() + &"d".repeat(PATH_MAX - NAME.len() - 2);
        let socket = Socket::in_directory(Path::new(&fits), NAME).expect("nothing to open");
        assert_eq!(socket.path(), Path::new(&fits).join(NAME));
        assert_eq!(socket.path().as_os_str().len(), PATH_MAX);
    }

    #[test]
    fn a_longer_one_is_reached_all_the_same() {
        let dir = tempfile::tempdir().expect("a directory");
        let long = dir.path().join("d".repeat(100)).join("e".repeat(200));
        std::fs::create_dir_all(&long).expect("created");
        let socket = Socket::in_directory(&long, NAME).expect("opened");
        let _listener = UnixListener::bind(socket.path()).expect("bound");
        assert!(long.join(NAME).exists());
        UnixStream::connect(socket.path()).expect("connected");
    }
}
