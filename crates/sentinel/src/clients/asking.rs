//! What clients ask for.

use super::{ACTION_MAX, Clients};
use crate::decisions::Decisions;
use crate::options::Options;
use anyhow::Context;
use holdfast_core::names::{Group, Node};
use holdfast_core::sentinel::{Request, SentinelCore};
use holdfast_core::status::GroupStatus;
use holdfast_core::time::Millis;
use holdfast_protocol::{ActionKind, ActionRequest, ClientLimits, TlsOptions};
use std::net::{Ipv4Addr, ToSocketAddrs};

/// A client's request, with the way back.
pub(crate) type Asked = ActionRequest;

/// The options of the clients' server.
pub(super) fn protocol_options(
    options: &Options,
    identity: &str,
) -> anyhow::Result<holdfast_protocol::Options> {
    let mut listen: Vec<_> = (options.listen.host.as_str(), options.listen.port)
        .to_socket_addrs()
        .with_context(|| format!("look up {}", options.listen.host))?
        .collect();
    // All addresses of this host, of either family.
    if options.listen.host == "::" {
        listen.insert(0, (Ipv4Addr::UNSPECIFIED, options.listen.port).into());
    }
    let tls = match (&options.tls_cert_file, &options.tls_key_file) {
        (Some(certificate), Some(key)) => Some(TlsOptions {
            certificate: certificate.clone(),
            key: key.clone(),
            client_authorities: options.tls_client_ca_file.clone(),
        }),
        (None, None) => None,
        _ => anyhow::bail!(
            "tls_cert_file and tls_key_file belong together; only one of them is given"
        ),
    };
    let read = |path: &std::path::PathBuf| {
        std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
    };
    let users = options
        .acl_file
        .as_ref()
        .map(read)
        .transpose()?
        .unwrap_or_default();
    let password = options
        .client_password_file
        .as_ref()
        .map(read)
        .transpose()?;
    let (plain, secure) = if tls.is_some() {
        (Vec::new(), listen)
    } else {
        (listen, Vec::new())
    };
    Ok(holdfast_protocol::Options {
        listen: plain,
        listen_tls: secure,
        tls,
        requirepass: password.map(|p| p.trim_end().to_owned()),
        users: users
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
            .map(Into::into)
            .collect(),
        limits: ClientLimits {
            max_clients: options.max_clients,
            action: ACTION_MAX,
            ..ClientLimits::default()
        },
        open_administration: options.open_administration,
        run_id: identity.to_owned(),
    })
}

impl Clients {
    /// Answers at once what needs no decision; returns what the core has to deal with.
    pub(crate) fn begin(
        &mut self,
        now: Millis,
        core: &SentinelCore,
        decisions: &Decisions,
        asked: Asked,
    ) -> Option<(u64, Group, Request)> {
        let (group, request) = match &asked.kind {
            ActionKind::Failover { group, .. } => {
                (Group::from(group.clone()), Request::Handoff(None))
            }
            ActionKind::Holdfast(words) => match parse(core, words) {
                Ok(Word::Do(group, request)) => (group, request),
                Ok(Word::Status(group)) => {
                    let text = self.status(now, core, decisions, group.as_ref());
                    let _ = asked.reply.send(text);
                    return None;
                }
                Ok(Word::Decisions(group)) => {
                    let text =
                        serde_json::to_string(&decisions.of(&group)).map_err(|e| e.to_string());
                    let _ = asked.reply.send(text);
                    return None;
                }
                Err(why) => {
                    let _ = asked.reply.send(Err(why));
                    return None;
                }
            },
            ActionKind::Reset { pattern } => {
                let _ = asked.reply.send(Ok(Self::reset(core, pattern).to_string()));
                return None;
            }
            ActionKind::Set { group, settings } => {
                self.memory.set(&Group::from(group.clone()), settings);
                let _ = asked.reply.send(Ok("OK".to_owned()));
                return None;
            }
        };
        self.next_id += 1;
        self.waiting.insert(self.next_id, asked.reply);
        Some((self.next_id, group, request))
    }

    /// `SENTINEL RESET` is asked to drop dead nodes. Holdfast shows a node that left as down and forgets
    /// it when told by name (`holdfast forget`), so there is nothing to do but count.
    fn reset(core: &SentinelCore, pattern: &str) -> usize {
        let named = |name: &Group| {
            holdfast_protocol::glob_matches(pattern.as_bytes(), name.as_str().as_bytes())
        };
        core.groups().filter(|(name, _)| named(name)).count()
    }

