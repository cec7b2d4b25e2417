//! Exit codes that mean something, and the one line that explains a failure.

use holdfast_cluster::StartError;
use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

/// For `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done; all is well (status, wait, doctor)
  1  failed: the machine or the group would not do it
  2  bad usage or bad input: nothing was done
  3  not all is well: no primary that takes writes, a node that is not up, a sentinel that is not connected or does not
     vote, or trouble (status); not within the timeout (wait); a problem was found (doctor)
  4  no sentinel answers (status, wait, failover, doctor), or no agent (clients)

Data goes to stdout, everything else to stderr. HOLDFAST_LOG sets the log level (error, warn, info, debug,
trace or a filter such as holdfast_agent=debug); NO_COLOR turns colours off.";

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    Failed = 1,
    BadInput = 2,
    Unhealthy = 3,
    Unreachable = 4,
}

/// A failure: its code and what to tell.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    text: String,
}

pub(crate) type Outcome = Result<Exit, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Display) -> Self {
        Self {
            exit,
            text: text.to_string(),
        }
    }

    pub(crate) fn failed(error: &anyhow::Error) -> Self {
        Self::new(Exit::Failed, format!("{error:#}"))
    }

    /// The same in other words.
    #[must_use]
    pub(crate) fn reworded(self, words: impl FnOnce(&str) -> String) -> Self {
        Self::new(self.exit, words(&self.text))
    }

    pub(crate) fn bad_input(text: impl Display) -> Self {
        Self::new(Exit::BadInput, text)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let exit = match error {
            StartError::BadInput(_) => Exit::BadInput,
            StartError::Failed(_) => Exit::Failed,
        };
        Self::new(exit, error)
    }
}

/// Says what went wrong, on stderr, and turns the outcome into the process's exit code.
pub(crate) fn report(outcome: Outcome) -> ExitCode {
    let exit = outcome.unwrap_or_else(|failure| {
        // Nobody may be listening there either.
        let _ = writeln!(std::io::stderr(), "holdfast: {}", failure.text);
        failure.exit
    });
    ExitCode::from(exit as u8)
}
