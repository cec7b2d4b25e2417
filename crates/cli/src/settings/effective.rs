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
        let mut merged = Map::new();
        let mut sources = BTreeMap::new();
        if let Some(path) = &args.config {
            let file: S = read(path)?;
            for (key, value) in object(&file)? {
                sources.insert(key.clone(), path.display().to_string());
                merged.insert(key, value);
            }
        }
        for (key, value) in object(&args.settings)? {
            sources.insert(key.clone(), flag_or_variable::<S>(&key, matches));
            merged.insert(key, value);
        }
        let options = serde_json::from_value(Value::Object(merged))
            .map_err(|error| incomplete::<S>(&error))?;
        Ok(Self { options, sources })
    }
}

fn read<S: Settings>(path: &Path) -> Result<S, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::bad_input(format!("cannot read {}: {error}", path.display())))?;
    serde_saphyr::from_str(&text)
        .map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))
}

fn object(settings: &impl Settings) -> Result<Map<String, Value>, Failure> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Failure::bad_input("the settings are no map")),
        Err(error) => Err(Failure::bad_input(error)),
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

fn incomplete<S: Settings>(error: &serde_json::Error) -> Failure {
    let text = error.to_string();
    let Some(key) = text
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    else {
        return Failure::bad_input(text);
    };
    Failure::bad_input(format!(
        "{key} is not set: give {}, {} or `{key}:` in the file of --config (holdfast config example {})",
        flag_of(key),
        variable_of(key),
        S::ROLE
    ))
}