    /// The status of one group or of all, as JSON.
    fn status(
        &self,
        now: Millis,
        core: &SentinelCore,
        decisions: &Decisions,
        group: Option<&Group>,
    ) -> Result<String, String> {
        let full = |name: &Group| -> Option<GroupStatus> {
            let mut status = core.status(now, name)?;
            status.decisions = decisions.of(name);
            for sentinel in &mut status.sentinels {
                sentinel.address = self.addresses.get(&sentinel.name.as_str().into()).cloned();
            }
            Some(status)
        };
        let text = match group {
            Some(name) => {
                let status = full(name).ok_or_else(|| format!("no group is called {name} here"))?;
                serde_json::to_string(&status)
            }
            None => serde_json::to_string(
                &core
                    .groups()
                    .filter_map(|(name, _)| full(name))
                    .collect::<Vec<_>>(),
            ),
        };
        text.map_err(|e| e.to_string())
    }
}

/// The word of a person who means a handoff to an older server.
const ALLOW_DOWNGRADE: &str = "ALLOW-DOWNGRADE";

enum Word {
    Status(Option<Group>),
    Decisions(Group),
    Do(Group, Request),
}

fn parse(core: &SentinelCore, words: &[String]) -> Result<Word, String> {
    let word = words
        .first()
        .map(|w| w.to_ascii_uppercase())
        .unwrap_or_default();
    let group = || match words.get(1) {
        Some(name) => Ok(Group::from(name.clone())),
        None => only_group(core),
    };
    let node = words.get(2).map(|name| Node::from(name.clone()));
    match word.as_str() {
        "STATUS" if words.len() <= 2 => Ok(Word::Status(
            words.get(1).map(|name| Group::from(name.clone())),
        )),
        "DECISIONS" if words.len() <= 2 => Ok(Word::Decisions(group()?)),
        "FAILOVER" if words.len() <= 3 => Ok(Word::Do(group()?, Request::Handoff(node))),
        "FAILOVER" if words.len() == 4 && words[3].eq_ignore_ascii_case(ALLOW_DOWNGRADE) => Ok(
            Word::Do(group()?, Request::Downgrade(node.unwrap_or_default())),
        ),
        "FORCE" if words.len() == 3 => {
            Ok(Word::Do(group()?, Request::Force(node.unwrap_or_default())))
        }
        "FORGET" if words.len() == 2 || words.len() == 3 => {
            Ok(Word::Do(group()?, Request::Forget(node)))
        }
        _ => Err("unknown HOLDFAST request; try HOLDFAST HELP".to_owned()),
    }
}

/// The group that is meant where none is named: an order must not reach one of several by chance.
fn only_group(core: &SentinelCore) -> Result<Group, String> {
    let mut groups = core.groups().map(|(name, _)| name);
    match (groups.next(), groups.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err("there is no group".to_owned()),
        (Some(one), Some(another)) => Err(format!(
            "this sentinel serves several groups, {one} and {another} among them: name one"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_core::mutant::Mutant;
    use holdfast_core::record::Terms;
    use holdfast_core::sentinel::{GroupConfig, Persistent, SentinelSettings};

    fn core(groups: &[&str]) -> SentinelCore {
        let group = |name: &&str| GroupConfig {
            name: Group::from(*name),
            nodes: 3,
            terms: Terms::default(),
            cache: false,
            handoff_pace: 0,
        };
        let settings = SentinelSettings {
            name: "sentinel-0".into(),
            identity: "id".to_owned(),
            run: 1,
            set: ["sentinel-0".into()].into(),
            groups: groups.iter().map(group).collect(),
            mutant: Mutant::None,
        };
        SentinelCore::new(settings, Persistent::default())
    }

    fn order(groups: &[&str], words: &[&str]) -> Result<Group, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match parse(&core(groups), &words)? {
            Word::Do(group, _) | Word::Decisions(group) => Ok(group),
            Word::Status(group) => group.ok_or_else(|| "all".to_owned()),
        }
    }

    #[test]
    fn an_order_without_a_group_is_for_the_only_one() {
        assert_eq!(order(&["one"], &["FAILOVER"]), Ok("one".into()));
        assert_eq!(
            order(&["one", "two"], &["FAILOVER", "two"]),
            Ok("two".into())
        );
        for word in ["FAILOVER", "DECISIONS"] {
            let refused = order(&["one", "two"], &[word]);
            assert!(
                refused.is_err_and(|why| why.contains("one and two")),
                "{word}"
            );
        }
    }
}
