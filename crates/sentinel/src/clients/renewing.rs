//! Users and certificates that change while clients are served.

use super::asking::protocol_options;
use crate::options::Options;
use holdfast_protocol::Renewal;
use std::sync::{Mutex, PoisonError};

/// Who may log in, and by which certificates clients are met.
pub(super) struct Guard {
    renewal: Renewal,
    identity: String,
    /// As last taken over: users that a client has changed since stay as that client wanted them until the files change.
    last: Mutex<Logins>,
}

/// What the files say.
#[derive(PartialEq, Eq)]
struct Logins {
    password: Option<String>,
    users: Vec<String>,
    certificates: Vec<Option<Vec<u8>>>,
}

impl Guard {
    pub(super) fn new(
        renewal: Renewal,
        identity: &str,
        options: &holdfast_protocol::Options,
    ) -> Self {
        Self {
            renewal,
            identity: identity.to_owned(),
            last: Mutex::new(Logins::of(options)),
        }
    }

    /// Reads the files again, and takes over what has changed. What cannot be used is told, and the old goes on.
    pub(super) fn renew(&self, options: &Options) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = match protocol_options(options, &self.identity) {
            Ok(asked) => asked,
            Err(error) => return tracing::warn!("read who may log in again: {error:#}"),
        };
        let now = Logins::of(&asked);
        if *last == now {
            return;
        }
        match self.renewal.renew(&asked) {
            Ok(()) => {
                *last = now;
                tracing::info!("took over changed passwords, users or certificates for clients");
            }
            Err(error) => tracing::warn!(
                "take over changed passwords, users or certificates: {error}; the old ones stay"
            ),
        }
    }
}

impl Logins {
    fn of(options: &holdfast_protocol::Options) -> Self {
        let files = options.tls.iter().flat_map(|tls| {
            [
                Some(&tls.certificate),
                Some(&tls.key),
                tls.client_authorities.as_ref(),
            ]
        });
        Self {
            password: options.requirepass.clone(),
            users: options.users.clone(),
            certificates: files.map(|path| std::fs::read(path?).ok()).collect(),
        }
    }
}
