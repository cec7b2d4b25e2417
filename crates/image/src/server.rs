//! Images with the distribution's redis-server or valkey-server, for tests and where nothing can be pulled.
//! They are laid out as the official images are: programs in PATH, user 999, data at /data.

use crate::image::{Image, Settings};
use crate::tree::Tree;
use anyhow::{Context as _, bail};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// redis-server and redis-cli.
    Redis,
    /// valkey-server and valkey-cli, also under Redis' names.
    Valkey,
}

impl Server {
    /// `redis` or `valkey`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }

    /// The version installed here, for example `7.0.15`.
    pub fn version(self) -> anyhow::Result<String> {
        let program = self.program("server")?;
        let said = output(&program, "--version")?;
        let version = said
            .split_whitespace()
            .find_map(|word| word.strip_prefix("v="));
        version
            .map(Into::into)
            .with_context(|| format!("{}: no version in {said:?}", program.display()))
    }

    /// An image with the programs installed on this machine and the libraries that they load.
    pub fn image(self, name: &str) -> anyhow::Result<Image> {
        let settings = Settings {
            name: name.into(),
            architecture: crate::Target::host("").architecture()?.into(),
            user: "999:999".into(),
            command: vec![format!("{}-server", self.name())],
            folder: "/data".into(),
            labels: vec![
                ("title".into(), self.name().into()),
                ("version".into(), self.version()?),
            ],
            ..Settings::default()
        };
        Image::new(&settings, &self.tree()?)
    }

    fn tree(self) -> anyhow::Result<Tree> {
        let mut tree = Tree::default();
        tree.folder("/tmp", 0o1777, 0);
        tree.folder("/data", 0o755, 999);
        tree.file(
            "/etc/passwd",
            0o644,
            format!("root:x:0:0::/:\n{}:x:999:999::/data:\n", self.name()).into(),
        );
        for part in ["server", "cli"] {
            let program = self.program(part)?;
            let place = format!("/usr/local/bin/{}-{part}", self.name());
            tree.file(&place, 0o755, std::fs::read(&program)?);
            for library in libraries(&program)? {
                tree.copy(&library, 0o755)
                    .with_context(|| format!("copying {}", library.display()))?;
            }
            if self == Self::Valkey {
                tree.link(
                    &format!("/usr/local/bin/redis-{part}"),
                    &format!("valkey-{part}"),
                );
            }
        }
        Ok(tree)
    }

    fn program(self, part: &str) -> anyhow::Result<PathBuf> {
        let name = format!("{}-{part}", self.name());
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .map(|folder| folder.join(&name))
            .find(|candidate| candidate.is_file())
            .with_context(|| {
                format!(
                    "{name} is not installed here: run scripts/install-{}",
                    self.name()
                )
            })
    }
}

/// The libraries that a program loads, the loader included, as `ldd` finds them.
fn libraries(program: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listed = output(Path::new("ldd"), program)?;
    if let Some(missing) = listed.lines().find(|line| line.contains("not found")) {
        bail!(
            "{}: a library is missing: {}",
            program.display(),
            missing.trim()
        );
    }
    let paths = listed
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    Ok(paths.map(PathBuf::from).collect())
}

fn output(program: &Path, argument: impl AsRef<std::ffi::OsStr>) -> anyhow::Result<String> {
    let done = Command::new(program)
        .arg(argument)
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    if !done.status.success() {
        bail!(
            "{} failed: {}",
            program.display(),
            String::from_utf8_lossy(&done.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
