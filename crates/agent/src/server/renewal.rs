//! Bringing a running server to a changed configuration: no restart, no client sent away.

use super::config::{Change, Rendered, changes};
use super::{Configuration, Link, LinkError};

/// Where the server's configuration stands and what is wanted of it.
#[derive(Debug)]
pub struct Renewal {
    /// What the server runs with, as far as it took it.
    applied: Configuration,
}

/// Why a change has to wait; it is worth trying again.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct RenewalError {
    what: String,
    why: LinkError,
}

impl Renewal {
    /// Of a server that was started with this.
    pub fn new(started_with: Configuration) -> Self {
        Self {
            applied: started_with,
        }
    }

    /// What it runs with.
    pub fn applied(&self) -> &Rendered {
        &self.applied.rendered
    }

    /// Brings the server to `wanted`. Returns what was changed, and what the server refused, which then counts from its
    /// next start on.
    ///
    /// # Errors
    /// When the server does not answer: it may do so later.
    pub async fn renew(
        &mut self,
        link: &mut Link,
        wanted: &Configuration,
    ) -> Result<(Vec<String>, Vec<String>), RenewalError> {
        let mut all = changes(&self.applied.rendered.text, &wanted.rendered.text);
        // Redis reads the files again even if their names are the same; all at once, since they must fit each other.
        if self.applied.certificates != wanted.certificates {
            all.retain(|change| !names_certificates(change));
            all.extend(certificates(&wanted.rendered.text));
        }
        let (mut changed, mut refused) = (Vec::new(), Vec::new());
        for change in all {
            let words: Vec<&str> = change.command.iter().map(String::as_str).collect();
            match link.command(&words).await {
                Ok(_) => changed.push(change.what),
                Err(LinkError::Refused { said, .. }) => {
                    refused.push(format!("{} ({said})", change.what));
                }
                Err(why) => {
                    return Err(RenewalError {
                        what: change.what,
                        why,
                    });
                }
            }
        }
        self.applied = wanted.clone();
        Ok((changed, refused))
    }
}

/// One command for all files of TLS.
fn certificates(text: &str) -> Option<Change> {
    let mut command = vec!["CONFIG".to_owned(), "SET".to_owned()];
    for change in changes("", text) {
        if names_certificates(&change) {
            command.extend(change.command.into_iter().skip(2));
        }
    }
    (command.len() > 2).then(|| Change {
        what: "certificates".to_owned(),
        command,
    })
}

fn names_certificates(change: &Change) -> bool {
    change.what.starts_with("tls-") && change.what.ends_with("-file")
}
