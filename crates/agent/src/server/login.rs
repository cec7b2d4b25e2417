//! How agents, replicas and watchdogs log in, and the proof by which a gate knows a member of the group.
//!
//! All of them log in as the user `holdfast` with the password of the cluster. A redis-server behind a gate does not know
//! that password: as a replica it says a *proof*, the name of its node with a MAC over it under the password, which only an
//! agent can make. The gate checks it and logs the replica in. So nobody who reads what one redis-server is configured with
//! can speak for another node, or order anything.

use super::USER;
use crate::Options;
use holdfast_core::gate::Doorkeeper;
use holdfast_core::names::{Cluster, Group, Node};
use holdfast_link::Secret;

/// What the password is used for here.
const PURPOSE: &str = "replica";

/// The password of the user `holdfast`, and the group in which proofs are worth something.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    password: String,
    cluster: Cluster,
    group: Group,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({}, {})", self.cluster, self.group)
    }
}

impl Login {
    /// With this password, in the group of these options.
    pub fn new(password: &str, options: &Options) -> Self {
        Self {
            password: password.to_owned(),
            cluster: options.cluster.clone(),
            group: options.group.clone(),
        }
    }

    /// The password of the user `holdfast`.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// What the redis-server of this node says at a gate instead of the password.
    pub fn proof(&self, node: &Node) -> String {
        format!("{node}:{}", self.key().prove(&self.parts(node.as_str())))
    }

    fn key(&self) -> Secret {
        Secret::from_bytes(self.password.as_bytes())
    }

    fn parts<'a>(&'a self, node: &'a str) -> [&'a str; 4] {
        [PURPOSE, self.cluster.as_str(), self.group.as_str(), node]
    }
}

impl Doorkeeper for Login {
    fn proves(&self, user: &[u8], password: &[u8]) -> Option<Node> {
        let said = std::str::from_utf8(password).ok()?;
        let (node, mac) = said.rsplit_once(':').filter(|_| user == USER.as_bytes())?;
        let proved = self.key().proves(&self.parts(node), mac);
        proved.then(|| Node::from(node))
    }

    fn login(&self, out: &mut Vec<u8>) {
        holdfast_resp::encode_command(&["AUTH", USER, &self.password], out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(password: &str, cluster: &str, group: &str) -> Login {
        Login {
            password: password.to_owned(),
            cluster: Cluster::from(cluster),
            group: Group::from(group),
        }
    }

    #[test]
    fn a_proof_is_worth_something_in_its_group_and_for_its_node_only() {
        let door = login("password", "prod", "cache");
        let node = Node::from("redis-1");
        let proof = door.proof(&node);
        let proves = |user: &str, said: &str| door.proves(user.as_bytes(), said.as_bytes());
        assert_eq!(proves(USER, &proof), Some(node.clone()));
        assert_eq!(proves("default", &proof), None);
        let (_, mac) = proof.rsplit_once(':').unwrap_or_default();
        for forged in [
            &format!("redis-2:{mac}"),
            &format!("redis-1:{}", "0".repeat(64)),
            &format!("redis-1:{}", &mac[..62]),
            "redis-1:",
            "redis-1",
            "password",
            "",
        ] {
            assert_eq!(proves(USER, forged), None, "{forged}");
        }
        for other in [
            login("other", "prod", "cache"),
            login("password", "test", "cache"),
            login("password", "prod", "queue"),
        ] {
            assert_eq!(proves(USER, &other.proof(&node)), None);
        }
    }

    #[test]
    fn neither_password_nor_proof_is_shown() {
        let shown = format!("{:?}", login("password", "prod", "cache"));
        assert!(!shown.contains("password"), "{shown}");
    }
}
