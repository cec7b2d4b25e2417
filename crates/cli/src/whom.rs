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

#[derive(Debug, Args)]
pub(crate) struct WhomArgs {
    /// A sentinel's client address; may be given several times. Default: those of the group in --dir,
    /// else 127.0.0.1:26379.
    #[arg(
        long,
        env = "HOLDFAST_SENTINEL",
        value_name = "HOST:PORT",
        value_delimiter = ','
    )]
    sentinel: Vec<Address>,
    /// Folder of a group that `holdfast up` runs.
    #[arg(long, env = "HOLDFAST_DIR", value_name = "DIR", default_value = DEFAULT_DIR)]
    pub(crate) dir: PathBuf,
    /// The group; may be left out where the sentinels serve only one.
    #[arg(long, env = "HOLDFAST_GROUP", value_name = "NAME")]
    group: Option<String>,
    /// File with the password of the sentinels, where they ask for one.
    #[arg(long, env = "HOLDFAST_CLIENT_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl WhomArgs {
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

    /// What `holdfast up` runs in --dir, if there is such a group.
    pub(crate) fn manifest(&self) -> Result<Option<Manifest>, Failure> {
        let path = self.dir.join(MANIFEST_FILE);
        if !path.exists() {
            return Ok(None);
        }
        Manifest::read(&path)
            .map(Some)
            .map_err(|error| Failure::new(Exit::BadInput, format!("{error:#}")))
    }
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
