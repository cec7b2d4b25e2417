//! Which sentinels to ask.

use crate::exit::{Exit, Failure};
use crate::observation::Observation;
use crate::up::DEFAULT_DIR;
use clap::Args;
use holdfast_cluster::{MANIFEST_FILE, Manifest, SentinelClient};
use holdfast_core::names::Address;
use std::path::{Path, PathBuf};

/// Port of a sentinel where nothing else is known.
const USUAL: (&str, u16) = ("127.0.0.1", 26379);

/// The variable in place of --dir.
const VARIABLE: &str = "HOLDFAST_DIR";

#[derive(Debug, Args)]
pub(crate) struct WhomArgs {
    /// A sentinel's client address; may be given several times. Default: those of the group in --dir; where neither is
    /// given and no group is in the default folder, 127.0.0.1:26379.
    #[arg(
        long,
        env = "HOLDFAST_SENTINEL",
        value_name = "HOST:PORT",
        value_delimiter = ','
    )]
    sentinel: Vec<Address>,
    /// Folder of a group that `holdfast up` runs. [default: holdfast-data]
    #[arg(long, env = VARIABLE, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The group; may be left out where the sentinels serve only one.
    #[arg(long, env = "HOLDFAST_GROUP", value_name = "NAME")]
    group: Option<String>,
    /// File with the password of the sentinels, where they ask for one.
    #[arg(long, env = "HOLDFAST_CLIENT_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl WhomArgs {
    fn folder(&self) -> &Path {
        self.dir.as_deref().unwrap_or(Path::new(DEFAULT_DIR))
    }

    /// Whom to ask.
    pub(crate) fn client(&self) -> Result<SentinelClient, Failure> {
        let password = self.password_file.as_deref().map(password).transpose()?;
        let manifest = self.manifest()?.filter(|_| self.sentinel.is_empty());
        let group = self
            .group
            .clone()
            .or_else(|| manifest.as_ref().map(|manifest| manifest.group.clone()));
        let addresses = match manifest {
            _ if !self.sentinel.is_empty() => self.sentinel.clone(),
            Some(manifest) => manifest
                .sentinels
                .into_iter()
                .map(|sentinel| sentinel.address)
                .collect(),
            None => vec![Address::new(USUAL.0, USUAL.1)],
        };
        Ok(SentinelClient::new(addresses, group).with_password(password))
    }

    /// Whom to give an order that cannot be taken back: never a group that merely happens to answer.
    pub(crate) fn ordered(&self) -> Result<SentinelClient, Failure> {
        let named = !self.sentinel.is_empty() || self.group.is_some() || self.manifest()?.is_some();
        if !named {
            return Err(Failure::bad_input(format!(
                "no group is named, and {} holds none: give --dir DIR, --sentinel HOST:PORT or --group NAME",
                self.folder().display()
            )));
        }
        self.client()
    }

    /// What `holdfast up` runs in --dir, if there is such a group.
    ///
    /// # Errors
    /// When --dir was given on the command line and holds no group.
    pub(crate) fn manifest(&self) -> Result<Option<Manifest>, Failure> {
        let path = self.folder().join(MANIFEST_FILE);
        if !path.exists() {
            return match &self.dir {
                Some(dir) if self.sentinel.is_empty() && !by_variable(dir) => {
                    Err(Failure::bad_input(format!(
                        "no group is in {}: there is no {MANIFEST_FILE}; name the folder that `holdfast up` was given, or sentinels with --sentinel HOST:PORT",
                        dir.display()
                    )))
                }
                _ => Ok(None),
            };
        }
        Manifest::read(&path)
            .map(Some)
            .map_err(|error| Failure::new(Exit::BadInput, format!("{error:#}")))
    }
}

/// Processes of a role have their own folder in the variable; a command beside them means the sentinel of that machine.
fn by_variable(dir: &Path) -> bool {
    std::env::var_os(VARIABLE).is_some_and(|value| value == dir.as_os_str())
}

/// What nobody's answer means for the exit code.
pub(crate) fn unreachable(observation: &Observation) -> Failure {
    let said: Vec<String> = observation
        .views
        .iter()
        .filter_map(|(_, view)| view.as_ref().err().map(ToString::to_string))
        .collect();
    let locked = ["NOAUTH", "WRONGPASS"];
    let advice = if said
        .iter()
        .any(|text| locked.iter().any(|code| text.starts_with(code)))
    {
        "give the sentinels' password with --password-file FILE"
    } else {
        "is the group running?"
    };
    Failure::new(
        Exit::Unreachable,
        format!("no sentinel answers; {advice} {}", said.join("; ")),
    )
}

/// What a password file holds; white space at its end does not count.
pub(crate) fn password(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::bad_input(format!("cannot read {}: {error}", path.display())))?;
    Ok(text.trim_end().to_owned())
}
