//! Other programs, each with a limit of time.

use anyhow::{Context as _, bail};
use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs a command to its end and returns what it printed; fails when it fails or takes longer than `limit`.
pub(crate) fn run(
    command: &Command,
    limit: Duration,
    input: Option<&str>,
) -> anyhow::Result<String> {
    let shown = shown(command);
    let mut child = bounded(command, limit)
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {shown}"))?;
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
        pipe.write_all(text.as_bytes())?;
    }
    let done = child.wait_with_output()?;
    if done.status.code() == Some(TIMED_OUT) {
        bail!("{shown}: not done after {} s", limit.as_secs());
    }
    if !done.status.success() {
        bail!("{shown}: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// What `timeout` ends with when it had to end the command.
const TIMED_OUT: i32 = 124;

/// The same command under coreutils' `timeout`, which also ends what hangs.
fn bounded(command: &Command, limit: Duration) -> Command {
    let mut bounded = Command::new("timeout");
    bounded
        .args(["--kill-after=5", &limit.as_secs_f32().to_string()])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bounded.env(name, value),
            None => bounded.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        bounded.current_dir(folder);
    }
    bounded
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words
        .take(12)
        .map(|word: &OsStr| word.to_string_lossy().into_owned())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn output_failure_and_limit() {
        let limit = Duration::from_secs(5);
        assert_eq!(run(&Command::new("cat"), limit, Some("in")).unwrap(), "in");
        assert!(run(&Command::new("false"), limit, None).is_err());
        let mut sleep = Command::new("sleep");
        sleep.arg("30");
        let error = run(&sleep, Duration::from_millis(100), None).unwrap_err();
        assert!(error.to_string().contains("not done"), "{error}");
    }
}
