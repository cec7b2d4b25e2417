//! Settings of Holdfast's that somebody changed on the running server, and bringing them back.
//!
//! Whoever may say `CONFIG SET` can change them (in `async` every user may, unless the operator's ACL says otherwise), and the
//! server tells nobody. So they are asked for every few seconds: 20 small commands in one write. The write fence and whom the
//! server follows are seen in every look at its replication; they are the agent's to judge.

use super::config::{Rendered, setting};
use super::link::{Link, LinkError};
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Keys that a running server lets be changed, and that only Holdfast sets.
const WATCHED: &[&str] = &[
    "bind",
    "dbfilename",
    "masterauth",
    "masteruser",
    "min-replicas-max-lag",
    "port",
    "propagation-error-behavior",
    "protected-mode",
    "repl-backlog-ttl",
    "repl-diskless-load",
    "repl-ping-replica-period",
    "repl-timeout",
    "replica-announce-ip",
    "replica-announce-port",
    "replica-priority",
    READ_ONLY,
    "replica-serve-stale-data",
    "tls-port",
];

/// What keeps a replica's data its primary's.
const READ_ONLY: &str = "replica-read-only";
const CLIENTS: &str = "maxclients";
const MAXMEMORY: &str = "maxmemory";
const BACKLOG: &str = "repl-backlog-size";

/// Fewer clients than this are too few: agent, watchdog, gate and replicas need places of their own.
const CLIENTS_MIN: u64 = 128;

/// `maxclients` of a server that is told no number.
const CLIENTS_DEFAULT: &str = "10000";

/// A key that is changed again and again is told of once in this time.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// One setting that was not what it should be, and is again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The key.
    pub key: String,
    /// What the server said.
    pub found: String,
    /// What it has been told.
    pub wanted: String,
}

impl Drift {
    /// Whether clients may have written to a replica meanwhile.
    pub fn let_replicas_be_written(&self) -> bool {
        self.key == READ_ONLY
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, found, wanted } = self;
        match key.as_str() {
            "masterauth" => write!(
                f,
                "`{key}` was changed on the running server, and is set again"
            ),
            BACKLOG => write!(f, "`{key}` is {wanted} now, to fit `maxmemory`"),
            CLIENTS => write!(
                f,
                "`{key}` was {found} on the running server, too few for Holdfast's own connections, and is {wanted} again"
            ),
            _ => write!(
                f,
                "`{key}` was changed to `{found}` on the running server, and is `{wanted}` again: Holdfast owns it"
            ),
        }
    }
}

/// What is remembered of one server from one look to the next.
#[derive(Debug, Default)]
pub struct Guard {
    /// The size of the backlog that Holdfast gave last.
    backlog: Option<u64>,
    told: BTreeMap<String, Instant>,
}

impl Guard {
    /// Looks at the settings of a server that was configured like this, and brings back what is not as it should be. Returns
    /// what was found and is worth telling.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a command; it is looked at again later.
    pub async fn look(
        &mut self,
        link: &mut Link,
        rendered: &Rendered,
    ) -> Result<Vec<Drift>, LinkError> {
        let own = [CLIENTS, MAXMEMORY, BACKLOG];
        let keys: Vec<&str> = WATCHED.iter().copied().chain(own).collect();
        let found = link.settings(&keys).await?;
        let mut drifts: Vec<Drift> = WATCHED
            .iter()
            .filter_map(|key| changed(key, &found, &rendered.text))
            .filter(|drift| drift.found != rendered.other_auth)
            .collect();
        drifts.extend(few_clients(&found, &rendered.text));
        drifts.extend(self.backlog(&found, rendered));
        for drift in &drifts {
            let set = ["CONFIG", "SET", &drift.key, &drift.wanted];
            link.command(&set).await?;
        }
        Ok(drifts.into_iter().filter(|d| self.is_news(d)).collect())
    }

    /// The backlog follows `maxmemory`, unless somebody gave it another size that fits.
    fn backlog(&mut self, found: &Settings, rendered: &Rendered) -> Option<Drift> {
        let number = |key: &str| found.get(key)?.parse::<u64>().ok();
        let (maxmemory, now) = (number(MAXMEMORY)?, number(BACKLOG)?);
        let wanted = rendered.backlog.bytes(maxmemory);
        let given = self.backlog.get_or_insert(now);
        let ours =
            now == *given && matches!(rendered.backlog, super::config::memory::Backlog::Within(_));
        let large = maxmemory > 0 && now > wanted;
        (now != wanted && (ours || large)).then(|| {
            *given = wanted;
            Drift {
                key: BACKLOG.to_owned(),
                found: now.to_string(),
                wanted: wanted.to_string(),
            }
        })
    }

    fn is_news(&mut self, drift: &Drift) -> bool {
        let now = Instant::now();
        let told = self.told.get(&drift.key);
        let news = told.is_none_or(|at| now.duration_since(*at) >= TELL_EVERY);
        if news {
            self.told.insert(drift.key.clone(), now);
        }
        news || drift.let_replicas_be_written()
    }
}

/// Keys and values, as the server says them.
type Settings = BTreeMap<String, String>;

/// A key that is not as its file says. One that the server or the file does not have is not missed.
fn changed(key: &str, found: &Settings, text: &str) -> Option<Drift> {
    let (found, wanted) = (found.get(key)?, setting(text, key)?);
    (*found != wanted).then(|| Drift {
        key: key.to_owned(),
        found: found.clone(),
        wanted,
    })
}

fn few_clients(found: &Settings, text: &str) -> Option<Drift> {
    let found = found.get(CLIENTS)?;
    let configured = setting(text, CLIENTS);
    let few = found.parse::<u64>().ok()? < CLIENTS_MIN && configured.as_ref() != Some(found);
    few.then(|| Drift {
        key: CLIENTS.to_owned(),
        found: found.clone(),
        wanted: configured.unwrap_or_else(|| CLIENTS_DEFAULT.to_owned()),
    })
}
