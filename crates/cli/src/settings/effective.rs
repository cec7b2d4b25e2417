//! The settings that count, and where each came from.

use super::{RoleArgs, Settings};
use crate::exit::Failure;
use clap::ArgMatches;
use clap::parser::ValueSource;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// Complete options of a role.
pub(crate) struct Effective<S: Settings> {
    pub(crate) options: S::Options,
    /// Per key: `--flag`, `HOLDFAST_…` or the file; absent keys have their default.
    pub(crate) sources: BTreeMap<String, String>,
}

impl<S: Settings> Effective<S> {
    /// Lays flags and environment over the file. `matches` are those of the role's subcommand.
    pub(crate) fn of(args: &RoleArgs<S>, matches: &ArgMatches) -> Result<Self, Failure> {
        let mut sources = BTreeMap::new();
        if let Some(path) = &args.config {
            let of_file = Self::part(&read::<S>(path).map_err(Failure::bad_input)?)?;
            sources.extend(
                of_file
                    .into_iter()
                    .map(|(key, _)| (key, path.display().to_string())),
            );
        }
        for (key, _) in Self::part(&args.settings)? {
            let source = flag_or_variable::<S>(&key, matches);
            sources.insert(key, source);
        }
        let options = complete(args.config.as_deref(), &args.settings);
        Ok(Self {
            options: options.map_err(Failure::bad_input)?,
            sources,
        })
    }

    fn part(settings: &S) -> Result<Map<String, Value>, Failure> {
        object(settings).map_err(Failure::bad_input)
    }
}

/// The options: flags and environment, which are in `given`, over the file.
pub(super) fn complete<S: Settings>(file: Option<&Path>, given: &S) -> Result<S::Options, String> {
    let mut merged = match file {
        Some(path) => object(&read::<S>(path)?)?,
        None => Map::new(),
    };
    merged.extend(object(given)?);
    serde_json::from_value(Value::Object(merged)).map_err(|error| incomplete::<S>(&error))
}

fn read<S: Settings>(path: &Path) -> Result<S, String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!(
            "cannot read {}: {error}; name a file that can be read",
            path.display()
        )
    })?;
    serde_saphyr::from_str(&text).map_err(|error| {
        // What follows its first line is a picture of the same.
        let error = error.to_string();
        let line = error.lines().next().unwrap_or_default();
        let line = line.strip_prefix("error: ").unwrap_or(line);
        format!("{}: {line}", path.display())
    })
}

fn object(settings: &impl Settings) -> Result<Map<String, Value>, String> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err("the settings are no map".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn flag_or_variable<S: Settings>(key: &str, matches: &ArgMatches) -> String {
    match matches.value_source(key) {
        Some(ValueSource::EnvVariable) => variable_of(key),
        _ => flag_of(key),
    }
}

/// The flag of a key.
pub(crate) fn flag_of(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

/// The environment variable of a key.
pub(crate) fn variable_of(key: &str) -> String {
    format!("HOLDFAST_{}", key.to_uppercase())
}

fn incomplete<S: Settings>(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let Some(key) = text
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    else {
        return text;
    };
    format!(
        "{key} is not set: give {}, {} or `{key}:` in the file of --config (holdfast config example {})",
        flag_of(key),
        variable_of(key),
        S::ROLE
    )
}
