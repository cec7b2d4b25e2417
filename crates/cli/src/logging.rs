//! Logs: one line each to stderr, for people or as JSON.

mod patient;

pub(crate) use patient::flush;

use crate::exit::Failure;
use crate::paint;
use clap::{Args, ValueEnum};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// How to log.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Form of the log lines on stderr.
    #[arg(long, global = true, env = "HOLDFAST_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT", hide_env_values = true)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Starts logging for the whole process.
pub(crate) fn start(args: &LogArgs) -> Result<(), Failure> {
    let filter = std::env::var("HOLDFAST_LOG").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        Failure::bad_input(format!(
            "HOLDFAST_LOG={filter}: {error}; use error, warn, info, debug or trace"
        ))
    })?;
    let colours = std::io::stderr().is_terminal() && paint::wanted();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| patient::Patient)
        .with_ansi(colours);
    match args.log_format {
        LogFormat::Text => lines.compact().init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    Ok(())
}
