//! The operator's own lines: which may stand, and how they are written.

use super::lines::{self, Line, quoted};
use super::{ConfigError, Inputs, owned, users};
use crate::Options;
use crate::server::USER;
use std::path::{Path, PathBuf};

/// What an operator may say of TLS, and the gate does not hear.
const GATE_IGNORES: &[&str] = &[
    "tls-protocols",
    "tls-ciphers",
    "tls-ciphersuites",
    "tls-prefer-server-ciphers",
    "tls-session-caching",
    "tls-session-cache-size",
    "tls-session-cache-timeout",
];

/// The operator's lines, judged: those of redis.conf, then the users of the ACL file.
pub(super) fn operators_lines(inputs: &Inputs<'_>) -> Result<Vec<Line>, ConfigError> {
    let Options {
        redis_conf,
        acl_file,
        ..
    } = inputs.options;
    let mut all = judged(
        inputs,
        inputs.redis_conf,
        redis_conf.as_deref(),
        "redis.conf",
    )?;
    let users = judged(inputs, inputs.acl, acl_file.as_deref(), "users.acl")?;
    if let Some(other) = users.iter().find(|line| line.key != "user") {
        return Err(ConfigError::Syntax {
            file: acl_file.clone().unwrap_or_default(),
            line: other.number,
            what: format!(
                "`{}` is no `user …` line; other settings go in redis_conf",
                other.key
            ),
        });
    }
    all.extend(users);
    Ok(all)
}

fn judged(
    inputs: &Inputs<'_>,
    text: Option<&str>,
    path: Option<&Path>,
    otherwise: &str,
) -> Result<Vec<Line>, ConfigError> {
    let file = || path.map_or_else(|| PathBuf::from(otherwise), Path::to_owned);
    let syntax = |line, what: String| ConfigError::Syntax {
        file: file(),
        line,
        what,
    };
    let parsed = lines::parse(text.unwrap_or_default())
        .map_err(|bad| syntax(bad.number, bad.what.to_owned()))?;
    for line in &parsed {
        if let Some(reason) = owned::reason(&line.key, &line.args, inputs.options.durability) {
            return Err(ConfigError::Owned {
                file: file(),
                line: line.number,
                key: line.key.clone(),
                reason,
            });
        }
        if line.key == "user" {
            judge_user(inputs, line).map_err(|what| syntax(line.number, what))?;
        }
    }
    Ok(parsed)
}

/// Whether an ACL line of the operator's can stand.
fn judge_user(inputs: &Inputs<'_>, line: &Line) -> Result<(), String> {
    match line.args.first().map(String::as_str) {
        None => Err("`user` names nobody".to_owned()),
        Some(USER) => Err(format!("the user `{USER}` is Holdfast's own; choose another name")),
        Some("default") if inputs.client_password.is_some() => {
            Err("the user `default` has its password from `client_password_file` already; keep one of the two".to_owned())
        }
        Some(_) => Ok(()),
    }
}

/// The operator's lines that say how TLS is to be spoken, where the gate speaks it.
pub(super) fn inert_lines(options: &Options, own: &[Line]) -> Vec<String> {
    let of_tls = |line: &&Line| GATE_IGNORES.contains(&line.key.as_str());
    let inert = own.iter().filter(of_tls).filter(|_| options.gated());
    let told = inert.map(|line| {
        format!(
            "`{}` does not count for clients: the gate speaks TLS 1.2 and 1.3 to them",
            line.key
        )
    });
    told.collect()
}

/// A line of the operator's as it goes into the file.
pub(super) fn written(line: &Line, denied: &str) -> String {
    if line.key == "user" {
        return users::guarded(&line.args, denied);
    }
    let args = line.args.iter().map(|arg| quoted(arg));
    std::iter::once(line.key.clone())
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}
